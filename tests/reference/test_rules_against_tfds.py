"""What becomes of lines and pages is what the reference's own functions make of them."""

from __future__ import annotations

import made_texts as made
import pytest
import tfds_c4
from agreement import agree, judged
from hypothesis import strategies as st
from tfds_c4 import Result

from c4pipe.dedup.lines import DedupLines
from c4pipe.dedup.urls import KeepNewest
from c4pipe.page import Page
from c4pipe.stages.clean_lines import CleanLines
from c4pipe.stages.length import MinParagraphs
from c4pipe.text import sentences
from c4pipe.variants import C4_ROWS, LENGTH

pytestmark = pytest.mark.usefixtures("prepared")

PIECES = {
    "too_long_word": made.LONG_WORDS,
    "citation": made.CITATIONS,
    "no_endmark": made.MARKS,
    "too_short": made.BLANKS + made.NEARLY_BLANK,
    "loremipsum": made.LORDLY,
    "javascript": made.SCRIPTS,
    "squigglybracket": made.BRACES,
    "policy": made.POLICIES,
    "all": made.LONG_WORDS[:4] + made.LORDLY + made.SCRIPTS + made.BRACES + made.POLICIES + made.CONTROLS,
}
COUNTERS = {
    row.counter: f"clean-page/{'line-' * (row.effect == 'drop_line')}filtered:{row.counter}"
    for row in C4_ROWS
    if row.counter
}
OUTCOMES = ("clean-page/line-passed", "clean-page/passed", "clean-page/filtered:too_few_sentences")


@pytest.mark.parametrize("rule", PIECES)
def test_lines_and_pages(rule: str) -> None:
    seen = COUNTERS.values() if rule == "all" else [COUNTERS[rule]] if rule in COUNTERS else []
    stage = CleanLines(C4_ROWS, min_sentences=3)
    agree(
        made.page(made.text(PIECES[rule])),
        lambda page: judged(stage, [page]),
        lambda page: tfds_c4.clean_page([page]),
        *seen,
        *OUTCOMES,
    )


def test_sentences() -> None:
    def ours(text: str) -> tuple[int, list[bool]]:
        return sentences.count(text), [sentences.at_least(text, sentences=number) for number in (0, 1, 3)]

    def theirs(text: str) -> tuple[int, list[bool]]:
        count = tfds_c4.sentences(text)
        return count, [count >= number for number in (0, 1, 3)]

    agree(made.text(made.MARKS, made.WORDS, made.CONTROLS), ours, theirs)


def test_too_long() -> None:
    characters = st.sampled_from(("x", "é", "💩", "e\u0301", "\n", "\0"))
    sizes = st.integers(189_990, 190_010)
    agree(
        made.page(st.builds(lambda one, size, end: (one * size)[:size] + end, characters, sizes, st.text(max_size=9))),
        lambda page: judged(LENGTH, [page]),
        lambda page: tfds_c4.too_long_filter([page]),
        *("too-long-filter/filtered", "too-long-filter/passed"),
    )


def test_paragraphs() -> None:
    lengths = st.sampled_from((0, 1, 198, 199, 200, 201, 500))
    lines = st.builds(lambda one, size: one * size, st.sampled_from(("x", "é", "💩", "\u2028", "\r", " ")), lengths)
    agree(
        made.page(st.lists(lines, max_size=6).map("\n".join)),
        lambda page: judged(MinParagraphs(paragraphs=3, characters=200), [page]),
        lambda page: tfds_c4.paragraph_filter([page]),
        *("paragraph-filter/filtered", "paragraph-filter/passed"),
    )


def test_newest_of_a_url() -> None:
    """Timestamps are unique: among equally new pages the reference takes what arrives first, which no content decides.

    ``filtered`` is left out: the reference's own runs never count it.
    """

    def sets(result: Result) -> tuple[set[Page], dict[str, int]]:
        return set(result[0]), {"passed": result[1].get("duplicate-url-filter/passed", 0)}

    agree(
        made.crawl(st.sampled_from(("a", "b")), unique_by=lambda page: page.timestamp),
        lambda pages: sets(judged(KeepNewest(), pages)),
        lambda pages: sets(tfds_c4.duplicate_url_filter(pages)),
        "passed",
    )


LINES = (
    *("The same line.\n", " the SAME line. \n", "\u2003The same line.\x1f\n", "THE SAME LINE.\x85\n", "\n", "\n \n"),
    *("ΟΔΟΣ\n", "οδος\n", "οδοσ\n", "\u0130\n", "i\u0307\n", "i\n", "é\n", "e\u0301\n", "ß\n", "ẞ\n", "ss\n"),
    *(
        "\u212aelvin? Yes! Dr.\n",
        "kelvin? yes! dr.\n",
        "Roberts left. She came. It was so.\n",
        "\ufeffThe same line.\n",
    ),
)


@pytest.mark.parametrize("min_sentences", [0, 3])
def test_lines_once(min_sentences: int) -> None:
    seen = [
        "line-passed",
        "line-filtered:global_duplicate",
        "line-filtered:local_duplicate",
        "passed",
        "filtered:empty",
    ]
    if min_sentences:
        seen.append("filtered:too_few_sentences")
    agree(
        made.crawl(made.text(LINES, pieces=8), unique_by=lambda page: page.url),
        lambda pages: judged(DedupLines(min_sentences), pages),
        lambda pages: tfds_c4.dedupe_lines(pages, min_sentences),
        *(f"dedupe-lines/{name}" for name in seen),
    )
