"""The strings that the compiled room keeps of a column are those that Arrow keeps."""

from __future__ import annotations

import random
from itertools import islice

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from c4pipe import engine
from c4pipe.columns import ordered, where
from tests.fuzz import fuzz_columns

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


@given(
    st.lists(st.lists(st.text(max_size=3), max_size=4), max_size=4), st.randoms(), st.sampled_from(["plain", "fast"])
)
def test_rows_in_any_order(chunks: list[list[str]], rng: random.Random, chosen: str) -> None:
    """In chunks, some of them parts of longer ones; a row may be left out, or come again."""
    rows = [text for chunk in chunks for text in chunk]
    order = [rng.randrange(len(rows)) for _ in range(rng.randrange(6) if rows else 0)]
    column = pa.chunked_array(
        [pa.array(["long", *chunk], pa.large_string())[1:] for chunk in chunks], pa.large_string()
    )
    short = pa.chunked_array([pa.array(rows, pa.string())])
    with engine.using(chosen):
        found = ordered(pa.table({"text": column, "url": short}), np.array(order, np.int64))
    assert found.schema == pa.schema({"text": pa.large_string(), "url": pa.string()})
    found.validate(full=True)
    assert found["text"].to_pylist() == found["url"].to_pylist() == [rows[row] for row in order]


@pytest.mark.parametrize("row", [-1, 3])
def test_a_row_that_is_not_there(row: int) -> None:
    column = pa.chunked_array([["a", "b"], ["c"]], pa.large_string())
    with pytest.raises(IndexError, match=f"there is no row {row} of 3"):
        ordered(pa.table({"text": column}), np.array([0, row]))
