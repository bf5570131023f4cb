"""The compiled keys of lines are the plain ones."""

from __future__ import annotations

import hashlib
import random
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import fuzz_keys
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from c4pipe import engine, resources
from c4pipe.dedup import DedupLines, line_key
from c4pipe.page import Page
from c4pipe.wet import WetReader

keys = pytest.importorskip("c4pipe.fast.keys")
ALL = [chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code < 0xE000]


@pytest.mark.parametrize("around", ["{}", "a{}", "A {} B"])
def test_every_character(around: str) -> None:
    text = "\n".join(around.format(character) for character in ALL)
    assert keys.line_keys(text) == b"".join(map(line_key, text.split("\n")))


@pytest.mark.parametrize("lines", [1, 3, 4, 5, 7, 8, 9, 17])
def test_every_length_around_a_block(lines: int) -> None:
    """MD5 pads a message of 55 bytes to one block, one of 56 to two; messages are taken four or eight at a time."""
    sizes = [0, 1, 54, 55, 56, 57, 63, 64, 65, 118, 119, 120, 121, 128, 5000]
    for first in range(len(sizes)):
        of = ["x" * sizes[(first + n) % len(sizes)] for n in range(lines)]
        expected = [hashlib.md5(line.encode()).digest() for line in of]
        packed = keys.line_keys("\n".join(of))
        assert [packed[at : at + 16] for at in range(0, len(packed), 16)] == expected


@pytest.mark.parametrize("lines", [4095, 4096, 4097, 8192, 8193])
def test_many_lines(lines: int) -> None:
    """They are hashed 4,096 at a time."""
    fuzz_keys.agree("\n".join(f"Line {n}" * (n % 3) for n in range(lines)))


def test_characters_that_grow() -> None:
    """U+023A takes two bytes, its small letter three."""
    text = "\u023a" * 9999
    assert keys.line_keys(text) == line_key(text)


@given(st.text())
def test_any_text(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        with pytest.raises(UnicodeEncodeError):
            keys.line_keys(text)
    else:
        fuzz_keys.agree(text)


def test_mutated_lines() -> None:
    lines = ["The quick brown fox.", "ΟΔΟΣ ΣΟΦΙΑΣ", "Москва — столица.", "İstanbul'da", "x" * 300]
    for text in islice(fuzz_keys.inputs(random.Random(0), lines), 5000):
        fuzz_keys.agree(text)


def test_real_pages(ten_wet_files: list[Path]) -> None:
    pages = 0
    for path in ten_wet_files:
        with path.open("rb") as stream:
            for page in WetReader(stream, name=path.name):
                fuzz_keys.agree(page.text)
                pages += 1
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
@given(SAID, st.data(), st.sampled_from([0, 1, 3]))
@pytest.mark.parametrize("by", ["fast", "plain"])
def test_a_page_told_its_places_is_judged_as_one_told_its_keys(
    by: str, lines: list[str], data: st.DataObject, least: int
) -> None:
    """Whatever the page owns of its keys, each where it first stands."""
    stage = DedupLines(min_sentences=least)
    page = Page("http://a.com/", "\n".join(lines), "2019")
    of = [line_key(line) for line in lines]
    owned = data.draw(st.sets(st.sampled_from(of)))
    places = data.draw(st.permutations([of.index(key) for key in owned]))
    with engine.using(by):
        assert stage.packed_keys(page.text) == b"".join(of)
        assert stage.judge_places(page, places) == stage.judge_owned(page, owned)
