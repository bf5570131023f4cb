"""The strings that the compiled room keeps of a column are those that Arrow keeps."""

from __future__ import annotations

import random
from itertools import islice

import fuzz_columns
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from c4pipe import engine
from c4pipe.batch import where

room = pytest.importorskip("c4pipe.fast.columns")
KINDS = (pa.large_string(), pa.large_binary(), pa.string(), pa.binary(), pa.binary(2))


def test_made_up_columns() -> None:
    for case in islice(fuzz_columns.inputs(random.Random(0), ["A line of text.", "Zwei Wörter", "一", ""]), 3000):
        fuzz_columns.agree(case)


@given(st.lists(st.tuples(st.text(max_size=3), st.booleans()), max_size=12), st.sampled_from(["plain", "fast"]))
def test_any_strings(rows: list[tuple[str, bool]], chosen: str) -> None:
    with engine.using(chosen):
        for kind in KINDS[:3:2]:
            column = pa.array([text for text, _ in rows], kind)
            kept = where(column, np.array([keep for _, keep in rows], np.bool_))
            assert kept.type == kind
            assert kept.to_pylist() == [text for text, keep in rows if keep]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_column(kind: pa.DataType) -> None:
    column = pa.array([b"ab", b"cd", b"ef"], pa.binary()).cast(kind)
    kept = where(column, np.array([True, False, True]))
    assert kept.type == kind
    assert kept.cast(pa.binary()).to_pylist() == [b"ab", b"ef"]


def test_what_is_not_kept_may_be_null() -> None:
    column = pa.array(["ab", None, "", None, "c"], pa.large_string())
    assert where(column, np.array([True, False, True, False, True])).to_pylist() == ["ab", "", "c"]


def test_what_is_kept_may_lie_apart() -> None:
    column = pa.array(["a", "b", "c"], pa.large_string())
    assert where(column, np.array([True, True, False, False, True, True])[::2]).to_pylist() == ["a", "c"]


@pytest.mark.parametrize("count", [2, 4])
def test_each_string_is_kept_or_not(count: int) -> None:
    column = pa.array(["a", "b", "c"], pa.large_string())
    with pytest.raises(ValueError, match=f"{count} strings are kept or not, but there are 3"):
        where(column, np.ones(count, np.bool_))
