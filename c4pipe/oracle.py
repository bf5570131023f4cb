"""The oracle: runs a variant over pages in memory, slowly and obviously. Tests hold builds equal to it."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from c4pipe.page import Page, PageStage, Verdict
from c4pipe.variants import CrawlStage, Stage, Variant, flat


@dataclass(frozen=True)
class Fate:
    """The fate of one page."""

    page: Page  # as it came in
    dropped_by: str | None  # the name of the stage; None: the page is in the corpus


@dataclass(frozen=True)
class Outcome:
    """The result of a variant over a crawl."""

    pages: tuple[Page, ...]  # in the order of the input
    counters: Mapping[str, int]  # under the reference's names, such as "clean-page/passed"
    trace: tuple[Fate, ...]  # one for every page of the input


def run(variant: Variant, pages: Iterable[Page]) -> Outcome:
    """Return the outcome of a variant: all its pages go through one stage after another.

    The input may hold undated pages (``WetReader(..., undated=True)``). A variant without undated pages ignores them.
    """
    return functools.reduce(step, variant.stages, begin(filter(variant.takes, pages)))


def begin(pages: Iterable[Page]) -> Outcome:
    """Return the outcome before the first stage."""
    crawl = tuple(pages)
    return Outcome(crawl, {}, tuple(Fate(page, None) for page in crawl))


def step(so_far: Outcome, stage: Stage) -> Outcome:
    """Return the outcome after one more stage."""
    verdicts, extra = judge(stage, so_far.pages)
    counters = Counter(so_far.counters)
    for tally in (*(verdict.tally for verdict in verdicts), extra):
        counters.update(flat(stage.name, tally))
    following = iter(verdicts)
    trace = tuple(
        Fate(fate.page, stage.name) if fate.dropped_by is None and next(following).page is None else fate
        for fate in so_far.trace
    )
    return Outcome(tuple(verdict.page for verdict in verdicts if verdict.page is not None), dict(counters), trace)


def judge(stage: Stage, pages: Sequence[Page]) -> tuple[list[Verdict], Mapping[str, int]]:
    """Return a verdict for each page, in order, and the counts that belong to no page."""
    if isinstance(stage, CrawlStage):
        return stage.judge_all(pages), stage.extra(pages)
    return [stage.judge(page) for page in pages], {}


class Oracle:
    """Runs several variants over one crawl, and each common prefix of stages once.

    A stage that judges one page alone judges equal pages once. All outcomes stay in memory.
    """

    def __init__(self, pages: Iterable[Page]) -> None:
        self.pages = tuple(pages)  # undated pages included
        self._outcomes: dict[tuple[bool, tuple[Stage, ...]], Outcome] = {}
        self._verdicts: dict[tuple[PageStage, Page], Verdict] = {}

    def run(self, variant: Variant) -> Outcome:
        """Return what ``run(variant, self.pages)`` returns."""
        key = variant.undated, variant.stages
        if key not in self._outcomes:
            if variant.stages:
                *first, last = variant.stages
                before = self.run(replace(variant, stages=tuple(first)))
                self._outcomes[key] = step(
                    before, last if isinstance(last, CrawlStage) else _Once(last, self._verdicts)
                )
            else:
                self._outcomes[key] = begin(filter(variant.takes, self.pages))
        return self._outcomes[key]


@dataclass(frozen=True)
class _Once:
    """A stage that remembers its verdicts."""

    stage: PageStage
    verdicts: dict[tuple[PageStage, Page], Verdict]

    @property
    def name(self) -> str:
        return self.stage.name

    def judge(self, page: Page) -> Verdict:
        key = self.stage, page
        if key not in self.verdicts:
            self.verdicts[key] = self.stage.judge(page)
        return self.verdicts[key]
