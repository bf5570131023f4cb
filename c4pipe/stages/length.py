"""Stages that judge a page by its length, or by the length of its lines."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from c4pipe import engine
from c4pipe.batch import Batch, BatchVerdict, fired
from c4pipe.columns import Kept, utf8
from c4pipe.page import Page, Verdict, drop, keep


def _those(kept: Kept, batch: Batch) -> BatchVerdict:
    """Keep the marked pages, counted as ``passed``, and drop the others, counted as ``filtered``."""
    return BatchVerdict(kept, batch.where(kept), fired({"passed": kept, "filtered": ~kept}))


@dataclass(frozen=True)
class MaxLength:
    """Drop pages longer than ``characters``: mostly dumps and logs, and slow in every later stage."""

    characters: int
    name: str = "too-long-filter"  # TFDS's counter namespace

    def __post_init__(self) -> None:
        if self.characters < 1:
            raise ValueError(f"characters is {self.characters}, but must be 1 or more")

    def judge(self, page: Page) -> Verdict:
        """Keep the page if its text has at most ``characters`` code points."""
        return drop("filtered") if len(page.text) > self.characters else keep(page)

    def judge_batch(self, batch: Batch) -> BatchVerdict | None:
        """Return the verdicts of ``judge`` for a batch; None where plain code decides."""
        if engine.chosen() == "plain":
            return None
        kept = pc.binary_length(batch.text).to_numpy() <= self.characters
        long = np.flatnonzero(~kept)  # in bytes
        kept[long] = pc.utf8_length(batch.text.take(pa.array(long))).to_numpy() <= self.characters
        return _those(kept, batch)


@dataclass(frozen=True)
class MinParagraphs:
    """Drop pages with fewer than ``paragraphs`` lines of at least ``characters`` code points. mC4 has no CleanLines."""

    paragraphs: int
    characters: int
    name: str = "paragraph-filter"  # TFDS's counter namespace

    def __post_init__(self) -> None:
        if self.paragraphs < 1 or self.characters < 0:
            raise ValueError(
                f"paragraphs is {self.paragraphs}, but must be 1 or more; "
                f"characters is {self.characters}, but must be 0 or more"
            )

    def judge(self, page: Page) -> Verdict:
        """Keep the page if enough lines are long enough."""
        long = sum(len(line) >= self.characters for line in page.text.split("\n"))
        return keep(page) if long >= self.paragraphs else drop("filtered")

    def judge_batch(self, batch: Batch) -> BatchVerdict | None:
        """Return the verdicts of ``judge`` for a batch; None where plain code decides."""
        if (room := engine.twin("lines")) is None:
            return None
        flags = room.have_paragraphs(*utf8(batch.text), self.paragraphs, self.characters)
        return _those(np.frombuffer(flags, bool), batch)
