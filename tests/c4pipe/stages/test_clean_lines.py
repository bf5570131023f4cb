"""Stages that judge a page by its lines: the page and the whole tally."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from c4pipe import engine, resources
from c4pipe.batch import Batch, judge, verdict_of
from c4pipe.page import Page, PageStage, Verdict, with_text
from c4pipe.rows import PAPER_PAGE_ROWS
from c4pipe.rules import contains, fewer_words_than, mentions
from c4pipe.stages.clean_lines import CleanLines, DropPages
from c4pipe.stages.length import MaxLength, MinParagraphs
from c4pipe.stages.rule_rows import drop_line, drop_page
from c4pipe.text.sentences import Punkt
from c4pipe.variants import C4_ROWS

CLEAN = CleanLines(C4_ROWS, min_sentences=3)
GOOD = "This is one good line here."
LINES = st.sampled_from(
    [
        GOOD,
        "Too few.",
        "no end mark on this line",
        "This page needs JavaScript to run.",
        "Read our privacy policy before you go.",
        "We like the lorem ipsum a lot.",
        "A bracket { in a good line.",
        "x" * 1001 + " is a very long word.",
        "A fact [3] that is worth five.",
        "",
    ]
)


@pytest.fixture(autouse=True, scope="module", params=["plain", None], ids=["plain", "fast"])
def builtin(request: pytest.FixtureRequest) -> Iterator[None]:
    """All that is said here holds for both engines."""
    previous = resources.source()
    resources.use(resources.BUILTIN)
    with engine.using(request.param):
        yield
    resources.use(previous)


def page(*lines: str) -> Page:
    return Page("http://example.com/", "\n".join(lines), "2019-04-18T10:38:25Z")


@pytest.mark.parametrize(
    ("lines", "kept", "tally"),
    [
        ((), None, {"filtered:too_few_sentences": 1}),
        ((GOOD, GOOD), None, {"line-passed": 2, "filtered:too_few_sentences": 1}),
        ((GOOD, GOOD, GOOD), (GOOD, GOOD, GOOD), {"line-passed": 3, "passed": 1}),
        ((f"{GOOD} {GOOD} {GOOD}",), (f"{GOOD} {GOOD} {GOOD}",), {"line-passed": 1, "passed": 1}),
        (
            ("Home", GOOD, "x" * 1001 + " is too long.", GOOD, "Too few words.", GOOD),
            (GOOD, GOOD, GOOD),
            {
                "line-filtered:no_endmark": 1,
                "line-filtered:too_long_word": 1,
                "line-filtered:too_short": 1,
                "line-passed": 3,
                "passed": 1,
            },
        ),
        # What follows the line that drops the page is not seen.
        (
            (GOOD, "Home", "Here is a lorem ipsum again.", "Home", GOOD),
            None,
            {"line-passed": 1, "line-filtered:no_endmark": 1, "filtered:loremipsum": 1},
        ),
        ((GOOD, "Here { is one bracket again."), None, {"line-passed": 1, "filtered:squigglybracket": 1}),
        # A heading and a short line spare the page, and so does a bracket in a line about JavaScript.
        (
            ("Lorem ipsum", "Oh {.", "This javascript { is such a line.", GOOD, GOOD, GOOD),
            (GOOD, GOOD, GOOD),
            {
                "line-filtered:no_endmark": 1,
                "line-filtered:too_short": 1,
                "line-filtered:javascript": 1,
                "line-passed": 3,
                "passed": 1,
            },
        ),
        # A marker leaves the blank before it: inside a line, at its head (but for the first line), at its end.
        (
            ("[edit] This heads the page right here.", "[edit] So it is in here.", GOOD, "A fact at the end. [3]"),
            ("This heads the page right here.", " So it is in here.", GOOD),
            {"line-filtered:no_endmark": 1, "line-passed": 3, "passed": 1},
        ),
        # Other line breaks part lines too, and become line feeds.
        (
            (f"{GOOD}\u2028{GOOD}\x0b{GOOD}\x85Home",),
            (GOOD, GOOD, GOOD),
            {"line-filtered:no_endmark": 1, "line-passed": 3, "passed": 1},
        ),
    ],
)
def test_clean_lines(lines: tuple[str, ...], kept: tuple[str, ...] | None, tally: dict[str, int]) -> None:
    assert CLEAN.judge(page(*lines)) == Verdict(page(*kept) if kept else None, tally)


@given(st.lists(LINES, max_size=12))
def test_clean_lines_loses_no_line(lines: list[str]) -> None:
    """Of a page that passes, lines in are lines passed and lines filtered; a page that does not counts why once."""
    verdict = CLEAN.judge(page(*lines))
    counted = sum(n for name, n in verdict.tally.items() if name.startswith("line-"))
    whole_page = {name: n for name, n in verdict.tally.items() if not name.startswith("line-")}
    if verdict.page is None:
        assert len(whole_page) == 1
        assert "passed" not in whole_page
        assert counted <= len(lines)
    else:
        assert whole_page == {"passed": 1}
        assert counted == len("\n".join(lines).splitlines())
        assert len(verdict.page.text.split("\n")) == verdict.tally["line-passed"]


@given(st.lists(LINES, max_size=12))
def test_clean_lines_leaves_clean_text_alone(lines: list[str]) -> None:
    once = CLEAN.judge(page(*lines)).page
    if once is not None:
        assert CLEAN.judge(once).page == once


@pytest.mark.parametrize(("length", "kept"), [(9, True), (10, True), (11, False)])
def test_max_length(length: int, kept: bool) -> None:
    long = page("\U0001f600" * length)
    assert MaxLength(10).judge(long) == (Verdict(long, {"passed": 1}) if kept else Verdict(None, {"filtered": 1}))


@pytest.mark.parametrize(
    ("lengths", "kept"),
    [((10, 10), True), ((9, 10), False), ((10,), False), ((0, 10, 0, 10), True), ((11, 11, 1), True)],
)
def test_min_paragraphs(lengths: tuple[int, ...], kept: bool) -> None:
    paragraphs = page(*("x" * length for length in lengths))
    expected = Verdict(paragraphs, {"passed": 1}) if kept else Verdict(None, {"filtered": 1})
    assert MinParagraphs(paragraphs=2, characters=10).judge(paragraphs) == expected


BORDERS = ["", "x" * 9, "\u00e9" * 10, "\u3002" * 11]
PARAGRAPHS = st.lists(st.text(st.characters(codec="utf-8"), max_size=5) | st.sampled_from(BORDERS), max_size=5)


@given(st.sampled_from([MaxLength(10), MaxLength(25), MinParagraphs(2, 10), MinParagraphs(3, 0)]), st.lists(PARAGRAPHS))
def test_pages_by_columns(stage: MaxLength | MinParagraphs, texts: list[list[str]]) -> None:
    pages = [page("before"), *(page(*lines) for lines in texts)]
    batch = Batch(*(column[1:] for column in Batch.of(pages).columns()))
    one_by_one = verdict_of(batch, pages[1:], [stage.judge(page) for page in pages[1:]])
    by_columns = judge(stage, batch)
    assert (stage.judge_batch(batch) is None) == (engine.chosen() == "plain")
    assert by_columns.kept.tolist() == one_by_one.kept.tolist()
    assert list(by_columns.pages.pages()) == list(one_by_one.pages.pages())
    by_name = [{name: numbers.tolist() for name, numbers in one.tallies.items()} for one in (by_columns, one_by_one)]
    assert by_name[0] == by_name[1]


@pytest.mark.parametrize("stage", [CLEAN, DropPages(PAPER_PAGE_ROWS), MaxLength(10), MinParagraphs(3, 200)])
def test_stages_travel_small(stage: PageStage) -> None:
    stage.judge(page(GOOD))  # what it builds for that stays at home
    assert pickle.loads(pickle.dumps(stage)) == stage
    assert len(pickle.dumps(stage)) < 2000


def test_impossible_limits_fail_where_they_are_written() -> None:
    with pytest.raises(ValueError, match="min_sentences is 0"):
        CleanLines(C4_ROWS, min_sentences=0)
    with pytest.raises(ValueError, match="characters is 0"):
        MaxLength(0)
    with pytest.raises(ValueError, match="paragraphs is 0, but must be 1 or more"):
        MinParagraphs(0, 200)
    with pytest.raises(ValueError, match="twice under bracket"):
        CleanLines((drop_page("bracket", contains, substring="{"), drop_line("bracket", contains, substring="}")), 3)
    with pytest.raises(TypeError, match="characters"):
        CleanLines((drop_line("too_short", fewer_words_than, characters=5),), 3)


PAGE_ROWS = (drop_page("ipsum", mentions, phrases=("lorem ipsum",)), drop_page("bracket", contains, substring="{"))


@pytest.mark.parametrize(
    ("lines", "tally"),
    [
        ((GOOD,), {"passed": 1}),
        (("Menu", "Lorem ipsum"), {"filtered:ipsum": 1}),
        (("x {", GOOD), {"filtered:bracket": 1}),
        (("x {", "lorem ipsum"), {"filtered:ipsum": 1}),  # one count a page, of the first row
        (("lorem", "ipsum"), {"passed": 1}),  # a phrase has its blank
        ((), {"passed": 1}),
    ],
)
def test_drop_pages(lines: tuple[str, ...], tally: dict[str, int]) -> None:
    given_page = page(*lines)
    assert DropPages(PAGE_ROWS).judge(given_page) == Verdict(given_page if "passed" in tally else None, tally)


def test_drop_pages_takes_rows_that_drop_pages() -> None:
    with pytest.raises(ValueError, match="rows of page-filter must be drop_page, not drop_line"):
        DropPages((*PAGE_ROWS, drop_line("short", fewer_words_than, words=5)))
    with pytest.raises(ValueError, match="rows count twice under bracket"):
        DropPages((*PAGE_ROWS, PAGE_ROWS[1]))


@pytest.mark.parametrize(("punkt", "sentences"), [("3.9.1", 3), ("3.6.5", 2)])
def test_clean_lines_counts_by_the_punkt_that_is_asked(punkt: Punkt, sentences: int) -> None:
    """Detached marks are a sentence of their own for the newer one alone."""
    shout = page("So very good indeed !! We go")
    for least, tally in ((sentences, {"line-passed": 1, "passed": 1}), (sentences + 1, None)):
        verdict = CleanLines(C4_ROWS[3:], least, punkt=punkt).judge(shout)
        assert verdict.tally == (tally or {"line-passed": 1, "filtered:too_few_sentences": 1})


def test_unknown_punkt() -> None:
    with pytest.raises(ValueError, match="punkt is '4'"):
        CleanLines(C4_ROWS, 3, punkt="4")  # type: ignore[arg-type]


def test_with_text_changes_nothing_else() -> None:
    whole = Page("u", "t", "2019", "text/plain", "12", "en")
    assert with_text(whole, "other") == replace(whole, text="other")
