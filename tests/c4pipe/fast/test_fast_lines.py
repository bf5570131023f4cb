"""The compiled judgement by lines is the plain one: the page and the whole tally."""

from __future__ import annotations

import itertools
import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from c4pipe import engine, resources
from c4pipe.batch import Batch, judge
from c4pipe.fast import lines as room
from c4pipe.fs.files import open_read
from c4pipe.page import Page
from c4pipe.rows import C4_ROWS, PAPER_PAGE_ROWS, PAPER_ROWS
from c4pipe.rules import contains, fewer_words_than, has_word, mentions, no_end_mark, without, word_longer_than
from c4pipe.stages import rule_rows
from c4pipe.stages.clean_lines import CleanLines, DropPages
from c4pipe.stages.length import MaxLength, MinParagraphs
from c4pipe.stages.rule_rows import drop_line, drop_page, edit
from c4pipe.variants import VARIANTS
from c4pipe.warc.wet import WetReader
from tests.fuzz import fuzz_lines

FIVE = "One two three four five"
STAGES = range(len(fuzz_lines.STAGES))
PIECES = st.sampled_from([*fuzz_lines.FAVOURITES, FIVE, f"{FIVE}.", "\n", "\n"]) | st.text(max_size=4)
TEXTS = st.lists(PIECES, max_size=25).map("".join)
WIDE = ("", "\u00e9", "\u2019", "\U0001f600")  # one, one, two, four bytes a character


@pytest.fixture(autouse=True, scope="module")
def fast() -> Iterator[None]:
    previous = resources.source()
    resources.use(resources.BUILTIN)
    with engine.using(None):
        assert engine.twin("lines") is not None
        yield
    resources.use(previous)


def encodable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def agree(stage: CleanLines | DropPages, text: str) -> None:
    page = Page("http://example.com/", text, "2019")
    assert stage.judge(page) == fuzz_lines.judged_plainly(stage, page), (stage, text)
    fuzz_lines.agree_by_all_lanes(stage, encodable(text))


@settings(max_examples=500)
@given(st.sampled_from(STAGES), TEXTS)
def test_any_text(stage: int, text: str) -> None:
    fuzz_lines.agree((stage, text))


@pytest.mark.parametrize("rows", [C4_ROWS, PAPER_ROWS], ids=["c4", "paper"])
def test_whatever_stands_in_brackets(rows: tuple[rule_rows.Row, ...]) -> None:
    """Every word and every beginning of one, in either case, with what counts as a letter or digit though no ASCII."""
    stage = CleanLines(rows, 1)
    words = ["", "0", "19", "1\u0661", "\u0661", "\u00b2", "x", "edit", "EDIT", "ed\u0131t", "ed\u0130t", "\u00e9dit"]
    words += [
        "citation needed",
        "Citation Needed",
        "c\u0131tation needed",
        "C\u0130tation needed",
        "citatio\u0578 needed",
    ]
    begun = sorted({word[:n] for word in words for n in range(len(word) + 1)})
    ends = ("]", "", "].", "x]", "\u0661]", "[1]")
    for inside, before, behind in itertools.product(begun, ("", " ", "["), ends):
        for line in (f"{FIVE}{before}[{inside}{behind}", f"{before}[{inside}{behind} {FIVE}."):
            agree(stage, line)


def test_mutated_texts() -> None:
    """A start of what can run for long."""
    lines = [f"{FIVE}.", "Please read the Privacy Policy of all.", "A fact is[12] here.[3]", "Home", f"{FIVE} [edit]"]
    for one in itertools.islice(fuzz_lines.inputs(random.Random(5), lines), 4000):
        fuzz_lines.agree(one)


@settings(max_examples=200)
@given(st.sampled_from(STAGES), st.lists(TEXTS.map(encodable), max_size=6))
def test_any_column(stage: int, texts: list[str]) -> None:
    fuzz_lines.agree_on_columns(fuzz_lines.STAGES[stage], texts)


@pytest.mark.parametrize("stage", STAGES)
def test_real_pages(stage: int, ten_wet_files: list[Path], real_resources: Path) -> None:
    """C4's table on many pages, the others on some."""
    for path in ten_wet_files:
        with open_read(str(path)) as stream:
            pages = list(itertools.islice(WetReader(stream, name=path.name), 0, None, 2 if stage == 0 else 20))
        for page in pages:
            agree(fuzz_lines.STAGES[stage], page.text)
        fuzz_lines.agree_on_columns(fuzz_lines.STAGES[stage], [page.text for page in pages])


