"""Keys and row_ids as arrays: how they lie, and how they are sorted, cut and found.

A key is an MD5; a place says where a page or a line lies, and a bucket is an equal range of keys.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from c4pipe.batch import joined
from c4pipe.text.digests import KEY_BYTES

Keys = npt.NDArray[np.void]
RowIds = npt.NDArray[np.void]
Words = npt.NDArray[np.uint64]

# 128 bits in two words, the most significant first.
KEY = np.dtype([("key", "<u8"), ("key_low", "<u8")])

# A page: the number of its part of the page store, and its row there.
ROW_ID = np.dtype([("part", "<u4"), ("row", "<u4")])
# A line of a page, by its number there.
LINE_ID = np.dtype([("part", "<u4"), ("row", "<u4"), ("line", "<u4")])


def key_words(keys: Sequence[bytes]) -> tuple[Words, Words]:
    """Return keys of 16 bytes as two columns of words that sort as the bytes do; several may stand in one item."""
    pairs = np.frombuffer(b"".join(keys), ">u8").astype(np.uint64).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


def leading_words(claims: pa.Table) -> tuple[Words, Words]:
    """Return the column ``key`` as two columns of words."""
    pairs = _word_pairs(claims).astype(np.uint64)
    return pairs[:, 0], pairs[:, 1]


def _word_pairs(claims: pa.Table) -> npt.NDArray[Any]:
    """The column ``key`` as it lies there, in pairs of big-endian words."""
    column = joined(claims.column("key"))
    data = column.buffers()[1]
    raw = b"" if data is None else memoryview(data)[column.offset * KEY_BYTES :][: len(column) * KEY_BYTES]
    return np.frombuffer(raw, ">u8").reshape(-1, 2)


def bucket_bounds(leading: npt.NDArray[np.uint64], buckets: int) -> npt.NDArray[np.int64]:
    """Return where each of ``buckets`` equal ranges of the key space begins in sorted leading words, and their end.

    >>> bucket_bounds(np.array([0, 1, 2**63, 2**64 - 1], np.uint64), 2).tolist()
    [0, 2, 4]
    """
    edges = np.array([_edge(i, buckets) for i in range(1, buckets)], np.uint64)
    inner = np.searchsorted(leading, edges)
    return np.concatenate(([0], inner, [len(leading)])).astype(np.int64)


def url_bounds(claims: pa.Table, buckets: int) -> npt.NDArray[np.int64]:
    """Return where each bucket begins in sorted claims."""
    return bucket_bounds(leading_words(claims)[0], buckets)


def bucket_range(leading: Any, bucket: int, buckets: int) -> tuple[int, int]:
    """Return where one bucket begins and ends in sorted leading words, looking at no more than a few of them.

    So of a file that is mapped only a few pages leave the disk, where ``bucket_bounds`` would read it whole.

    >>> bucket_range(np.array([0, 1, 2**63, 2**64 - 1], np.uint64), 1, 2)
    (2, 4)
    """
    first, last = (bisect.bisect_left(leading, _edge(i, buckets), key=int) for i in (bucket, bucket + 1))
    return first, last


def key_range(claims: pa.Table, bucket: int, buckets: int) -> tuple[int, int]:
    """Return where one bucket begins and ends in rows that are sorted by ``key``, as ``bucket_range`` does."""
    return bucket_range(_word_pairs(claims)[:, 0], bucket, buckets)


def _edge(bucket: int, buckets: int) -> int:
    """The least leading word of a bucket."""
    return -(-(bucket << 64) // buckets)


def unique_keys(keys: Iterable[bytes]) -> Keys:
    """Return keys as a sorted array, each once; they come one by one, since as objects they would take several GB."""
    found = np.fromiter(keys, f"S{KEY_BYTES}")  # all of one length, so that the zeros that NumPy ignores decide nothing
    found.sort()
    pairs = found[~equal_to_last(found)].view(">u8").reshape(-1, 2)
    array = np.empty(len(pairs), KEY)
    array["key"], array["key_low"] = pairs[:, 0], pairs[:, 1]
    return array


def equal_to_last(*columns: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Say of each row whether it equals the one before it."""
    equal = np.zeros(len(columns[0]), bool)
    equal[1:] = np.logical_and.reduce([column[1:] == column[:-1] for column in columns])
    return equal


def group_starts(high: Words, low: Words) -> npt.NDArray[np.int64]:
    """Return where each run of equal keys begins in sorted keys."""
    return np.flatnonzero(~equal_to_last(high, low))


def is_among(keys: Keys, among: Keys) -> npt.NDArray[np.bool_]:
    """Say for each key whether it is among others.

    >>> is_among(unique_keys([b"a" * 16, b"b" * 16]), unique_keys([b"b" * 16])).tolist()
    [False, True]
    """
    return np.isin(_comparable(keys), _comparable(among))


def _comparable(keys: Keys) -> npt.NDArray[np.bytes_]:
    """The keys as byte strings, which NumPy compares whole."""
    return np.ascontiguousarray(keys).view("S16").reshape(-1)


def sort_by_part(row_ids: RowIds) -> RowIds:
    """Return row_ids by part; those of a part stay as they stand."""
    return row_ids[np.argsort(row_ids["part"], kind="stable")]


def sort_row_ids(row_ids: RowIds) -> RowIds:
    """Return row_ids by part, row and, if they are of lines, line.

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
    ordered = row_ids.copy()  # the part of all is that of each
    ordered["row"] = within >> 32
    if of_lines:
        ordered["line"] = within & 0xFFFFFFFF
    return ordered


def row_ids_of_part(row_ids: RowIds, part: int) -> RowIds:
    """Return the row_ids of one part, of an array that is sorted by part.

    >>> row_ids_of_part(np.array([(0, 1), (2, 0), (2, 5)], ROW_ID), 2)["row"].tolist()
    [0, 5]
    """
    column = row_ids[
        "part"
    ]  # searched by bisect, since NumPy would first copy it whole, of a mapped file from the disk
    first, last = (bisect.bisect_left(column, each, key=int) for each in (part, part + 1))
    return row_ids[first:last]


def copied_to_memory(rows: pa.Table) -> pa.Table:
    """Return rows that nothing but memory holds, of rows that lie in a mapped file.

    A process can have no more than some 65,000 files mapped, and a build of several crawls has more parts.
    """
    return rows.take(pa.array(np.arange(len(rows)))) if len(rows) else rows.schema.empty_table()
