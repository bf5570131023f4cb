"""The oracle: a variant over pages in memory, slow and obvious."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from c4pipe.page import Page, Verdict
from c4pipe.variants import Stage, Variant, flat


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
    """Send all pages through the variant's stages, one stage after the other."""
    crawl = tuple(pages)
    alive: dict[int, Page] = dict(enumerate(crawl))  # place in the crawl -> the page as it stands
    dropped_by: dict[int, str] = {}
    counters: Counter[str] = Counter()
    for stage in variant.stages:
        verdicts = dict(zip(alive, judge(stage, list(alive.values())), strict=True))
        for verdict in verdicts.values():
            counters.update(flat(stage.name, verdict.tally))
        dropped_by.update((place, stage.name) for place, verdict in verdicts.items() if verdict.page is None)
        alive = {place: verdict.page for place, verdict in verdicts.items() if verdict.page is not None}
    trace = tuple(Fate(page, dropped_by.get(place)) for place, page in enumerate(crawl))
    return Outcome(tuple(alive.values()), dict(counters), trace)


def judge(stage: Stage, pages: Sequence[Page]) -> list[Verdict]:
    """A verdict for each page, in their order."""
    if hasattr(stage, "judge_all"):
        return stage.judge_all(pages)
    return [stage.judge(page) for page in pages]
