"""Stages that detect the language of a page, by langdetect or cld3. The door to gcld3."""

from __future__ import annotations

import functools
import importlib.metadata
from dataclasses import dataclass
from typing import Any

import numpy as np

from c4pipe.batch import Batch, BatchVerdict, fired
from c4pipe.page import Page, Verdict, drop, keep, with_language
from c4pipe.text.language_detector import DOUBTS, likeliest, likeliest_each


@dataclass(frozen=True)
class English:
    """Keep pages in English, by langdetect, with a probability of at least ``min_probability``."""

    min_probability: float
    name: str = "english-filter"  # TFDS's counter namespace

    def __post_init__(self) -> None:
        _require_probability(self.min_probability)

    def judge(self, page: Page) -> Verdict:
        """Keep the page, labelled ``en``, or drop it with the reason."""
        language, doubt = likeliest(page.text, self.min_probability)
        if doubt:
            return drop(f"filtered:{doubt}")
        if language != "en":
            return drop("filtered:ignored_language", f"filtered:ignored_language-{language}")
        return keep(with_language(page, "en"))

    def judge_batch(self, batch: Batch) -> BatchVerdict | None:
        """Return the verdicts of ``judge`` for a batch; None where plain code decides."""
        if (detected := likeliest_each(batch.text, self.min_probability)) is None:
            return None
        numbers, languages = detected
        english = languages.index("en")
        kept = numbers == english
        tallies = {"passed": kept, "filtered:ignored_language": (numbers >= 0) & ~kept}
        for number in np.unique(numbers[~kept]).tolist():
            reason = f"ignored_language-{languages[number]}" if number >= 0 else DOUBTS[~number]
            tallies[f"filtered:{reason}"] = numbers == number
        return BatchVerdict(kept, batch.where(kept).with_language("en"), fired(tallies))


UNKNOWN = "und"  # BCP 47
CLD3_REMEDY = "apt-get install protobuf-compiler libprotobuf-dev, then pip install -e '.[multilingual]' in a clone"


@functools.cache
def _cld3(min_bytes: int, max_bytes: int) -> Any:
    try:
        import gcld3
    except ImportError as error:
        raise ImportError(f"labelling languages needs gcld3: {CLD3_REMEDY}") from error
    return gcld3.NNetLanguageIdentifier(min_num_bytes=min_bytes, max_num_bytes=max_bytes)


def cld3_version() -> str:
    """Return the version of gcld3, for a manifest. ImportError without it."""
    try:
        return importlib.metadata.version("gcld3")
    except importlib.metadata.PackageNotFoundError as error:
        raise ImportError(f"labelling languages needs gcld3: {CLD3_REMEDY}") from error


@dataclass(frozen=True)
class LabelLanguage:
    """Label pages with the language that cld3 detects, or ``und`` if it is unsure; drop pages in other languages.

    As in TFDS, a page kept as ``und`` counts under ``filtered`` and ``passed``. Without ``keep_unsure`` such pages are
    dropped, and count under ``filtered`` alone.
    """

    languages: tuple[str, ...]
    min_probability: float
    keep_unsure: bool = True
    min_bytes: int = 100  # TFDS c4; of the text as cld3 cleans it
    max_bytes: int = 10_000  # TFDS c4; cld3 reads no more of a page
    name: str = "language-filter"  # TFDS's counter namespace

    def __post_init__(self) -> None:
        _require_probability(self.min_probability)

    def judge(self, page: Page) -> Verdict:
        """Keep the page with its language, or drop it."""
        guess = _cld3(self.min_bytes, self.max_bytes).FindLanguage(page.text)
        if not guess.is_reliable:
            return self._unsure(page, "filtered:no_predictions")
        if guess.probability < self.min_probability:
            return self._unsure(page, "filtered:low_confidence")
        if guess.language not in self.languages:
            return drop("filtered:ignored_language")
        return self._label(page, guess.language)

    def _unsure(self, page: Page, doubt: str) -> Verdict:
        return self._label(page, UNKNOWN, doubt) if self.keep_unsure else drop(doubt)

    def _label(self, page: Page, language: str, *doubts: str) -> Verdict:
        return keep(with_language(page, language), *doubts, "passed", f"passed:{language}")


def _require_probability(value: float) -> None:
    if not 0 <= value <= 1:
        raise ValueError(f"min_probability is {value}, but must lie in [0, 1]; TFDS c4 3.1.0 has 0.99 and 0.95")
