"""The compiled bytes of documents are the plain ones."""

from __future__ import annotations

import io
import random
import sys
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from c4pipe import engine
from c4pipe.shards import read_write, tfrecord
from c4pipe.shards.documents import BATCH, FIELDS
from c4pipe.warc.wet import WetReader
from tests.fuzz import fuzz_documents

documents = pytest.importorskip("c4pipe.fast.documents")
ALL = "".join(chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code < 0xE000)


def document(text: str, url: str = "http://a.org/") -> dict[str, str]:
    return dict(zip(FIELDS, (text, url, "2019-04-18T10:38:25Z", "text/plain", "10"), strict=True))


def columns(*of: list[bytes]) -> list[tuple[np.ndarray, np.ndarray]]:
    bounds = [np.cumsum([0, *map(len, values)], dtype=np.int64) for values in of]
    return [(each, np.frombuffer(b"".join(values), np.uint8)) for each, values in zip(bounds, of, strict=True)]


def test_every_character() -> None:
    fuzz_documents.agree([document(ALL), document("\n".join(ALL[:0x10000]))])


@pytest.mark.parametrize("escaped", ['"', "\\", "\0", "\x1f", "\n", "\x7f", "\u2028"])
def test_a_character_at_every_place(escaped: str) -> None:
    """Bytes are looked at 16 at a time, and what is left one by one."""
    fuzz_documents.agree(
        [document("x" * before + escaped + "x" * after) for before in range(34) for after in range(34)]
    )


@pytest.mark.parametrize("border", [2**7, 2**14, 2**21])
def test_every_length_around_a_longer_varint(border: int) -> None:
    """That of the value, and of each message around it."""
    fuzz_documents.agree([document("x" * (border - less)) for less in range(-2, 90)])


@given(st.lists(st.fixed_dictionaries(dict.fromkeys(FIELDS, st.text())), min_size=1, max_size=5))
def test_any_documents(rows: list[dict[str, str]]) -> None:
    fuzz_documents.agree(rows)


def test_mutated_documents() -> None:
    lines = ['He said: "No."', "C:\\Windows\\System32", "Москва — столица.", "tab\tand\rreturn", "x" * 300]
    for rows in islice(fuzz_documents.inputs(random.Random(0), lines), 2000):
        fuzz_documents.agree(rows)


@pytest.mark.parametrize("rows", [1, BATCH, BATCH + 1])
@pytest.mark.parametrize("format", read_write.FORMATS)
def test_shards_are_alike(format: str, rows: int) -> None:
    made = read_write.table(
        document(f"{number} é\n" * (number % 7), f"http://a.org/{number}") for number in range(rows)
    )
    assert written("fast", format, made) == written("plain", format, made)


@pytest.mark.parametrize("format", read_write.FORMATS)
def test_shards_of_real_pages_are_alike(format: str, ten_wet_files: list[Path]) -> None:
    pages = []
    for path in ten_wet_files:
        with path.open("rb") as stream:
            pages += list(WetReader(stream, name=path.name))
    assert len(pages) == 2282
    fields = ("text", "url", "timestamp", "content_type", "content_length")
    made = pa.table([pa.array([getattr(page, field) for page in pages]) for field in fields], names=FIELDS)
    assert written("fast", format, made) == written("plain", format, made)


def written(by: str, format: str, made: pa.Table) -> tuple[bytes, read_write.ShardInfo]:
    stream = io.BytesIO()
    with engine.using(by):
        info = read_write.write_shard(format, stream, made)
    return stream.getvalue(), info


def test_no_rows_are_no_bytes() -> None:
    assert documents.json_lines((b"{", b"}\n"), columns([])) == b""
    assert documents.framed(columns([], [])) == b""
    assert documents.examples((b"text",), columns([])) == []


def test_long_names_of_features() -> None:
    name = "n" * 200
    assert documents.examples((name.encode(),), columns([b"a"])) == [tfrecord.example({name: b"a"})]


@pytest.mark.parametrize(
    ("of", "message"),
    [
        (columns([b"a"], [b"a", b"b"]), "column 1 has 2 values, but the first has 1"),
        ([(np.array([], np.int64), np.array([], np.uint8))], "column 0 has -1 values"),
        ([(np.array([0, 2], np.int64), np.zeros(1, np.uint8))], "column 0 goes from 0 to 2 of 1 bytes"),
        ([(np.array([-1, 1], np.int64), np.zeros(1, np.uint8))], "column 0 goes from -1 to 1 of 1 bytes"),
    ],
)
def test_columns_that_do_not_fit_are_refused(of: list[tuple[np.ndarray, np.ndarray]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        documents.framed(of)


def test_parts_and_names_fit_the_columns() -> None:
    with pytest.raises(ValueError, match="2 parts around 2 columns"):
        documents.json_lines((b"", b""), columns([b"a"], [b"b"]))
    with pytest.raises(ValueError, match="1 names for 2 columns"):
        documents.examples((b"a",), columns([b"a"], [b"b"]))
