"""Arrays of keys sort, part and are found as the keys do; places lie as they are told."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from c4pipe.dedup import key_arrays
from c4pipe.text.digests import md5

BUCKETS = st.integers(min_value=1, max_value=9)
# Keys of which many share their first word, or their second.
KEYS = st.lists(st.sampled_from([0, 127, 255]), min_size=2, max_size=2).map(
    lambda ends: bytes([ends[0], *bytes(7), *bytes(7), ends[1]])
)
PLACES = st.lists(st.tuples(*[st.sampled_from([0, 1, 7, 2**31, 2**32 - 1])] * 3), max_size=20)


@pytest.mark.parametrize("kind", [key_arrays.ROW_ID, key_arrays.LINE_ID])
@given(PLACES, st.booleans())
def test_places_in_order(kind: np.dtype[np.void], told: list[tuple[int, int, int]], of_one_part: bool) -> None:
    rows = [(4 if of_one_part else part, row, line)[: len(kind.names or ())] for part, row, line in told]
    places = np.array(rows, kind)
    before = places.copy()
    assert key_arrays.sort_row_ids(places).tolist() == sorted(rows)
    assert places.tolist() == before.tolist()


@given(st.lists(KEYS, max_size=12))
def test_words_sort_as_the_keys_do(some: list[bytes]) -> None:
    high, low = key_arrays.key_words(some)
    assert [some[i] for i in np.lexsort((low, high))] == sorted(some)
    assert [(int(a) << 64 | int(b)).to_bytes(16, "big") for a, b in zip(high, low, strict=True)] == some


WORDS = st.integers(0, 2**64 - 1)


@given(st.lists(WORDS, max_size=20), BUCKETS)
def test_a_key_is_in_one_bucket_whatever_else_is_there(some: list[int], buckets: int) -> None:
    some.sort()
    bounds = key_arrays.bucket_bounds(np.array(some, np.uint64), buckets)
    assert (bounds[0], bounds[-1], len(bounds)) == (0, len(some), buckets + 1)
    for bucket in range(buckets):
        for word in some[bounds[bucket] : bounds[bucket + 1]]:
            alone = key_arrays.bucket_bounds(np.array([word], np.uint64), buckets)
            assert alone.tolist() == [0] * (bucket + 1) + [1] * (buckets - bucket)


@pytest.mark.parametrize("buckets", [1, 2, 3, 7, 1024])
def test_buckets_meet_at_their_edges(buckets: int) -> None:
    """The key at an edge is in the upper bucket, the one before it in the lower; the ranges are equally wide."""
    edges = [-(-(2**64) * number // buckets) for number in range(1, buckets)]  # rounded up
    for place, per_bucket in ((0, [0, *[1] * (buckets - 1)]), (-1, [*[1] * (buckets - 1), 0])):
        bounds = key_arrays.bucket_bounds(np.array([edge + place for edge in edges], np.uint64), buckets)
        assert np.diff(bounds).tolist() == per_bucket


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 9)), max_size=12), st.integers(0, 6))
def test_of_part(some: list[tuple[int, int]], part: int) -> None:
    places = np.array(sorted(some), key_arrays.ROW_ID)
    assert key_arrays.row_ids_of_part(places, part).tolist() == [place for place in sorted(some) if place[0] == part]


def test_unique_keys_take_little_more_room_than_their_bytes() -> None:
    """Some lists of URLs have tens of millions."""
    count = 50_000
    tracemalloc.start()
    try:
        array = key_arrays.unique_keys(md5(str(n % (count - 9))) for n in range(count))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(array) == count - 9
    assert peak < 80 * count


@given(st.lists(st.binary(min_size=16, max_size=16) | st.sampled_from([bytes(16), bytes(15) + b"a", b"a" + bytes(15)])))
def test_unique_keys_are_a_sorted_set(some: list[bytes]) -> None:
    array = key_arrays.unique_keys(iter(some))
    told = [int(high).to_bytes(8, "big") + int(low).to_bytes(8, "big") for high, low in array.tolist()]
    assert told == sorted(set(some))
