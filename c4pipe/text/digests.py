"""MD5 digests of texts, single or in columns: the keys of pages, URLs and lines."""

from __future__ import annotations

import hashlib

import pyarrow as pa

from c4pipe import engine
from c4pipe.columns import utf8

KEY_BYTES = 16  # size of an MD5; keys of 64 bits would merge some 3 lines of a crawl by chance, of 128 none


def md5(text: str) -> bytes:
    """Return the MD5 of the UTF-8 of a text, 16 bytes."""
    return hashlib.md5(text.encode("utf-8"), usedforsecurity=False).digest()


def md5s(column: pa.Array) -> bytes:
    """Return the ``md5`` of each string of a column, concatenated. Many at a time take a fraction of the time."""
    if (twin := engine.twin("keys")) is None:
        return b"".join(map(md5, column.to_pylist()))
    packed: bytes = twin.md5s(*utf8(column))
    return packed
