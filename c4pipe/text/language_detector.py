"""The door to langdetect: its detector, with the same digits on every machine and Python, plain and compiled."""

from __future__ import annotations

import functools
import importlib.metadata
import random
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from langdetect import LangDetectException
from langdetect.detector import Detector
from langdetect.detector_factory import PROFILES_DIRECTORY, DetectorFactory
from langdetect.lang_detect_exception import ErrorCode
from langdetect.utils.ngram import NGram

from c4pipe import engine
from c4pipe.columns import utf8
from c4pipe.text import language_profiles

__all__ = [
    "DOUBTS",
    "LangDetectException",
    "langdetect_version",
    "left_to_right_sum",
    "likeliest",
    "likeliest_each",
    "outcome",
    "probabilities",
]

SEED = 0  # TFDS c4, set before every call


def left_to_right_sum(values: Iterable[float]) -> float:
    """Return the sum as Python up to 3.11 computes it. From 3.12 on, ``sum`` compensates rounding errors.

    >>> left_to_right_sum([0.1] * 10)
    0.9999999999999999
    """
    total = 0.0
    for value in values:
        total += value
    return total


class _Detector(Detector):  # type: ignore[misc]
    """The detector of langdetect, with the same digits on every Python."""

    def _normalize_prob(self, prob: list[float]) -> float:
        total = left_to_right_sum(prob)
        prob[:] = [probability / total for probability in prob]
        return max(prob)


class _Factory(DetectorFactory):  # type: ignore[misc]
    seed = SEED

    def _create_detector(self) -> _Detector:
        return _Detector(self)


def _profiles() -> list[str]:
    """The profiles by name: the package takes the order of the folder, which differs between machines."""
    return [path.read_text(encoding="utf-8") for path in sorted(Path(PROFILES_DIRECTORY).iterdir())]


@functools.cache
def _factory() -> _Factory:
    factory = _Factory()
    factory.load_json_profile(_profiles())
    return factory


def langdetect_version() -> str:
    """The detector and its version, for a manifest."""
    return f"langdetect {importlib.metadata.version('langdetect')}"


def _words(count: int) -> bytes:
    """The first 32-bit words of the seeded generator, in the byte order of the machine."""
    words = random.Random(SEED).getrandbits(32 * count).to_bytes(4 * count, "little")
    return np.frombuffer(words, dtype="<u4").astype(np.uint32).tobytes()


def _weights(place: int) -> tuple[float, float]:
    """The weights of n-grams in two trials, the first of which begins after as many words."""
    chance = random.Random(SEED)
    chance.getrandbits(32 * place)
    first, second = (Detector.ALPHA_DEFAULT + chance.gauss(0.0, 1.0) * Detector.ALPHA_WIDTH for _ in range(2))
    return first / Detector.BASE_FREQ, second / Detector.BASE_FREQ


@functools.cache
def _compiled(room: ModuleType) -> Any:
    limits = Detector(DetectorFactory())
    composed = {
        letter + mark: character
        for mark, row in zip(NGram.DMARK_CLASS, NGram.NORMALIZED_VI_CHARS, strict=True)
        for letter, character in zip(NGram.TO_NORMALIZE_VI_CHARS, row, strict=True)
    }
    return room.Detector(
        **language_profiles.tables(_profiles(), NGram.normalize),
        composed=composed,
        words=_words,
        weights=_weights,
        trials=limits.n_trial,
        iterations=limits.ITERATION_LIMIT,
        converged=limits.CONV_THRESHOLD,
        threshold=limits.PROB_THRESHOLD,
        characters=limits.max_text_length,
    )


def probabilities(text: str) -> list[tuple[str, float]]:
    """Return languages above 0.1 with their probabilities, likeliest first. LangDetectException without letters.

    A text has one answer, whatever was asked before.
    """
    if room := engine.twin("langdetect"):
        found: list[tuple[str, float]] | None = _compiled(room).probabilities(text)
        if found is None:
            raise LangDetectException(ErrorCode.CantDetectError, "No features in text.")
        return found
    detector = _factory().create()
    detector.append(text)
    return [(language.lang, language.prob) for language in detector.get_probabilities()]


DOUBTS = ("langdetect_exception", "no_predictions", "low_confidence")  # TFDS c4's counters; the compiled -1, -2, -3
Outcome = tuple[str | None, str | None]  # a language, or None and the doubt


def likeliest(text: str, least: float) -> Outcome:
    """Return the likeliest language if it has at least this probability, else None and the doubt."""
    if room := engine.twin("langdetect"):
        detector = _compiled(room)
        number: int = detector.best(text, least)
        return (detector.languages[number], None) if number >= 0 else (None, DOUBTS[~number])
    try:
        return outcome(probabilities(text), least)
    except LangDetectException:  # only digits or addresses, or nothing
        return None, DOUBTS[0]


def likeliest_each(texts: pa.Array, least: float) -> tuple[npt.NDArray[np.int32], tuple[str, ...]] | None:
    """Return ``likeliest`` for each text of a column, as numbers, and the languages.

    A text has the number of its language, or -1 and below: ``~number`` is the doubt's. None where the plain detector
    is to decide.
    """
    if (room := engine.twin("langdetect")) is None:
        return None
    detector = _compiled(room)
    return np.frombuffer(detector.best_column(*utf8(texts), least), np.int32), detector.languages


def outcome(found: list[tuple[str, float]], least: float) -> Outcome:
    """The outcome of these probabilities."""
    if not found:
        return None, DOUBTS[1]
    language, probability = found[0]
    return (None, DOUBTS[2]) if probability < least else (language, None)
