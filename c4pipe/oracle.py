"""The oracle: a variant over pages in memory, slow and obvious."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from c4pipe.page import Page, PageStage, Verdict
from c4pipe.variants import CrawlStage, Stage, Variant, flat


@dataclass(frozen=True)
class Fate:
    """What became of a page."""

    page: Page  # as it came in
    dropped_by: str | None  # the stage's name; None: it is in the corpus


@dataclass(frozen=True)
class Outcome:
    """What a variant makes of a crawl."""

    pages: tuple[Page, ...]  # in the order in which they came
    counters: Mapping[str, int]  # under the reference's names, such as "clean-page/passed"
    trace: tuple[Fate, ...]  # one for every page that came in


def run(variant: Variant, pages: Iterable[Page]) -> Outcome:
    """Send all pages that take part through the variant's stages, one stage after the other.

    Undated pages may be among them (``WetReader(..., undated=True)``): a variant that has none leaves them out.
    """
    return functools.reduce(step, variant.stages, begin(filter(variant.takes, pages)))


def begin(pages: Iterable[Page]) -> Outcome:
    """These pages, before the first stage."""
    crawl = tuple(pages)
    return Outcome(crawl, {}, tuple(Fate(page, None) for page in crawl))


def step(so_far: Outcome, stage: Stage) -> Outcome:
    """Send the pages that are left through one more stage."""
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
    """A verdict for each page, in their order, and the counts that belong to no page."""
    if isinstance(stage, CrawlStage):
        return stage.judge_all(pages), stage.extra(pages)
    return [stage.judge(page) for page in pages], {}


class Oracle:
    """Outcomes of several variants over one crawl: the stages that they begin with alike are run once.

    A stage that sees a page alone judges equal pages once, whichever variants it is in. Memory holds all of it.
    """

    def __init__(self, pages: Iterable[Page]) -> None:
        self.pages = tuple(pages)  # undated ones, too
        self._outcomes: dict[tuple[bool, tuple[Stage, ...]], Outcome] = {}
        self._verdicts: dict[tuple[PageStage, Page], Verdict] = {}

    def run(self, variant: Variant) -> Outcome:
        """As ``run(variant, self.pages)``."""
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
    """A stage with its verdicts so far."""

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
