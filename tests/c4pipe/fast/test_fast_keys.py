"""The compiled keys of lines are the plain ones."""

from __future__ import annotations

import hashlib
import itertools
import random
import sys
from collections.abc import Collection, Iterator
from contextlib import nullcontext
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from c4pipe import engine, resources
from c4pipe.batch import Batch, verdict_of
from c4pipe.columns import utf8
from c4pipe.dedup.base import OwnerOrder
from c4pipe.dedup.lines import DedupLines, line_key
from c4pipe.page import Page, Verdict, keep, with_text
from c4pipe.text.digests import md5, md5s
from c4pipe.warc.wet import WetReader
from tests.fuzz import fuzz_keys

keys = pytest.importorskip("c4pipe.fast.keys")


def keys_of(text: str) -> bytes:
    """By whatever the processor has, and by less."""
    column = utf8(pa.array([text], pa.large_string()))
    packed: bytes = keys.line_keys(*column)[1]
    assert all(keys.line_keys(*column, lanes)[1] == packed for lanes in fuzz_keys.LANES)
    return packed


ALL = [chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code < 0xE000]


@pytest.mark.parametrize("around", ["{}", "a{}", "A {} B", "x" * 61 + "{}Z", "x" * 62 + "{}Z", "x" * 63 + "{}Z{}"])
def test_every_character(around: str) -> None:
    """At the seams of 64 bytes, too."""
    text = "\n".join(around.replace("{}", character) for character in ALL)
    assert keys_of(text) == b"".join(map(line_key, text.split("\n")))


@pytest.mark.parametrize("lines", [1, 2, 3, 4, 5, 15, 16, 17, 63, 64, 65, 66, 130])
def test_every_length_around_a_block(lines: int) -> None:
    """MD5 pads a message of 55 bytes to one block, one of 56 to two; messages are taken 4, 16 or 64 at a time."""
    sizes = [0, 1, 54, 55, 56, 57, 63, 64, 65, 118, 119, 120, 121, 128, 5000]
    for first in range(len(sizes)):
        of = ["x" * sizes[(first + n) % len(sizes)] for n in range(lines)]
        expected = [hashlib.md5(line.encode()).digest() for line in of]
        column = utf8(pa.array(of, pa.large_string()))
        by_lanes = [keys.md5s(*column, lanes) for lanes in fuzz_keys.LANES]
        for packed in (keys_of("\n".join(of)), md5s(pa.array(of)), *by_lanes):
            assert [packed[at : at + 16] for at in range(0, len(packed), 16)] == expected


@pytest.mark.parametrize("lines", [4095, 4096, 4097, 8192, 8193])
def test_many_lines(lines: int) -> None:
    """They are hashed 4,096 at a time."""
    fuzz_keys.agree(["\n".join(f"L{n}" * (n % 3) for n in range(lines)), "One."])


@pytest.mark.parametrize("size", [(1 << 18) - 65, (1 << 18) - 64, (1 << 18) - 8, 1 << 18, 1 << 19])
def test_long_lines(size: int) -> None:
    """Those that wait are hashed once they take 256 KiB, of which a line may be more."""
    fuzz_keys.agree(["One.\n" + "x" * size, "x" * size, "Two."])


def test_no_texts() -> None:
    fuzz_keys.agree([])


@pytest.mark.parametrize(
    ("text", "lines", "places", "wrong"),
    [
        ("One.", 1, [1], "line 1, but has 1 keys"),
        ("One.\nTwo.", 0, [0], "line 0, but has 0 keys"),
        ("One.\nTwo.", 4, [0, 2], "more lines than the 2"),
        ("One.\n", 3, [0, 1], None),
        ("One.", 3, [0, 1], "more lines than the 1"),
    ],
)
def test_keys_of_other_texts(text: str, lines: int, places: list[int], wrong: str | None) -> None:
    """Nothing beyond a text or its keys is read, whatever a store says."""
    of_keys = np.array([0, 16 * lines]), np.zeros(16 * lines, np.uint8)
    told = np.array([0, len(places)]), np.array(places, np.uint32)
    with nullcontext() if wrong is None else pytest.raises(ValueError, match=wrong):
        keys.kept_lines(*utf8(pa.array([text])), *of_keys, *told)


def test_characters_that_grow() -> None:
    """U+023A takes two bytes, its small letter three."""
    text = "\u023a" * 9999
    assert keys_of(text) == line_key(text)


@given(st.lists(st.text(st.characters(exclude_categories=("Cs",))), max_size=4))
def test_any_texts(texts: list[str]) -> None:
    fuzz_keys.agree(texts)