def test_tables_of_all_variants_are_compiled_whole() -> None:
    """No row of ours calls its plain rule, even after a change to a pattern."""
    of_all = {stage for variant in VARIANTS.values() for stage in variant.stages}
    stages = {stage for stage in of_all if isinstance(stage, CleanLines | DropPages)}
    assert len(stages) > 2
    for stage in stages:
        assert stage._program(room).calls == 0


def test_what_is_known_of_characters() -> None:
    """All that the compiled rules take for granted, for every character."""
    for c in map(chr, range(sys.maxunicode + 1)):
        lowered = c.lower()
        if c not in "\u0130\u212a":
            assert len(lowered) == 1
            assert lowered.isascii() == c.isascii()
            assert lowered.isalnum() == c.isalnum()
        if c.isascii():
            assert lowered == (chr(ord(c) | 32) if "A" <= c <= "Z" else c)
        assert not (c.isspace() and " " < c < "\x85")
        assert len(f"{c}a".splitlines()) == 1 or c < " " or c in "\x85\u2028\u2029"


def test_every_character_everywhere_in_a_line() -> None:
    """One of each sort that Unicode's properties tell apart, and all that are blanks."""
    for c in map(chr, [*range(0x180), *range(0x2000, 0x2070), 0x3A3, 0x660, 0x1680, 0x212A, 0x3000, 0xD800, 0x1F600]):
        text = f"{c}One{c}two three four {c}five.{c}\n[{c}] {FIVE}{c}\n javascript{c} is here for you.\n{FIVE}.[{c}]"
        for stage in (0, 3, 10, 11):
            fuzz_lines.agree((stage, text))


def test_every_place_in_a_block_of_bytes() -> None:
    """Lines that end, and phrases that are, at any of the places that are looked at together."""
    for wide, end in itertools.product(WIDE, ("\n", "\r\n", "\x0b", "\x85", "\u2028")):
        for length in range(0, 150, 3):
            agree(fuzz_lines.C4, f"{wide}{'a ' * length}.{end}{FIVE}.{end}{end}{FIVE}?{end}Home")
    for length, behind in itertools.product(range(140), ("", ".", f" {FIVE}", f" {FIVE * 4}\u00e9")):
        for phrase in ("javascript", "Use Cookies", "JAVASCRIPTx", "\u00e9javascript\u00e9", "lorem ipsu", "\u212a"):
            agree(fuzz_lines.STAGES[3], f'{"b" * length}{phrase}{behind}"')
            agree(fuzz_lines.C4, f"{'b ' * length}{phrase}{behind}.")


@pytest.mark.parametrize("limit", [0, 63, 64, 127, 128, 129, 200, 1000])
def test_lines_that_die_by_their_last_byte(limit: int) -> None:
    """Of any length around a limit, at any place, and before a page is dropped."""
    no_mark = drop_line("end", no_end_mark, marks=(".", "\u201d"))
    brace = drop_page("brace", contains, substring="{")
    stage = CleanLines((drop_line("long", word_longer_than, characters=limit), no_mark, brace), 1)
    for length, wide in itertools.product((0, 1, limit - 1, limit, limit + 1, limit + 64, limit + 65), WIDE):
        line = "x" * max(length, 0)
        for text in (line, f"{line}\n", f"a\n\n{line}{wide}\nb\n", f"{line}.\nHome\n{line}{wide}\x0bb\nc\r\nd"):
            agree(stage, text)
            agree(stage, f"{wide}{'a' * 50}\n{text}")
    for lines in range(0, 140, 7):
        agree(stage, "a\n" * lines + "b.\nc\n{.\nd\ne." + "\nf" * lines)
        agree(stage, "a\n" * lines + "{.")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\x0b", "\u2028", ".\n", "\u00a0\n"])
def test_more_lines_than_are_noted_at_once(end: str) -> None:
    agree(CleanLines(C4_ROWS, 1), f"Home{end}{FIVE}.{end}" * 900)
    agree(CleanLines(C4_ROWS, 1), end * 5000)
    agree(CleanLines((), 1), f"a{end}" * 5000)


