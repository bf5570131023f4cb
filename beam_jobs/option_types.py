"""How the values of a build's options are parsed; a value that cannot be is refused with what it must be."""

from __future__ import annotations

import argparse

from c4pipe.shards import read_write
from c4pipe.shards.documents import SEEDS


def formats(text: str) -> tuple[str, ...]:
    """Return the names of shard formats, each once.

    >>> formats("parquet,jsonl")
    ('parquet', 'jsonl')
    """
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    if not names or not set(names) <= set(read_write.FORMATS):
        raise argparse.ArgumentTypeError(
            f"{text!r} must be any of {', '.join(read_write.FORMATS)}, separated by commas"
        )
    return names


def not_empty(text: str) -> str:
    """Return the text; an empty one, such as an unset variable of a script, is refused.

    >>> not_empty("wet/*.gz,")
    'wet/*.gz,'
    """
    if not text.strip(", "):
        raise argparse.ArgumentTypeError(f"{text!r} names nothing; give a value, or leave the option out")
    return text


def positive(text: str) -> int:
    """Return a whole number of at least 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} must be a whole number of at least 1")
    return int(text)


def not_negative(text: str) -> int:
    """Return a whole number of at least 0."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} must be a whole number of at least 0")
    return int(text)


def seed_64(text: str) -> int:
    """Return a seed of 64 bits.

    >>> seed_64("18446744073709551615") == 2**64 - 1
    True
    """
    if not text.isdecimal() or int(text) >= SEEDS:
        raise argparse.ArgumentTypeError(f"{text!r} must be a whole number from 0 to 2**64 - 1")
    return int(text)
