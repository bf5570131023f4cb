"""A page explained: what is shown of it is what the variant does."""

from __future__ import annotations

import gzip
import io
import sys
import unicodedata
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from c4pipe import oracle, terminal
from c4pipe.dedup.base import Dedup
from c4pipe.dedup.lines import DedupLines
from c4pipe.explain import find_pages, render
from c4pipe.explain.explanation import NEEDS_LIST, NEEDS_OTHERS, WITHIN_PAGE, Explanation, LineSeen, StageSeen, explain
from c4pipe.page import Page, Verdict, keep
from c4pipe.stages.clean_lines import CleanLines
from c4pipe.variants import VARIANTS, CrawlStage, Variant, variant
from c4pipe.warc.wet import WetReader
from tests.support.wet_builder import DATE, WARCINFO, member_each, record

EN = variant("en")
GOOD = [f"This is a plain sentence of English, the one with the number {number}." for number in range(4)]


@pytest.fixture(autouse=True)
def small_lists(builtin: None) -> None:
    """Before what a test asks for: some then take the real ones."""


def page(*lines: str, url: str = "http://example.com/") -> Page:
    return Page(url, "\n".join(lines), DATE)


def stage(explanation: Explanation, name: str) -> StageSeen:
    (found,) = [seen for seen in explanation.stages if seen.name == name]
    return found


def test_each_line_with_the_row_that_took_it() -> None:
    explained = explain(
        EN, page("Home", *GOOD[:3], "Too short.", "You must enable Javascript to see this page.", "x" * 1001)
    )
    assert stage(explained, "clean-page") == StageSeen(
        "clean-page",
        "passed",
        {
            "clean-page/line-filtered:no_endmark": 1,
            "clean-page/line-passed": 3,
            "clean-page/line-filtered:too_short": 1,
            "clean-page/line-filtered:javascript": 1,
            "clean-page/line-filtered:too_long_word": 1,
            "clean-page/passed": 1,
        },
        lines=(
            LineSeen(1, "Home", "line-filtered:no_endmark"),
            *(LineSeen(number, line) for number, line in enumerate(GOOD[:3], 2)),
            LineSeen(5, "Too short.", "line-filtered:too_short"),
            LineSeen(6, "You must enable Javascript to see this page.", "line-filtered:javascript"),
            LineSeen(7, "x" * 1001, "line-filtered:too_long_word"),
        ),
    )


def test_an_edit_is_shown_with_what_it_leaves() -> None:
    explained = explain(EN, page(*GOOD, "A statement that is well supported.[12] It is [citation needed] so."))
    assert stage(explained, "clean-page").lines[-1] == LineSeen(
        5,
        "A statement that is well supported.[12] It is [citation needed] so.",
        None,
        "A statement that is well supported. It is  so.",
        (r'without(pattern="\[\d*\]|\[edit\]|\[citation needed\]")',),
    )


def test_an_edit_is_shown_also_where_the_line_is_taken_after_it() -> None:
    lines = stage(explain(EN, page(*GOOD, "A fact that everyone knows about. [3]")), "clean-page").lines
    assert (lines[-1].edited, lines[-1].taken_by) == ("A fact that everyone knows about. ", "line-filtered:no_endmark")


def test_no_line_after_the_one_that_drops_the_page_is_looked_at() -> None:
    explained = explain(EN, page(GOOD[0], "The placeholder Lorem Ipsum is in this line.", GOOD[1]))
    assert [line.taken_by for line in stage(explained, "clean-page").lines] == [
        None,
        "filtered:loremipsum",
        "not judged",
    ]
    assert explained.dropped_by == stage(explained, "clean-page")
    assert [seen.outcome for seen in explained.stages] == [
        "passed",
        "undecided",
        "dropped",
        "not reached",
        "not reached",
        "not reached",
    ]
    assert (explained.final, explained.split) == (None, None)


def test_what_needs_the_other_pages_is_not_decided() -> None:
    explained = explain(EN, page(*GOOD, GOOD[1].upper()))
    assert stage(explained, "duplicate-url-filter") == StageSeen("duplicate-url-filter", "undecided", note=NEEDS_OTHERS)
    seen = stage(explained, "dedupe-lines")
    assert (seen.outcome, seen.note) == ("passed", WITHIN_PAGE)
    assert [line.taken_by for line in seen.lines] == [None] * 4 + ["line-filtered:local_duplicate"]
    assert seen.tally == {
        "dedupe-lines/line-passed": 4,
        "dedupe-lines/line-filtered:local_duplicate": 1,
        "dedupe-lines/passed": 1,
    }
    assert explained.final == replace(page(*GOOD), language="en")
    assert explained.split == "train"


