"""Line deduplication as in C4: each line stays on one page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import ModuleType

import numpy as np
import pyarrow as pa

from c4pipe import engine
from c4pipe.batch import Batch, BatchVerdict, fired
from c4pipe.columns import binaries, laid_out, strings, utf8
from c4pipe.dedup.base import Counted, Dedup, Numbers, OwnerOrder, require_owner_order
from c4pipe.page import Page, Verdict, with_text
from c4pipe.text import sentences
from c4pipe.text.digests import KEY_BYTES, md5


def line_key(line: str) -> bytes:
    """The key of a line: MD5 of the stripped, lower-cased line, 16 bytes. Equal keys mean equal lines."""
    return md5(line.strip().lower())


@dataclass(frozen=True)
class DedupLines(Dedup):
    """Keep each line once, on the page that owns it, then drop pages left with fewer than ``min_sentences``.

    Only a line feed ends a line. Sentences are counted on the joined text, as in TFDS, so a page can lose a sentence
    without losing a line. With ``min_sentences=0`` a page needs some text, but no sentence.
    """

    min_sentences: int
    owner: OwnerOrder = "url"  # TFDS c4 3.1.0; "normalized_url" before
    punkt: sentences.Punkt = sentences.CURRENT
    name: str = "dedupe-lines"  # TFDS's counter namespace

    def __post_init__(self) -> None:
        sentences.require_known(self.punkt)
        require_owner_order(self.owner)
        if self.min_sentences < 0:
            raise ValueError(f"min_sentences is {self.min_sentences}, but must be 0 (no minimum) or more")

    def resources(self) -> Mapping[str, bytes | None]:
        """The pinned files that the stage reads, with their built-in stand-ins."""
        return sentences.RESOURCES if self.min_sentences else {}

    def keys(self, text: str) -> list[bytes]:
        """The key of each line."""
        return [line_key(line) for line in text.split("\n")]

    @property
    def keyed(self) -> tuple[object, ...]:
        """What the keys depend on: no limit at all. A derived stage may make other keys."""
        return (DedupLines,) if type(self) is DedupLines else super().keyed

    def _twin(self) -> ModuleType | None:
        """The compiled twin. It knows this class alone: a derived stage may decide differently."""
        return engine.twin("keys") if type(self) is DedupLines else None

    def keys_of(self, texts: pa.Array) -> pa.Array:
        """The keys of each text, concatenated: a column of large binaries, 16 bytes a line."""
        if (twin := self._twin()) is None:
            return super().keys_of(texts)
        return binaries(*twin.line_keys(*utf8(texts)))

    def judge_owned(self, page: Page, owned: Collection[bytes]) -> Verdict:
        """Judge one page, given the line keys that it owns. Pure: it does not matter how owners were found."""
        tally: Counter[str] = Counter()
        kept: dict[bytes, str] = {}
        for line in page.text.split("\n"):
            key = line_key(line)
            if key not in owned:
                tally["line-filtered:global_duplicate"] += 1
            elif key in kept:
                tally["line-filtered:local_duplicate"] += 1
            else:
                tally["line-passed"] += 1
                kept[key] = line
        return self._left(page, "\n".join(kept.values()), tally)

    def judge_owned_at_batch(self, batch: Batch, keys: pa.Array, places: Numbers, bounds: Counted) -> BatchVerdict:
        """``judge_owned_at`` for a batch: page n gets ``places[bounds[n]:bounds[n + 1]]``, in rising order.

        ``keys`` are the keys of the texts, from ``keys_of``.
        """
        if (twin := self._twin()) is None:
            return super().judge_owned_at_batch(batch, keys, places, bounds)
        key_bounds, packed = laid_out(keys)
        offsets, data, foreign = twin.kept_lines(*utf8(batch.text), key_bounds, packed, bounds, places)
        lines, foreign = np.diff(key_bounds) // KEY_BYTES, np.frombuffer(foreign, np.int64)
        left = batch.with_text(strings(offsets, data))
        some = np.diff(np.frombuffer(offsets, np.int64)) > 0
        enough = sentences.at_least_each(left.text, sentences=self.min_sentences, punkt=self.punkt)
        passed, kept = np.diff(bounds), some & enough
        tallies = {
            "line-passed": passed,
            "line-filtered:global_duplicate": foreign,
            "line-filtered:local_duplicate": lines - foreign - passed,
            "filtered:empty": ~some,
            "filtered:too_few_sentences": some & ~enough,
            "passed": kept,
        }
        return BatchVerdict(kept, left.where(kept), fired(tallies))

    def _left(self, page: Page, text: str, tally: Mapping[str, int]) -> Verdict:
        """Judge the page that the deduplicated text makes."""
        if not text:
            return Verdict(None, {**tally, "filtered:empty": 1})
        if not sentences.at_least(text, sentences=self.min_sentences, punkt=self.punkt):
            return Verdict(None, {**tally, "filtered:too_few_sentences": 1})
        return Verdict(with_text(page, text), {**tally, "passed": 1})
