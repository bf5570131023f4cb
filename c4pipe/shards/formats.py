"""The table of formats: one row a format, which is defined in a file of its own."""

from __future__ import annotations

from collections.abc import Mapping

from c4pipe.shards import jsonl, parquet, tfrecord
from c4pipe.shards.base import Format

FORMATS: Mapping[str, Format] = {
    row.name: row
    for row in (
        tfrecord.TFRECORD,
        parquet.PARQUET,
        jsonl.JSONL,
    )
}


def known_format(name: str) -> Format:
    """Return the row of that name; ValueError if there is none."""
    if name not in FORMATS:
        raise ValueError(f"format {name!r} is unknown; there are {', '.join(FORMATS)}")
    return FORMATS[name]


def recognised_format(name: str) -> Format | None:
    """Return the format that a file name's end stands for, whatever it begins with, or None.

    >>> [row.name for row in map(recognised_format, ("c4-en.tfrecord-00000-of-00008", "a.parquet", "a.jsonl")) if row]
    ['tfrecord', 'parquet', 'jsonl']
    """
    return next((row for row in FORMATS.values() if row.recognises(name)), None)


def preferred(names: set[str]) -> Format:
    """Return the format among ``names`` that is read first."""
    return min((row for row in FORMATS.values() if row.name in names), key=lambda row: row.preference)
