"""The type of a format of shards, which is a row of the table in ``formats.py``, and of the names of its files."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO

import pyarrow as pa

from c4pipe.shards.documents import DIGESTED, FIELDS

DATASET = "c4"
SPLIT = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:-[A-Za-z0-9]+)*")  # "train", "bg-Latn-validation"
SHARD = r"(?P<index>\d{5,})-of-(?P<count>\d{5,})"


@dataclass(frozen=True, slots=True)
class ShardName:
    """The parts of a shard's file name."""

    format: str
    split: str
    index: int
    count: int

    @property
    def place(self) -> str:
        """Return the shard's number in its split as file names have it: ``00000-of-00008``."""
        return f"{self.index:05}-of-{self.count:05}"


@dataclass(frozen=True, slots=True)
class ShardInfo:
    """A shard file as it was written. The manifest holds it as ``dataclasses.asdict`` gives it."""

    name: str
    split: str
    format: str
    documents: int
    bytes: int
    sha256: str  # of the file
    content_digest: str  # of url, timestamp and text, see ``documents.Digest``; the same in every format


Write = Callable[[BinaryIO, Iterator[pa.Table]], None]
Read = Callable[[BinaryIO, str, int], Iterator[dict[str, str]]]
ReadRows = Callable[[BinaryIO, str, Collection[str]], Iterator[Mapping[str, object]]]
Beside = Callable[[Mapping[ShardName, ShardInfo], str, str], dict[str, bytes]]


@dataclass(frozen=True, kw_only=True)
class Format:
    """One format of shards."""

    name: str  # as in ``--format`` and the manifest
    template: str  # of file names, with {split} and {shard}
    endings: str  # regular expression for the ends of file names, ours and other tools'
    preference: int  # where a folder holds several formats, the one with the least is read
    write: Write  # (stream, pieces): the pieces as ``documents.batches`` makes them; the stream stays open
    read: Read  # (stream, path, start): the documents from number ``start`` on; DamagedShard for a damaged file
    fields: tuple[str, ...] = FIELDS  # the fields that its shards hold
    rows: ReadRows | None = None  # (stream, path, wanted): the wanted fields, whoever wrote the file; None: as ``read``
    beside: Beside | None = None  # (shards, variant, version): further files for the folder, by name

    def __post_init__(self) -> None:
        if not set(DIGESTED) <= set(self.fields) <= set(FIELDS):
            raise ValueError(
                f"format {self.name!r} holds {', '.join(self.fields)}; it must hold {', '.join(DIGESTED)}, "
                f"and may hold others of {', '.join(FIELDS)}"
            )

    def file_name(self, split: str, index: int, count: int) -> str:
        """Return the file name of a shard; ValueError where the split or the index cannot be."""
        if not SPLIT.fullmatch(split):
            raise ValueError(f"split {split!r} must be of letters and digits, parted by single hyphens, a letter first")
        if not 0 <= index < count:
            raise ValueError(f"shard {index} of {count}: the index must lie in [0, {count})")
        return self.template.format(split=split, shard=ShardName(self.name, split, index, count).place)

    def parse(self, name: str) -> ShardName | None:
        """Return the parts of a file name, or None if no shard of this format has that name."""
        pattern = re.escape(self.template).replace(r"\{split\}", f"(?P<split>{SPLIT.pattern})")
        match = re.fullmatch(pattern.replace(r"\{shard\}", SHARD), name)  # re keeps the compiled pattern
        return ShardName(self.name, match["split"], int(match["index"]), int(match["count"])) if match else None

    def recognises(self, name: str) -> bool:
        """Return whether a file name ends as this format's do."""
        return re.search(rf"(?:{self.endings})\Z", name) is not None

    def read_rows(self, stream: BinaryIO, path: str, wanted: Collection[str]) -> Iterator[Mapping[str, object]]:
        """Yield each row of a file, whoever wrote it, with the ``wanted`` fields that it has, and maybe others."""
        return self.rows(stream, path, wanted) if self.rows else self.read(stream, path, 0)
