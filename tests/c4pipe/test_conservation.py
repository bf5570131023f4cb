"""No page and no line comes from nowhere or goes there: in every stage of every variant at every version."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings

from c4pipe import engine, oracle, resources
from c4pipe.page import Page, Verdict
from c4pipe.variants import SEMANTICS, Variant, variant
from tests.support import conservation, crawls, variant_crawls
from tests.support.crawls import Record

# What no page of ours brings out: langdetect is unsure of all languages at once, cld3 is as sure as 3.1.0 wants to be
# that a page is in one of the two that mC4 lacks (they are much alike).
NEVER = {
    "3.1.0": {"english-filter/filtered:no_predictions", "language-filter/filtered:ignored_language"},
    "3.0.1": {"english-filter/filtered:no_predictions"},
    "paper": {"english-filter/filtered:no_predictions"},
}
NOT_COUNTED = "duplicate-url-filter/filtered"  # 0 where the newest page of a URL stays


@pytest.fixture(autouse=True, scope="module")
def real(shared: Path) -> Iterator[None]:
    """The pinned lists, and the plain rooms."""
    source = resources.source()
    resources.use(str(shared / "data" / "resources"))
    with engine.using("plain"):
        yield
    resources.use(source)


@pytest.mark.parametrize("semantics", SEMANTICS)
def test_every_stage_of_every_variant(semantics: str, tmp_path: Path) -> None:
    """And the pages that are made bring out each counter of each stage, those by chance nearly all."""
    counted: list[Counter[str]] = []
    urls = tmp_path / "urls.txt"

    @settings(max_examples=20, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(variant_crawls.PAGES, variant_crawls.LISTS)
    @example(variant_crawls.certain(), list(variant_crawls.LIST))
    def conserve(records: list[Record], listed: list[str]) -> None:
        variant_crawls.list_file(tmp_path, listed)
        shared = oracle.Oracle(record.page() for record in records if record.page().text)
        passages = {}  # what variants share is one object, and looked at once
        counted.append(Counter())
        for this in variant_crawls.variants(semantics, str(urls)).values():
            steps = [shared.run(replace(this, stages=this.stages[:n])) for n in range(len(this.stages) + 1)]
            passages |= {id(each[-1]): each for each in zip(this.stages, steps, steps[1:], strict=False)}
            reading = {"split-wet-file/passed": len(steps[0].pages)}
            assert list(conservation.of_counters(this, {**steps[-1].counters, **reading}, len(steps[-1].pages))) == []
            counted[-1].update(steps[-1].counters)
        assert [wrong for passage in passages.values() for wrong in conservation.of_stage(*passage)] == []

    conserve()
    certain, *drawn = counted
    stages = {stage for one in variant_crawls.variants(semantics, str(urls)).values() for stage in one.stages}
    possible = set().union(*map(conservation.possible, stages))
    if "multilingual" in variant_crawls.names():
        possible |= {f"badwords-filter-{language}/filtered" for language in variant_crawls.LISTED}
        possible |= {
            f"language-filter/passed:{language}" for language in variant_crawls.STORY if language not in ("hr", "bs")
        }
    if semantics != "3.0.1":
        possible.remove(NOT_COUNTED)
    assert {name for name in possible if not certain[name]} == NEVER[semantics] & possible
    by_chance = sum(drawn, Counter())
    print({name: by_chance[name] for name in sorted(possible | set(by_chance))})  # pytest -rP shows it
    assert sum(not by_chance[name] for name in possible) <= len(possible) // 5


@pytest.mark.parametrize("semantics", SEMANTICS)
def test_variants_that_share_stages_are_as_each_alone(semantics: str, tmp_path: Path) -> None:
    """So that the oracle of several, which the others are compared with, is the plain one."""
    pages = [record.page() for record in variant_crawls.certain() if record.page().text]
    shared = oracle.Oracle(pages)
    for this in variant_crawls.variants(semantics, variant_crawls.list_file(tmp_path, variant_crawls.LIST)).values():
        assert shared.run(this) == oracle.run(this, pages)


@pytest.fixture
def outcome() -> tuple[Variant, oracle.Outcome]:
    pages = [record.page() for record in variant_crawls.certain()]
    return variant("en"), oracle.run(variant("en"), pages)


def test_every_count_of_pages_counts(outcome: tuple[Variant, oracle.Outcome]) -> None:
    """One more or less anywhere is seen."""
    en, found = outcome
    counters = {"split-wet-file/passed": len(found.trace), **found.counters}
    assert list(conservation.of_counters(en, counters, len(found.pages))) == []
    of_pages = {
        f"{stage.name}/{name}"
        for stage in en.stages
        for name in (*conservation.passing(stage), *conservation.dropping(stage))
    }
    for name in of_pages | {"split-wet-file/passed"}:
        for wrong in (-1, 1):
            other = {**counters, name: counters.get(name, 0) + wrong}
            assert list(conservation.of_counters(en, other, len(found.pages))) != [], name
    assert list(conservation.of_counters(en, counters, len(found.pages) + 1)) != []


@dataclass(frozen=True)
class Faulty:
    """A stage that does not tell the truth."""

    name: str
    left: str | None  # what it leaves of each page
    tally: tuple[tuple[str, int], ...]

    def judge(self, page: Page) -> Verdict:
        return Verdict(None if self.left is None else replace(page, text=self.left), dict(self.tally))


@pytest.mark.parametrize(
    ("name", "left", "tally"),
    [
        ("too-long-filter", None, {"passed": 1}),
        ("too-long-filter", "One.\nTwo.", {"filtered": 1}),
        ("too-long-filter", "One.\nTwo.", {}),
        ("too-long-filter", "One.\nTwo.", {"passed": 2}),
        ("too-long-filter", "One.", {"passed": 1}),
        ("dedupe-lines", "One.", {"passed": 1, "line-passed": 1}),
        ("dedupe-lines", "One.", {"passed": 1, "line-passed": 2}),
        ("dedupe-lines", "Six.", {"passed": 1, "line-passed": 1, "line-filtered:local_duplicate": 1}),
        ("dedupe-lines", None, {"filtered:empty": 1, "line-filtered:local_duplicate": 1}),
    ],
)
def test_a_stage_that_does_not_tell_the_truth(name: str, left: str | None, tally: dict[str, int]) -> None:
    before = oracle.begin([Page("http://a.example/1", "One.\nTwo.", crawls.NEW)])
    stage = Faulty(name, left, tuple(tally.items()))
    assert list(conservation.of_stage(stage, before, oracle.step(before, stage))) != []


def test_a_stage_that_does() -> None:
    """Or the table above would show nothing."""
    before = oracle.begin([Page("http://a.example/1", "One.\nTwo.", crawls.NEW)])
    honest = Faulty("dedupe-lines", "One.", (("passed", 1), ("line-passed", 1), ("line-filtered:local_duplicate", 1)))
    assert list(conservation.of_stage(honest, before, oracle.step(before, honest))) == []
