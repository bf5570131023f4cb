"""The English stage, whichever engine decides; cld3 behind its extra."""

from __future__ import annotations

import math
import sys
from dataclasses import replace
from types import ModuleType, SimpleNamespace

import pytest

from c4pipe import engine
from c4pipe.batch import Batch
from c4pipe.page import Page, Verdict
from c4pipe.stages import language
from c4pipe.stages.language import English, LabelLanguage
from c4pipe.text import language_detector
from tests.support.columns import agree_on_batch
from tests.support.required import is_required

ENGLISH = "The quick brown fox jumps over the lazy dog near the river bank."
GERMAN = "Der schnelle braune Fuchs springt über den faulen Hund am Fluss."
MIXED = f"{ENGLISH} {GERMAN}"  # six trials of seven say English
ENGLISH_IN_MIXED = 0.8571404781383167


@pytest.fixture(params=("plain", "fast"))
def each_engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "_chosen", request.param)
    assert (engine.twin("langdetect") is not None) is (request.param == "fast")


def page(text: str) -> Page:
    return Page("http://a.com/1", text, "2019-04-18T10:38:25Z")


@pytest.fixture
def cld3() -> ModuleType:
    """gcld3, which is an extra: skips without it, but not where extras are required."""
    if is_required("EXTRAS"):
        import gcld3

        return gcld3
    return pytest.importorskip("gcld3", reason=f"cld3 is not installed: {language.CLD3_REMEDY}")


@pytest.mark.usefixtures("each_engine")
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


@pytest.mark.usefixtures("each_engine")
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


@pytest.mark.parametrize("least", [0.5, math.nextafter(ENGLISH_IN_MIXED, 1)])
def test_a_batch_is_judged_as_its_pages(least: float) -> None:
    texts = [ENGLISH, GERMAN, MIXED, "", "12345", ENGLISH + " \u2019\u2019", "\U0001f600", GERMAN[20:], "\0"]
    agree_on_batch(English(least), [page(text) for text in texts])
    agree_on_batch(English(least), [page(ENGLISH)] * 3)
    agree_on_batch(English(least), [page(GERMAN)])
    agree_on_batch(English(least), [])


def test_the_plain_detector_is_asked_page_by_page() -> None:
    with engine.using("plain"):
        assert English(0.99).judge_batch(Batch.of([page(ENGLISH)])) is None


@pytest.mark.parametrize("doubt", language_detector.DOUBTS)
def test_doubts_are_counted(monkeypatch: pytest.MonkeyPatch, doubt: str) -> None:
    monkeypatch.setattr(language, "likeliest", lambda text, least: (None, doubt))
    assert English(0.99).judge(page("x")) == Verdict(None, {f"filtered:{doubt}": 1})


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

    monkeypatch.setattr(language, "_cld3", lambda least, most: Answer())
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
    monkeypatch.setattr(language, "_cld3", lambda least, most: SimpleNamespace(FindLanguage=lambda text: answer))
    expected = replace(page("x"), language="de") if "passed" in tally else None
    assert LabelLanguage(("de",), 0.7, keep_unsure=False).judge(page("x")) == Verdict(expected, tally)


def test_without_cld3_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gcld3", None)
    language._cld3.cache_clear()
    with pytest.raises(ImportError, match=r"pip install -e '\.\[multilingual\]' in a clone"):
        LabelLanguage(("de",), 0.95).judge(page("x"))


@pytest.mark.parametrize("probability", [-0.1, 1.1])
def test_impossible_probabilities(probability: float) -> None:
    with pytest.raises(ValueError, match=r"must lie in \[0, 1\]"):
        English(probability)
    with pytest.raises(ValueError, match=r"must lie in \[0, 1\]"):
        LabelLanguage(("de",), probability)
