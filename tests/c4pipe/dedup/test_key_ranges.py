"""Slices of sorted keys: the same as by the bounds of all buckets, at a look at a few keys."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from c4pipe.dedup import key_arrays

WORDS = st.lists(st.sampled_from([0, 1, 2**63 - 1, 2**63, 2**64 - 1]) | st.integers(0, 2**64 - 1), max_size=30)


@given(WORDS, st.integers(1, 9))
def test_a_range_is_what_lies_between_two_bounds(words: list[int], buckets: int) -> None:
    leading = np.array(sorted(words), np.uint64)
    bounds = key_arrays.bucket_bounds(leading, buckets).tolist()
    assert [key_arrays.bucket_range(leading, i, buckets) for i in range(buckets)] == list(itertools.pairwise(bounds))


@given(WORDS, st.integers(1, 5), st.integers(0, 3))
def test_rows_of_a_table_whatever_its_chunks(words: list[int], buckets: int, skipped: int) -> None:
    column = [word.to_bytes(8, "big") + bytes(8) for word in sorted(words)]
    table = pa.table({"key": pa.array(column, pa.binary(16))})
    for cut in (table, pa.concat_tables([table.slice(0, 2), table.slice(2)])):
        rows = cut.slice(skipped)
        bounds = key_arrays.url_bounds(rows, buckets).tolist()
        assert [key_arrays.key_range(rows, i, buckets) for i in range(buckets)] == list(itertools.pairwise(bounds))


class Watched:
    """A column that counts what is looked at."""

    def __init__(self, values: np.ndarray) -> None:
        self.values, self.looks = values, 0

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, index: int) -> np.uint64:
        self.looks += 1
        return self.values[index]


def test_few_keys_are_looked_at() -> None:
    """A file of claims is cut for each bucket, so it must not be read through each time."""
    watched = Watched(np.arange(0, 2**64, 2**46, dtype=np.uint64))
    assert key_arrays.bucket_range(watched, 3, 1024) == (768, 1024)
    assert watched.looks <= 2 * 19  # log2 of 2**18 keys, twice


@pytest.mark.parametrize("part", [0, 1, 2, 3])
def test_places_of_a_part_of_a_mapped_file(part: int, tmp_path: Path) -> None:
    """They stay where they are: what is returned is a view of the file."""
    places = np.array([(0, 5), (1, 0), (1, 7), (3, 2)], key_arrays.ROW_ID)
    np.save(tmp_path / "places.npy", places)
    mapped = np.load(tmp_path / "places.npy", mmap_mode="r")
    found = key_arrays.row_ids_of_part(mapped, part)
    assert found.tolist() == [place for place in places.tolist() if place[0] == part]
    assert np.shares_memory(found, mapped) or not len(found)
