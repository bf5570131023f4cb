"""The T5 and mT5 papers at their word: what each sentence of the texts says about lines and pages.

Where a test's name is a quotation, it is of the T5 paper's section 2.2, or of the mT5 paper's section 3.1.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from c4pipe import oracle, resources
from c4pipe.page import Page
from c4pipe.rows import PAPER_ROWS
from c4pipe.stages import language
from c4pipe.stages.clean_lines import CleanLines
from c4pipe.stages.url_filters import InUrlList
from c4pipe.text.digests import md5
from c4pipe.variants import Variant, variant

DATE = "2019-04-18T10:38:25Z"
TEXT = (
    "The weather in the town was very nice on that day.",
    "Many people went to the river and enjoyed the warm sun.",
    "In the evening they all walked home together and were happy.",
)
OTHER = (
    "A new bridge over the river was opened by the mayor this week.",
    "It took the workers more than three years to finish it.",
    "Most of the people who live nearby are glad about it.",
)
CLEAN = CleanLines(PAPER_ROWS, min_sentences=1)


@pytest.fixture(autouse=True, scope="module")
def builtin() -> Iterator[None]:
    previous = resources.source()
    resources.use(resources.BUILTIN)
    yield
    resources.use(previous)


def page(*lines: str, url: str = "http://a.com/1") -> Page:
    return Page(url, "\n".join(lines), DATE)


def dropped_by(*lines: str, name: str = "en") -> str | None:
    (fate,) = oracle.run(variant(name, "paper"), [page(*lines)]).trace
    return fate.dropped_by


def line_as_kept(line: str) -> str | None:
    """The line as it stays on a page, None if it does not."""
    verdict = CLEAN.judge(page(TEXT[0], line))
    assert verdict.page is not None
    _, _, kept = verdict.page.text.partition("\n")
    return kept or None


@pytest.mark.parametrize(
    ("end", "stays"),
    [
        (".", True),
        ("!", True),
        ("?", True),
        ('."', True),
        ('"', True),
        (".\u201d", True),
        ("\u201d", True),  # an end quotation mark, if a curly one
        ("...", True),  # it ends in a period
        ("?..", True),
        ("\u2026", False),  # one character, and none of the four
        (".'", False),
        (".\u2019", False),  # an apostrophe as well
        (".)", False),
        (":", False),
        ("\u201c", False),  # a quotation mark that begins
        ("\u3002", False),
        ("", False),
    ],
)
def test_lines_that_ended_in_a_terminal_punctuation_mark(end: str, stays: bool) -> None:
    line = f"Here are five words then{end}"
    assert line_as_kept(line) == (line if stays else None)


@pytest.mark.parametrize(
    ("line", "stays"),
    [
        ("Only four words here.", False),
        ("Here are five whole words.", True),
        ("Here are six whole words now.", True),
        ("Only four words here. [1]", False),  # a marker is no word
        ("Four words [1] here.", False),
    ],
)
def test_lines_that_contained_at_least_5_words(line: str, stays: bool) -> None:
    assert (line_as_kept(line) is not None) is stays


@pytest.mark.parametrize(
    ("line", "stays"),
    [
        ("You must enable Javascript to see this page.", False),
        ("You must enable JavaScript to see this page.", False),
        ("You must enable JAVASCRIPT, to see this page.", False),
        ("He has written more Javascripts than anyone.", True),  # another word
        ("A page about Java script and its history.", True),
    ],
)
def test_any_line_with_the_word_javascript(line: str, stays: bool) -> None:
    assert line_as_kept(line) == (line if stays else None)


@pytest.mark.parametrize(
    "string",
    [
        "terms of use",
        "privacy policy",
        "cookie policy",
        "uses cookies",
        "use of cookies",
        "use cookies",
        "Terms of Use",
    ],
)
def test_any_lines_containing_the_strings(string: str) -> None:
    assert line_as_kept(f"On this site our {string} are what counts.") is None
    assert line_as_kept(f"On this site our {string[:-1]} are what counts.") is not None


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("It is a fact [1] that few people know.", "It is a fact that few people know."),
        ("It is a fact that few people know.[12]", "It is a fact that few people know."),
        ("It is a fact that few people know. [1] [2]", "It is a fact that few people know."),  # and it ends in a period
        ("It is a fact[citation needed] that few know.", "It is a fact that few know."),
        ("It is a fact [Citation needed] that few know.", "It is a fact that few know."),
        ("[1] [23] It is a fact that few know.", "It is a fact that few know."),
        ("[edit] It is a fact that few know.", "It is a fact that few know."),
        ("It is a fact  [1]  that few people know.", "It is a fact  that few people know."),
        ("It is a fact [] that few people know.", "It is a fact [] that few people know."),  # cites nothing
        ("It is a fact [a] that few people know.", "It is a fact [a] that few people know."),
        ("It is a fact [1a] that few people know.", "It is a fact [1a] that few people know."),
    ],
)
def test_we_removed_any_such_markers(line: str, kept: str) -> None:
    assert line_as_kept(line) == kept


def test_a_marker_behind_many_blanks_takes_no_longer_than_its_line() -> None:
    line = f"It is a fact{' ' * 100_000}that few people know [1]."
    assert line_as_kept(line) == line.replace(" [1]", "")


def test_a_word_of_any_length_is_a_word() -> None:
    """The limit of 1,000 characters is not in the text."""
    line = f"Here is a {'x' * 1001} word."
    assert line_as_kept(line) == line


@pytest.mark.parametrize(
    ("lines", "dropped"),
    [
        ((*TEXT,), None),
        ((*TEXT[:2],), "clean-page"),
        ((f"{TEXT[0]} {TEXT[1]} {TEXT[2]}",), None),
        ((*TEXT[:2], "Too short.", "No end mark is on this line"), "clean-page"),  # counted in what is retained
        ((), "clean-page"),
    ],
)
def test_any_page_with_fewer_than_3_sentences(lines: tuple[str, ...], dropped: str | None) -> None:
    assert dropped_by(*lines) == dropped


@pytest.mark.parametrize(
    ("line", "dropped"),
    [
        ("Bullshit", "badwords-filter"),  # in a line that does not stay
        ("What a load of BULLSHIT this is.", "badwords-filter"),
        ("What a load of bullshits this is.", None),
        ("Lorem ipsum", "page-filter"),
        ("They wrote lorem ipsum all over the page.", "page-filter"),
        ("Lorem", None),
        ("{", "page-filter"),
        ("function() { return 1; }", "page-filter"),
        ("Javascript: if (x) { y }", "page-filter"),
        ("}", None),  # the curly bracket "{"
    ],
)
def test_any_page_that_contained(line: str, dropped: str | None) -> None:
    """Wherever on the page, whatever becomes of the line."""
    assert dropped_by(*TEXT, line) == dropped


def test_any_word_on_the_list_with_or_without_capitals() -> None:
    stages = tuple(
        replace(stage, lists=(("en", ("Rude Word",)),)) if stage.name == "badwords-filter" else stage
        for stage in variant("en", "paper").stages
    )
    own = replace(variant("en", "paper"), stages=stages)
    outcome = oracle.run(own, [page(*TEXT, "A rude word"), page(*OTHER, "A rude one", url="http://a.com/2")])
    assert [fate.dropped_by for fate in outcome.trace] == ["badwords-filter", None]


def test_all_but_one_of_any_three_sentence_span() -> None:
    """The page of the smaller MD5 of its URL keeps it: http://a.com/1. Two sentences in common are none."""
    crawl = [
        page(*TEXT),
        page(OTHER[0], " ".join(TEXT), *OTHER[1:], url="http://a.com/2"),
        page(*OTHER[:2], TEXT[0], url="http://a.com/3"),
    ]
    outcome = oracle.run(variant("en", "paper"), crawl)
    assert [kept.text for kept in outcome.pages] == [
        "\n".join(TEXT),
        "\n".join(OTHER),
        "\n".join((*OTHER[:2], TEXT[0])),
    ]
    assert outcome.counters["dedupe-spans/sentence-filtered:global_duplicate"] == 3


