"""Stages that judge a page line by line, by a table of rules, and the rows of such tables."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import ModuleType
from typing import Any

import numpy as np
import pyarrow as pa

from c4pipe import engine
from c4pipe.batch import Batch, BatchVerdict, Counts
from c4pipe.columns import strings, utf8
from c4pipe.page import Page, Verdict, drop, keep, with_text
from c4pipe.stages.rule_rows import Row, bind_rules, compiled_name, first_to_fire
from c4pipe.text import sentences


class _OfRows:
    """A stage with rows. It caches their compiled program, which is never pickled."""

    rows: tuple[Row, ...]

    def __getstate__(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]

    def _program(self, room: ModuleType) -> Any:
        if "program" not in self.__dict__:
            steps = [
                (row.effect, row.counter, compiled_name(row.rule), dict(row.limits), act)
                for row, act in bind_rules(self.rows)
            ]
            self.__dict__["program"] = room.Program(steps)
        return self.__dict__["program"]


def _counts(tallies: Mapping[str, bytearray]) -> Counts:
    return {counter: np.frombuffer(numbers, np.uint32) for counter, numbers in tallies.items()}


def _require_sound(rows: tuple[Row, ...]) -> None:
    """Raise if two rows share a counter, or a rule does not take its limits: now, not on a worker."""
    counters = [row.counter for row in rows if row.effect != "edit"]
    if twice := sorted({counter for counter in counters if counters.count(counter) > 1}):
        raise ValueError(f"rows count twice under {', '.join(twice)}; give each row a counter of its own")
    bind_rules(rows)


@dataclass(frozen=True)
class CleanLines(_OfRows):
    """Drop lines and pages by ``rows``, then pages left with fewer than ``min_sentences``.

    As in TFDS, each line is split into sentences on its own, and the counts are added.
    """

    rows: tuple[Row, ...]
    min_sentences: int
    punkt: sentences.Punkt = sentences.CURRENT
    name: str = "clean-page"  # TFDS's counter namespace

    def __post_init__(self) -> None:
        _require_sound(self.rows)
        sentences.require_known(self.punkt)
        if self.min_sentences < 1:
            raise ValueError(f"min_sentences is {self.min_sentences}, but must be 1 or more: a page needs some text")

    def resources(self) -> Mapping[str, bytes | None]:
        """Return the pinned files that the stage reads, with their built-in stand-ins."""
        return sentences.RESOURCES

    def judge(self, page: Page) -> Verdict:
        """Return the page with the lines that stay, or drop it."""
        if (room := engine.twin("lines")) is None:
            return self._judge(page)
        counter = functools.partial(sentences.counter, self.punkt)
        try:
            text, tally = self._program(room).judge(page.text, self.min_sentences, counter)
        except UnicodeEncodeError:  # a lone surrogate, in the text or from an edit
            return self._judge(page)
        return Verdict(None if text is None else with_text(page, text), tally)

    def judge_batch(self, batch: Batch) -> BatchVerdict | None:
        """Return the verdicts of ``judge`` for a batch; None where plain code decides."""
        if (room := engine.twin("lines")) is None:
            return None
        counter = functools.partial(sentences.counter, self.punkt)
        try:
            judged = self._program(room).judge_column(*utf8(batch.text), self.min_sentences, counter)
        except UnicodeEncodeError:  # a lone surrogate, from an edit
            return None
        flags, offsets, texts, tallies = judged
        kept = np.frombuffer(flags, bool)
        pages = batch.with_text(pa.nulls(len(batch))).where(kept)  # their texts are replaced, so they are not copied
        return BatchVerdict(kept, pages.with_text(strings(offsets, texts)), _counts(tallies))

    def _judge(self, page: Page) -> Verdict:
        table = bind_rules(self.rows)
        count = sentences.counter(self.punkt)
        tally: Counter[str] = Counter()
        kept: list[str] = []
        found = 0
        for raw in page.text.splitlines():
            line, row = first_to_fire(table, raw)
            if row is None:
                kept.append(line)
                tally["line-passed"] += 1
                if found < self.min_sentences:  # stop at the minimum: counting is slow
                    found += count(line, self.min_sentences - found)
            elif row.effect == "drop_line":
                tally[f"line-filtered:{row.counter}"] += 1
            else:
                return Verdict(None, {**tally, f"filtered:{row.counter}": 1})
        if found < self.min_sentences:
            return Verdict(None, {**tally, "filtered:too_few_sentences": 1})
        return Verdict(with_text(page, "\n".join(kept).strip()), {**tally, "passed": 1})


@dataclass(frozen=True)
class DropPages(_OfRows):
    """Drop pages by ``rows``, each of which sees the whole text of the page."""

    rows: tuple[Row, ...]
    name: str = "page-filter"  # not a namespace of TFDS

    def __post_init__(self) -> None:
        _require_sound(self.rows)
        if others := sorted({row.effect for row in self.rows} - {"drop_page"}):
            raise ValueError(f"rows of {self.name} must be drop_page, not {', '.join(others)}; CleanLines takes these")

    def judge(self, page: Page) -> Verdict:
        """Drop the page by the first row that fires, or keep it."""
        if (room := engine.twin("lines")) is None:
            return self._judge(page)
        try:
            counter = self._program(room).fires(page.text)
        except UnicodeEncodeError:  # a lone surrogate
            return self._judge(page)
        return drop(counter) if counter else keep(page)

    def judge_batch(self, batch: Batch) -> BatchVerdict | None:
        """Return the verdicts of ``judge`` for a batch; None where plain code decides."""
        if (room := engine.twin("lines")) is None:
            return None
        flags, tallies = self._program(room).fires_column(*utf8(batch.text))
        kept = np.frombuffer(flags, bool)
        return BatchVerdict(kept, batch.where(kept), _counts(tallies))

    def _judge(self, page: Page) -> Verdict:
        for row, fires in bind_rules(self.rows):
            if fires(page.text):
                return drop(f"filtered:{row.counter}")
        return keep(page)
