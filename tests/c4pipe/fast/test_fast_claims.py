"""The compiled choice of the least claim for each key is the plain one."""

from __future__ import annotations

import random
from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from c4pipe import engine
from c4pipe.dedup import resolve
from tests.fuzz import fuzz_claims

room = pytest.importorskip("c4pipe.fast.claims")
WORDS = st.sampled_from([0, 1, 2, 1 << 56, 2**63, 2**64 - 1])


def test_made_up_claims() -> None:
    for case in islice(fuzz_claims.inputs(random.Random(0), []), 150):
        fuzz_claims.agree(case)


@given(st.lists(st.tuples(WORDS, WORDS, WORDS, WORDS), max_size=90))
def test_any_claims(claims: list[tuple[int, int, int, int]]) -> None:
    fuzz_claims.agree(fuzz_claims.Case(claims))


@pytest.mark.parametrize("count", [2**16, 300_000])
def test_many_claims(count: int) -> None:
    """Dealt by one byte and by two; half of them are of one key."""
    rng = np.random.default_rng(count)
    high, low, rank, rank_low = rng.integers(0, 2**64, (4, count), np.uint64)
    high[::2], low[::2] = high[0], low[0]
    found = resolve.least_of_each(high, low, rank, rank_low)
    with engine.using("plain"):
        assert np.array_equal(found, resolve.least_of_each(high, low, rank, rank_low))
    assert len(found) == count // 2 + 1


@pytest.mark.parametrize("short", range(4))
def test_each_claim_has_all_its_words(short: int) -> None:
    columns = [np.zeros(3 - (number == short), np.uint64) for number in range(4)]
    with pytest.raises(ValueError, match="claims have a key and a rank each"):
        room.least_of_each(*columns)
