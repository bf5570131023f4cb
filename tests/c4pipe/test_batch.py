"""Pages by columns: judged as pages are, by whoever knows how."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from c4pipe import batch
from c4pipe.batch import Batch, BatchVerdict
from c4pipe.columns import strings, utf8
from c4pipe.page import Page, Verdict, drop, keep, with_language

STRINGS = st.text(st.characters(exclude_categories=("Cs",)), max_size=8)
PAGES = st.lists(st.builds(Page, STRINGS, STRINGS, STRINGS, STRINGS, STRINGS, STRINGS), max_size=6)


@given(PAGES)
def test_pages_there_and_back(pages: list[Page]) -> None:
    assert list(Batch.of(pages).pages()) == pages
    assert len(Batch.of(pages)) == len(pages)


@given(PAGES, st.data())
def test_some_of_the_pages(pages: list[Page], data: st.DataObject) -> None:
    kept = np.array(data.draw(st.lists(st.booleans(), min_size=len(pages), max_size=len(pages))), bool)
    of = Batch.of(pages)
    assert list(of.where(kept).pages()) == [page for page, stays in zip(pages, kept, strict=True) if stays]
    assert (of.where(kept) is of) == kept.all()


@given(PAGES, STRINGS)
def test_all_in_one_language(pages: list[Page], language: str) -> None:
    assert list(Batch.of(pages).with_language(language).pages()) == [with_language(page, language) for page in pages]


@given(st.lists(STRINGS, max_size=6), st.integers(0, 6), st.sampled_from([pa.string(), pa.large_string()]))
def test_a_column_as_bytes(some: list[str], start: int, kind: pa.DataType) -> None:
    """Of a slice, too, whose first offset is not 0."""
    offsets, data = utf8(pa.array(some, kind).slice(start))
    texts = [bytes(data[begin:end]).decode() for begin, end in itertools.pairwise(offsets)]
    assert texts == some[start:]
    assert strings(offsets, data).to_pylist() == some[start:]


@dataclass(frozen=True)
class Shout:
    """Drops pages without text, and raises the voice of those that are not loud."""

    name: str = "shout"

    def judge(self, page: Page) -> Verdict:
        if not page.text:
            return drop("filtered", "silent")
        return keep(page) if page.text.isupper() else keep(replace(page, text=page.text.upper()), "raised", "passed")


@dataclass(frozen=True)
class OnlyFilters:
    """Drops pages without text."""

    name: str = "only"

    def judge(self, page: Page) -> Verdict:
        return keep(page) if page.text else drop("filtered")


@given(PAGES, st.sampled_from([Shout(), OnlyFilters()]))
def test_a_stage_that_knows_pages_alone(pages: list[Page], stage: Shout | OnlyFilters) -> None:
    found = batch.judge(stage, Batch.of(pages))
    verdicts = [stage.judge(page) for page in pages]
    assert found.kept.tolist() == [verdict.page is not None for verdict in verdicts]
    assert list(found.pages.pages()) == [verdict.page for verdict in verdicts if verdict.page]
    for number, verdict in enumerate(verdicts):
        assert {name: n[number] for name, n in found.tallies.items() if n[number]} == verdict.tally
    assert set(found.tallies) == {name for verdict in verdicts for name in verdict.tally}


class Columns(OnlyFilters):
    """Says the same of columns, where it is asked to."""

    asked = True

    def judge(self, page: Page) -> Verdict:
        return keep(page)

    def judge_batch(self, pages: Batch) -> BatchVerdict | None:
        return BatchVerdict(np.ones(len(pages), bool), pages, {"by-columns": np.ones(len(pages), np.uint32)})


class Silent(Columns):
    """Leaves it to pages."""

    def judge(self, page: Page) -> Verdict:
        return keep(page, "by-page")

    def judge_batch(self, pages: Batch) -> BatchVerdict | None:
        return None


class Derived(Columns):
    """Judges pages in another way than the class that knows columns."""

    def judge(self, page: Page) -> Verdict:
        return keep(page, "derived")


class Inherits(Columns):
    """Judges as that does."""


@pytest.mark.parametrize(
    ("stage", "counter"),
    [(Columns(), "by-columns"), (Inherits(), "by-columns"), (Silent(), "by-page"), (Derived(), "derived")],
)
def test_columns_are_asked_of_who_says_how_a_page_is_judged(stage: Columns, counter: str) -> None:
    assert set(batch.judge(stage, Batch.of([Page("u", "t", "2019")])).tallies) == {counter}


def test_a_count_of_nothing_stays() -> None:
    assert {name: n.tolist() for name, n in batch.counts([{"a": 0}, {"b": 2}]).items()} == {"a": [0, 0], "b": [0, 2]}


def test_counts_are_whole_numbers_of_64_bits() -> None:
    (numbers,) = batch.counts([{"a": 2**40}, {"a": -1}]).values()
    assert numbers.tolist() == [2**40, -1]
    with pytest.raises(TypeError, match="float"):
        batch.counts([{"a": 0.5}])  # type: ignore[dict-item]


class Halves(OnlyFilters):
    """Leaves half a pair of a character in a page."""

    def judge(self, page: Page) -> Verdict:
        return keep(replace(page, text="\ud83d") if page.text == "half" else page)


def test_a_stage_that_leaves_what_utf8_cannot_hold_is_named() -> None:
    pages = [Page("http://a.com/whole", "whole", ""), Page("http://a.com/half", "half", "")]
    with pytest.raises(ValueError, match=r"stage only leaves half of a surrogate pair, .* in 'http://a\.com/half'"):
        batch.judge(Halves(), Batch.of(pages))
