"""Bad words: boundaries, languages, lists, and the fraction that is dropped."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from c4pipe import resource_pins, resources
from c4pipe.page import Page, Verdict
from c4pipe.stages import badwords
from c4pipe.stages.badwords import DropBadwords
from c4pipe.text import urls
from c4pipe.variants import SEMANTICS, variant

LISTS = (("en", ("ass", "two words", "a.b")), ("es", ("culo", "Capital")), ("ja", ("のろ", "sm")), ("zh", ("性交",)))
STAGE = DropBadwords(lists=LISTS)


@pytest.fixture(autouse=True, scope="module")
def builtin() -> Iterator[None]:
    previous = resources.source()
    resources.use(resources.BUILTIN)
    yield
    resources.use(previous)


def page(text: str, language: str = "en", url: str = "http://a.com/1") -> Page:
    return Page(url, text, "2019-04-18T10:38:25Z", language=language)


@pytest.mark.parametrize(
    ("text", "language", "fires"),
    [
        ("He sat on his ass.", "en", True),
        ("ASS", "en", True),
        ("A class of its own.", "en", False),
        ("ass_", "en", False),  # an underscore, a digit and an accented letter are word characters
        ("ass1", "en", False),
        ("éass", "en", False),
        ("It is the ass's cart.", "en", True),
        ("x\nass\ny", "en", True),
        ("two words", "en", True),
        ("two  words", "en", False),
        ("two\nwords", "en", False),
        ("a.b", "en", True),
        ("axb", "en", False),  # words are no patterns
        ("\u0130ass", "en", True),  # lower() makes it i and a combining dot, which is no word character
        ("culo", "es", True),
        ("culo", "en", False),
        ("Capital capital", "es", False),  # the text is lower-cased, the words are not
        ("あのろい", "ja", True),  # inside a word
        ("x性交x", "zh", True),
    ],
)
def test_drop_badwords(text: str, language: str, fires: bool) -> None:
    outcome = "filtered" if fires else "passed"
    tally = {outcome: 1, f"badwords-filter-{language}/{outcome}": 1}
    assert STAGE.judge(page(text, language)) == Verdict(None if fires else page(text, language), tally)


@pytest.mark.parametrize(
    ("limits", "text", "language", "fires"),
    [
        ({"escaped": False}, "axb", "en", True),  # as in 3.0.1: the full stop of "a.b" is any character
        ({"escaped": False}, "ab", "en", False),
        ({"escaped": False}, "two words", "en", True),
        ({"spaceless": ("th", "zh")}, "あのろい", "ja", False),  # as in 3.0.1: Japanese words have boundaries
        ({"spaceless": ("th", "zh")}, "あ のろ い", "ja", True),
        ({"spaceless": ("th", "zh")}, "x性交x", "zh", True),
        ({"folded": True}, "Capital capital", "es", True),
        ({"folded": True}, "CAPITAL", "es", True),
        ({"folded": True}, "capitals", "es", False),
        ({"language": "en"}, "ass", "und", True),  # asked before the page's language is known
        ({"language": "en"}, "culo", "es", False),
    ],
)
def test_other_limits(limits: dict[str, Any], text: str, language: str, fires: bool) -> None:
    stage = replace(STAGE, **limits)
    outcome = "filtered" if fires else "passed"
    tally = {outcome: 1, f"badwords-filter-{stage.language or language}/{outcome}": 1}
    assert stage.judge(page(text, language)) == Verdict(None if fires else page(text, language), tally)


@pytest.mark.usefixtures("real_resources")
@pytest.mark.parametrize(
    ("text", "language", "semantics"),
    [
        ("女の子", "ja", {"3.0.1", "paper"}),  # allowed in 3.1.0
        ("あ女の子い", "ja", {"paper"}),  # and inside another word no match before it
        ("性", "zh", {"3.0.1", "paper"}),
        ("13x", "zh", {"3.0.1"}),  # the entry "13." as a pattern
        ("13.", "zh", {"3.1.0", "3.0.1", "paper"}),
        ("Caca", "es", {"paper"}),  # an entry with a capital
    ],
)
def test_pinned_lists_by_version(text: str, language: str, semantics: set[str]) -> None:
    found = set()
    for version in SEMANTICS:
        (stage,) = (s for s in variant("multilingual", version).stages if isinstance(s, DropBadwords))
        if replace(stage, fraction=1.0).judge(page(text, language)).page is None:
            found.add(version)
    assert found == semantics


@pytest.mark.parametrize("language", ["und", "fi", "e"])
def test_a_language_without_a_list_passes(language: str) -> None:
    assert STAGE.judge(page("ass", language)) == Verdict(page("ass", language), {"passed": 1})


def test_a_script_shares_its_language_list() -> None:
    assert STAGE.judge(page("ass", "en-Latn")).tally == {"filtered": 1, "badwords-filter-en/filtered": 1}


@given(st.text(st.sampled_from("as .\nbé_tworda"), max_size=30))
def test_matches_are_whole_words(text: str) -> None:
    """The plain definition: an occurrence with no word character on either side."""
    lowered = text.lower()
    plain = any(
        not re.match(r"\w", lowered[at - 1 : at]) and not re.match(r"\w", lowered[at + len(word) :][:1])
        for word in dict(LISTS)["en"]
        for at in range(len(lowered))
        if lowered.startswith(word, at)
    )
    assert (STAGE.judge(page(text)).page is None) is plain


@pytest.mark.parametrize("fraction", [0.0, 0.25, 0.999, 1.0])
def test_the_fraction_is_by_the_hash_of_the_url(fraction: float) -> None:
    stage = DropBadwords(fraction, lists=LISTS)
    numerator, denominator = fraction.as_integer_ratio()
    for number in range(40):
        bad = page("ass", url=f"http://www.a.com/{number}/")
        if urls.url_hash(f"a.com/{number}") % denominator >= numerator:
            expected = Verdict(bad, {"soft-passed": 1, "badwords-filter-en/soft-passed": 1})
        else:
            expected = Verdict(None, {"filtered": 1, "badwords-filter-en/filtered": 1})
        assert stage.judge(bad) == expected


def test_a_quarter_is_about_a_quarter() -> None:
    stage = DropBadwords(0.25, lists=LISTS)
    dropped = sum(stage.judge(page("ass", url=f"http://a.com/{n}")).page is None for n in range(1000))
    assert 200 < dropped < 300


@pytest.mark.parametrize("fraction", [-0.001, 1.001])
def test_impossible_fractions(fraction: float) -> None:
    with pytest.raises(ValueError, match=r"must lie in \[0, 1\]"):
        DropBadwords(fraction)


def test_builtin_list_is_english_alone() -> None:
    stage = DropBadwords(languages=("de", "en"))
    assert stage.judge(page("What a load of bullshit.")).page is None
    assert stage.judge(page("What a lovely day.")).page is not None
    with pytest.raises(resources.ResourceError, match="not built in"):
        stage.judge(page("Was für ein Tag.", "de"))


@pytest.mark.usefixtures("real_resources")
@pytest.mark.parametrize(
    ("language", "words"),
    [("en", 377), ("ja", 180), ("zh", 319), ("fr", 91 + 7), ("hi", 119), ("es", 68)],
)
def test_pinned_lists(language: str, words: int) -> None:
    found = badwords.pinned_words(language, resources.source())
    assert len(found) == words
    assert all(word == word.strip() and word for word in found)


def test_twenty_seven_languages_have_a_list() -> None:
    """In twenty-eight files: French has two."""
    assert len(badwords.LANGUAGES) == 27
    assert len(DropBadwords().resources()) == 28
    assert DropBadwords(lists=LISTS).resources() == {}
    with pytest.raises(ValueError, match="no pinned list of bad words for fr-CA, sw; there are: en, ar"):
        DropBadwords(languages=("en", "sw", "fr-CA"))


def test_only_the_languages_that_are_named_are_read() -> None:
    """A build of English reads no other list, and its manifest names none."""
    stage = DropBadwords(languages=("en",))
    assert stage.judge(page("culo", "es")) == Verdict(page("culo", "es"), {"passed": 1})
    assert list(resources.used(stage.resources())) == [f"builtin:ldnoobw/{resource_pins.ENGLISH_COMMIT}/en"]
