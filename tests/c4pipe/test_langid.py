"""langdetect as the reference asks it, but the same on every machine and Python; cld3 behind its extra."""

from __future__ import annotations

import math
import os
import random
import sys
from dataclasses import replace
from types import ModuleType, SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langdetect import LangDetectException
from langdetect.detector import Detector

from c4pipe import langid
from c4pipe.langid import English, LabelLanguage
from c4pipe.page import Page, Verdict

ENGLISH = "The quick brown fox jumps over the lazy dog near the river bank."
GERMAN = "Der schnelle braune Fuchs springt über den faulen Hund am Fluss."
MIXED = f"{ENGLISH} {GERMAN}"  # six trials of seven say English
ENGLISH_IN_MIXED = 0.8571404781383167
CHARACTERS = st.sampled_from("aAbÉßøđŐ \u00a0.,;'9\u0219あア中國글اییА\u1ea1a\u0300o\u0302\u2019\U0001f600")


def page(text: str) -> Page:
    return Page("http://a.com/1", text, "2019-04-18T10:38:25Z")


@pytest.fixture
def cld3() -> ModuleType:
    """gcld3, which is an extra: skips without it, but not where CI must run everything."""
    if os.environ.get("CI") == "true":
        import gcld3

        return gcld3
    return pytest.importorskip("gcld3", reason=f"cld3 is not installed: {langid.CLD3_REMEDY}")


@pytest.mark.parametrize(
    ("text", "tally"),
    [
        (ENGLISH, {"passed": 1}),
        (GERMAN, {"filtered:ignored_language": 1, "filtered:ignored_language-de": 1}),
        (MIXED, {"filtered:low_confidence": 1}),
        ("", {"filtered:langdetect_exception": 1}),
        ("12345 67890. 111-222!", {"filtered:langdetect_exception": 1}),
        ("https://example.com/a someone@example.com", {"filtered:langdetect_exception": 1}),
        ((ENGLISH + " ") * 100 + (GERMAN + " ") * 1000, {"passed": 1}),  # only 10,000 characters are read
    ],
)
def test_english(text: str, tally: dict[str, int]) -> None:
    verdict = English(min_probability=0.99).judge(page(text))
    expected = Page("http://a.com/1", text, "2019-04-18T10:38:25Z", language="en") if "passed" in tally else None
    assert verdict == Verdict(expected, tally)


@pytest.mark.parametrize(
    ("least", "outcome"),
    [
        (math.nextafter(ENGLISH_IN_MIXED, 0), "passed"),
        (ENGLISH_IN_MIXED, "passed"),
        (math.nextafter(ENGLISH_IN_MIXED, 1), "filtered:low_confidence"),
    ],
)
def test_english_at_its_limit(least: float, outcome: str) -> None:
    assert English(least).judge(page(MIXED)).tally == {outcome: 1}


def test_no_prediction_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(langid, "probabilities", lambda text: [])
    assert English(0.99).judge(page("x")) == Verdict(None, {"filtered:no_predictions": 1})


def test_a_verdict_does_not_depend_on_what_was_seen_before() -> None:
    first = langid.probabilities(MIXED)
    random.seed(7)
    for other in (GERMAN, ENGLISH, "Le renard brun saute par-dessus le chien.", MIXED):
        langid.probabilities(other)
    assert langid.probabilities(MIXED) == first


def test_digits_are_those_of_plain_sums() -> None:
    """The same from Python 3.11 on: with the compensated ``sum`` of 3.12 the last digit of German is 8."""
    assert langid.probabilities(MIXED) == [("en", ENGLISH_IN_MIXED), ("de", 0.14285861574097805)]


def test_profiles_are_in_the_order_of_their_names() -> None:
    """Not in that of the folder, which is the machine's."""
    languages = langid._factory().langlist
    assert len(languages) == 55
    assert languages == sorted(languages)


def test_left_to_right_sum() -> None:
    assert langid.left_to_right_sum([1.0, 1e100, 1.0, -1e100]) == 0.0
    assert langid.left_to_right_sum([]) == 0.0


@given(st.text(CHARACTERS | st.characters(), max_size=80))
def test_ngrams_are_those_of_langdetect(text: str) -> None:
    plain, ours = Detector(langid._factory()), langid._Detector(langid._factory())
    for detector in (plain, ours):
        detector.append(text)
        detector.cleaning_text()
    assert ours.text == plain.text
    assert ours._extract_ngrams() == plain._extract_ngrams()


