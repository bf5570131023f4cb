"""The shards of C4: TFRecord for TFDS, Parquet for ``datasets`` and Arrow, JSON lines as in the public release.

The bytes of a shard are a function of its documents, their order, and the versions of pyarrow and deflate alone; its
content has a digest that outlives those. The order is the caller's: by ``shard_of``, and within a shard by
``(document_key, url)``.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterable, Iterator
from typing import BinaryIO, cast

import pyarrow as pa

from c4pipe.fs import files
from c4pipe.shards.documents import (
    FIELDS,
    DamagedShard,
    Digest,
    batches,
    checked,
    content_digest,
    document_key,
    shard_of,
    table,
)
from c4pipe.shards.folder import find_shards, verify
from c4pipe.shards.formats import READERS, WRITERS
from c4pipe.shards.names import FORMATS, ShardInfo, ShardName, format_of, known_format, parse_name, shard_name
from c4pipe.shards.tfds_info import dataset_info

__all__ = [
    "FIELDS",
    "FORMATS",
    "DamagedShard",
    "ShardInfo",
    "ShardName",
    "content_digest",
    "dataset_info",
    "document_key",
    "find_shards",
    "parse_name",
    "read_documents",
    "shard_name",
    "shard_of",
    "table",
    "verify",
    "write_shard",
]


class _Counted(io.RawIOBase):
    """Passes bytes on to a stream, counted and hashed; closing it leaves the stream open."""

    def __init__(self, stream: BinaryIO) -> None:
        self.stream = stream
        self.bytes = 0
        self.sha256 = hashlib.sha256()

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.bytes

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self.stream.write(data)
        self.sha256.update(data)
        self.bytes += len(data)
        return len(data)


def write_shard(
    format: str, stream: BinaryIO, documents: pa.Table | Iterable[pa.Table], *, name: str = ""
) -> ShardInfo:
    """Write all documents, in their order, as one shard; the file's name, where given, tells the split.

    The table, or each of the tables that follow one another, has the columns of ``FIELDS`` as strings without nulls, as
    ``table`` makes it; others are left out. How the documents are parted leaves no trace.
    """
    write = WRITERS[known_format(format)]
    told = parse_name(name)
    tables = [documents] if isinstance(documents, pa.Table) else documents
    counted, digest, number = _Counted(stream), Digest(), 0

    def digested() -> Iterator[pa.Table]:
        nonlocal number
        for piece in batches(map(checked, tables)):
            number += piece.num_rows
            digest.add_piece(piece)
            yield piece

    write(cast(BinaryIO, counted), digested())
    return ShardInfo(
        name=name,
        split=told.split if told else "",
        format=format,
        documents=number,
        bytes=counted.bytes,
        sha256=counted.sha256.hexdigest(),
        content_digest=digest.hex(),
    )


def read_documents(path: str | os.PathLike[str], start: int = 0) -> Iterator[dict[str, str]]:
    """Yield the documents of a shard from number ``start`` on, as mappings of those ``FIELDS`` that its format holds.

    The name tells the format. What comes before ``start`` costs nothing in Parquet but the rest of one row group, is
    read but not parsed in TFRecord, and is inflated in JSON lines.
    """
    path = os.fspath(path)
    if start < 0:
        raise ValueError(f"start is {start}, but must be 0 or more documents")
    read = READERS[format_of(os.path.basename(path))]
    with files.open_read(path) as stream:
        yield from read(stream, path, start)
