"""The decisions across pages, taken on keys of a few bytes while the text stays where it is.

Each page claims its URL, each line of a page that won its URL claims its text; a claim says where its
page lies (the number of its part and its row there) and never decides by that place, so the files'
names and order cannot change an outcome. ``dedup.py`` takes the same decisions on pages.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from c4pipe.dedup import UrlClaim

KEY_BYTES = 16  # an md5; 64 bits would merge about 3 lines of a whole crawl by chance, 128 none

Keys = npt.NDArray[np.void]
Places = npt.NDArray[np.void]
LineClaims = npt.NDArray[np.void]

# 128 bits in two words, the most significant first.
KEY = np.dtype([("key", "<u8"), ("key_low", "<u8")])

# A page: the number of its part of the page store, and its row there.
PLACE = np.dtype([("part", "<u4"), ("row", "<u4")])
# A line of a page, by its number there.
LINE_PLACE = np.dtype([("part", "<u4"), ("row", "<u4"), ("line", "<u4")])
# A line's key and its page's rank, each 128 bits in two words, most significant first.
LINE_CLAIM = np.dtype(
    [("key", "<u8"), ("key_low", "<u8"), ("rank", "<u8"), ("rank_low", "<u8"), *LINE_PLACE.descr],
)

URL_CLAIMS = pa.schema(
    [
        ("key", pa.binary(KEY_BYTES)),
        ("timestamp", pa.string()),
        ("text_md5", pa.binary(KEY_BYTES)),
        ("url", pa.string()),
        ("content_type", pa.string()),
        ("content_length", pa.string()),
        ("scopes", pa.uint64()),  # a bit for each scope in which the page competes
        ("part", pa.uint32()),
        ("row", pa.uint32()),
    ]
)


def words(keys: Sequence[bytes]) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]:
    """Return keys of 16 bytes as two columns of words that sort as the bytes do."""
    pairs = np.frombuffer(b"".join(keys), ">u8").astype(np.uint64).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


def bucket_bounds(leading: npt.NDArray[np.uint64], buckets: int) -> npt.NDArray[np.int64]:
    """Return where each of ``buckets`` equal ranges of the key space begins in sorted leading words, and their end.

    >>> bucket_bounds(np.array([0, 1, 2**63, 2**64 - 1], np.uint64), 2).tolist()
    [0, 2, 4]
    """
    edges = np.array([_edge(i, buckets) for i in range(1, buckets)], np.uint64)
    inner = np.searchsorted(leading, edges)
    return np.concatenate(([0], inner, [len(leading)])).astype(np.int64)


def _edge(bucket: int, buckets: int) -> int:
    """The least leading word of a bucket."""
    return -(-(bucket << 64) // buckets)


def bucket_range(leading: Any, bucket: int, buckets: int) -> tuple[int, int]:
    """Return where one bucket begins and ends in sorted leading words, looking at no more than a few of them.

    So of a file that is mapped only a few pages leave the disk, where ``bucket_bounds`` would read it whole.

    >>> bucket_range(np.array([0, 1, 2**63, 2**64 - 1], np.uint64), 1, 2)
    (2, 4)
    """
    first, last = (bisect.bisect_left(leading, _edge(i, buckets), key=int) for i in (bucket, bucket + 1))
    return first, last


def sort_url_claims(claims: pa.Table) -> pa.Table:
    """Return the claims by key, so that a bucket is a slice."""
    return claims.take(np.lexsort(leading_words(claims)[::-1])) if len(claims) else claims


def url_bounds(claims: pa.Table, buckets: int) -> npt.NDArray[np.int64]:
    """Return where each bucket begins in sorted claims."""
    return bucket_bounds(leading_words(claims)[0], buckets)


def url_winners(claims: pa.Table, rank: Callable[[UrlClaim], Any]) -> tuple[Places, Keys]:
    """Return the place of the claim of the greatest rank for each key, and the keys in the same order.

    Claims of equal rank are of pages that are alike; the first of them wins, which changes nothing but the place.
    """
    claims = sort_url_claims(claims.combine_chunks())
    high, low = leading_words(claims)
    starts = _group_starts(high, low)
    sizes = np.diff(np.append(starts, len(high)))
    chosen = starts.copy()
    for group in np.flatnonzero(sizes > 1):
        rivals = claims.slice(starts[group], sizes[group]).select(UrlClaim._fields).to_pylist()
        ranks = [rank(UrlClaim(**rival)) for rival in rivals]
        chosen[group] += ranks.index(max(ranks))
    winners, keys = np.empty(len(chosen), PLACE), np.empty(len(chosen), KEY)
    keys["key"], keys["key_low"] = high[starts], low[starts]
    for name in PLACE.names or ():
        winners[name] = claims.column(name).to_numpy()[chosen]
    return winners, keys


def unique(keys: Iterable[bytes]) -> Keys:
    """Return keys as a sorted array, each once."""
    found = sorted(set(keys))
    array = np.empty(len(found), KEY)
    array["key"], array["key_low"] = words(found)
    return array


def found(keys: Keys, among: Keys) -> npt.NDArray[np.bool_]:
    """Say for each key whether it is among others.

    >>> found(unique([b"a" * 16, b"b" * 16]), unique([b"b" * 16])).tolist()
    [False, True]
    """
    return np.isin(_comparable(keys), _comparable(among))


def _comparable(keys: Keys) -> npt.NDArray[np.bytes_]:
    """The keys as byte strings, which NumPy compares whole."""
    return np.ascontiguousarray(keys).view("S16").reshape(-1)


def line_claims(rows: Iterable[tuple[int, bytes, Sequence[bytes]]], *, part: int) -> LineClaims:
    """Return the sorted claims of one part's pages, given as (row, rank, the keys of its lines).

    A page claims each of its keys once, at the first line that has it.
    """
    keys: list[bytes] = []
    ranks: list[bytes] = []
    places: list[tuple[int, int, int]] = []
    for row, owner, line_keys in rows:
        first = {key: line for line, key in reversed(list(enumerate(line_keys)))}
        keys.extend(first)
        ranks.extend([owner] * len(first))
        places.extend((part, row, line) for line in first.values())
    claims = np.empty(len(keys), LINE_CLAIM)
    claims["key"], claims["key_low"] = words(keys)
    claims["rank"], claims["rank_low"] = words(ranks)
    where = np.array(places, LINE_PLACE)
    for name in LINE_PLACE.names or ():
        claims[name] = where[name]
    return sort_line_claims(claims)


def sort_line_claims(claims: LineClaims) -> LineClaims:
    """Return the claims by key, the least rank of each key first."""
    order = np.lexsort((claims["rank_low"], claims["rank"], claims["key_low"], claims["key"]))
    return claims[order]


def line_owners(claims: LineClaims) -> Places:
    """Return the place of the claim of the least rank for each key, by part, row and line.

    Ranks are unique: the pages that claim lines have won their URLs.
    """
    claims = sort_line_claims(claims)
    first = claims[_group_starts(claims["key"], claims["key_low"])]
    owners = np.empty(len(first), LINE_PLACE)
    for name in LINE_PLACE.names or ():
        owners[name] = first[name]
    return np.sort(owners, order=["part", "row", "line"])


def of_part(places: Places, part: int) -> Places:
    """Return the places of one part, of an array that is sorted by part.

    >>> of_part(np.array([(0, 1), (2, 0), (2, 5)], PLACE), 2)["row"].tolist()
    [0, 5]
    """
    column = places["part"]  # searched by bisect, since NumPy would first copy it whole, of a mapped file from the disk
    first, last = (bisect.bisect_left(column, each, key=int) for each in (part, part + 1))
    return places[first:last]


def leading_words(claims: pa.Table) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]:
    """Return the column ``key`` as two columns of words."""
    pairs = _word_pairs(claims).astype(np.uint64)
    return pairs[:, 0], pairs[:, 1]


def key_range(claims: pa.Table, bucket: int, buckets: int) -> tuple[int, int]:
    """Return where one bucket begins and ends in rows that are sorted by ``key``, as ``bucket_range`` does."""
    return bucket_range(_word_pairs(claims)[:, 0], bucket, buckets)


def _word_pairs(claims: pa.Table) -> npt.NDArray[Any]:
    """The column ``key`` as it lies there, in pairs of big-endian words."""
    column = claims.column("key")
    if column.num_chunks == 1:
        column = column.chunk(0)
    else:  # a table without rows may have no chunk
        column = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
    data = column.buffers()[1]
    raw = b"" if data is None else memoryview(data)[column.offset * KEY_BYTES :][: len(column) * KEY_BYTES]
    return np.frombuffer(raw, ">u8").reshape(-1, 2)


def _group_starts(high: npt.NDArray[np.uint64], low: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
    """Return where each run of equal keys begins in sorted keys."""
    new = np.ones(len(high), bool)
    new[1:] = (high[1:] != high[:-1]) | (low[1:] != low[:-1])
    return np.flatnonzero(new)