def test_long_lines_are_looked_at_to_their_end() -> None:
    for length, phrase in itertools.product(range(4096 - 20, 4096 + 3), ("javascript", "{", "[1]", "use coo\u212aies")):
        agree(fuzz_lines.C4, ("a b " * 1024 + "c")[:length] + f"{phrase} {FIVE}.")
        agree(fuzz_lines.C4, ("a \u00e9 " * 1000)[: length - 1000] + f"{phrase} {FIVE}.")


@pytest.mark.parametrize("wide", WIDE)
@pytest.mark.parametrize("row", [*C4_ROWS, *PAPER_ROWS])
def test_boundaries(row: rule_rows.Row, wide: str) -> None:
    """One row alone, on lines just on either side of its limit."""
    stage = CleanLines((row, drop_line("rest", contains, substring="#")), 1)
    lines = ["x" * 999, "x" * 1000, "x" * 1001, f"{'x' * 1000} {'y' * 1001}", "a b c d", "a b c d e", "a b c d e f"]
    lines += [
        "..",
        "...",
        "....",
        "a...",
        "a..",
        ".",
        "?",
        "!",
        '"',
        "\u201d",
        "a.]",
        "[1]",
        "[]",
        "[1",
        "a.[1]",
        "[1] a.",
    ]
    lines += [
        "javascript",
        "xjavascript",
        "javascripts",
        "JAVASCRIPT.",
        "javascrip",
        "avascript",
        "java script",
        "{",
        "}",
    ]
    for phrases in dict(row.limits).get("phrases", ()):
        lines += [phrases, phrases[1:], phrases[:-1], f"x{phrases}x", phrases.title(), phrases.replace(" ", "  ")]
    for line in lines:
        for text in (line, line + wide, wide + line, f"{line}\n{wide}", f"a {line} b\n{wide}#"):
            agree(stage, text)


@pytest.mark.parametrize("characters", [0, 1, 5, 64, 100])
def test_words_of_any_length_and_width(characters: int) -> None:
    """Words just on either side of the limit, among others and blanks of every width."""
    stage = CleanLines((drop_line("long", word_longer_than, characters=characters),), 1)
    letters = [
        letter * (characters + more) for letter in ("a", *WIDE[1:]) for more in (-1, 0, 1) if characters + more > 0
    ]
    for one, other in itertools.product(letters, repeat=2):
        for blank in (" ", "\u00a0", "\u3000", " \u2003\t"):
            agree(stage, f"{one}{blank}{other}{blank}{one}.")


@pytest.mark.parametrize("words", [0, 1, 2, 5, 40])
def test_words_of_any_number(words: int) -> None:
    stage = CleanLines((drop_line("few", fewer_words_than, words=words),), 1)
    numbers = range(max(0, words - 1), words + 2)
    alike = ("a", "\u00e9", "ab\x01c", "long" * 9)
    for number, word, blank in itertools.product(numbers, alike, (" ", "\t ", "\u00a0", "\u3000\x1f", " \u00a0 ")):
        for before in ("", "b" * 61, "b" * 62, "b" * 63, "b" * 64):
            agree(stage, before + blank.join([word] * number))


@pytest.mark.parametrize(
    ("row", "calls"),
    [
        (drop_line("a", word_longer_than, characters=1), 0),
        (drop_line("a", word_longer_than, characters=1.5), 1),
        (drop_line("a", fewer_words_than, words=1 << 40), 1),
        (drop_line("a", no_end_mark, marks=("ab", ".")), 1),
        (drop_line("a", no_end_mark, marks=".!"), 1),
        (drop_line("a", no_end_mark, marks=()), 1),
        (drop_line("a", no_end_mark, marks=tuple("abcdefghijklmnopq")), 1),
        (drop_line("a", mentions, phrases=("ab", "Ab")), 1),
        (drop_line("a", mentions, phrases=("b",)), 1),
        (drop_line("a", mentions, phrases=()), 1),
        (drop_line("a", mentions, phrases=("\u00e9t\u00e9",)), 1),
        (drop_line("a", mentions, phrases=("ab c" * 100,)), 0),
        (drop_line("a", mentions, phrases=tuple(f"word {n}" for n in range(65))), 1),
        (drop_line("a", has_word, word="-ab"), 1),
        (drop_line("a", contains, substring=""), 1),
        (drop_line("a", contains, substring="ab"), 0),
        (edit(without, pattern="b"), 1),
        (drop_line("a", without, pattern=C4_ROWS[1].limits[0][1]), 1),
    ],
)
def test_unusual_limits_call_the_plain_rule(row: rule_rows.Row, calls: int) -> None:
    stage = CleanLines((row,), 1)
    assert stage._program(room).calls == calls
    for text in (
        "",
        "a",
        "ab",
        "Ab c",
        "b.",
        "a.b",
        ".ab",
        "\u00c9t\u00e9",
        "x-ab",
        "[1]",
        "word 7 " * 70,
        "ab c" * 101,
    ):
        agree(stage, text)