@pytest.mark.parametrize(
    ("listed", "outcome"), [(["http://www.example.com/a"], "passed"), (["http://b.com"], "dropped")]
)
def test_a_list_of_urls_is_enough_for_one_page(tmp_path: Path, listed: list[str], outcome: str) -> None:
    path = tmp_path / "urls.txt"
    path.write_text("\n".join(listed), encoding="utf-8")
    webtext = variant("webtextlike").with_url_list(str(path))
    assert stage(explain(webtext, page(*GOOD, url="https://example.com/a/")), "webtextlike-filter").outcome == outcome


def test_without_the_list_it_is_not_decided() -> None:
    seen = stage(explain(variant("webtextlike"), page(*GOOD)), "webtextlike-filter")
    assert (seen.outcome, seen.note) == ("undecided", NEEDS_LIST)


def test_a_row_that_looks_at_the_whole_page_is_shown_at_the_lines_that_have_it() -> None:
    paper = variant("en", "paper")
    lines = stage(explain(paper, page(GOOD[0], "Lorem ipsum", "f() { }", GOOD[1])), "page-filter").lines
    assert [line.taken_by for line in lines] == [None, "filtered:loremipsum", "filtered:squigglybracket", None]
    assert stage(explain(paper, page(*GOOD)), "page-filter").lines == ()


def test_spans_are_deduplicated_within_the_page() -> None:
    seen = stage(explain(variant("en", "paper"), page(*GOOD, *GOOD[:3])), "dedupe-spans")
    assert (seen.outcome, seen.note) == ("passed", WITHIN_PAGE)
    assert [line.taken_by for line in seen.lines] == [None] * 4 + ["changed or removed"] * 3


@dataclass(frozen=True)
class Upper:
    """A stage of one's own that rewrites some lines."""

    name: str = "upper"

    def judge(self, page: Page) -> Verdict:
        return keep(replace(page, text=page.text.replace("b", "B").replace("\nd", "")))


def test_a_stage_of_ones_own_shows_the_lines_that_it_did_not_pass_on() -> None:
    mine = replace(EN, name="mine", stages=(Upper(),))
    assert stage(explain(mine, page("a", "b", "c", "d")), "upper").lines == (
        LineSeen(1, "a"),
        LineSeen(2, "b", "changed or removed"),
        LineSeen(3, "c"),
        LineSeen(4, "d", "changed or removed"),
    )
    assert stage(explain(mine, page("a", "c")), "upper").lines == ()


POOL = st.sampled_from(
    [
        *GOOD,
        "Home",
        "Read more...",
        "One two.",
        "No lorem ipsum here, please do not.",
        "a { b } is all of this code.",
        "",
        "We are bound by our privacy policy here.",
        "Javascript is what you need to enable.",
        "[1] fact that is cited. [2]",
        f"{GOOD[0]}\u2028{GOOD[1]}",
        f" {GOOD[2]} ",
        "y" * 1000 + " is a very long word to have.",
        "y" * 1001 + " a b c d.",
    ]
)


@pytest.mark.parametrize(
    "cleaned", [one for one in VARIANTS.values() if any(isinstance(s, CleanLines) for s in one.stages)]
)
@given(lines=st.lists(POOL, max_size=12))
def test_lines_shown_are_those_counted(cleaned: Variant, lines: list[str]) -> None:
    """What is shown of lines agrees with the tally, and what stays of them with the text."""
    alone = replace(cleaned, stages=tuple(s for s in cleaned.stages if isinstance(s, CleanLines | DedupLines)))
    given_page = page(*lines)
    explained = explain(alone, given_page)
    for seen in explained.stages:
        if seen.outcome == "not reached":
            continue
        shown = Counter(line.taken_by or "line-passed" for line in seen.lines)
        shown.pop("not judged", None)
        counted = {name.partition("/")[2]: count for name, count in seen.tally.items()}
        whole = {"passed", "filtered:too_few_sentences", "filtered:empty"}
        assert shown == {name: count for name, count in counted.items() if name not in whole}
    outcome = oracle.run(alone, [given_page])
    assert outcome.pages == (() if explained.final is None else (explained.final,))
    assert outcome.counters == sum((Counter(seen.tally) for seen in explained.stages), Counter())
    if explained.final is not None:
        last = explained.stages[-1].lines
        stays = [line.text if line.edited is None else line.edited for line in last if line.taken_by is None]
        assert "\n".join(stays).strip() == explained.final.text.strip()


