"""The compiled search for bad words finds what the regular expressions find."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from c4pipe import engine, resources
from c4pipe.batch import Batch
from c4pipe.page import Page
from c4pipe.stages import badwords
from c4pipe.stages.badwords import LANGUAGES, DropBadwords, finder
from c4pipe.variants import SEMANTICS, variant
from c4pipe.warc.wet import WetReader
from tests.fuzz import fuzz_badwords
from tests.fuzz.fuzz_badwords import Case, agree
from tests.support.columns import agree_on_batch, column, encodable

room = pytest.importorskip("c4pipe.fast.badwords")
CHARACTERS = [chr(code) for code in range(sys.maxunicode + 1)]
LINES = [
    "The quick brown fox.",
    "Москва — столица.",
    "日本語の行。",
    "Crème brûlée",
    "x y " * 50,
    "😀 emoji",
    "İstanbul",
    "ΣΟΦΙΑΣ",
]


@pytest.fixture(autouse=True)
def builtin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv(engine.SETTING, raising=False)
    before = resources.source()
    resources.use(resources.BUILTIN)
    with engine.using(None):
        yield
    resources.use(before)


def check(words: tuple[str, ...], text: str, *, whole: bool = True, escaped: bool = True) -> None:
    agree(Case(words, whole, escaped, text))


def test_lower_case_is_taken_character_by_character() -> None:
    """But for the two that the room leaves to Python, and to lower it twice changes nothing."""
    for character in CHARACTERS:
        lower = character.lower()
        assert lower.lower() == lower
        if character not in "\u0130\u03a3":
            assert len(lower) == 1
            assert f"a{character}b{character}".lower() == f"a{lower}b{lower}"


def test_every_character_is_what_it_is_for_the_expressions() -> None:
    """Beside a word, and in one that is looked for."""
    beside = finder(("ass", "k"), whole=True), finder(("ass", "k"), whole=True, fast=room)
    pattern = finder(("a.b",), whole=False, escaped=False), finder(("a.b",), whole=False, escaped=False, fast=room)
    for c in CHARACTERS[:0x20000] + CHARACTERS[0x20000::257]:
        for (plain, fast), text in ((beside, f"{c}ass"), (beside, f"ass{c}"), (beside, f"x {c}"), (pattern, f"a{c}b")):
            assert plain(text) is fast(text), ascii(text)


@pytest.mark.parametrize("step", range(4))
def test_every_character_may_be_a_word(step: int) -> None:
    """Or begin or end one; a list of many is one of hashed codes."""
    for begin in range(0, 0x20000, 0x800):
        some = CHARACTERS[begin + step * 29 : begin + 0x800 : 97]
        words = tuple(some[::3] + [f"{c}x" for c in some[1::3]] + [f"-{c}" for c in some[2::3]])
        plain, fast = finder(words, whole=True), finder(words, whole=True, fast=room)
        for c in [*some, *map(str.swapcase, some)]:
            for text in (c, f"{c}x", f" -{c} ", f"a{c}", f"{c}{c}"):
                assert plain(text) is fast(text), ascii(text)


@pytest.mark.parametrize(
    ("words", "text", "found"),
    [
        (("ass",), "ass", True),
        (("ass",), "as", False),
        (("ass",), "", False),
        (("ab",), "ab", True),
        (("ab",), "x ab", True),
        (("ab",), "x abx", False),
        (("a",), "b a", True),
        (("a",), "b_a", False),
        (("Caca",), "Caca caca", False),  # an entry with a capital
        (("k",), "\u212a", True),  # the Kelvin sign in lower case
        (("i\u0307",), "\u0130", True),
        (("i",), "\u0130", True),  # the dot behind the i parts words
        (("σ",), "ΑΣΑ", False),
        (("ας",), "ΑΣ", True),  # the last of a word
        (("ασ",), "ΑΣ", False),
        (("\U0001f595",), "a\U0001f595b", False),
        (("\U0001f595",), "a \U0001f595b", False),
        (("\U0001f595",), "a \U0001f595", True),
        (("\uf595x",), "\U0001f595x", False),  # the same low 16 bits
        (("-a",), "b -a", True),
        (("-a",), "b--a", True),
        (("-a",), "b-a", False),
        (("a\nb",), "a\nb", True),
        (("\ud800",), "x \ud800 y", True),
    ],
)
def test_words(words: tuple[str, ...], text: str, found: bool) -> None:
    check(words, text)
    assert finder(words, whole=True, fast=room)(text) is found


@pytest.mark.parametrize("at", [*range(5), *range(58, 70), *range(122, 134), 192])
@pytest.mark.parametrize("filling", "x é中😀")
def test_every_place(at: int, filling: str) -> None:
    """Places are looked at in blocks of 64."""
    words = ("ab", "abc", "abcd", "d ef", "zz")
    for word in (*words, "abx"):
        for behind in range(4):
            for text in (filling * at + word + filling * behind, filling * at + " " + word + " " * behind):
                check(words, text)
                check(words, text, whole=False)


@pytest.mark.parametrize(
    ("words", "escaped"),
    [((), True), (("a", ""), True), (("a*",), False), (("a|b",), False), (("\\w",), False), (("x" * 201,), True)],
)
def test_what_the_room_cannot_do_stays_with_the_expressions(words: tuple[str, ...], escaped: bool) -> None:
    found = finder(words, whole=True, escaped=escaped, fast=room)
    assert not isinstance(found, room.Words)
    assert found("..") is finder(words, whole=True, escaped=escaped)("..")


@pytest.mark.parametrize("words", [("a*",), ("a|b",), ("x" * 200,), ("[edit]",)])
def test_what_the_room_can_do(words: tuple[str, ...]) -> None:
    assert isinstance(finder(words, whole=True, fast=room), room.Words)
    for text in (words[0], "aa", "a", f"x {words[0]}"):
        check(words, text)


def test_the_room_refuses_what_it_cannot_do() -> None:
    for words in ((), ("",), ("a", "x" * 201)):
        if words:
            with pytest.raises(ValueError, match="1 to 200 characters"):
                room.Words(words, whole=True)
    with pytest.raises(TypeError):
        room.Words(("a",), whole=True)(None)


def test_mutated_lines() -> None:
    for case in islice(fuzz_badwords.inputs(random.Random(0), LINES), 2000):
        agree(case)


@settings(max_examples=200)
@given(
    st.lists(st.text("abK. -é中\U0001f595\n", min_size=1, max_size=4), min_size=1, max_size=5),
    st.text(st.sampled_from("abkK. -éÉ中\U0001f595\n_\u212a\u0130Σ"), max_size=80),
    st.booleans(),
    st.booleans(),
)
def test_any_words_and_text(words: list[str], text: str, whole: bool, escaped: bool) -> None:
    check(tuple(words), text, whole=whole, escaped=escaped)


@pytest.mark.usefixtures("real_resources")
def test_real_pages_in_all_languages(ten_wet_files: list[Path]) -> None:
    """A page with the list of one language, in turn; two in three with the English."""
    pages = [page for path in ten_wet_files for page in WetReader(path.open("rb"), name=path.name)]
    assert len(pages) == 2282
    for number, page in enumerate(pages):
        language = "en" if number % 3 else LANGUAGES[number // 3 % len(LANGUAGES)]
        check(badwords.pinned_words(language, resources.source()), page.text[:2000], whole=bool(number % 2))


@pytest.mark.usefixtures("real_resources")
@pytest.mark.parametrize("version", SEMANTICS)
def test_stages_judge_alike(version: str) -> None:
    """Each word of each list, as it is, in capitals and inside another."""
    (stage,) = (s for s in variant("multilingual", version).stages if isinstance(s, DropBadwords))
    stage = replace(stage, fraction=1.0)
    for language in stage.languages:
        for word in badwords.pinned_words(language, resources.source()):
            for text in (word, word.upper(), f"x{word}", f"a {word[:-1]}! {word[1:]}"):
                page = Page("http://a.com/", text, "2019", language=language)
                verdicts = []
                for chosen in ("plain", None):
                    engine.use(chosen)
                    verdicts.append(stage.judge(page))
                assert verdicts[0] == verdicts[1]


@pytest.mark.usefixtures("real_resources")
def test_real_pages_in_batches(ten_wet_files: list[Path]) -> None:
    """In several languages at once; and each page in that of the stage."""
    tags = ("en", "ja", "en-Latn", "und", "zh", "fr", "ar")
    for number, path in enumerate(ten_wet_files):
        with path.open("rb") as stream:
            pages = [
                replace(page, language=tags[i % len(tags)]) for i, page in enumerate(WetReader(stream, name=path.name))
            ]
        agree_on_batch(DropBadwords(0.5, escaped=number % 2 == 0), pages)
        agree_on_batch(DropBadwords(language="en"), pages)


BATCH = st.lists(
    st.tuples(
        st.sampled_from(["en", "ja", "en-Latn", "und", "xx", "ja-x"]),
        st.text(st.sampled_from("abkK. -éÉ中\U0001f595\n_\u212a\u0130Σ\0"), max_size=30),
    ),
    max_size=8,
)


@given(BATCH, st.sampled_from(["ja", "xx", None]))
def test_any_batch(pages: list[tuple[str, str]], language: str | None) -> None:
    """With lists that the room knows how to look for, one that it does not, and languages without."""
    lists = (("en", ("ab", "k.", "é中")), ("ja", ("a+", "中")))
    made = [Page(f"http://a.com/{i}", text, "2019", language=tag) for i, (tag, text) in enumerate(pages)]
    for escaped in (True, False):
        agree_on_batch(DropBadwords(0.5, lists=lists, escaped=escaped, language=language), made)


def test_columns_of_every_character() -> None:
    words = room.Words(("ass", "k", "å", "σ", "ς", "i"), whole=True)
    texts = [encodable(f"x {c}k {c}ass {c} y") for c in CHARACTERS[:0x20000:3] + CHARACTERS[0x20000::257]]
    assert list(words.column(*column(texts))) == list(map(words, texts))
    assert words.column(*column([])) == b""


def test_the_plain_room_is_asked_page_by_page() -> None:
    with engine.using("plain"):
        assert DropBadwords().judge_batch(Batch.of([])) is None


def test_who_decides_may_change() -> None:
    """A stage asks each time."""
    for chosen, kind in (("plain", type(lambda: 0)), (None, room.Words), ("plain", type(lambda: 0))):
        engine.use(chosen)
        assert isinstance(badwords._finder(DropBadwords(), "en", resources.source(), engine.twin("badwords")), kind)
