"""The oracle: stages in their order, a fate for every page, counts that add up."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from c4pipe import oracle, resources
from c4pipe.oracle import Fate, Oracle, Outcome
from c4pipe.page import Page
from c4pipe.variants import SEMANTICS, variant

TEXT = (
    "The weather in the town was very nice on that day.\n"
    "Many people went to the river and enjoyed the warm sun.\n"
    "In the evening they all walked home together and were happy."
)
OTHER = "\n".join(f"Another page says that {line[0].lower()}{line[1:]}" for line in TEXT.split("\n"))
GERMAN = (
    "Das Wetter in der Stadt war an jenem Tag sehr schön.\n"
    "Viele Leute gingen zum Fluss und genossen die Sonne.\n"
    "Am Abend gingen alle zusammen nach Hause und waren froh."
)
BAD = OTHER.replace("happy", "full of shit").replace("Another page", "This bad page")
OLD, NEW = "2019-04-18T00:00:00Z", "2019-04-19T00:00:00Z"
CRAWL = (
    Page("http://a.com/1", f"Menu\n{TEXT}\n{OTHER}", NEW),
    Page("http://www.a.com/1/", GERMAN, OLD),
    Page("http://a.com/2", TEXT, OLD),
    Page("http://a.com/3", "x" * 190_001, OLD),
    Page("http://a.com/4", "Menu\nHome", OLD),
    Page("http://a.com/5", GERMAN, OLD),
    Page("http://a.com/6", BAD, OLD),
)
LINES = st.sampled_from([*TEXT.split("\n"), *OTHER.split("\n"), *GERMAN.split("\n"), *BAD.split("\n"), "Menu"])
PAGES = st.builds(
    Page,
    st.sampled_from([f"http://{www}a.com/{n}" for n in range(6) for www in ("", "www.")]),
    st.lists(LINES, min_size=1, max_size=6).map("\n".join),
    st.sampled_from([OLD, NEW]),
)


@pytest.fixture(autouse=True, scope="module")
def builtin() -> Iterator[None]:
    previous = resources.source()
    resources.use(resources.BUILTIN)
    yield
    resources.use(previous)


def english(page: Page, text: str) -> Page:
    return Page(page.url, text, page.timestamp, language="en")


def test_run() -> None:
    """The first two pages are one, and it owns the third's lines: md5 of http://a.com/1 is the smallest."""
    outcome = oracle.run(variant("en"), iter(CRAWL))
    assert outcome == Outcome(
        pages=(english(CRAWL[0], f"{TEXT}\n{OTHER}"),),
        counters={
            "too-long-filter/passed": 6,
            "too-long-filter/filtered": 1,
            "duplicate-url-filter/passed": 5,
            "duplicate-url-filter/filtered": 0,
            "clean-page/line-filtered:no_endmark": 3,
            "clean-page/line-passed": 15,
            "clean-page/filtered:too_few_sentences": 1,
            "clean-page/passed": 4,
            "dedupe-lines/line-passed": 12,
            "dedupe-lines/line-filtered:global_duplicate": 3,
            "dedupe-lines/filtered:empty": 1,
            "dedupe-lines/passed": 3,
            "english-filter/filtered:ignored_language": 1,
            "english-filter/filtered:ignored_language-de": 1,
            "english-filter/passed": 2,
            "badwords-filter/filtered": 1,
            "badwords-filter-en/filtered": 1,
            "badwords-filter/passed": 1,
            "badwords-filter-en/passed": 1,
        },
        trace=(
            Fate(CRAWL[0], None),
            Fate(CRAWL[1], "duplicate-url-filter"),
            Fate(CRAWL[2], "dedupe-lines"),
            Fate(CRAWL[3], "too-long-filter"),
            Fate(CRAWL[4], "clean-page"),
            Fate(CRAWL[5], "english-filter"),
            Fate(CRAWL[6], "badwords-filter"),
        ),
    )


@pytest.mark.parametrize(("semantics", "left"), [("3.1.0", 1), ("3.0.1", 2), ("paper", 2)])
def test_undated_pages_take_part_by_version(semantics: str, left: int) -> None:
    """A page that takes no part has no fate."""
    crawl = [Page("http://a.com/1", TEXT, OLD), Page("http://a.com/2", OTHER, "")]
    outcome = oracle.run(variant("en", semantics), crawl)
    assert [fate.page for fate in outcome.trace] == crawl[:left]
    assert outcome.pages == tuple(english(page, page.text) for page in crawl[:left])


@settings(max_examples=20)
@given(st.lists(PAGES | PAGES.map(lambda page: replace(page, timestamp="")), max_size=6))
def test_what_is_shared_changes_nothing(pages: list[Page]) -> None:
    """Of several variants over one crawl each is as if it were alone."""
    shared = Oracle(pages)
    for name in ("en", "en.noblocklist", "en.noclean", "en"):
        for semantics in SEMANTICS:
            this = variant(name, semantics)
            assert shared.run(this) == oracle.run(this, pages)


def test_run_of_nothing() -> None:
    assert oracle.run(variant("en"), ()) == Outcome((), {}, ())


@settings(max_examples=30)
@given(st.lists(PAGES, max_size=8), st.integers())
def test_every_page_has_a_fate_whatever_the_order(pages: list[Page], seed: int) -> None:
    outcome = oracle.run(variant("en"), pages)
    assert [fate.page for fate in outcome.trace] == pages
    assert [fate.page.url for fate in outcome.trace if fate.dropped_by is None] == [page.url for page in outcome.pages]
    shuffled = random.Random(seed).sample(pages, len(pages))
    again = oracle.run(variant("en"), shuffled)
    assert again.counters == outcome.counters
    assert Counter(again.pages) == Counter(outcome.pages)


@settings(max_examples=30)
@given(st.lists(PAGES, max_size=8))
def test_counts_agree_with_the_trace(pages: list[Page]) -> None:
    """At each stage: pages in = pages passed + pages dropped."""
    outcome = oracle.run(variant("en"), pages)
    dropped = Counter(fate.dropped_by for fate in outcome.trace)
    left = len(pages)
    for stage in variant("en").stages:
        left -= dropped[stage.name]
        assert outcome.counters.get(f"{stage.name}/passed", 0) == left
    assert left == len(outcome.pages)
