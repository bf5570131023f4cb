"""Fuzzing of the compiled judgement by lines against the plain one: tables of C4, of the paper, and unusual ones."""

from __future__ import annotations

import functools
import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from c4pipe import engine
from c4pipe.batch import Batch
from c4pipe.page import Page, PageStage, Verdict
from c4pipe.rows import C4_ROWS, PAPER_PAGE_ROWS, PAPER_ROWS, POLICY
from c4pipe.rules import contains, fewer_words_than, has_word, mentions, no_end_mark, without, word_longer_than
from c4pipe.stages.clean_lines import CleanLines, DropPages
from c4pipe.stages.rule_rows import Row, drop_line, drop_page, edit
from c4pipe.text import sentences
from tests.fuzz.mutations import LINE_BREAKS, character, mutated

LENGTH = 3000  # characters of a real line
LANES = (1, 32, 64)  # bytes that are looked at together, at most


def longer_than(*, characters: int) -> Callable[[str], bool]:
    """A user's own rule."""
    return lambda line: len(line) > characters


def cut_at(*, mark: str) -> Callable[[str], str]:
    """A user's own edit: it can leave a blank line, or blanks at an end."""
    return lambda line: line.partition(mark)[0]


def rows(*chosen: Row) -> CleanLines:
    return CleanLines(chosen, 2)


C4 = CleanLines(C4_ROWS, 3)
STAGES = (
    C4,
    CleanLines(C4_ROWS, 3, punkt="3.6.5"),
    CleanLines(C4_ROWS, 1),
    CleanLines(PAPER_ROWS, 3, punkt="3.6.5"),
    CleanLines(PAPER_ROWS, 1000),
    DropPages(PAPER_PAGE_ROWS),
    DropPages((*PAPER_PAGE_ROWS, drop_page("end", no_end_mark, marks=("\n", "."), ellipsis="\u2026"))),
    CleanLines((), 2),
    rows(*C4_ROWS[::-1]),
    rows(*C4_ROWS[:2], *C4_ROWS[3:]),
    rows(*C4_ROWS[:2], drop_page("end", no_end_mark, marks=(".", "?", '"'), ellipsis="..")),
    rows(
        drop_line("word", word_longer_than, characters=9),
        edit(cut_at, mark="#"),
        drop_page("own", longer_than, characters=900),
        edit(without, pattern=PAPER_ROWS[0].limits[0][1]),
        drop_line("ascii", no_end_mark, marks=(".", "\u201d", "\u3002", "]", " ", "\U0001f600"), ellipsis="[...]"),
        drop_line("short", fewer_words_than, words=2),
        drop_page("word_of", has_word, word="policy"),
        drop_line("abc", contains, substring="abc"),
        edit(without, pattern=C4_ROWS[1].limits[0][1]),
        drop_line("is", mentions, phrases=("is", "use cookies", "k.")),
        drop_line("case", mentions, phrases=("Is",)),
        drop_line("sharp", mentions, phrases=("\u00df", "i\u0307")),
    ),
    rows(
        edit(without, pattern=r"\d+"),
        edit(without, pattern=C4_ROWS[1].limits[0][1]),
        drop_line("words", fewer_words_than, words=0),
        drop_line("letters", word_longer_than, characters=0),
        drop_line("nothing", contains, substring=""),
        drop_line("own", longer_than, characters=50),
    ),
    rows(drop_line("javascript", has_word, word="javascript"), drop_line("emoji", contains, substring="\U0001f600")),
    rows(edit(without, pattern=C4_ROWS[1].limits[0][1]), drop_line("javascript", has_word, word="javascript")),
)
FAVOURITES = [
    *[
        ".",
        "?",
        "!",
        '"',
        "...",
        "..",
        "]",
        "[",
        "[1]",
        "[12].",
        "[edit]",
        "[edit].",
        "[citation",
        "needed]",
        "[Citation",
        "Needed]",
        "[١٢].",
        "[²]",
        "[",
        "1]",
    ],
    *[
        " [3]",
        "[1] ",
        "[citation needed].",
        " [edit] [2]",
        "”",
        "…",
        "{",
        "}",
        "#",
        "abc",
        " ",
        "  ",
        "\t",
        "\n",
        "\r\n",
        "\n\n",
        "\xa0",
        " \xa0 ",
        "\u3000",
        "\u2028",
        "\x1f",
    ],
    *(
        "javascript",
        "JavaScript",
        "_javascript",
        "javascript's",
        "\u0130javascript",
        "java\u017fcript",
        "javascript\u0661",
    ),
    *(
        "lorem ipsum",
        "Lorem Ipsum",
        "lorem\u00a0ipsum",
        "lorem",
        "policy",
        "is",
        "IS",
        "\u0130s",
        "use coo\u212aies",
        "k.",
    ),
    *POLICY,
    *map(str.upper, POLICY),
    *("x" * n for n in (8, 9, 10, 999, 1000, 1001)),
    *("one two three four", "one two three four five.", "\u0130", "\u212a", "\u03a3", "\u00df"),
]


