"""Stages of several variants as a tree, so that a page goes through what they share once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from c4pipe.page import Page, PageStage
from c4pipe.variants import flat

Line = tuple[PageStage, ...]  # the stages of one variant, in order


@dataclass
class Tree:
    """The lines merged where they begin alike; ``judge`` takes a page through all of them."""

    lines: Mapping[str, Line]
    nodes: list[tuple[PageStage, int]] = field(default_factory=list)  # a stage and the node before it, -1 for none
    paths: dict[str, list[int]] = field(default_factory=dict)  # the nodes of each line
    tallies: list[Counter[str]] = field(default_factory=list)  # of each node, added up over pages

    def __post_init__(self) -> None:
        known: dict[tuple[int, PageStage], int] = {}
        for name, stages in self.lines.items():
            at, path = -1, []
            for stage in stages:
                if (at, stage) not in known:
                    known[at, stage] = len(self.nodes)
                    self.nodes.append((stage, at))
                at = known[at, stage]
                path.append(at)
            self.paths[name] = path
        self.tallies = [Counter() for _ in self.nodes]

    def judge(self, page: Page, names: Iterable[str] | None = None) -> dict[str, Page | None]:
        """Return the page as each line, or each that is named, leaves it; the tallies grow."""
        return self._judge(page, self.paths if names is None else names, self.tallies)

    def judge_counted(self, page: Page) -> dict[str, tuple[Page | None, Counter[str]]]:
        """Return the page as each line leaves it, with its own counts; the tallies stay as they are."""
        tallies = [Counter[str]() for _ in self.nodes]
        pages = self._judge(page, self.paths, tallies)
        return {name: (alive, _sum(tallies[node] for node in self.paths[name])) for name, alive in pages.items()}

    def _judge(self, page: Page, names: Iterable[str], tallies: list[Counter[str]]) -> dict[str, Page | None]:
        left: dict[int, Page | None] = {-1: page}  # the page as each node leaves it
        for name in names:
            for node in self.paths[name]:
                if node not in left:
                    stage, before = self.nodes[node]
                    left[node] = _step(stage, left[before], tallies[node])
        return {name: left[self.paths[name][-1] if self.paths[name] else -1] for name in names}

    def counters(self) -> dict[str, Counter[str]]:
        """What the stages of each line counted so far, under the names that are published."""
        return {name: _sum(self.tallies[node] for node in path) for name, path in self.paths.items()}

    def shared(self) -> int:
        """How many stages of the lines are taken once instead of again."""
        return sum(map(len, self.paths.values())) - len(self.nodes)


def _step(stage: PageStage, page: Page | None, tally: Counter[str]) -> Page | None:
    if page is None:
        return None
    verdict = stage.judge(page)
    tally.update(flat(stage.name, verdict.tally))
    return verdict.page


def _sum(tallies: Iterable[Counter[str]]) -> Counter[str]:
    total: Counter[str] = Counter()
    for tally in tallies:
        total.update(tally)
    return total
