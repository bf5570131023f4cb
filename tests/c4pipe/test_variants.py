"""The table: what it holds, and what it refuses."""

from __future__ import annotations

import pickle
from dataclasses import replace

import pytest

from c4pipe import sentences
from c4pipe.cleaning import CleanLines, MaxLength, Row
from c4pipe.dedup import KeepNewest
from c4pipe.page import Page
from c4pipe.urls import InUrlList
from c4pipe.variants import C4_ROWS, MC4_LANGUAGES, VARIANTS, CrawlStage, Variant, flat, variant

CLEANED = ["clean-page", "dedupe-lines", "english-filter"]


@pytest.mark.parametrize(
    ("name", "stages"),
    [
        ("en", ["too-long-filter", "duplicate-url-filter", *CLEANED, "badwords-filter"]),
        ("en.noclean", ["too-long-filter", "duplicate-url-filter", "english-filter"]),
        ("en.noblocklist", ["too-long-filter", "duplicate-url-filter", *CLEANED]),
        (
            "realnewslike",
            ["too-long-filter", "realnews-domain-filter", "duplicate-url-filter", *CLEANED, "badwords-filter"],
        ),
        ("webtextlike", ["too-long-filter", "duplicate-url-filter", "webtextlike-filter", *CLEANED, "badwords-filter"]),
        (
            "multilingual",
            [
                "too-long-filter",
                "duplicate-url-filter",
                "paragraph-filter",
                "dedupe-lines",
                "language-filter",
                "badwords-filter",
            ],
        ),
    ],
)
def test_stages_in_order(name: str, stages: list[str]) -> None:
    assert [stage.name for stage in variant(name).stages] == stages


def test_crawls_and_languages() -> None:
    assert {name: len(v.crawls) for (name, _), v in VARIANTS.items()} == {
        "en": 1,
        "en.noclean": 1,
        "en.noblocklist": 1,
        "realnewslike": 1,
        "webtextlike": 12,
        "multilingual": 86,
    }
    assert variant("multilingual").crawls[0] == "CC-MAIN-2013-20"
    assert variant("multilingual").crawls[-1] == "CC-MAIN-2022-27"
    assert all(len(set(v.crawls)) == len(v.crawls) for v in VARIANTS.values())
    assert len(set(MC4_LANGUAGES)) == 107


@pytest.mark.parametrize("known", VARIANTS.values(), ids=lambda v: v.name)
def test_variants_travel_and_compare(known: Variant) -> None:
    assert pickle.loads(pickle.dumps(known)) == known
    assert variant(known.name, known.semantics) is known
    assert [s.name for s in known.stages if isinstance(s, CrawlStage)] == [
        s.name for s in known.stages if s.name in ("duplicate-url-filter", "dedupe-lines", "webtextlike-filter")
    ]


@pytest.mark.parametrize(("name", "semantics"), [("english", "3.1.0"), ("en", "0.0.1")])
def test_unknown_variant(name: str, semantics: str) -> None:
    with pytest.raises(ValueError, match=rf"no variant '{name}' at semantics '{semantics}'; there are: en at 3.1.0"):
        variant(name, semantics)


def test_two_stages_of_one_name() -> None:
    with pytest.raises(ValueError, match="two stages named too-long-filter"):
        Variant("x", "3.1.0", (MaxLength(1), KeepNewest(), MaxLength(2)), ())
    Variant("x", "3.1.0", (MaxLength(1), KeepNewest(), MaxLength(2, name="other")), ())


def test_url_list() -> None:
    listed = variant("webtextlike").with_url_list("a.txt", "b.zip")
    assert [stage for stage in listed.stages if isinstance(stage, InUrlList)] == [InUrlList(("a.txt", "b.zip"))]
    assert replace(listed, stages=()) == replace(variant("webtextlike"), stages=())
    with pytest.raises(ValueError, match="en keeps pages of any URL"):
        variant("en").with_url_list("a.txt")


@pytest.mark.parametrize(
    ("url", "english", "by_language"),
    [("http://fake.com/url/1", "train", "sv"), ("http://fake.com/url/370", "validation", "sv-validation")],
)
def test_split(url: str, english: str, by_language: str) -> None:
    page = Page(url, "Text.", "2019-04-18T10:38:25Z", language="sv")
    assert variant("en").split(page) == english
    assert variant("multilingual").split(page) == by_language


@pytest.mark.parametrize(
    ("name", "lists", "punkt", "realnews"),
    [
        ("en", 1, True, False),
        ("en.noclean", 0, False, False),
        ("en.noblocklist", 0, True, False),
        ("realnewslike", 1, True, True),
        ("multilingual", 26, False, False),
    ],
)
def test_resources(name: str, lists: int, punkt: bool, realnews: bool) -> None:
    """What a build of the variant reads, and nothing else."""
    found = variant(name).resources()
    assert sum(resource.startswith("ldnoobw/") for resource in found) == lists
    assert (sentences.RESOURCES.keys() <= found.keys()) is punkt
    assert any(resource.startswith("realnews/") for resource in found) is realnews


def test_order_of_rows_is_meaning() -> None:
    """A heading without an end mark spares its page only while no_endmark stands before loremipsum."""
    page = Page("http://a.com", "Lorem ipsum\n" + "\n".join(["This is a good line."] * 3), "")
    endmark, lorem = (next(r for r in C4_ROWS if r.counter == name) for name in ("no_endmark", "loremipsum"))
    swapped: dict[Row, Row] = {endmark: lorem, lorem: endmark}
    other = tuple(swapped.get(row, row) for row in C4_ROWS)
    assert CleanLines(other, 3).judge(page).tally == {"filtered:loremipsum": 1}
    assert first_tally(CleanLines(C4_ROWS, 3), page) == {"line-filtered:no_endmark": 1}


def first_tally(stage: CleanLines, page: Page) -> dict[str, int]:
    """The tally of the page's first line alone."""
    heading = replace(page, text=page.text.split("\n")[0])
    return {name: n for name, n in stage.judge(heading).tally.items() if name.startswith("line-")}


def test_flat() -> None:
    assert flat("a", {"x": 1, "b/x": 2, "y": 0}) == {"a/x": 1, "b/x": 2, "a/y": 0}
    assert flat("a", {}) == {}
