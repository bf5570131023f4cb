"""All six variants in one build, at each version of the semantics: the oracle's documents and counts, to the byte the
same whatever the order of pages, the cutting into files, the packing of these, the buckets, the driver and the workers.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from beam_jobs import build_c4
from c4pipe import resources
from c4pipe.page import Page, Verdict
from c4pipe.variants import SEMANTICS
from tests.support import builds, conservation, corpora, crawls, variant_crawls
from tests.support.crawls import Record

PACKINGS: tuple[dict[str, Any], ...] = ({}, {"level": None}, {"level": 1}, {"one_member": True})


@pytest.fixture(autouse=True, scope="module")
def real(shared: Path) -> Iterator[None]:
    """The pinned lists: of news sites there are no others."""
    previous = resources.source()
    resources.use(str(shared / "data" / "resources"))
    yield
    resources.use(previous)


def paths(pattern: str) -> list[Path]:
    return sorted(Path(pattern).parent.iterdir())


def arguments(wet: str, output: Path, semantics: str, urls: str, *more: str, workers: int = 1) -> list[str]:
    named = ("--variant", ",".join(variant_crawls.names()), "--semantics", semantics, "--urls", urls, "--shards", "2")
    source = resources.source()
    assert source is not None
    return builds.arguments(wet, output, *named, *more, workers=workers, resources=source, format="parquet,jsonl")


def published(output: Path) -> dict[str, dict[str, str]]:
    """The files of each variant, but the manifest, which names what they were made from."""
    found = {name: builds.tree(output / name) for name in variant_crawls.names()}
    for tree in found.values():
        del tree["manifest.json"]
    return found


@dataclass(frozen=True)
class Made:
    """Pages in files, and the same in any order in as many others, packed otherwise; a list of URLs; buckets."""

    records: list[Record]  # none: the certain ones, which need the lists of bad words
    listed: list[str]
    files: int
    packing: dict[str, Any]
    order: random.Random
    buckets: int

    def write(self, place: Path) -> tuple[str, str, str]:
        """The globs of the files and of the others, and the path of the list."""
        records = self.records or variant_crawls.certain()
        one = crawls.write(place / "one", variant_crawls.cut(records, self.order, self.files))
        shuffled = self.order.sample(records, len(records))
        other = crawls.write(place / "other", variant_crawls.cut(shuffled, self.order, self.files), **self.packing)
        return one, other, variant_crawls.list_file(place, self.listed)


MADE = st.builds(
    Made,
    variant_crawls.PAGES,
    variant_crawls.LISTS,
    st.integers(1, 5),
    st.sampled_from(PACKINGS),
    st.randoms(use_true_random=False),
    st.integers(1, 5),
)


CERTAIN = Made([], list(variant_crawls.LIST), 3, PACKINGS[1], random.Random(0), 4)  # every counter


@pytest.mark.parametrize("semantics", SEMANTICS)
@settings(max_examples=8)
@given(MADE)
@example(CERTAIN)
def test_any_crawl(semantics: str, made: Made) -> None:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        one, other, urls = made.write(place)
        variants = variant_crawls.variants(semantics, urls)
        builds.plain(arguments(one, place / "a", semantics, urls))
        found = corpora.of_build(place / "a", variants)
        assert found == corpora.of_oracle(paths(one), variants)
        for name, corpus in found.items():
            assert list(conservation.of_counters(variants[name], corpus.counters, len(corpus.documents))) == []
        builds.plain(arguments(other, place / "b", semantics, urls), buckets=made.buckets)
        assert published(place / "b") == published(place / "a")


@pytest.mark.parametrize("semantics", SEMANTICS)
@settings(max_examples=2, phases=(Phase.generate,))  # a run of Beam takes seconds
@given(MADE)
def test_in_one_graph(semantics: str, made: Made) -> None:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        one, other, urls = made.write(place)
        assert build_c4.main(arguments(other, place / "graph", semantics, urls, *builds.by("shuffle"))) == 0
        variants = variant_crawls.variants(semantics, urls)
        assert corpora.of_build(place / "graph", variants) == corpora.of_oracle(paths(one), variants)
        builds.plain(arguments(one, place / "files", semantics, urls))
        assert published(place / "graph") == published(place / "files")


@pytest.mark.slow
@settings(max_examples=2, phases=(Phase.generate,))
@given(st.sampled_from(SEMANTICS), MADE)
def test_two_workers(semantics: str, made: Made) -> None:
    """By the command, whose processes take their parts as they come."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        one, other, urls = made.write(place)
        assert build_c4.main(arguments(other, place / "two", semantics, urls, workers=2)) == 0
        builds.plain(arguments(one, place / "one", semantics, urls))
        assert published(place / "two") == published(place / "one")


@pytest.mark.parametrize("name", variant_crawls.names())
def test_the_comparison_sees_a_difference(name: str, tmp_path: Path) -> None:
    """Of one variant, in one character of one document."""
    records = variant_crawls.certain()
    wet, urls = crawls.write(tmp_path / "wet", [records]), variant_crawls.list_file(tmp_path, variant_crawls.LIST)
    variants = variant_crawls.variants("3.1.0", urls)
    builds.plain(arguments(wet, tmp_path / "build", "3.1.0", urls))
    found = corpora.of_build(tmp_path / "build", variants)
    assert found == corpora.of_oracle(paths(wet), variants)
    assert all(corpus.documents for corpus in found.values())
    other = {
        **variants,
        name: replace(variants[name], stages=(*variants[name].stages, Spoiled(found[name].documents[0]["url"]))),
    }
    assert found != corpora.of_oracle(paths(wet), other)


@dataclass(frozen=True)
class Spoiled:
    """Change the page of a URL."""

    url: str
    name: str = "spoiled"

    def judge(self, page: Page) -> Verdict:
        return Verdict(replace(page, text=page.text + ".") if page.url == self.url else page)