def test_a_page_left_with_fewer_than_3_sentences_goes() -> None:
    first, second, third = sorted((f"http://a.com/{number}" for number in range(3)), key=md5)
    crawl = [page(*TEXT, url=first), page(*TEXT, *OTHER[:2], url=second), page(*TEXT, *OTHER[::-1], url=third)]
    fates = [fate.dropped_by for fate in oracle.run(variant("en", "paper"), crawl).trace]
    assert fates == [None, "dedupe-spans", None]


def test_pages_not_classified_as_english() -> None:
    german = (
        "Das Wetter in der Stadt war an jenem Tag sehr schön.",
        "Viele Leute gingen zum Fluss und genossen die Sonne.",
        "Am Abend gingen alle zusammen nach Hause und waren froh.",
    )
    assert dropped_by(*german) == "english-filter"
    assert dropped_by(*german, name="en.noclean") == "english-filter"


def test_unfiltered_c4_forgoes_all_but_langdetect() -> None:
    lines = (*TEXT, "Bullshit {", "Lorem ipsum", f"{' '.join(TEXT)} " * 1200)
    assert sum(map(len, lines)) > 190_000
    assert dropped_by(*lines, name="en.noclean") is None


def test_without_the_list_a_bad_word_stays() -> None:
    assert dropped_by(*TEXT, "Bullshit", name="en.noblocklist") is None
    assert dropped_by(*TEXT, "Bullshit {", name="en.noblocklist") == "page-filter"


