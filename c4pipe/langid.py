"""What language a page is in. The doors to langdetect and cld3."""

from __future__ import annotations

import functools
import importlib.metadata
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from langdetect import LangDetectException
from langdetect.detector import Detector
from langdetect.detector_factory import PROFILES_DIRECTORY, DetectorFactory
from langdetect.utils.ngram import NGram

from c4pipe.page import Page, Verdict, drop, keep

Probabilities = npt.NDArray[np.float64]  # one a language

SEED = 0  # TFDS c4, set before every call
SHORT = 24  # characters: longer words hardly come twice, and a cache must not hold them


def left_to_right_sum(values: Iterable[float]) -> float:
    """The sum as Python took it up to 3.11; from 3.12 on ``sum`` compensates rounding errors.

    >>> left_to_right_sum([0.1] * 10)
    0.9999999999999999
    """
    total = 0.0
    for value in values:
        total += value
    return total


class _Normal(dict[int, str]):
    """What langdetect takes each character for, by code point."""

    def __missing__(self, code: int) -> str:
        self[code] = normal = str(NGram.normalize(chr(code)))
        return normal


_NORMAL = _Normal()
_SPACES = re.compile(" {2,}")


def _grams(word: str) -> tuple[str, ...]:
    """The n-grams of a word that is padded with blanks; none ends in a capital that follows a capital."""
    known = _factory().word_lang_prob_map
    ends = (end for end in range(2, len(word) + 1) if not (word[end - 1].isupper() and word[end - 2].isupper()))
    found = (word[end - n : end] for end in ends for n in (1, 2, 3) if n <= end)
    return tuple(gram for gram in found if gram != " " and gram in known)


_grams_of_short_word = functools.lru_cache(maxsize=1 << 16)(_grams)


class _Detector(Detector):  # type: ignore[misc]
    """langdetect's detector with the same digits on every Python, and several times as fast.

    Its n-grams never reach across a blank, so each word has its own, whatever stands around it. Probabilities are
    multiplied and divided one by one in the package's order, never summed by NumPy.
    """

    def append(self, text: str) -> None:
        text = NGram.normalize_vi(self.MAIL_RE.sub(" ", self.URL_RE.sub(" ", text)))
        self.text += _SPACES.sub(" ", text[: self.max_text_length])

    def _extract_ngrams(self) -> list[str]:
        *words, last = self.text.translate(_NORMAL).split(" ")
        found: list[str] = []
        for word in (*(f" {word} " for word in words), f" {last}"):
            found += _grams_of_short_word(word) if len(word) <= SHORT else _grams(word)
        return found

    def _init_probability(self) -> Probabilities:
        return np.full(len(self.langlist), 1.0 / len(self.langlist))

    def _update_lang_prob(self, prob: Probabilities, word: str, alpha: float) -> None:
        prob *= alpha / self.BASE_FREQ + self.word_lang_prob_map[word]

    def _normalize_prob(self, prob: Probabilities) -> float:
        prob /= left_to_right_sum(prob.tolist())
        return float(prob.max())


class _Factory(DetectorFactory):  # type: ignore[misc]
    seed = SEED

    def _create_detector(self) -> _Detector:
        return _Detector(self)


@functools.cache
def _factory() -> _Factory:
    """The profiles, in the order of their names: the package takes the folder's, which is the machine's."""
    factory = _Factory()
    factory.load_json_profile([path.read_text(encoding="utf-8") for path in sorted(Path(PROFILES_DIRECTORY).iterdir())])
    profiles = factory.word_lang_prob_map
    factory.word_lang_prob_map = {gram: np.array(by_language) for gram, by_language in profiles.items()}
    return factory


def langdetect_version() -> str:
    """The detector and its version, for a manifest."""
    return f"langdetect {importlib.metadata.version('langdetect')}"


def probabilities(text: str) -> list[tuple[str, float]]:
    """Languages above 0.1 with their probabilities, the likeliest first; raises LangDetectException without letters.

    A text has one answer, whatever was asked before.
    """
    detector = _factory().create()
    detector.append(text)
    return [(language.lang, float(language.prob)) for language in detector.get_probabilities()]


@dataclass(frozen=True)
class English:
    """Keep pages that langdetect takes for English with at least ``min_probability``."""

    min_probability: float
    name: str = "english-filter"  # TFDS's counter namespace

    def __post_init__(self) -> None:
        _require_probability(self.min_probability)

    def judge(self, page: Page) -> Verdict:
        """Pass the page on as ``en``, or say why not."""
        try:
            found = probabilities(page.text)
        except LangDetectException:  # digits, addresses or nothing at all
            return drop("filtered:langdetect_exception")
        if not found:
            return drop("filtered:no_predictions")
        language, probability = found[0]
        if probability < self.min_probability:
            return drop("filtered:low_confidence")
        if language != "en":
            return drop("filtered:ignored_language", f"filtered:ignored_language-{language}")
        return keep(replace(page, language="en"))


UNKNOWN = "und"  # BCP 47
CLD3_REMEDY = "apt-get install protobuf-compiler libprotobuf-dev, then pip install 'c4pipe[multilingual]'"


@functools.cache
def _cld3(min_bytes: int, max_bytes: int) -> Any:
    try:
        import gcld3
    except ImportError as error:
        raise ImportError(f"labelling languages needs gcld3: {CLD3_REMEDY}") from error
    return gcld3.NNetLanguageIdentifier(min_num_bytes=min_bytes, max_num_bytes=max_bytes)


@dataclass(frozen=True)
class LabelLanguage:
    """Label pages with cld3's language, ``und`` where it is unsure; drop those surely in a language not listed.

    The tally is TFDS's: a page that stays as ``und`` counts both a ``filtered`` and ``passed``. Without
    ``keep_unsure`` none stays, and ``filtered`` alone is counted.
    """

    languages: tuple[str, ...]
    min_probability: float
    keep_unsure: bool = True
    min_bytes: int = 100  # TFDS c4, of cld3's own cleaned text
    max_bytes: int = 10_000  # TFDS c4, read of a page
    name: str = "language-filter"  # TFDS's counter namespace

    def __post_init__(self) -> None:
        _require_probability(self.min_probability)

    def judge(self, page: Page) -> Verdict:
        """Pass the page on with its language."""
        found = _cld3(self.min_bytes, self.max_bytes).FindLanguage(page.text)
        if not found.is_reliable:
            return self._unsure(page, "filtered:no_predictions")
        if found.probability < self.min_probability:
            return self._unsure(page, "filtered:low_confidence")
        if found.language not in self.languages:
            return drop("filtered:ignored_language")
        return self._label(page, found.language)

    def _unsure(self, page: Page, doubt: str) -> Verdict:
        return self._label(page, UNKNOWN, doubt) if self.keep_unsure else drop(doubt)

    def _label(self, page: Page, language: str, *doubts: str) -> Verdict:
        return keep(replace(page, language=language), *doubts, "passed", f"passed:{language}")


def _require_probability(value: float) -> None:
    if not 0 <= value <= 1:
        raise ValueError(f"min_probability is {value}, but must lie in [0, 1]; TFDS c4 3.1.0 has 0.99 and 0.95")
