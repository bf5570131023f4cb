"""The table: what it holds, and what it refuses."""

from __future__ import annotations

import pickle
from dataclasses import fields, replace

import pytest

from c4pipe.dedup.urls import KeepLargestText, KeepNewest
from c4pipe.page import Page
from c4pipe.stages.badwords import ALLOWED
from c4pipe.stages.clean_lines import CleanLines
from c4pipe.stages.length import MaxLength
from c4pipe.stages.rule_rows import Row
from c4pipe.stages.url_filters import InUrlList
from c4pipe.text import sentences
from c4pipe.variants import C4_ROWS, MC4_LANGUAGES, SEMANTICS, VARIANTS, CrawlStage, Variant, flat, variant

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
    assert [stage.name for stage in variant(name, "3.0.1").stages] == stages


PAPER = ["duplicate-url-filter", "page-filter", "badwords-filter", "clean-page", "dedupe-spans", "english-filter"]


@pytest.mark.parametrize(
    ("name", "stages"),
    [
        ("en", PAPER),
        ("en.noclean", ["duplicate-url-filter", "english-filter"]),
        ("en.noblocklist", [stage for stage in PAPER if stage != "badwords-filter"]),
        ("realnewslike", [*PAPER, "realnews-domain-filter"]),
        ("webtextlike", [PAPER[0], "webtextlike-filter", *PAPER[1:]]),
        (
            "multilingual",
            ["duplicate-url-filter", "paragraph-filter", "dedupe-lines", "language-filter", "badwords-filter"],
        ),
    ],
)
def test_stages_of_the_papers_in_order(name: str, stages: list[str]) -> None:
    assert [stage.name for stage in variant(name, "paper").stages] == stages


def test_every_variant_has_every_version() -> None:
    names = ["en", "en.noclean", "en.noblocklist", "realnewslike", "webtextlike", "multilingual"]
    assert list(VARIANTS) == [(name, semantics) for semantics in SEMANTICS for name in names]
    assert [variant("en", semantics).undated for semantics in SEMANTICS] == [False, True, True]


LIMITS_301 = {  # stage -> limit -> 3.1.0's and 3.0.1's
    "realnews-domain-filter": {"full_url": (False, True)},
    "clean-page": {"punkt": ("3.9.1", "3.6.5")},
    "dedupe-lines": {"punkt": ("3.9.1", "3.6.5"), "owner": ("url", "normalized_url")},
    "language-filter": {"min_probability": (0.95, 0.7)},
    "badwords-filter": {
        "fraction": (0.999, 1.0),
        "allowed": (ALLOWED, ()),
        "spaceless": (("ja", "th", "zh"), ("th", "zh")),
        "escaped": (True, False),
    },
}


@pytest.mark.parametrize("name", dict.fromkeys(name for name, _ in VARIANTS))
def test_301_differs_in_these_limits_alone(name: str) -> None:
    """And in who wins a URL; lines of multilingual have no sentences to count, English bad words no fraction."""
    for now, then in zip(variant(name).stages, variant(name, "3.0.1").stages, strict=True):
        if now.name == "duplicate-url-filter":
            assert (now, then) == (KeepNewest(), KeepLargestText())
            continue
        changed = {
            field.name: (getattr(now, field.name), getattr(then, field.name))
            for field in fields(now)  # type: ignore[arg-type]
            if getattr(now, field.name) != getattr(then, field.name)
        }
        possible = dict(LIMITS_301.get(now.name, {}))
        if name == "multilingual" and now.name == "dedupe-lines":
            del possible["punkt"]
        if name != "multilingual":
            possible.pop("fraction", None)
        assert changed == possible


@pytest.mark.parametrize(
    ("timestamp", "semantics", "takes"),
    [("", "3.1.0", False), ("", "3.0.1", True), ("", "paper", True), ("2019-04-18T10:38:25Z", "3.1.0", True)],
)
def test_undated_pages(timestamp: str, semantics: str, takes: bool) -> None:
    assert variant("en", semantics).takes(Page("http://a.com", "Text.", timestamp)) is takes


def test_crawls_and_languages() -> None:
    for semantics in SEMANTICS:
        assert {name: len(v.crawls) for (name, version), v in VARIANTS.items() if version == semantics} == {
            "en": 1,
            "en.noclean": 1,
            "en.noblocklist": 1,
            "realnewslike": 1,
            "webtextlike": 12,
            "multilingual": 86 if semantics == "3.1.0" else 71,
        }
    assert variant("multilingual", "3.0.1").crawls[-1] == "CC-MAIN-2020-34"
    assert variant("multilingual").crawls[0] == "CC-MAIN-2013-20"
    assert variant("multilingual").crawls[-1] == "CC-MAIN-2022-27"
    assert all(len(set(v.crawls)) == len(v.crawls) for v in VARIANTS.values())
    assert len(set(MC4_LANGUAGES)) == 107


@pytest.mark.parametrize("known", VARIANTS.values(), ids=lambda v: f"{v.name}-{v.semantics}")
def test_variants_travel_and_compare(known: Variant) -> None:
    assert pickle.loads(pickle.dumps(known)) == known
    assert variant(known.name, known.semantics) is known
    assert [s.name for s in known.stages if isinstance(s, CrawlStage)] == [
        s.name for s in known.stages if s.name.startswith(("duplicate-url-", "dedupe-", "webtextlike-"))
    ]


@pytest.mark.parametrize(("name", "semantics"), [("english", "3.1.0"), ("en", "0.0.1")])
def test_unknown_variant(name: str, semantics: str) -> None:
    known = "en, en.noclean, .*, multilingual, each at 3.1.0, 3.0.1, paper"
    with pytest.raises(ValueError, match=f"no variant '{name}' at semantics '{semantics}'; there are {known}"):
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