@pytest.mark.slow
@pytest.mark.parametrize("key", sorted(key for key in VARIANTS if key[0] != "multilingual"), ids="-".join)
@pytest.mark.usefixtures("real_resources")
def test_real_pages_alone_are_explained_as_the_oracle_judges_them(
    ten_wet_files: list[Path], key: tuple[str, str]
) -> None:
    """For a crawl of one page, where nothing is left undecided."""
    with ten_wet_files[0].open("rb") as stream:
        pages = list(WetReader(stream, name="x"))[:40]
    undecided = tuple(s for s in VARIANTS[key].stages if isinstance(s, CrawlStage) and not isinstance(s, Dedup))
    this = replace(VARIANTS[key], stages=tuple(s for s in VARIANTS[key].stages if s not in undecided))
    for one in pages:
        explained, outcome = explain(VARIANTS[key], one), oracle.run(this, [one])
        assert outcome.pages == (() if explained.final is None else (explained.final,))
        dropped = explained.dropped_by
        assert outcome.trace[0].dropped_by == (dropped.name if dropped else None)
        assert outcome.counters == sum((Counter(seen.tally) for seen in explained.stages), Counter())


def test_the_text_says_all_of_it() -> None:
    explained = explain(EN, page("Home", *GOOD[:2], "It is \x1b[2Jso in fact, [1] isn't it?", GOOD[0]))
    assert list(render.account_lines(explained)) == [
        "http://example.com/  2019-04-18T10:38:25Z",
        "en, semantics 3.1.0; this page alone: 5 lines, 232 characters",
        "",
        "1. too-long-filter: passed",
        "   passed 1",
        "",
        "2. duplicate-url-filter: not decided here: needs the other pages",
        "",
        "3. clean-page: passed",
        "   line-filtered:no_endmark 1, line-passed 4, passed 1",
        "   1 line-filtered:no_endmark | Home",
        f"   2 stays                    | {GOOD[0]}",
        f"   3 stays                    | {GOOD[1]}",
        r"   4 stays                    | It is \x1b[2Jso in fact, [1] isn't it?",
        r"                              > It is \x1b[2Jso in fact,  isn't it?",
        r'                                by without(pattern="\[\d*\]|\[edit\]|\[citation needed\]")',
        f"   5 stays                    | {GOOD[0]}",
        "",
        "4. dedupe-lines: passed (within this page alone: lines that other pages own are not decided here)",
        "   line-passed 3, line-filtered:local_duplicate 1, passed 1",
        f"   1 stays                         | {GOOD[0]}",
        f"   2 stays                         | {GOOD[1]}",
        r"   3 stays                         | It is \x1b[2Jso in fact,  isn't it?",
        f"   4 line-filtered:local_duplicate | {GOOD[0]}",
        "",
        "5. english-filter: passed",
        "   passed 1",
        "",
        "6. badwords-filter: passed",
        "   passed 1, badwords-filter-en/passed 1",
        "",
        "kept in split train, language en, with 3 lines, 160 characters, "
        "unless for duplicate-url-filter or dedupe-lines:",
        f"   | {GOOD[0]}",
        f"   | {GOOD[1]}",
        r"   | It is \x1b[2Jso in fact,  isn't it?",
    ]


def test_the_text_of_a_page_that_is_dropped_ends_with_the_stage() -> None:
    *_, last = render.account_lines(explain(EN, page("Home")))
    assert last == "dropped by clean-page"


@given(st.text())
def test_nothing_in_a_page_is_obeyed_by_the_terminal(text: str) -> None:
    shown = terminal.visible(text)
    assert not {unicodedata.category(character) for character in shown} & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, Grüße, 日本", "plain, Grüße, 日本"),
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("a\rb\nc\td", r"a\rb\nc\td"),
        ("\u202egnp.exe", r"\u202egnp.exe"),
        ("\u2028\ufeff\x85\x9b", r"\u2028\ufeff\x85\x9b"),
        ("\U000e0041", r"\U000e0041"),
    ],
)
def test_visible(text: str, shown: str) -> None:
    assert terminal.visible(text) == shown


@pytest.mark.parametrize(
    ("characters", "shown"),
    [(6, "abcdef"), (5, "abcde [and 1 characters more]"), (0, " [and 6 characters more]")],
)
def test_shortened(characters: int, shown: str) -> None:
    assert terminal.shortened("abcdef", characters) == shown


