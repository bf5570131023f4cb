"""MD5 of texts, one or a column of them: what pages, URLs and lines are told apart by."""

from __future__ import annotations

import hashlib

import pyarrow as pa

from c4pipe import engine
from c4pipe.columns import utf8

KEY_BYTES = 16  # of an MD5; 64 bits would merge about 3 lines of a whole crawl by chance, 128 none


def md5(text: str) -> bytes:
    """MD5 of the text's UTF-8, 16 bytes."""
    return hashlib.md5(text.encode("utf-8"), usedforsecurity=False).digest()


def md5s(column: pa.Array) -> bytes:
    """``md5`` of each string of a column, one behind the other: many at a time take a fraction of the time."""
    if (twin := engine.twin("keys")) is None:
        return b"".join(map(md5, column.to_pylist()))
    packed: bytes = twin.md5s(*utf8(column))
    return packed
