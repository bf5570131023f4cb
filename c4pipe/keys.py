"""The decisions across pages, taken on keys of a few bytes while the text stays where it is.

Each page claims its URL, each line of a page that won its URL claims its text; a claim says where its
page lies (the number of its part and its row there) and never decides by that place, so the files'
names and order cannot change an outcome. ``dedup.py`` takes the same decisions on pages.
"""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from c4pipe import engine
from c4pipe.batch import joined
from c4pipe.dedup import UrlClaim
from c4pipe.digests import KEY_BYTES

Keys = npt.NDArray[np.void]
Places = npt.NDArray[np.void]
LineClaims = npt.NDArray[np.void]
Words = npt.NDArray[np.uint64]

RIVALS = 4096  # claims that are looked at together

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


def words(keys: Sequence[bytes]) -> tuple[Words, Words]:
    """Return keys of 16 bytes as two columns of words that sort as the bytes do; several may stand in one item."""
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


def copied(rows: pa.Table) -> pa.Table:
    """Return rows that nothing but memory holds, of rows that lie in a mapped file.

    A process can have no more than some 65,000 files mapped, and a build of several crawls has more parts.
    """
    return rows.take(pa.array(np.arange(len(rows)))) if len(rows) else rows.schema.empty_table()


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
    shared = sizes > 1
    rivals = claims.select(UrlClaim._fields).filter(pa.array(np.repeat(shared, sizes)))
    some = rivals.to_batches(max_chunksize=RIVALS)
    ranks = (rank(claim) for each in some for claim in map(UrlClaim, *(column.to_pylist() for column in each.columns)))
    for group in np.flatnonzero(shared):
        of_group = list(itertools.islice(ranks, int(sizes[group])))
        chosen[group] += of_group.index(max(of_group))
    winners, keys = np.empty(len(chosen), PLACE), np.empty(len(chosen), KEY)
    keys["key"], keys["key_low"] = high[starts], low[starts]
    for name in PLACE.names or ():
        winners[name] = claims.column(name).to_numpy()[chosen]
    return winners, keys


def unique(keys: Iterable[bytes]) -> Keys:
    """Return keys as a sorted array, each once; they come one by one, since as objects they would take several GB."""
    found = np.fromiter(keys, f"S{KEY_BYTES}")  # all of one length, so that the zeros that NumPy ignores decide nothing
    found.sort()
    pairs = found[~_equal_to_last(found)].view(">u8").reshape(-1, 2)
    array = np.empty(len(pairs), KEY)
    array["key"], array["key_low"] = pairs[:, 0], pairs[:, 1]
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


def line_claims(
    rows: npt.NDArray[Any], ranks: bytes, packed: bytes, counts: npt.NDArray[Any], *, part: int
) -> LineClaims:
    """Return the sorted claims of one part's pages: a row and a rank each, and of all their lines the keys.

    ``counts`` says how many keys each page has. Each key is claimed once, by the page of the least rank that has it,
    at its first line that does: a line of every page's makes no more claims than there are parts.
    """
    key, key_low = words([packed])
    rank, rank_low = words([ranks])
    chosen = least_of_each(key, key_low, np.repeat(rank, counts), np.repeat(rank_low, counts))
    page = np.repeat(np.arange(len(rows)), counts)[chosen]
    claims = np.empty(len(chosen), LINE_CLAIM)
    columns = (key[chosen], key_low[chosen], rank[page], rank_low[page], part, rows[page])
    for name, column in zip(LINE_CLAIM.names or (), columns, strict=False):
        claims[name] = column
    claims["line"] = chosen - (np.cumsum(counts) - counts)[page]
    return claims


def line_owners(claims: LineClaims) -> Places:
    """Return the place of the claim of the least rank for each key, by part.

    No two pages have one rank: those that claim lines have won their URLs.
    """
    words_of = (np.ascontiguousarray(claims[name]) for name in ("key", "key_low", "rank", "rank_low"))
    chosen = np.sort(least_of_each(*words_of))  # as they came, so by part where the claims came so
    owners = np.empty(len(chosen), LINE_PLACE)
    for name in LINE_PLACE.names or ():
        owners[name] = claims[name][chosen]
    return by_part(owners)


def least_of_each(key: Words, key_low: Words, rank: Words, rank_low: Words) -> npt.NDArray[np.int64]:
    """Return where the claim of the least rank stands for each key, by key; of equal ones the first.

    >>> key, rank = np.array([7, 5, 7, 5], np.uint64), np.array([2, 4, 1, 4], np.uint64)
    >>> least_of_each(key, key, rank, rank).tolist()
    [1, 2]
    """
    if twin := engine.twin("claims"):
        return np.frombuffer(twin.least_of_each(key, key_low, rank, rank_low), np.int64)
    order = _by_key(key, key_low)
    first = _group_starts(key[order], key_low[order])
    chosen, sizes = order[first], np.diff(np.append(first, len(order)))
    shared = sizes > 1
    rivals, sizes = order[np.repeat(shared, sizes)], sizes[shared]
    first = np.cumsum(sizes) - sizes
    least = np.ones(len(rivals), bool)
    for word in (rank, rank_low):  # the second word decides among those whose first is the least
        ranks = np.where(least, word[rivals], np.uint64(2**64 - 1))
        least &= ranks == np.repeat(_least(ranks, first), sizes)
    chosen[shared] = _least(np.where(least, rivals, len(order)), first)
    return chosen


def _least(values: Any, first: npt.NDArray[np.int64]) -> Any:
    """The least value of each group, given where each begins."""
    return np.minimum.reduceat(values, first) if len(first) else values


def _by_key(high: Words, low: Words) -> npt.NDArray[np.int64]:
    """Return an order of keys in which equal ones stand together."""
    order = np.argsort(high)
    mixed = _equal_to_last(high[order]) & ~_equal_to_last(low[order])  # the first words alone are equal: hardly ever
    return np.lexsort((low, high)) if mixed.any() else order


def _equal_to_last(*columns: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Say of each row whether it equals the one before it."""
    equal = np.zeros(len(columns[0]), bool)
    equal[1:] = np.logical_and.reduce([column[1:] == column[:-1] for column in columns])
    return equal


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


def leading_words(claims: pa.Table) -> tuple[Words, Words]:
    """Return the column ``key`` as two columns of words."""
    pairs = _word_pairs(claims).astype(np.uint64)
    return pairs[:, 0], pairs[:, 1]


def key_range(claims: pa.Table, bucket: int, buckets: int) -> tuple[int, int]:
    """Return where one bucket begins and ends in rows that are sorted by ``key``, as ``bucket_range`` does."""
    return bucket_range(_word_pairs(claims)[:, 0], bucket, buckets)


def _word_pairs(claims: pa.Table) -> npt.NDArray[Any]:
    """The column ``key`` as it lies there, in pairs of big-endian words."""
    column = joined(claims.column("key"))
    data = column.buffers()[1]
    raw = b"" if data is None else memoryview(data)[column.offset * KEY_BYTES :][: len(column) * KEY_BYTES]
    return np.frombuffer(raw, ">u8").reshape(-1, 2)


def _group_starts(high: Words, low: Words) -> npt.NDArray[np.int64]:
    """Return where each run of equal keys begins in sorted keys."""
    return np.flatnonzero(~_equal_to_last(high, low))
