"""Stages of several variants as a tree, so that pages go through shared stages once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from beam_jobs.plan.scopes import Stages
from c4pipe import batch
from c4pipe.batch import Batch, Counts
from c4pipe.page import PageStage
from c4pipe.variants import flat


class Left(NamedTuple):
    """The pages of a batch that stages kept."""

    rows: npt.NDArray[np.int64]  # of the pages in that batch, ascending
    pages: Batch


@dataclass
class Tree:
    """Stages by variant, merged where they begin alike. ``judge`` takes a batch of pages through all of them."""

    stages: Mapping[str, Stages]
    nodes: list[tuple[PageStage, int]] = field(default_factory=list)  # a stage and its parent node, -1 for none
    paths: dict[str, list[int]] = field(default_factory=dict)  # the nodes of each variant
    tallies: list[dict[str, int]] = field(
        default_factory=list
    )  # of each node, summed over pages, under the stage's own names

    def __post_init__(self) -> None:
        known: dict[tuple[int, PageStage], int] = {}
        for name, stages in self.stages.items():
            node, path = -1, []
            for stage in stages:
                if (node, stage) not in known:
                    known[node, stage] = len(self.nodes)
                    self.nodes.append((stage, node))
                node = known[node, stage]
                path.append(node)
            self.paths[name] = path
        self.tallies = [{} for _ in self.nodes]

    def judge(self, pages: Batch) -> dict[str, Left]:
        """Return the pages that each variant keeps, and add the counts to the tallies."""
        left, tallies = self._judge(pages)
        for total, (_, tally) in zip(self.tallies, tallies, strict=True):
            for name, n in batch.totals(tally).items():
                total[name] = total.get(name, 0) + n
        return left

    def judge_counted(self, pages: Batch) -> dict[str, tuple[Left, Counts]]:
        """Return the pages that each variant keeps, with the counts of each page. The tallies do not change."""
        left, tallies = self._judge(pages)
        of_all = [{name: _spread_counts(n, rows, len(pages)) for name, n in tally.items()} for rows, tally in tallies]
        return {name: (alive, self._sum_tallies(self.paths[name], of_all)) for name, alive in left.items()}

    def _judge(self, pages: Batch) -> tuple[dict[str, Left], list[tuple[npt.NDArray[np.int64], Counts]]]:
        """Return the pages that each variant keeps, and for each node the rows that it judged with their counts."""
        begin = Left(np.arange(len(pages)), pages)
        left: list[Left] = []  # the pages that each node keeps; a node comes after its parent
        tallies: list[tuple[npt.NDArray[np.int64], Counts]] = []
        for stage, before in self.nodes:
            parent = begin if before < 0 else left[before]
            verdict = batch.judge(stage, parent.pages)
            left.append(Left(parent.rows[verdict.kept], verdict.pages))
            tallies.append((parent.rows, verdict.tallies))
        return {name: left[path[-1]] if path else begin for name, path in self.paths.items()}, tallies

    def counters(self) -> dict[str, Counter[str]]:
        """Return the counts of each variant's stages so far, under their published names."""
        return {name: Counter(self._sum_tallies(path, self.tallies)) for name, path in self.paths.items()}

    def _sum_tallies(self, path: Iterable[int], tallies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        total: dict[str, Any] = {}
        for node in path:
            for name, n in flat(self.nodes[node][0].name, tallies[node]).items():
                total[name] = total[name] + n if name in total else n
        return total


def _spread_counts(
    numbers: npt.NDArray[np.integer[Any]], rows: npt.NDArray[np.int64], count: int
) -> npt.NDArray[np.int64]:
    """Return counts of all pages from those of the pages at ``rows``; 0 for the others."""
    spread = np.zeros(count, np.int64)
    spread[rows] = numbers
    return spread