def test_what_is_said_is_obeyed_at_the_ends_of_its_lines_alone() -> None:
    out = io.StringIO()
    terminal.say("one \x1b[2J\ntwo\r", out)
    assert out.getvalue() == "one \\x1b[2J\ntwo\\r\n"


def test_a_terminal_that_lacks_a_character_shows_its_escape() -> None:
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    terminal.say("Grüße", out)
    out.flush()
    assert out.buffer.getvalue() == b"Gr\\xfc\\xdfe\n"  # type: ignore[attr-defined]


WET = member_each(
    [
        WARCINFO,
        record("http://example.com/a", b"Page A\r\nhas two lines."),
        record("http://www.example.com/a/", b"Page A again."),
        record("http://example.com/b", b"Page B."),
    ]
)
URLS = ["http://example.com/a", "http://www.example.com/a/", "http://example.com/b"]


@pytest.mark.parametrize("data", [WET, gzip.decompress(WET)], ids=["gzip", "plain"])
@pytest.mark.parametrize(
    ("url", "found"), [(None, URLS), ("https://example.com/a", URLS[:2]), ("http://example.com/b/", URLS[2:])]
)
def test_pages_of_a_wet_file(tmp_path: Path, data: bytes, url: str | None, found: list[str]) -> None:
    path = tmp_path / "a.wet"
    path.write_bytes(data)
    assert [one.url for one in find_pages.pages(str(path), url=url)] == found


def test_a_url_is_looked_for_in_all_inputs(tmp_path: Path) -> None:
    for name in ("1.wet.gz", "2.wet.gz"):
        (tmp_path / name).write_bytes(WET)
    found = find_pages.pages("http://example.com/b", inputs=[str(tmp_path / "*.wet.gz")])
    assert [one.text for one in found] == ["Page B."] * 2


@pytest.mark.parametrize(("undated", "found"), [(False, []), (True, ["Undated."])])
def test_pages_without_a_timestamp_where_they_take_part(tmp_path: Path, undated: bool, found: list[str]) -> None:
    path = tmp_path / "a.wet"
    dated = record("http://example.com/a", b"Dated.")
    lines = record("http://example.com/b", b"Undated.").split(b"\r\n")
    path.write_bytes(dated + b"\r\n".join(line for line in lines if not line.startswith(b"WARC-Date")))
    assert [one.text for one in find_pages.pages(str(path), undated=undated)] == ["Dated.", *found]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"One line.\r\n\n  Another. \nContent-Type: x\nWARCraft\rThird", "One line.\nAnother.\nThird"),
        ("Grüße.".encode(), "Grüße."),
    ],
)
def test_a_plain_text_is_read_as_a_records_body(tmp_path: Path, body: bytes, text: str) -> None:
    path = tmp_path / "page.txt"
    path.write_bytes(body)
    assert list(find_pages.pages(str(path))) == [Page("", text, "", "text/plain", str(len(body)))]
    assert [one.url for one in find_pages.pages(str(path), url=URLS[0])] == URLS[:1]


@pytest.mark.parametrize(("data", "urls"), [(b"Some text.", [""]), (WET, URLS)])
def test_standard_input(monkeypatch: pytest.MonkeyPatch, data: bytes, urls: list[str]) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
    assert [one.url for one in find_pages.pages("-")] == urls


@pytest.mark.parametrize(
    ("source", "options", "message"),
    [
        ("http://example.com/c", {"inputs": ["{wet}"]}, "none of 3 pages is of http://example.com/c"),
        ("http://example.com/a", {}, "is looked for in WET files, not fetched; name them with --input"),
        ("{wet}", {"inputs": ["{wet}"]}, "use --url in FILE"),
        ("{wet}", {"url": "http://example.com/c"}, "none of 3 pages is of http://example.com/c"),
        ("{latin}", {}, "is not UTF-8: invalid continuation byte at byte 1"),
        ("{blank}", {}, "holds no text"),
        ("{empty_wet}", {}, "no page among 0 records"),
    ],
)
def test_what_cannot_be_looked_up(tmp_path: Path, source: str, options: dict[str, Any], message: str) -> None:
    names = {"wet": WET, "latin": b"B\xe4r", "blank": b" \r\n", "empty_wet": member_each([WARCINFO])}
    places = {name: str(tmp_path / name) for name in names}
    for name, data in names.items():
        (tmp_path / name).write_bytes(data)
    inputs = [one.format(**places) for one in options.get("inputs", [])]
    with pytest.raises(ValueError, match=message):
        list(find_pages.pages(source.format(**places), url=options.get("url"), inputs=inputs))
