"""Stages of several variants as a tree, so that a page goes through what they share once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from c4pipe.page import Page, PageStage
from c4pipe.variants import flat

Line = tuple[PageStage, ...]  # the stages of one variant, in order
Tally = Mapping[str, int]  # of one stage, under its own names


@dataclass
class Tree:
    """The lines merged where they begin alike; ``judge`` takes a page through all of them."""

    lines: Mapping[str, Line]
    nodes: list[tuple[PageStage, int]] = field(default_factory=list)  # a stage and the node before it, -1 for none
    paths: dict[str, list[int]] = field(default_factory=dict)  # the nodes of each line
    tallies: list[dict[str, int]] = field(default_factory=list)  # of each node, added up over pages

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
        self.tallies = [{} for _ in self.nodes]

    def judge(self, page: Page) -> dict[str, Page | None]:
        """Return the page as each line leaves it; the tallies grow."""
        left, tallies = self._judge(page)
        for total, tally in zip(self.tallies, tallies, strict=True):
            for name, n in tally.items():
                total[name] = total.get(name, 0) + n
        return left

    def judge_counted(self, page: Page) -> dict[str, tuple[Page | None, dict[str, int]]]:
        """Return the page as each line leaves it, with its own counts; the tallies stay as they are."""
        left, tallies = self._judge(page)
        return {name: (alive, self._counted(self.paths[name], tallies)) for name, alive in left.items()}

    def _judge(self, page: Page) -> tuple[dict[str, Page | None], list[Tally]]:
        left: list[Page | None] = []  # the page as each node leaves it; a node comes after the one before it
        tallies: list[Tally] = []
        for stage, before in self.nodes:
            here = page if before < 0 else left[before]
            if here is None:
                left.append(None)
                tallies.append({})
            else:
                verdict = stage.judge(here)
                left.append(verdict.page)
                tallies.append(verdict.tally)
        return {name: left[path[-1]] if path else page for name, path in self.paths.items()}, tallies

    def counters(self) -> dict[str, Counter[str]]:
        """What the stages of each line counted so far, under the names that are published."""
        return {name: Counter(self._counted(path, self.tallies)) for name, path in self.paths.items()}

    def _counted(self, path: Iterable[int], tallies: Sequence[Tally]) -> dict[str, int]:
        total: dict[str, int] = {}
        for node in path:
            for name, n in flat(self.nodes[node][0].name, tallies[node]).items():
                total[name] = total.get(name, 0) + n
        return total
