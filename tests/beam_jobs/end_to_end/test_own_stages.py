"""Stages where the published variants have none of that kind: what is built is the oracle's, or it is an error."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from beam_jobs import build_c4, options
from beam_jobs.plan import planner
from beam_jobs.plan.job import Job
from beam_jobs.plan.scopes import Wanted, split_stages
from c4pipe import oracle
from c4pipe.page import Page, Verdict, keep
from c4pipe.stages.length import MaxLength
from c4pipe.variants import Variant, variant
from tests.support import builds, crawls

LENGTH, NEWEST, LINES, DEDUP, ENGLISH, WORDS = variant("en").stages


@dataclass(frozen=True)
class Shout(MaxLength):
    """Changes what it passes on, though it is a kind of filter."""

    name: str = "shout"

    def judge(self, page: Page) -> Verdict:
        return keep(replace(page, text=page.text.replace("The ", "THE ")), "passed")


@dataclass(frozen=True)
class Idle:
    """Says of each page that it counted nothing."""

    name: str = "idle"

    def judge(self, page: Page) -> Verdict:
        return Verdict(page, {"passed": 1, "never": 0})


@pytest.fixture(scope="module")
def wet(tmp_path_factory: pytest.TempPathFactory) -> str:
    return crawls.write(tmp_path_factory.mktemp("wet"), crawls.dealt(crawls.crawl(seed=6, records=60), 2))


def own(*stages: object) -> Variant:
    return replace(variant("en"), name="own", stages=stages)  # type: ignore[arg-type]


def build(wet: str, output: Path, wanted: Variant, monkeypatch: pytest.MonkeyPatch) -> Job:
    monkeypatch.setattr(planner, "resolve", lambda name, semantics: (wanted,))
    return builds.plain(builds.arguments(wet, output))


@pytest.mark.parametrize(
    "stages",
    [
        pytest.param((LENGTH, NEWEST, LINES, ENGLISH, DEDUP, WORDS), id="language before lines are deduplicated"),
        pytest.param((LENGTH, NEWEST, LINES, Shout(190_000), DEDUP, ENGLISH), id="a filter of one's own that edits"),
        pytest.param((LENGTH, NEWEST, Shout(190_000), DEDUP), id="and it alone"),
        pytest.param((LENGTH, NEWEST, LINES, DEDUP, Idle()), id="a count of nothing"),
        pytest.param((LENGTH, NEWEST, Idle(), LINES, DEDUP), id="a count of nothing before lines are deduplicated"),
    ],
)
def test_a_build_is_what_the_oracle_says(
    stages: tuple[object, ...], wet: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = own(*stages)
    build(wet, tmp_path, wanted, monkeypatch)
    pages, reading = crawls.read(wet)
    outcome = oracle.run(wanted, pages)
    found = {document["url"]: document["text"] for document in builds.documents(tmp_path / "own")}
    assert found == {page.url: page.text for page in outcome.pages}
    counters = builds.told(tmp_path / "own", "stats.json")["counters"]
    assert {name: n for name, n in counters.items() if n} == {
        name: n for name, n in (outcome.counters | reading).items() if n
    }


@pytest.mark.parametrize("stage", [LINES, ENGLISH])
def test_pages_are_changed_only_after_url_deduplication(stage: object) -> None:
    """The page store keeps a page as it was crawled, and which wins its URL is decided by that."""
    with pytest.raises(ValueError, match="changes pages before URL deduplication"):
        split_stages(Wanted(own(LENGTH, stage, NEWEST, DEDUP), ()))


def test_a_stage_of_ones_own_that_changes_pages_too_early(
    wet: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ValueError, match="one of shout changes pages before URL deduplication"):
        build(wet, tmp_path, own(Shout(190_000), NEWEST, DEDUP), monkeypatch)


def test_listed_urls_without_a_page_are_counted_in_one_graph_too(tmp_path: Path) -> None:
    """Of buckets to which no page came as well."""
    records = crawls.certain()[:2]
    wet = crawls.write(tmp_path / "wet", crawls.dealt(records, 1))
    (tmp_path / "list.txt").write_text("".join(f"http://nowhere.example/{n}\n" for n in range(50)), "utf-8")
    for exchange in ("files", "shuffle"):
        more = ("--variant", "webtextlike", "--urls", str(tmp_path / "list.txt"), *builds.by(exchange))
        assert build_c4.main(builds.arguments(wet, tmp_path / exchange, *more)) == 0
        counters = builds.told(tmp_path / exchange / "webtextlike", "stats.json")["counters"]
        assert counters["webtextlike-filter/missing-page"] == 50
        folders = {name.split("/")[1] for name in builds.tree(tmp_path / exchange) if name.startswith("store/")}
        assert folders == {"identity.json", "inputs.json", "pages", "done"}  # no exchange is left


@pytest.mark.parametrize(
    ("more", "message"),
    [(("--first", "1"), "--first"), (("--urls", "list.txt"), "--urls")],
)
def test_an_option_that_would_do_nothing(more: tuple[str, ...], message: str, wet: str, tmp_path: Path) -> None:
    parsed, _ = options.parser().parse_known_args(builds.arguments(wet, tmp_path, *more))
    with pytest.raises(ValueError, match=message):
        planner.planned(parsed)
