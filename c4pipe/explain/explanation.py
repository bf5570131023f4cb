"""Explain one page: the verdict of each stage of a variant, and the fate of each line.

Stages see the page alone. Where a stage needs other pages, a note says so, and the page goes on.
"""

from __future__ import annotations

import difflib
import functools
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from c4pipe.dedup.base import Dedup
from c4pipe.dedup.lines import DedupLines, line_key
from c4pipe.page import Page, Verdict
from c4pipe.stages.clean_lines import CleanLines, DropPages
from c4pipe.stages.rule_rows import Row, bind_rules, first_to_fire
from c4pipe.stages.url_filters import InUrlList
from c4pipe.variant_listing import rule
from c4pipe.variants import CrawlStage, Stage, Variant, flat

NEEDS_OTHERS = "not decided here: needs the other pages"
NEEDS_LIST = "not decided here: needs the list of URLs"
WITHIN_PAGE = "within this page alone: lines that other pages own are not decided here"
NOT_LOOKED_AT = "not judged"


@dataclass(frozen=True)
class LineSeen:
    """A line as it reached a stage, and its fate there."""

    number: int  # from 1, in the page as it reached the stage
    text: str
    taken_by: str | None = None  # the counter of the rule that took it; None: it stays
    edited: str | None = None  # the line as it goes on, if an edit changed it
    edits: tuple[str, ...] = ()  # the rules that changed it


@dataclass(frozen=True)
class StageSeen:
    """A stage and its verdict on the page."""

    name: str
    outcome: Literal["passed", "dropped", "undecided", "not reached"]
    tally: Mapping[str, int] = field(default_factory=dict)  # under the published names
    note: str = ""
    lines: tuple[LineSeen, ...] = ()  # only of stages that judge lines


@dataclass(frozen=True)
class Explanation:
    """The account of one page: every stage of a variant, in order."""

    variant: str
    semantics: str
    page: Page
    stages: tuple[StageSeen, ...]
    final: Page | None  # as published, unless other pages own some of its lines
    split: str | None

    @property
    def dropped_by(self) -> StageSeen | None:
        """The stage that dropped the page, or None."""
        return next((stage for stage in self.stages if stage.outcome == "dropped"), None)

    def to_dict(self) -> dict[str, Any]:
        """Return the account as JSON data.

        ``{"variant", "semantics", "url", "dropped_by", "split", "language", "text", "stages"}``; the last but one are
        None for a dropped page. A stage is ``{"name", "outcome", "tally", "note", "lines"}``, a line ``{"number",
        "text", "taken_by", "edited", "edits"}``: ``taken_by`` is the counter of the rule that took the line, or None.
        """
        final, dropper = self.final, self.dropped_by
        return {
            "variant": self.variant,
            "semantics": self.semantics,
            "url": self.page.url,
            "dropped_by": dropper.name if dropper else None,
            "split": self.split,
            "language": final.language if final else None,
            "text": final.text if final else None,
            "stages": [_stage_data(stage) for stage in self.stages],
        }


def _stage_data(stage: StageSeen) -> dict[str, Any]:
    lines = [asdict(line) | {"edits": list(line.edits)} for line in stage.lines]
    return asdict(stage) | {"tally": dict(stage.tally), "lines": lines}


def explain(variant: Variant, page: Page) -> Explanation:
    """Return the account of a page, stage by stage, until a stage drops it."""
    now: Page | None = page
    seen: list[StageSeen] = []
    for stage in variant.stages:
        if now is None:
            seen.append(StageSeen(stage.name, "not reached"))
            continue
        verdict, note = judged(stage, now)
        if verdict is None:
            seen.append(StageSeen(stage.name, "undecided", note=note))
            continue
        outcome: Literal["passed", "dropped"] = "dropped" if verdict.page is None else "passed"
        tally = flat(stage.name, verdict.tally)
        seen.append(StageSeen(stage.name, outcome, tally, note, tuple(lines_of(stage, now, verdict))))
        now = verdict.page
    split = None if now is None else variant.split(now)
    return Explanation(variant.name, variant.semantics, page, tuple(seen), now, split)


def judged(stage: Stage, page: Page) -> tuple[Verdict | None, str]:
    """Return the verdict of a stage on the page alone, or None if it has none, and a note."""
    if not isinstance(stage, CrawlStage):
        return stage.judge(page), ""
    if isinstance(stage, InUrlList):
        return (
            (stage.verdict(page, listed=stage.key(page) in _listed(stage)), "") if stage.paths else (None, NEEDS_LIST)
        )
    if isinstance(stage, Dedup):
        return stage.judge_all([page])[0], WITHIN_PAGE
    return None, NEEDS_OTHERS


@functools.lru_cache(maxsize=2)
def _listed(stage: InUrlList) -> frozenset[bytes]:
    return frozenset(stage.listed())


def lines_of(stage: Stage, page: Page, verdict: Verdict) -> Iterator[LineSeen]:
    """Yield each line with its fate at the stage; nothing for a stage that does not judge lines."""
    if isinstance(stage, CleanLines):
        yield from _cleaned(stage, page.text.splitlines())
    elif isinstance(stage, DropPages):
        yield from _offending(stage, page.text.split("\n")) if verdict.page is None else ()
    elif isinstance(stage, DedupLines):
        yield from _deduplicated(page.text.split("\n"))
    elif verdict.page is not None and verdict.page.text != page.text:
        yield from _rewritten(page.text.split("\n"), verdict.page.text.split("\n"))


def _cleaned(stage: CleanLines, lines: list[str]) -> Iterator[LineSeen]:
    rules = bind_rules(stage.rows)
    for number, text in enumerate(lines, 1):
        stripped = text.strip()
        line, row = first_to_fire(rules, text)
        edited = None if line == stripped else line
        edits = () if edited is None else tuple(rule(row) for row in stage.rows if changes(row, stripped))
        yield LineSeen(number, stripped, None if row is None else counter(row), edited, edits)
        if row is not None and row.effect == "drop_page":
            rest = enumerate(lines[number:], number + 1)
            yield from (LineSeen(later, text.strip(), NOT_LOOKED_AT) for later, text in rest)
            return


def _offending(stage: DropPages, lines: list[str]) -> Iterator[LineSeen]:
    """The lines of a dropped page, each with the first row that fires on the line alone."""
    for number, text in enumerate(lines, 1):
        fired = next((counter(row) for row, fires in bind_rules(stage.rows) if fires(text)), None)
        yield LineSeen(number, text, fired)


def counter(row: Row) -> str:
    """Return the published counter of a row, without the namespace of its stage."""
    return f"{'line-filtered' if row.effect == 'drop_line' else 'filtered'}:{row.counter}"


def changes(row: Row, line: str) -> bool:
    """True if the row is an edit that changes the line."""
    return row.effect == "edit" and first_to_fire(bind_rules((row,)), line)[0] != line


def _deduplicated(lines: list[str]) -> Iterator[LineSeen]:
    met: set[bytes] = set()
    for number, text in enumerate(lines, 1):
        key = line_key(text)
        yield LineSeen(number, text, "line-filtered:local_duplicate" if key in met else None)
        met.add(key)


def _rewritten(before: list[str], after: list[str]) -> Iterator[LineSeen]:
    """The lines that a stage left alone, and those that it changed or removed."""
    blocks = difflib.SequenceMatcher(None, before, after, autojunk=False).get_matching_blocks()
    stays = {index for begin, _, length in blocks for index in range(begin, begin + length)}
    for index, text in enumerate(before):
        yield LineSeen(index + 1, text, None if index in stays else "changed or removed")
