"""What language a page is in, and whether it uses bad words, is what the reference says."""

from __future__ import annotations

import importlib.util
from collections.abc import Collection
from pathlib import Path
from random import Random

import made_texts as made
import pytest
import tfds_c4
from agreement import agree, judged
from hypothesis import strategies as st

from c4pipe.page import Page
from c4pipe.stages.badwords import SPACELESS, DropBadwords
from c4pipe.stages.language import LabelLanguage
from c4pipe.text import language_detector
from c4pipe.variants import ENGLISH, MC4_LANGUAGES

pytestmark = pytest.mark.usefixtures("prepared")

SHORT = made.text(made.SENTENCES, made.FOREIGN, pieces=6, lines=False)


def test_english() -> None:
    seen = ("passed", "filtered:low_confidence", "filtered:ignored_language", "filtered:langdetect_exception")
    agree(
        made.page(SHORT),
        lambda page: judged(ENGLISH, [page]),
        lambda page: tfds_c4.english_filter([page]),
        *(f"english-filter/{name}" for name in seen),
    )


def test_probabilities_to_the_last_digit() -> None:
    def ours(text: str) -> list[tuple[str, float]] | None:
        try:
            return language_detector.probabilities(text)
        except language_detector.LangDetectException:
            return None

    agree(SHORT, ours, tfds_c4.probabilities)


@pytest.mark.skipif(not importlib.util.find_spec("gcld3"), reason="needs the extra multilingual")
def test_labels() -> None:
    stage = LabelLanguage(MC4_LANGUAGES, min_probability=0.95)
    agree(
        made.page(made.text(made.SENTENCES, made.FOREIGN, lines=False)),
        lambda page: judged(stage, [page]),
        lambda page: tfds_c4.language_filter([page], MC4_LANGUAGES),
        *("language-filter/passed:en", "language-filter/passed:und", "language-filter/filtered:low_confidence"),
    )


BORDERS = ("", "", " ", "\n", "_", "-", "s", "é", "٣", "\u0307", "\u200b", "'", ".", "一", "\u0130")


def bad_pages(language: str, words: Collection[str]) -> st.SearchStrategy[Page]:
    """Bad words whole, cut, recased and joined to what may or may not end a word."""
    chance = Random(0)
    pieces = []
    for word in sorted(words) * 4:
        piece = chance.choice(made.CASES)(word[: chance.choice((None, None, -1))])
        pieces.append(chance.choice(BORDERS) + piece + chance.choice(BORDERS))
    texts = made.text(pieces, pieces=5, lines=False)
    tags = st.sampled_from((language, language, f"{language}-Latn", f"{language}-x-y", "und", "xx", ""))
    return st.builds(lambda url, text, tag: Page(url, text, "t", language=tag), made.urls(), texts, tags)


LISTED = sorted({language.split("-")[0] for language in tfds_c4.c4._BADWORDS_LANGS})
GROUPS = {
    "English": ["en"],
    "without blanks": list(SPACELESS),
    "others": [language for language in LISTED if language not in ("en", *SPACELESS)],
}


@pytest.mark.parametrize("fraction", [1.0, 0.999, 0.3, 0.0])
@pytest.mark.parametrize("group", GROUPS)
def test_bad_words(group: str, fraction: float, prepared: Path) -> None:
    lists = tfds_c4.badword_lists(prepared)
    theirs = tfds_c4.badwords_filter(lists, fraction)
    seen = ["passed"] + ["filtered"] * (fraction > 0) + ["soft-passed"] * (fraction < 0.9)
    agree(
        st.one_of([bad_pages(language, lists[language]) for language in GROUPS[group]]),
        lambda page: judged(DropBadwords(fraction), [page]),
        lambda page: theirs([page]),
        *(f"badwords-filter/{name}" for name in seen),
    )


def test_all_lists_are_known(prepared: Path) -> None:
    lists = tfds_c4.badword_lists(prepared)
    stage = DropBadwords()
    assert {language: set(stage.words(language) or ()) for language in LISTED} == {
        language: words - {""} for language, words in lists.items()
    }
    assert not any("" in words for words in lists.values())
