"""Decisions across pages, taken on keys of a few bytes while the text stays in the page store.

Each page claims its URL. Each line of a page that won its URL claims its text. A claim carries the row id of its page,
but no decision depends on it: neither names nor order of files can change an outcome. ``dedup/base.py`` takes the same
decisions on whole pages.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from c4pipe import engine
from c4pipe.dedup.base import UrlClaim
from c4pipe.dedup.key_arrays import (
    KEY,
    LINE_ID,
    ROW_ID,
    Keys,
    RowIds,
    Words,
    equal_to_last,
    group_starts,
    key_words,
    leading_words,
    sort_by_part,
)
from c4pipe.text.digests import KEY_BYTES

LineClaims = npt.NDArray[np.void]

RIVALS = 4096  # claims that become Python objects at a time

# A line's key and its page's rank, each 128 bits in two words, most significant first.
LINE_CLAIM = np.dtype(
    [("key", "<u8"), ("key_low", "<u8"), ("rank", "<u8"), ("rank_low", "<u8"), *LINE_ID.descr],
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


def sort_url_claims(claims: pa.Table) -> pa.Table:
    """Return the claims sorted by key, so that a bucket is a slice."""
    return claims.take(np.lexsort(leading_words(claims)[::-1])) if len(claims) else claims


def url_winners(claims: pa.Table, rank: Callable[[UrlClaim], Any]) -> tuple[RowIds, Keys]:
    """Return for each key the row id of the claim of the greatest rank, and the keys in the same order.

    Claims of equal rank belong to equal pages. The first of them wins, which changes only the row id.
    """
    claims = sort_url_claims(claims.combine_chunks())
    high, low = leading_words(claims)
    starts = group_starts(high, low)
    sizes = np.diff(np.append(starts, len(high)))
    chosen = starts.copy()
    shared = sizes > 1
    rivals = claims.select(UrlClaim._fields).filter(pa.array(np.repeat(shared, sizes)))
    some = rivals.to_batches(max_chunksize=RIVALS)
    ranks = (rank(claim) for each in some for claim in map(UrlClaim, *(column.to_pylist() for column in each.columns)))
    for group in np.flatnonzero(shared):
        of_group = list(itertools.islice(ranks, int(sizes[group])))
        chosen[group] += of_group.index(max(of_group))
    winners, keys = np.empty(len(chosen), ROW_ID), np.empty(len(chosen), KEY)
    keys["key"], keys["key_low"] = high[starts], low[starts]
    for name in ROW_ID.names or ():
        winners[name] = claims.column(name).to_numpy()[chosen]
    return winners, keys


def line_claims(
    rows: npt.NDArray[Any], ranks: bytes, packed: bytes, counts: npt.NDArray[Any], *, part: int
) -> LineClaims:
    """Return the claims of the lines of one part, sorted by key.

    ``rows`` and ``ranks`` (16 bytes each) have an item a page. ``packed`` holds the keys of all lines, 16 bytes each;
    ``counts`` says how many belong to each page. One claim per key and part: the first such line of the lowest-ranked
    page. So a line on every page yields one claim a part.
    """
    key, key_low = key_words([packed])
    rank, rank_low = key_words([ranks])
    chosen = least_of_each(key, key_low, np.repeat(rank, counts), np.repeat(rank_low, counts))
    page = np.repeat(np.arange(len(rows)), counts)[chosen]
    claims = np.empty(len(chosen), LINE_CLAIM)
    columns = (key[chosen], key_low[chosen], rank[page], rank_low[page], part, rows[page])
    for name, column in zip(LINE_CLAIM.names or (), columns, strict=False):
        claims[name] = column
    claims["line"] = chosen - (np.cumsum(counts) - counts)[page]
    return claims


def line_owners(claims: LineClaims) -> RowIds:
    """Return for each key the row id of the line that owns it, the claim of the least rank, sorted by part.

    Ranks are unique: only pages that won their URL claim lines.
    """
    words_of = (np.ascontiguousarray(claims[name]) for name in ("key", "key_low", "rank", "rank_low"))
    chosen = np.sort(least_of_each(*words_of))  # in the order of the claims, so by part where they are
    owners = np.empty(len(chosen), LINE_ID)
    for name in LINE_ID.names or ():
        owners[name] = claims[name][chosen]
    return sort_by_part(owners)


def least_of_each(key: Words, key_low: Words, rank: Words, rank_low: Words) -> npt.NDArray[np.int64]:
    """Return for each key the index of the claim of the least rank, sorted by key. Among equal ranks the first counts.

    >>> key, rank = np.array([7, 5, 7, 5], np.uint64), np.array([2, 4, 1, 4], np.uint64)
    >>> least_of_each(key, key, rank, rank).tolist()
    [1, 2]
    """
    if twin := engine.twin("claims"):
        return np.frombuffer(twin.least_of_each(key, key_low, rank, rank_low), np.int64)
    order = _by_key(key, key_low)
    first = group_starts(key[order], key_low[order])
    chosen, sizes = order[first], np.diff(np.append(first, len(order)))
    shared = sizes > 1
    rivals, sizes = order[np.repeat(shared, sizes)], sizes[shared]
    first = np.cumsum(sizes) - sizes
    least = np.ones(len(rivals), bool)
    for word in (rank, rank_low):  # the second word decides where the first is equal
        ranks = np.where(least, word[rivals], np.uint64(2**64 - 1))
        least &= ranks == np.repeat(_least(ranks, first), sizes)
    chosen[shared] = _least(np.where(least, rivals, len(order)), first)
    return chosen


def _least(values: Any, first: npt.NDArray[np.int64]) -> Any:
    """The least value of each group. ``first`` has the start of each group."""
    return np.minimum.reduceat(values, first) if len(first) else values


def _by_key(high: Words, low: Words) -> npt.NDArray[np.int64]:
    """Return an order in which equal keys are neighbours."""
    order = np.argsort(high)
    mixed = equal_to_last(high[order]) & ~equal_to_last(low[order])  # equal in the first word alone: hardly ever
    return np.lexsort((low, high)) if mixed.any() else order
