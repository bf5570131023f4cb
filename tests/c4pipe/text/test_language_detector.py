"""langdetect as the reference asks it, but the same on every machine and Python, whichever engine decides."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langdetect import LangDetectException
from langdetect.detector import Detector

from c4pipe import engine
from c4pipe.text import language_detector

ENGLISH = "The quick brown fox jumps over the lazy dog near the river bank."
GERMAN = "Der schnelle braune Fuchs springt über den faulen Hund am Fluss."
MIXED = f"{ENGLISH} {GERMAN}"  # six trials of seven say English
ENGLISH_IN_MIXED = 0.8571404781383167


@pytest.fixture(params=("plain", "fast"))
def each_engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "_chosen", request.param)
    assert (engine.twin("langdetect") is not None) is (request.param == "fast")


@pytest.mark.usefixtures("each_engine")
def test_a_verdict_does_not_depend_on_what_was_seen_before() -> None:
    first = language_detector.probabilities(MIXED)
    random.seed(7)
    for other in (GERMAN, ENGLISH, "Le renard brun saute par-dessus le chien.", MIXED):
        language_detector.probabilities(other)
    assert language_detector.probabilities(MIXED) == first


@pytest.mark.usefixtures("each_engine")
def test_digits_are_those_of_plain_sums() -> None:
    """The same from Python 3.11 on: with the compensated ``sum`` of 3.12 the last digit of German is 8."""
    assert language_detector.probabilities(MIXED) == [("en", ENGLISH_IN_MIXED), ("de", 0.14285861574097805)]


def test_profiles_are_in_the_order_of_their_names() -> None:
    """Not in that of the folder, which is the machine's."""
    languages = language_detector._factory().langlist
    assert len(languages) == 55
    assert languages == sorted(languages)


def test_left_to_right_sum() -> None:
    assert language_detector.left_to_right_sum([1.0, 1e100, 1.0, -1e100]) == 0.0
    assert language_detector.left_to_right_sum([]) == 0.0


@given(st.text(st.sampled_from("the der und of le é. 1"), min_size=0, max_size=60))
def test_predictions_are_those_of_langdetect(text: str) -> None:
    """Of the package as it is; up to the last digits, which it takes from the Python that it runs on."""
    package = Detector(language_detector._factory())
    package.append(text)
    try:
        expected = [(language.lang, pytest.approx(language.prob)) for language in package.get_probabilities()]
    except LangDetectException:
        with pytest.raises(LangDetectException):
            language_detector.probabilities(text)
    else:
        assert language_detector.probabilities(text) == expected