def test_many_rows() -> None:
    rows = tuple(drop_page(f"n{n}", contains, substring=f"#{n};") for n in range(300))
    agree(CleanLines(rows, 1), "One. #7 #299 x\nTwo #299; #3;\n#1;")


def test_own_rules_see_the_lines_that_reach_them_in_order() -> None:
    seen: list[str] = []

    def spy(*, name: str) -> object:
        return lambda line: seen.append(f"{name} {line}")

    stage = CleanLines((*C4_ROWS[:3], drop_line("spy", spy, name="a"), C4_ROWS[3], drop_page("see", spy, name="b")), 1)
    agree(stage, f"Home\nfew.\n{FIVE}.\nsome [3].")
    once = ["a few.", f"a {FIVE}.", f"b {FIVE}.", "a some ."]
    assert seen == once * (2 + len(fuzz_lines.LANES))


def test_errors_of_own_rules_pass() -> None:
    def fails() -> object:
        return lambda line: 1 // len(line)

    with pytest.raises(ZeroDivisionError):
        CleanLines((drop_line("x", fails),), 1).judge(Page("u", "a\n\nb", "2019"))

    def nothing() -> object:
        return lambda line: None

    with pytest.raises(TypeError, match="a rule that edits lines returned None"):
        CleanLines((edit(nothing),), 1).judge(Page("u", "a", "2019"))


def halved(*, mark: str) -> Callable[[str], str]:
    """An edit that cannot be encoded."""
    return lambda line: line.replace(mark, "\ud800")


def test_what_cannot_be_encoded_is_judged_plainly() -> None:
    dropped = CleanLines((edit(halved, mark="#"), drop_line("half", contains, substring="\ud800")), 1)
    kept = CleanLines((edit(halved, mark="#"),), 1)
    for stage in (dropped, kept, fuzz_lines.C4, DropPages(PAPER_PAGE_ROWS)):
        for text in (f"{FIVE}.", f"{FIVE}#.", f"{FIVE}\ud800.\n{FIVE}. {FIVE}. {FIVE}.", "\ud800"):
            agree(stage, text)
    batch = Batch.of([Page("http://example.com/", text, "2019") for text in (f"{FIVE}.", f"{FIVE}#.\n{FIVE}.")])
    assert dropped.judge_batch(batch) is None
    assert [page.text for page in judge(dropped, batch).pages.pages()] == [f"{FIVE}."] * 2


def test_an_edit_may_lengthen_a_column() -> None:
    def longer(*, by: str) -> Callable[[str], str]:
        return lambda line: f"{line}{by * 1000}"

    fuzz_lines.agree_on_columns(CleanLines((edit(longer, by="\u20ac"),), 1), ["a", "b\nc", "", "d" * 5000])


def test_counters_that_are_called_alike() -> None:
    """A row's counter may have the name that pages with too few sentences are counted under."""
    stage = CleanLines((drop_page("too_few_sentences", contains, substring="{"),), 2)
    fuzz_lines.agree_on_columns(stage, ["{", "One.", "One. Two.", "One.\n{", "{"])


def test_no_pages() -> None:
    for stage in (fuzz_lines.C4, DropPages(PAPER_PAGE_ROWS), MinParagraphs(1, 0), MaxLength(1)):
        for texts in ([], [""], ["", ""]):
            fuzz_lines.agree_on_columns(stage, texts)


def test_drop_pages_looks_at_the_page_as_it_is() -> None:
    stage = DropPages((*PAPER_PAGE_ROWS, drop_page("end", no_end_mark, marks=(".",))))
    for text in ("", "a.", "a. ", "\na.", "Lorem\nipsum.", "LOREM IPSUM.", "lorem ipsum {", "{", "\u0130lorem ipsum."):
        agree(stage, text)
