"""The compiled normalizing of URLs is the plain one, and what is made of columns is what is made of each."""

from __future__ import annotations

import hashlib
import random
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from c4pipe import engine
from c4pipe.batch import Batch
from c4pipe.page import Page
from c4pipe.text import urls
from c4pipe.variants import Variant, variant
from c4pipe.warc.wet import WetReader
from tests.fuzz import fuzz_urls

pytest.importorskip("c4pipe.fast.urls")
URLS = st.lists(st.sampled_from(fuzz_urls.PARTS), max_size=8).map("".join)


def test_mutated_urls() -> None:
    for some in islice(fuzz_urls.inputs(random.Random(0), ["A line of text.", "?ref line"]), 5000):
        fuzz_urls.agree(some)


@given(st.lists(URLS, max_size=5))
def test_any_parts(some: list[str]) -> None:
    fuzz_urls.agree(some)


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string()])
def test_no_urls(kind: pa.DataType) -> None:
    for chosen in ("plain", "fast"):
        with engine.using(chosen):
            assert urls.normalize_each(pa.array([], kind)).to_pylist() == []
            assert urls.url_digests(pa.array([], kind)) == b""
            assert not len(urls.in_validation(pa.array([], kind)))


def test_real_urls(ten_wet_files: list[Path]) -> None:
    for path in ten_wet_files:
        with path.open("rb") as stream:
            found = [page.url for page in WetReader(stream, name=path.name)]
        fuzz_urls.agree(found)


@pytest.mark.parametrize("chosen", ["plain", "fast"])
def test_of_columns_as_of_each(chosen: str) -> None:
    """Digests and splits of as many URLs as have some of both splits."""
    some = [f"http://www.example.com/{i}?ref=x" for i in range(20_000)]
    column = pa.array(some)
    with engine.using(chosen):
        assert urls.url_digests(column) == b"".join(map(urls.url_digest, some))
        found = urls.in_validation(column).tolist()
    assert found == [urls.split(url) == "validation" for url in some]
    assert 0 < sum(found) < 60


@pytest.mark.parametrize("edge", [0, 1, 999, 1000, 2**64 - 1, 2**64, 2**128 - 1, 2**128 - 1 - (2**128 - 1) % 1000])
def test_a_digest_is_one_number_of_128_bits(edge: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(urls, "md5s", lambda column: edge.to_bytes(16, "big"))
    assert urls.in_validation(pa.array(["x"])).tolist() == [edge % 1000 == 0]


def test_digests_are_of_the_normalized_url() -> None:
    expected = hashlib.md5(b"example.com/a").digest()
    assert urls.url_digests(pa.array(["https://www.example.com/a/?utm_source=x", "example.com/a"])) == expected * 2


class ByFirstLetter(Variant):
    """A variant with splits of its own."""

    def split_of(self, url: str, language: str) -> str:
        return url[:1]


@pytest.mark.parametrize("by_language", [False, True])
def test_splits_of_a_batch(by_language: bool) -> None:
    pages = [Page(f"http://a/{i}", "x", "2019", language=("en", "und")[i % 2]) for i in range(3000)]
    chosen = variant("multilingual" if by_language else "en")
    assert chosen.by_language == by_language
    found = chosen.splits(Batch.of(pages)).tolist()
    assert found == [chosen.split(page) for page in pages]
    assert len(set(found)) == (4 if by_language else 2)


def test_a_variant_may_have_splits_of_its_own() -> None:
    of_en = variant("en")
    chosen = ByFirstLetter(of_en.name, of_en.semantics, of_en.stages, of_en.crawls)
    pages = [Page("abc", "x", "2019"), Page("bcd", "x", "2019")]
    assert chosen.splits(Batch.of(pages)).tolist() == ["a", "b"]