@given(st.text(st.sampled_from("the der und of le é. 1"), min_size=0, max_size=60))
def test_predictions_are_those_of_langdetect(text: str) -> None:
    """Up to the last digits, which the package takes from the Python that it runs on."""
    plain = Detector(langid._factory())
    plain.append(text)
    try:
        expected = [(language.lang, pytest.approx(language.prob)) for language in plain.get_probabilities()]
    except LangDetectException:
        with pytest.raises(LangDetectException):
            langid.probabilities(text)
    else:
        assert langid.probabilities(text) == expected


@pytest.mark.usefixtures("cld3")
@pytest.mark.parametrize(
    ("text", "language", "tally"),
    [
        (
            f"{GERMAN} Es war ein sonniger Tag, und die Kinder spielten bis zum Abend im Park.",
            "de",
            {"passed": 1, "passed:de": 1},
        ),
        (
            f"{ENGLISH} It was a sunny day, and the children played in the park until evening.",
            None,
            {"filtered:ignored_language": 1},
        ),
        ("Short text.", "und", {"filtered:no_predictions": 1, "passed": 1, "passed:und": 1}),
    ],
)
def test_label_language(text: str, language: str | None, tally: dict[str, int]) -> None:
    verdict = LabelLanguage(("de", "fr"), min_probability=0.95).judge(page(text))
    expected = Page("http://a.com/1", text, "2019-04-18T10:38:25Z", language=language) if language else None
    assert verdict == Verdict(expected, tally)


@pytest.mark.parametrize(
    ("reliable", "probability", "code", "tally"),
    [
        (True, 0.95, "de", {"passed": 1, "passed:de": 1}),
        (True, 0.9499, "de", {"filtered:low_confidence": 1, "passed": 1, "passed:und": 1}),
        (True, 0.9499, "xx", {"filtered:low_confidence": 1, "passed": 1, "passed:und": 1}),
        (True, 0.95, "xx", {"filtered:ignored_language": 1}),
        (False, 1.0, "xx", {"filtered:no_predictions": 1, "passed": 1, "passed:und": 1}),
    ],
)
def test_label_language_at_its_limit(
    monkeypatch: pytest.MonkeyPatch, reliable: bool, probability: float, code: str, tally: dict[str, int]
) -> None:
    class Answer:
        is_reliable, language = reliable, code

        def __init__(self) -> None:
            self.probability = probability

        def FindLanguage(self, text: str) -> Answer:
            return self

    monkeypatch.setattr(langid, "_cld3", lambda least, most: Answer())
    assert LabelLanguage(("de",), 0.95).judge(page("x")).tally == tally


@pytest.mark.parametrize(
    ("reliable", "probability", "tally"),
    [
        (True, 0.7, {"passed": 1, "passed:de": 1}),
        (True, 0.6999, {"filtered:low_confidence": 1}),
        (False, 0.7, {"filtered:no_predictions": 1}),
    ],
)
def test_unsure_pages_go_if_asked(
    monkeypatch: pytest.MonkeyPatch, reliable: bool, probability: float, tally: dict[str, int]
) -> None:
    answer = SimpleNamespace(is_reliable=reliable, language="de", probability=probability)
    monkeypatch.setattr(langid, "_cld3", lambda least, most: SimpleNamespace(FindLanguage=lambda text: answer))
    expected = replace(page("x"), language="de") if "passed" in tally else None
    assert LabelLanguage(("de",), 0.7, keep_unsure=False).judge(page("x")) == Verdict(expected, tally)


def test_without_cld3_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gcld3", None)
    langid._cld3.cache_clear()
    with pytest.raises(ImportError, match=r"pip install 'c4pipe\[multilingual\]'"):
        LabelLanguage(("de",), 0.95).judge(page("x"))


@pytest.mark.parametrize("probability", [-0.1, 1.1])
def test_impossible_probabilities(probability: float) -> None:
    with pytest.raises(ValueError, match=r"must lie in \[0, 1\]"):
        English(probability)
    with pytest.raises(ValueError, match=r"must lie in \[0, 1\]"):
        LabelLanguage(("de",), probability)
