"""The names of shard files, and what is told about a file that was written."""

from __future__ import annotations

import re
from dataclasses import dataclass

FORMATS = ("tfrecord", "parquet", "jsonl")
DATASET = "c4"
NAMES = {  # TFDS's default, the Hugging Face Hub's custom, allenai/c4
    "tfrecord": DATASET + "-{split}.tfrecord-{shard}",
    "parquet": DATASET + "-{split}-{shard}.parquet",
    "jsonl": DATASET + "-{split}.{shard}.json.gz",
}
MARKS = {
    "tfrecord": re.compile(r"\.tfrecord(-|$)"),
    "parquet": re.compile(r"\.parquet$"),
    "jsonl": re.compile(r"\.json\.gz$"),
}
SPLIT = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:-[A-Za-z0-9]+)*")  # "train", "bg-Latn-validation"
SHARD = r"(?P<index>\d{5,})-of-(?P<count>\d{5,})"
PATTERNS = {
    format: re.compile(
        re.escape(name).replace(r"\{split\}", f"(?P<split>{SPLIT.pattern})").replace(r"\{shard\}", SHARD)
    )
    for format, name in NAMES.items()
}


@dataclass(frozen=True, slots=True)
class ShardName:
    """What the name of a shard file says."""

    format: str
    split: str
    index: int
    count: int

    def __str__(self) -> str:
        return shard_name(self.format, self.split, self.index, self.count)


@dataclass(frozen=True, slots=True)
class ShardInfo:
    """A shard file as it was written: for the manifest, where ``dataclasses.asdict`` puts it."""

    name: str
    split: str
    format: str
    documents: int
    bytes: int
    sha256: str  # of the file
    content_digest: str  # of url, timestamp and text, see ``documents.Digest``; the same in every format


def known_format(format: str) -> str:
    """The format, if it is one of ``FORMATS``."""
    if format not in FORMATS:
        raise ValueError(f"format {format!r} is unknown; there are {', '.join(FORMATS)}")
    return format


def shard_name(format: str, split: str, index: int, count: int) -> str:
    """The file name of a shard.

    >>> for format in FORMATS: print(shard_name(format, "train", 0, 8))
    c4-train.tfrecord-00000-of-00008
    c4-train-00000-of-00008.parquet
    c4-train.00000-of-00008.json.gz
    """
    if not SPLIT.fullmatch(split):
        raise ValueError(f"split {split!r} must be of letters and digits, parted by single hyphens, a letter first")
    if not 0 <= index < count:
        raise ValueError(f"shard {index} of {count}: the index must lie in [0, {count})")
    return NAMES[known_format(format)].format(split=split, shard=f"{index:05}-of-{count:05}")


def parse_name(name: str) -> ShardName | None:
    """What the file name says, or None where it is no shard's.

    >>> parse_name("c4-en-validation-00003-of-00008.parquet")
    ShardName(format='parquet', split='en-validation', index=3, count=8)
    """
    for format, pattern in PATTERNS.items():
        if match := pattern.fullmatch(name):
            return ShardName(format, match["split"], int(match["index"]), int(match["count"]))
    return None


def format_of(name: str) -> str:
    """The format that the ending of a file name tells, whatever it begins with."""
    for format, mark in MARKS.items():
        if mark.search(name):
            return format
    raise ValueError(f"{name}: no shard has such a name; they look like {', '.join(NAMES.values())}")
