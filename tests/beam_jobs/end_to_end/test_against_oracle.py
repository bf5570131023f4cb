"""The oracle and a build agree: the same documents, the same counts, for any crawl, order of files and buckets."""

from __future__ import annotations

import contextlib
import random
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beam_jobs.store import tables
from c4pipe import oracle, resources
from c4pipe.page import Page
from c4pipe.variants import VARIANTS, variant
from c4pipe.warc import wet
from tests.support import builds, corpora, crawls
from tests.support.crawls import Record

# Those that need nothing beyond the built-in lists.
NAMES = [name for name, semantics in VARIANTS if semantics == "3.1.0" and name.startswith("en")]


@pytest.fixture(autouse=True, scope="module")
def builtin() -> Iterator[None]:
    previous = resources.source()
    resources.use(resources.BUILTIN)
    yield
    resources.use(previous)


@contextlib.contextmanager
def small_pieces() -> Iterator[None]:
    """Few pages are read, judged and stored together, so that a part of some pages is several pieces."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wet, "BATCH_PAGES", 2)
        patch.setattr(tables, "GROUP_PAGES", 3)
        yield


class Corpus(NamedTuple):
    """What a build or the oracle made: documents, counters, number of documents a split."""

    documents: builds.Documents
    counters: dict[str, int]
    split: dict[str, int]


def built_and_expected(paths: str, name: str, **changes: int) -> tuple[Corpus, Corpus]:
    """Build without Beam, and run the oracle on the pages of the same files."""
    pages, reading = crawls.read(paths)
    outcome = oracle.run(variant(name), pages)
    with tempfile.TemporaryDirectory() as output:
        argv = builds.arguments(paths, output, "--variant", name, "--shards", "2", format="parquet")
        with small_pieces():
            builds.plain(argv, **changes)
        folder = Path(output) / name
        stats = builds.told(folder, "stats.json")
        built = Corpus(builds.documents(folder), stats["counters"], stats["documents"])
    assert stats["faults"] == {}
    split = Counter(variant(name).split(page) for page in outcome.pages)
    expected = Corpus(
        corpora.rows(variant(name), outcome.pages),
        outcome.counters | reading,
        {"train": split["train"], "validation": split["validation"]},
    )
    return built, expected


@settings(max_examples=50)
@given(crawls.CRAWLS, st.sampled_from(NAMES), st.integers(1, 5))
def test_any_crawl(crawl: list[list[Record]], name: str, buckets: int) -> None:
    with tempfile.TemporaryDirectory() as place:
        built, expected = built_and_expected(crawls.write(Path(place), crawl), name, buckets=buckets)
    assert built == expected


@settings(max_examples=15)
@given(crawls.CRAWLS, st.randoms(use_true_random=False), st.integers(1, 5))
def test_the_order_of_files_and_the_buckets_leave_no_trace(
    crawl: list[list[Record]], order: random.Random, buckets: int
) -> None:
    with tempfile.TemporaryDirectory() as place:
        folders = [Path(place) / "as-they-come", Path(place) / "shuffled"]
        shuffled = [order.sample(records, len(records)) for records in order.sample(crawl, len(crawl))]
        for folder, made, changes in zip(folders, (crawl, shuffled), ({}, {"buckets": buckets}), strict=True):
            argv = builds.arguments(crawls.write(folder / "wet", made), folder / "build", "--shards", "2")
            builds.plain(argv, **changes)
        in_order, shuffled_files = (builds.tree(folder / "build" / "en") for folder in folders)
        del in_order["manifest.json"], shuffled_files["manifest.json"]  # they have the sizes of the inputs
        assert in_order == shuffled_files


def test_no_page_at_all(tmp_path: Path) -> None:
    built, expected = built_and_expected(crawls.write(tmp_path, [[], []]), "en")
    assert built == expected
    assert built.documents == []


def test_no_page_is_left(tmp_path: Path) -> None:
    crawl = [Record("http://a.example/1", "Menu"), Record("http://a.example/2", crawls.TOO_LONG)]
    built, expected = built_and_expected(crawls.write(tmp_path, [crawl]), "en")
    assert built == expected
    assert built.documents == []


def test_all_pages_are_too_long(tmp_path: Path) -> None:
    """None is left to compete for a URL."""
    wet = crawls.write(tmp_path, [[Record("http://a.example/2", crawls.TOO_LONG)]])
    built, expected = built_and_expected(wet, "en")
    assert built == expected
    assert built.documents == []


@pytest.mark.parametrize("name", NAMES)
def test_the_small_crawl(small: builds.Built, name: str) -> None:
    built, expected = built_and_expected(small.wet, name)
    assert built == expected
    assert built.documents


def test_the_small_crawl_meets_every_stage(small: builds.Built) -> None:
    """Or the other tests on it would show less than they seem to."""
    outcome = oracle.run(variant("en"), crawls.read(small.wet)[0])
    stages = {stage.name for stage in variant("en").stages}
    assert {fate.dropped_by for fate in outcome.trace} == stages | {None}
    assert {variant("en").split(page) for page in outcome.pages} == {"train", "validation"}
    rules = {"too_long_word", "no_endmark", "too_short", "javascript", "policy"}
    assert {f"clean-page/line-filtered:{rule}" for rule in rules} <= set(outcome.counters)
    dedup = {"line-filtered:global_duplicate", "line-filtered:local_duplicate", "filtered:empty"}
    assert {f"dedupe-lines/{name}" for name in dedup} <= set(outcome.counters)


def test_the_comparison_sees_a_difference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of one character in one document."""
    wet = crawls.write(tmp_path, [[Record("http://a.example/1", "\n".join(crawls.ENGLISH[:4]))]])
    read = crawls.read

    def other(pattern: str) -> tuple[list[Page], Counter[str]]:
        pages, counters = read(pattern)
        return [replace(page, text=page.text.replace("hills", "hallo")) for page in pages], counters

    built, expected = built_and_expected(wet, "en")
    assert built == expected
    monkeypatch.setattr(crawls, "read", other)
    built, expected = built_and_expected(wet, "en")
    assert built.documents != expected.documents
    assert built.counters == expected.counters