def test_mutated_lines() -> None:
    lines = ["The quick brown fox.", "ΟΔΟΣ ΣΟΦΙΑΣ", "Москва — столица.", "İstanbul'da", "x" * 300]
    for texts in islice(fuzz_keys.inputs(random.Random(0), lines), 2500):
        fuzz_keys.agree(texts)


def test_real_pages(ten_wet_files: list[Path]) -> None:
    pages = 0
    for path in ten_wet_files:
        with path.open("rb") as stream:
            for batch in WetReader(stream, name=path.name).batches():
                fuzz_keys.agree(batch.text.to_pylist())
                pages += len(batch)
    assert pages == 2282


@pytest.fixture
def builtin() -> Iterator[None]:
    before = resources.source()
    resources.use(resources.BUILTIN)
    yield
    resources.use(before)


SAID = st.lists(st.sampled_from(["One.", " ONE. ", "Two.", "Three.", "", "Four is five. Six!"]), min_size=1, max_size=7)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.usefixtures("builtin")
@given(st.lists(SAID, max_size=4), st.data(), st.sampled_from([0, 1, 3]))
@pytest.mark.parametrize("by", ["fast", "plain"])
def test_pages_told_their_places_are_judged_as_pages_told_their_keys(
    by: str, said: list[list[str]], data: st.DataObject, least: int
) -> None:
    """Whatever a page owns of its keys, each where it first stands."""
    stage = DedupLines(min_sentences=least)
    pages = [Page(f"http://a.com/{n}", "\n".join(lines), "2019") for n, lines in enumerate(said)]
    of = [list(map(line_key, lines)) for lines in said]
    owned = [data.draw(st.sets(st.sampled_from(each))) for each in of]
    places = [sorted(each.index(key) for key in some) for each, some in zip(of, owned, strict=True)]
    batch, bounds = Batch.of(pages), np.cumsum([0, *map(len, places)])
    with engine.using(by):
        packed = stage.keys_of(batch.text)
        assert (packed.type, packed.to_pylist()) == (pa.large_binary(), list(map(b"".join, of)))
        verdict = stage.judge_owned_at_batch(batch, packed, np.array(list(itertools.chain(*places)), np.uint32), bounds)
    verdicts = [stage.judge_owned(page, some) for page, some in zip(pages, owned, strict=True)]
    assert [stage.judge_owned_at(*told) for told in zip(pages, places, strict=True)] == verdicts
    expected = verdict_of(batch, pages, verdicts)
    assert verdict.kept.tolist() == expected.kept.tolist()
    assert list(verdict.pages.pages()) == list(expected.pages.pages())
    assert {name: n.tolist() for name, n in verdict.tallies.items()} == {
        name: n.tolist() for name, n in expected.tallies.items()
    }


@pytest.mark.parametrize("by", ["fast", "plain"])
@pytest.mark.parametrize("owner", ["url", "normalized_url"])
def test_ranks_of_a_column(by: str, owner: OwnerOrder) -> None:
    stage, urls = DedupLines(0, owner=owner), ["http://www.a.com/", "", "https://é.com/?ref=1"]
    with engine.using(by):
        assert stage.owner_ranks(pa.array(urls)) == b"".join(map(stage.owner_rank, urls))


class Louder(DedupLines):
    """Parts a text into words, and counts each page."""

    def keys(self, text: str) -> list[bytes]:
        return list(map(md5, text.split(" ")))

    def judge_owned(self, page: Page, owned: Collection[bytes]) -> Verdict:
        text = " ".join(word for word in page.text.split(" ") if md5(word) in owned)
        return keep(with_text(page, text), "passed", "louder")


@pytest.mark.parametrize("by", ["fast", "plain"])
def test_a_stage_that_is_derived_decides_itself(by: str) -> None:
    """The compiled room knows of lines alone, and is not asked."""
    batch = Batch.of([Page("http://a.com/", "one two one three", "2019")])
    stage = Louder(min_sentences=0)
    with engine.using(by):
        keys = stage.keys_of(batch.text)
        assert keys.to_pylist() == [b"".join(map(md5, ["one", "two", "one", "three"]))]
        verdict = stage.judge_owned_at_batch(batch, keys, np.array([0, 3], np.uint32), np.array([0, 2]))
    assert [page.text for page in verdict.pages.pages()] == ["one one three"]
    assert {name: n.tolist() for name, n in verdict.tallies.items()} == {"passed": [1], "louder": [1]}