def inputs(rng: random.Random, lines: Sequence[str]) -> Iterator[tuple[int, str]]:
    """A stage, by its index, and the text of a page of no to a dozen lines; real ones mostly end in a mark here."""
    likely = [line for line in lines if line.rstrip().endswith((".", "?", "!", '"', "]"))] or lines
    while True:
        text = ""
        for _ in range(rng.choice((0, 1, 1, 2, 3, 5, 12))):
            line = rng.choice(lines if rng.random() < 0.3 else likely)[:LENGTH]
            text += mutated(rng, line, FAVOURITES) if rng.random() < 0.7 else line
            text += rng.choice(LINE_BREAKS) if rng.random() < 0.1 else "\n" if rng.random() < 0.95 else "\r\n"
        if rng.random() < 0.1:
            text = mutated(rng, text, FAVOURITES)
        if rng.random() < 0.1:
            text += character(rng, FAVOURITES)
        yield rng.randrange(len(STAGES)) if rng.random() < 0.7 else 0, text[: len(text) - rng.randint(0, 1)]


def agree(one: tuple[int, str]) -> None:
    """Both come to the same verdict: the page and the whole tally, for the text alone and in a column."""
    stage, page = STAGES[one[0]], page_of(one[1])
    assert engine.twin("lines") is not None
    fast, plain = stage.judge(page), judged_plainly(stage, page)
    assert fast == plain, (one, fast, plain)
    text = re.sub("[\ud800-\udfff]", "\ufffd", one[1])
    agree_by_all_lanes(stage, text)
    agree_on_columns(stage, [text, text[len(text) // 2 :], text[: len(text) // 3]])


def agree_on_columns(stage: PageStage, texts: Sequence[str]) -> None:
    """What is judged in one call, at an offset in a longer column, is what the plain room judges page by page."""
    pages = [page_of(text, number) for number, text in enumerate(texts)]
    batch = Batch(*(column[1:] for column in Batch.of([page_of("\u20ac One."), *pages]).columns()))
    verdict = stage.judge_batch(batch)  # type: ignore[attr-defined]
    plain = [judged_plainly(stage, page) for page in pages]
    assert verdict.kept.tolist() == [one.page is not None for one in plain], (stage, texts)
    assert list(verdict.pages.pages()) == [one.page for one in plain if one.page is not None], (stage, texts)
    counts = {name: numbers.tolist() for name, numbers in verdict.tallies.items()}
    tallies = [{name: numbers[at] for name, numbers in counts.items() if numbers[at]} for at in range(len(pages))]
    assert tallies == [one.tally for one in plain], (stage, texts)
    assert all(map(any, counts.values())), counts


def agree_by_all_lanes(stage: CleanLines | DropPages, text: str) -> None:
    """Vectors of any width come to the same."""
    said = [said_by(program, stage, text) for program in programs(stage)]
    assert said[1:] == said[:-1], (stage, text, said)


def said_by(program: Any, stage: CleanLines | DropPages, text: str) -> object:
    try:
        if isinstance(stage, DropPages):
            return program.fires(text)
        return program.judge(text, stage.min_sentences, functools.partial(sentences.counter, stage.punkt))
    except UnicodeEncodeError as error:  # half a pair, of an edit
        return str(error)


@functools.cache
def programs(stage: CleanLines | DropPages) -> list[Any]:
    """The compiled program of the stage, for each width of vectors."""
    room = engine.twin("lines")
    assert room is not None
    rooms = [SimpleNamespace(Program=functools.partial(room.Program, lanes=lanes)) for lanes in LANES]
    return [replace(stage)._program(bound) for bound in rooms]  # type: ignore[arg-type]


def page_of(text: str, number: int = 0) -> Page:
    return Page(f"http://example.com/{number}", text, "2019-04-18T10:38:25Z")


def judged_plainly(stage: PageStage, page: Page) -> Verdict:
    """The verdict of the plain room."""
    with engine.using("plain"):
        return stage.judge(page)
