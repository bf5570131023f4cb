"""The names of shard files, in every format of the table."""

from __future__ import annotations

from c4pipe.shards.base import ShardName
from c4pipe.shards.formats import FORMATS, known_format


def shard_name(format: str, split: str, index: int, count: int) -> str:
    """Return the file name of a shard.

    >>> for format in ("tfrecord", "parquet", "jsonl"): print(shard_name(format, "train", 0, 8))
    c4-train.tfrecord-00000-of-00008
    c4-train-00000-of-00008.parquet
    c4-train.00000-of-00008.json.gz
    """
    return known_format(format).file_name(split, index, count)


def parse_name(name: str) -> ShardName | None:
    """Return the parts of a file name, or None if no shard has that name.

    >>> parse_name("c4-en-validation-00003-of-00008.parquet")
    ShardName(format='parquet', split='en-validation', index=3, count=8)
    """
    return next((parts for row in FORMATS.values() if (parts := row.parse(name))), None)
