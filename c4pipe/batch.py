"""Batches of pages as Arrow columns, which compiled rooms judge without a Python object a page.

A stage with a compiled twin may define ``judge_batch`` beside ``judge``: the same verdicts, on columns. Every other
stage is asked page by page, so its author need not know about columns.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from c4pipe import twins
from c4pipe.columns import Kept, where
from c4pipe.page import Page, PageStage, Verdict

Counts = Mapping[str, npt.NDArray[np.integer[Any]]]  # counter -> one number per page

FIELDS = (
    "url",
    "text",
    "timestamp",
    "content_type",
    "content_length",
    "language",
)  # of a page, in the order of ``Page``
TYPES = {name: pa.large_string() if name == "text" else pa.string() for name in FIELDS}


@dataclass(frozen=True, slots=True)
class Batch:
    """Pages as columns of strings without nulls, one a field. Only ``text`` has 64-bit offsets."""

    url: pa.Array
    text: pa.Array
    timestamp: pa.Array
    content_type: pa.Array
    content_length: pa.Array
    language: pa.Array

    def __len__(self) -> int:
        return len(self.url)

    @classmethod
    def of(cls, pages: Sequence[Page]) -> Batch:
        """Return a batch of these pages. Raises UnicodeEncodeError for a lone surrogate in a string."""
        return cls(*(pa.array([getattr(page, name) for page in pages], TYPES[name]) for name in FIELDS))

    def pages(self) -> Iterator[Page]:
        """Yield the pages one by one."""
        return map(Page, *(column.to_pylist() for column in self.columns()))

    def columns(self) -> tuple[pa.Array, ...]:
        """The columns in the order of ``FIELDS``."""
        return tuple(getattr(self, name) for name in FIELDS)

    def where(self, kept: Kept) -> Batch:
        """Return the pages whose mark in ``kept`` is set; the batch itself if all are."""
        if kept.all():
            return self
        return Batch(*(where(column, kept) for column in self.columns()))

    def with_text(self, text: pa.Array) -> Batch:
        """Return the same pages with other texts."""
        return Batch(self.url, text, self.timestamp, self.content_type, self.content_length, self.language)

    def with_language(self, language: str) -> Batch:
        """Return the same pages, all with this language."""
        of_all = pa.repeat(language, len(self))
        return Batch(self.url, self.text, self.timestamp, self.content_type, self.content_length, of_all)


@dataclass(frozen=True, slots=True)
class BatchVerdict:
    """The verdicts of a stage on a batch."""

    kept: Kept  # one mark per page that came in
    pages: Batch  # the kept pages, as the stage leaves them
    tallies: Counts  # one number per page that came in


def judge(stage: PageStage, batch: Batch) -> BatchVerdict:
    """Return the verdicts that ``stage.judge`` gives, for a batch.

    Raises ValueError, with the URL, if the stage leaves a lone surrogate.
    """
    verdict = None
    if _knows_columns(type(stage)):
        verdict = stage.judge_batch(batch)  # type: ignore[attr-defined]  # None: plain code decides
    return _page_by_page(stage, batch) if verdict is None else verdict


@functools.cache
def _knows_columns(kind: type[Any]) -> bool:
    """True if the class that defines ``judge`` also defines ``judge_batch``, and has not been edited.

    A subclass that overrides only ``judge`` is judged page by page.
    """
    judging = next((base for base in kind.__mro__ if "judge" in vars(base)), object)
    return "judge_batch" in vars(judging) and not twins.changed(judging.__module__.removeprefix("c4pipe."))


def _page_by_page(stage: PageStage, batch: Batch) -> BatchVerdict:
    pages = list(batch.pages())
    verdicts = [stage.judge(page) for page in pages]
    try:
        return verdict_of(batch, pages, verdicts)
    except UnicodeEncodeError as error:
        url = next(page.url for page, verdict in zip(pages, verdicts, strict=True) if _has_surrogate(verdict.page))
        raise ValueError(
            f"stage {stage.name} leaves half of a surrogate pair, for which UTF-8 has no bytes, in {url!a}: {error}"
        ) from error


def _has_surrogate(page: Page | None) -> bool:
    return page is not None and any("\ud800" <= c <= "\udfff" for name in FIELDS for c in getattr(page, name))


def verdict_of(batch: Batch, pages: Sequence[Page], verdicts: Sequence[Verdict]) -> BatchVerdict:
    """Combine one verdict per page into a verdict on the batch; ``pages`` are its pages."""
    kept = np.array([verdict.page is not None for verdict in verdicts], bool)
    if all(verdict.page is None or verdict.page is page for verdict, page in zip(verdicts, pages, strict=True)):
        left = batch.where(kept)
    else:
        left = Batch.of([verdict.page for verdict in verdicts if verdict.page is not None])
    return BatchVerdict(kept, left, counts([verdict.tally for verdict in verdicts]))


def counts(tallies: Sequence[Mapping[str, int]]) -> Counts:
    """Return tallies as 64-bit columns by counter, with 0 where a page lacks a counter."""
    names = sorted(set().union(*tallies))
    return {name: np.array([operator.index(tally.get(name, 0)) for tally in tallies], np.int64) for name in names}


def fired(tallies: Mapping[str, npt.NDArray[Any]]) -> Counts:
    """Return the counters under which some page counts, as 32-bit columns."""
    return {counter: numbers.astype(np.uint32) for counter, numbers in tallies.items() if numbers.any()}


def totals(tallies: Counts) -> dict[str, int]:
    """Return the sum over all pages for each counter."""
    return {counter: int(numbers.sum(dtype=np.int64)) for counter, numbers in tallies.items()}