def test_one_page_a_url_the_newest() -> None:
    """Not in the text: what says the same under the same address is one page to all versions of the code."""
    newer = replace(page(*OTHER, url="https://www.a.com/1/"), timestamp="2019-04-19T00:00:00Z")
    outcome = oracle.run(variant("en", "paper"), [page(*TEXT), newer])
    assert [fate.dropped_by for fate in outcome.trace] == ["duplicate-url-filter", None]


@pytest.mark.usefixtures("real_resources")
@pytest.mark.parametrize("owns", [True, False])
def test_c4_additionally_filtered_to_news(owns: bool) -> None:
    """Spans are settled in all of C4: one that a page of another domain owns is lost with it."""
    news = page(*TEXT, *OTHER, url="http://www.herefordtimes.com/news")
    rivals = (f"http://a.com/{number}" for number in range(100))
    rival = next(url for url in rivals if (md5(news.url) < md5(url)) is owns)
    outcome = oracle.run(variant("realnewslike", "paper"), [news, page(*TEXT, url=rival)])
    assert [kept.text for kept in outcome.pages] == ["\n".join((*TEXT, *OTHER) if owns else OTHER)]


def test_listed_urls_alone(tmp_path: Path) -> None:
    listed = tmp_path / "urls.txt"
    listed.write_text("http://a.com/2\n", "utf-8")
    stages = variant("webtextlike", "paper").stages
    assert [type(stage) for stage in stages].index(InUrlList) == 1
    this = variant("webtextlike", "paper").with_url_list(str(listed))
    outcome = oracle.run(this, [page(*TEXT), page(*OTHER, url="http://a.com/2")])
    assert [fate.dropped_by for fate in outcome.trace] == ["webtextlike-filter", None]


LONG = "x" * 200


@pytest.fixture
def mt5(monkeypatch: pytest.MonkeyPatch) -> Variant:
    """The variant with a cld3 that says what a page's last line tells it."""

    def find(text: str) -> SimpleNamespace:
        language, probability = text.split("\n")[-1].split()
        return SimpleNamespace(language=language, probability=float(probability), is_reliable=float(probability) >= 0.7)

    monkeypatch.setattr(language, "_cld3", lambda least, most: SimpleNamespace(FindLanguage=find))
    return variant("multilingual", "paper")


@pytest.mark.parametrize(
    ("lines", "dropped"),
    [
        ((f"1{LONG}", f"2{LONG}", f"3{LONG}", "en 0.7"), None),
        ((f"1{LONG}", f"2{LONG}", f"3{LONG}", "en 0.6999"), "language-filter"),  # "a confidence below 70%"
        ((f"1{LONG}", f"2{LONG}", f"3{LONG}", "hr 0.9"), "language-filter"),  # none of the 107
        ((f"1{LONG}", f"2{LONG}", "x" * 199, "en 0.7"), "paragraph-filter"),  # "three or more lines" of "200 or more"
        ((f"1{LONG}", f"2{LONG}", LONG, "en 0.7"), None),
        ((f"1{LONG}", f"2{LONG}", f"{LONG} Bullshit", "en 0.7"), "badwords-filter"),
        ((f"1{LONG} {{", f"2{LONG} lorem ipsum", f"{LONG} javascript", "en 0.7"), None),  # no rule of lines
    ],
)
def test_mt5(mt5: Variant, lines: tuple[str, ...], dropped: str | None) -> None:
    (fate,) = oracle.run(mt5, [page(*lines)]).trace
    assert fate.dropped_by == dropped


def test_mt5_deduplicating_lines_across_documents(mt5: Variant) -> None:
    crawl = [
        page(f"1{LONG}", f"2{LONG}", f"3{LONG}", "en 0.8"),
        page(f"1{LONG}", f"4{LONG}", f"5{LONG}", "en 0.9", url="http://a.com/2"),
    ]
    first, second = oracle.run(mt5, crawl).pages
    assert (first.text, first.language) == (crawl[0].text, "en")
    assert second.text == f"4{LONG}\n5{LONG}\nen 0.9"
