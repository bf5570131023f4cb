"""Keys and places as arrays: how they lie, and how they are sorted, cut and found.

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
Places = npt.NDArray[np.void]
Words = npt.NDArray[np.uint64]

# 128 bits in two words, the most significant first.
KEY = np.dtype([("key", "<u8"), ("key_low", "<u8")])

# A page: the number of its part of the page store, and its row there.
PLACE = np.dtype([("part", "<u4"), ("row", "<u4")])
# A line of a page, by its number there.
LINE_PLACE = np.dtype([("part", "<u4"), ("row", "<u4"), ("line", "<u4")])


def words(keys: Sequence[bytes]) -> tuple[Words, Words]:
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


def unique(keys: Iterable[bytes]) -> Keys:
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


def found(keys: Keys, among: Keys) -> npt.NDArray[np.bool_]:
    """Say for each key whether it is among others.

    >>> found(unique([b"a" * 16, b"b" * 16]), unique([b"b" * 16])).tolist()
    [False, True]
    """
    return np.isin(_comparable(keys), _comparable(among))


def _comparable(keys: Keys) -> npt.NDArray[np.bytes_]:
    """The keys as byte strings, which NumPy compares whole."""
    return np.ascontiguousarray(keys).view("S16").reshape(-1)


def by_part(places: Places) -> Places:
    """Return places by part; those of a part stay as they stand."""
    return places[np.argsort(places["part"], kind="stable")]


def in_order(places: Places) -> Places:
    """Return places by part, row and, if they are of lines, line.

    >>> in_order(np.array([(1, 0), (0, 7), (0, 2)], PLACE)).tolist()
    [(0, 2), (0, 7), (1, 0)]
    """
    of_lines = "line" in (places.dtype.names or ())
    within = places["row"].astype(np.uint64) << 32
    if of_lines:
        within |= places["line"]
    if (places["part"] != places["part"][:1]).any():
        return by_part(places[np.argsort(within)])
    within.sort()
    ordered = places.copy()  # the part of all is that of each
    ordered["row"] = within >> 32
    if of_lines:
        ordered["line"] = within & 0xFFFFFFFF
    return ordered


def of_part(places: Places, part: int) -> Places:
    """Return the places of one part, of an array that is sorted by part.

    >>> of_part(np.array([(0, 1), (2, 0), (2, 5)], PLACE), 2)["row"].tolist()
    [0, 5]
    """
    column = places["part"]  # searched by bisect, since NumPy would first copy it whole, of a mapped file from the disk
    first, last = (bisect.bisect_left(column, each, key=int) for each in (part, part + 1))
    return places[first:last]


def copied(rows: pa.Table) -> pa.Table:
    """Return rows that nothing but memory holds, of rows that lie in a mapped file.

    A process can have no more than some 65,000 files mapped, and a build of several crawls has more parts.
    """
    return rows.take(pa.array(np.arange(len(rows)))) if len(rows) else rows.schema.empty_table()
