"""Keys and row ids as NumPy arrays: layout, sorting, slicing and lookup.

A key is an MD5 of 16 bytes. A row id names a page, or a line of a page, in the page store. A bucket is one of several
equal ranges of the key space.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from c4pipe.columns import joined
from c4pipe.text.digests import KEY_BYTES

Keys = npt.NDArray[np.void]
RowIds = npt.NDArray[np.void]
Words = npt.NDArray[np.uint64]

# 128 bits in two words, the most significant first.
KEY = np.dtype([("key", "<u8"), ("key_low", "<u8")])

# A page: the number of its part in the page store, and its row in that part.
ROW_ID = np.dtype([("part", "<u4"), ("row", "<u4")])
# A line: the row id of its page, and the number of the line in the page.
LINE_ID = np.dtype([("part", "<u4"), ("row", "<u4"), ("line", "<u4")])


def key_words(keys: Sequence[bytes]) -> tuple[Words, Words]:
    """Return 16-byte keys as two columns of words, which sort as the bytes do. An item may hold several keys."""
    pairs = np.frombuffer(b"".join(keys), ">u8").astype(np.uint64).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


def leading_words(claims: pa.Table) -> tuple[Words, Words]:
    """Return the column ``key`` as two columns of words."""
    pairs = _word_pairs(claims).astype(np.uint64)
    return pairs[:, 0], pairs[:, 1]


def _word_pairs(claims: pa.Table) -> npt.NDArray[Any]:
    """The column ``key`` as pairs of big-endian words, without a copy."""
    column = joined(claims.column("key"))
    data = column.buffers()[1]
    raw = b"" if data is None else memoryview(data)[column.offset * KEY_BYTES :][: len(column) * KEY_BYTES]
    return np.frombuffer(raw, ">u8").reshape(-1, 2)


def bucket_bounds(leading: npt.NDArray[np.uint64], buckets: int) -> npt.NDArray[np.int64]:
    """Return the start of each bucket in sorted leading words, and the end of the last: ``buckets + 1`` numbers.

    >>> bucket_bounds(np.array([0, 1, 2**63, 2**64 - 1], np.uint64), 2).tolist()
    [0, 2, 4]
    """
    edges = np.array([_edge(i, buckets) for i in range(1, buckets)], np.uint64)
    inner = np.searchsorted(leading, edges)
    return np.concatenate(([0], inner, [len(leading)])).astype(np.int64)


def url_bounds(claims: pa.Table, buckets: int) -> npt.NDArray[np.int64]:
    """Return the start of each bucket in claims sorted by key, and the end of the last."""
    return bucket_bounds(leading_words(claims)[0], buckets)


def bucket_range(leading: Any, bucket: int, buckets: int) -> tuple[int, int]:
    """Return the start and end of one bucket in sorted leading words.

    A binary search touches only a few words. So a memory-mapped file is hardly read, unlike in ``bucket_bounds``.

    >>> bucket_range(np.array([0, 1, 2**63, 2**64 - 1], np.uint64), 1, 2)
    (2, 4)
    """
    first, last = (bisect.bisect_left(leading, _edge(i, buckets), key=int) for i in (bucket, bucket + 1))
    return first, last


def key_range(claims: pa.Table, bucket: int, buckets: int) -> tuple[int, int]:
    """Return the start and end of one bucket in rows sorted by ``key``, as ``bucket_range`` does."""
    return bucket_range(_word_pairs(claims)[:, 0], bucket, buckets)


def _edge(bucket: int, buckets: int) -> int:
    """The least leading word of a bucket."""
    return -(-(bucket << 64) // buckets)


def unique_keys(keys: Iterable[bytes]) -> Keys:
    """Return distinct keys as a sorted array. The keys stream in: as Python objects they would take several GB."""
    found = np.fromiter(keys, f"S{KEY_BYTES}")  # of one length: the trailing zeros that NumPy ignores decide nothing
    found.sort()
    pairs = found[~equal_to_last(found)].view(">u8").reshape(-1, 2)
    array = np.empty(len(pairs), KEY)
    array["key"], array["key_low"] = pairs[:, 0], pairs[:, 1]
    return array


def equal_to_last(*columns: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Return for each row whether it equals the row before."""
    equal = np.zeros(len(columns[0]), bool)
    equal[1:] = np.logical_and.reduce([column[1:] == column[:-1] for column in columns])
    return equal


def group_starts(high: Words, low: Words) -> npt.NDArray[np.int64]:
    """Return the start of each run of equal keys in sorted keys."""
    return np.flatnonzero(~equal_to_last(high, low))


def is_among(keys: Keys, among: Keys) -> npt.NDArray[np.bool_]:
    """Return for each key whether ``among`` contains it.

    >>> is_among(unique_keys([b"a" * 16, b"b" * 16]), unique_keys([b"b" * 16])).tolist()
    [False, True]
    """
    return np.isin(_comparable(keys), _comparable(among))


def _comparable(keys: Keys) -> npt.NDArray[np.bytes_]:
    """The keys as byte strings, which NumPy compares as a whole."""
    return np.ascontiguousarray(keys).view("S16").reshape(-1)


def sort_by_part(row_ids: RowIds) -> RowIds:
    """Return row ids sorted by part. The sort is stable."""
    return row_ids[np.argsort(row_ids["part"], kind="stable")]


def sort_row_ids(row_ids: RowIds) -> RowIds:
    """Return row ids sorted by part, row and, for lines, line.

    >>> sort_row_ids(np.array([(1, 0), (0, 7), (0, 2)], ROW_ID)).tolist()
    [(0, 2), (0, 7), (1, 0)]
    """
    of_lines = "line" in (row_ids.dtype.names or ())
    within = row_ids["row"].astype(np.uint64) << 32
    if of_lines:
        within |= row_ids["line"]
    if (row_ids["part"] != row_ids["part"][:1]).any():
        return sort_by_part(row_ids[np.argsort(within)])
    within.sort()
    ordered = row_ids.copy()  # all have the same part
    ordered["row"] = within >> 32
    if of_lines:
        ordered["line"] = within & 0xFFFFFFFF
    return ordered


def row_ids_of_part(row_ids: RowIds, part: int) -> RowIds:
    """Return the row ids of one part, from an array sorted by part.

    >>> row_ids_of_part(np.array([(0, 1), (2, 0), (2, 5)], ROW_ID), 2)["row"].tolist()
    [0, 5]
    """
    column = row_ids["part"]  # bisect, since NumPy would first copy the whole column, from disk where it is mapped
    first, last = (bisect.bisect_left(column, each, key=int) for each in (part, part + 1))
    return row_ids[first:last]


def copied_to_memory(rows: pa.Table) -> pa.Table:
    """Return a copy in memory of rows in a memory-mapped file.

    A process can map some 65,000 files at most, and a build of several crawls has more parts.
    """
    return rows.take(pa.array(np.arange(len(rows)))) if len(rows) else rows.schema.empty_table()
