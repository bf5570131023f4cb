"""Pages of WET files: the reference's text rules, its counters, its edge cases, and the real files."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from warcio.archiveiterator import ArchiveIterator

from c4pipe.page import Page
from c4pipe.text.urls import normalize
from c4pipe.warc import wet
from c4pipe.warc.wet import Fault, WetReader, page_text
from tests.support.wet_builder import DATE, URLS, WARCINFO, member, member_each, read, record

ROOT = Path(__file__).resolve().parents[3]
DEVIATIONS: list[dict[str, Any]] = json.loads((ROOT / "tests" / "known-deviations.json").read_text(encoding="utf-8"))
DEVIATING_ROWS = {name: row for d in DEVIATIONS for name, row in d.get("edge_cases", {}).items()}
DEVIATING_PAGES = {url: fields for d in DEVIATIONS for url, fields in d.get("golden_pages", {}).items()}


def page(url: str, text: str, length: int | str) -> Page:
    return Page(url, text, DATE, "text/plain", str(length))


def test_record_becomes_page() -> None:
    reading = read(member_each([WARCINFO, record(URLS[0], b"One line.\nAnother.")]))
    assert reading.pages == [page(URLS[0], "One line.\nAnother.", 18)]
    assert reading.tally == {"wet-file": 1, "filtered:no_url": 1, "passed": 1}
    assert reading.faults == {}


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("a\nb\r\nc\rd", "a\nb\nc\nd"),
        (" a \n\t\n\u3000b\u00a0\n\x1c\n", "a\nb"),  # all that Python strips
        ("a\x0bb\x0cc\x85d\u2028e", "a\x0bb\x0cc\x85d\u2028e"),  # these end no line here
        ("\u200b\n\x00\n\ufeff", "\u200b\n\x00\n\ufeff"),  # and these are not blank
        ("WARC\nWARCraft is old.\n  Content-based\nCONTENT-RICH", ""),
        ("warc\ncontent-based\nContents\nContent\nCONTENT", "warc\ncontent-based\nContents\nContent\nCONTENT"),
        ("see Content-Type: x", "see Content-Type: x"),
        ("", ""),
    ],
)
def test_page_text(body: str, text: str) -> None:
    assert page_text(body) == text


@pytest.mark.parametrize(
    ("gone", "counter"),
    [
        ([], "passed"),
        ([b"WARC-Date"], "filtered:no_timestamp"),
        ([b"WARC-Date", b"body"], "filtered:no_content"),
        ([b"WARC-Date", b"body", b"WARC-Target-URI"], "filtered:no_url"),
        ([b"Content-Type"], "passed"),
    ],
)
def test_first_missing_field_is_counted(gone: list[bytes], counter: str) -> None:
    data = record(URLS[0], b" \n" if b"body" in gone else b"a")
    for name in gone:
        data = data.replace(name + b": ", b"X-Other: ")
    reading = read(member(data))
    assert reading.tally == {"wet-file": 1, counter: 1}
    assert len(reading.pages) == (counter == "passed")


@pytest.mark.parametrize(
    ("gone", "tally", "pages"),
    [
        ([], {"passed": 1}, 1),
        ([b"WARC-Date"], {"passed": 1, "filtered:no_timestamp": 1}, 1),
        ([b"WARC-Date", b"body"], {"filtered:no_timestamp": 1, "filtered:no_content": 1}, 0),
        (
            [b"WARC-Date", b"body", b"WARC-Target-URI"],
            {"filtered:no_timestamp": 1, "filtered:no_content": 1, "filtered:no_url": 1},
            0,
        ),
        ([b"Content-Type"], {"passed": 1, "filtered:no_content_type": 1}, 1),
        (
            [b"Content-Type", b"Content-Length"],
            {"passed": 1, "filtered:no_content_type": 1, "filtered:no_content_len": 1},
            1,
        ),
        ([b"WARC-Target-URI", b"Content-Type"], {"filtered:no_url": 1, "filtered:no_content_type": 1}, 0),
    ],
)
def test_undated_pages_count_as_in_301(gone: list[bytes], tally: dict[str, int], pages: int) -> None:
    """Each missing field is counted, and only a page without URL or text is none."""
    data = record(URLS[0], b" \n" if b"body" in gone else b"a")
    for name in gone:
        data = data.replace(name + b": ", b"X-Other: ")
    reader = WetReader(io.BytesIO(member(data)), name="x", undated=True)
    found = list(reader)
    assert [page.timestamp for page in found] == ([""] if b"WARC-Date" in gone else [DATE]) * pages
    assert reader.tally_of(undated=True) == {"wet-file": 1, **tally}
    dated = WetReader(io.BytesIO(member(data)), name="x")
    assert list(dated) == [page for page in found if page.timestamp]
    for undated in (False, True):
        assert dated.tally_of(undated=undated) == reader.tally_of(undated=undated)
    assert dated.tally_of(undated=False) == dated.tally == reader.tally


@pytest.mark.parametrize("data", [b"", member(), b"\n\n", b"\n" + record(URLS[0], b"a")])
def test_what_precedes_the_first_record_is_no_page_in_301(data: bytes) -> None:
    reader = WetReader(io.BytesIO(data), name="x", undated=True)
    pages = list(reader)
    assert reader.tally_of(undated=True) == {"wet-file": 1, **({"passed": 1} if pages else {})}
    assert reader.tally["filtered:no_url"] == 1


@pytest.mark.parametrize("data", [b"", member(), member(b" \r\n"), b"\n\n"])
def test_file_without_record_counts_one_page_without_url_and_is_named(data: bytes) -> None:
    reading = read(data)
    assert (reading.pages, reading.tally) == ([], {"wet-file": 1, "filtered:no_url": 1})
    assert reading.places == [("no_record", 0)]


def test_faults_are_listed_up_to_a_limit_and_counted_beyond(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wet, "FAULTS_LISTED_MAX", 2)
    reader = WetReader(io.BytesIO(member_each([record(url, b"a", length=9) for url in URLS[:3]])), name="x")
    assert len(list(reader)) == 3
    assert len(reader.faults) == 2
    assert reader.fault_counts == {"wrong_length": 3}


def test_fault_reads_as_one_line() -> None:
    assert str(Fault("wrong_length", "a.gz", 1234567, "why")) == "a.gz: wrong_length at byte 1,234,567: why"


def edge_cases(golden: Path, stage: str | None = None) -> list[dict[str, Any]]:
    rows = [json.loads(line) for line in (golden / "edge_cases.jsonl").read_text(encoding="utf-8").splitlines()]
    return [row for row in rows if stage in (None, row["stage"])]


def as_golden(page: Page) -> dict[str, str]:
    fields = {
        "url": page.url,
        "normalized_url": normalize(page.url),
        "text": page.text,
        "timestamp": page.timestamp,
        "content_length": page.content_length,
        "content_type": page.content_type,
    }
    return {name: value for name, value in fields.items() if value or not name.startswith("content")}


def test_edge_cases_of_the_reference(golden: Path) -> None:
    """Each row is met, or departs exactly as the table of known deviations says."""
    rows = edge_cases(golden, "split_wet_file")
    assert len(rows) == 42
    assert set(DEVIATING_ROWS) <= {row["name"] for row in edge_cases(golden)}
    for row in rows:
        given, expected = row["input"], row["expected"]
        text = given["wet"].encode() if "wet" in given else base64.b64decode(given.get("wet_b64", ""))
        reading = read(base64.b64decode(given["gz_b64"]) if "gz_b64" in given else gzip.compress(text))
        ours = {"pages": [as_golden(page) for page in reading.pages], "counters": reading.tally}
        deviation = DEVIATING_ROWS.get(row["name"])
        if deviation is None:
            assert ours == expected, row["name"]
            continue
        assert ours != expected, f"{row['name']} departs no longer: take it out of known-deviations.json"
        assert reading.tally == deviation["counters"], row["name"]
        changed = [page | deviation["changed"].get(str(i), {}) for i, page in enumerate(expected["pages"])]
        assert ours["pages"][: len(changed)] == changed, row["name"]
        assert len(reading.pages) == deviation["counters"].get("passed", 0)


def test_pipeline_edge_cases_are_read(golden: Path) -> None:
    rows = edge_cases(golden, "pipeline")
    assert len(rows) == 13
    for row in rows:
        files = row["input"]["wet"]
        files = [files] if isinstance(files, str) else files
        readings = [read(gzip.compress(text.encode())) for text in files]
        for reading, text in zip(readings, files, strict=True):
            assert reading.tally == {"wet-file": 1, "passed": text.count("WARC-Target-URI")}
        read_pages = {page.url: page for reading in readings for page in reading.pages}
        for page in row["expected"]["pages"]:
            assert read_pages[page["url"]].timestamp == page["timestamp"]
            if row["input"]["config"] == "en.noclean":
                assert read_pages[page["url"]].text == page["text"]


def test_deviations_are_in_the_docs() -> None:
    """The table for readers and the table for tests are the same rows in the same words."""
    lines = (ROOT / "docs" / "known-deviations.md").read_text(encoding="utf-8").splitlines()
    table = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| `")]
    assert table == [[f"`{d['name']}`", d["reference"], d["ours"], d["why"]] for d in DEVIATIONS]


def test_kinds_of_faults_are_in_the_docs() -> None:
    rooms = ("warc/wet", "warc/records", "warc/gzip_file")
    code = "".join((ROOT / "c4pipe" / f"{room}.py").read_text(encoding="utf-8") for room in rooms)
    lines = (ROOT / "docs" / "wet-files.md").read_text(encoding="utf-8").splitlines()
    kinds = [line.split("`")[1] for line in lines if line.startswith("| `")]
    assert len(kinds) == len(set(kinds)) == 10
    assert [kind for kind in kinds if f'"{kind}"' not in code] == []


@pytest.fixture(scope="module")
def ten_readings(ten_wet_files: list[Path]) -> list[tuple[WetReader, list[Page]]]:
    readings = []
    for path in ten_wet_files:
        with path.open("rb") as stream:
            reader = WetReader(stream, name=path.name)
            readings.append((reader, list(reader)))
    return readings


def test_ten_files_have_the_reference_s_pages(ten_readings: list[tuple[WetReader, list[Page]]], golden: Path) -> None:
    tally = sum((reader.tally for reader, _ in ten_readings), Counter[str]())
    assert tally == {"wet-file": 10, "filtered:no_url": 10, "passed": 2282}
    assert [reader.faults for reader, _ in ten_readings] == [[]] * 10
    with gzip.open(golden / "en.trace.jsonl.gz", "rt", encoding="utf-8") as lines:
        traced = Counter((row["url"], row["timestamp"]) for row in map(json.loads, lines) if row["url"])
    assert Counter((page.url, page.timestamp) for _, pages in ten_readings for page in pages) == traced


def test_ten_files_have_the_reference_s_text(ten_readings: list[tuple[WetReader, list[Page]]], golden: Path) -> None:
    """``en.noclean`` changes no text, so what it keeps is what the reference read."""
    pages = {(page.url, page.timestamp): page for _, pages in ten_readings for page in pages}
    with gzip.open(golden / "en.noclean.jsonl.gz", "rt", encoding="utf-8") as lines:
        expected = [json.loads(line) for line in lines]
    assert len(expected) == 1109
    for row in expected:
        page = pages[row["url"], row["timestamp"]]
        digest = hashlib.sha256(page.text.encode()).hexdigest()
        fields = {"content-type": page.content_type, "content-length": page.content_length}
        deviating = DEVIATING_PAGES.get(page.url)
        assert digest == row["text_sha256"], page.url
        if deviating is None:
            assert fields == {name: row[name] for name in fields}, page.url
        else:
            assert fields == deviating != {name: row[name] for name in fields}, page.url


def test_warcio_reads_the_same_records(
    ten_readings: list[tuple[WetReader, list[Page]]], ten_wet_files: list[Path]
) -> None:
    for path, (_, pages) in zip(ten_wet_files, ten_readings, strict=True):
        theirs = []
        with path.open("rb") as stream:
            for warc in ArchiveIterator(stream):
                headers = warc.rec_headers
                if headers.get_header("WARC-Target-URI"):
                    text = page_text(warc.content_stream().read().decode())
                    names = ("WARC-Date", "Content-Type", "Content-Length")
                    fields = [headers.get_header(name) for name in names]
                    theirs.append(Page(headers.get_header("WARC-Target-URI"), text, *fields))
        assert pages == theirs


@pytest.mark.parametrize(
    ("file", "tally", "places"),
    [
        (
            "ccnet-sample-LF-handmade.warc.txt",  # its lengths count characters, or CRLFs that are not there
            {"wet-file": 1, "filtered:no_url": 1, "passed": 3},
            [("wrong_length", 0), ("wrong_length", 617), ("wrong_length", 1310), ("wrong_length", 1959)],
        ),
        (
            "content-length-2-too-short-2014.warc.wet",
            {"wet-file": 1, "filtered:no_url": 1, "passed": 3},
            [("wrong_length", 567)],
        ),
        ("one-gzip-member-for-all-records.wet.gz", {"wet-file": 1, "filtered:no_url": 1, "passed": 2}, []),
        ("tfds-fake-cc_0.warc.wet.gz", {"wet-file": 1, "filtered:no_url": 1, "passed": 2}, 3 * [("wrong_length", 0)]),
        ("tfds-fake-cc_1.warc.wet.gz", {"wet-file": 1, "filtered:no_url": 1, "passed": 3}, 4 * [("wrong_length", 0)]),
        ("truncated-last-record-2014.warc.wet", {"wet-file": 1, "passed": 1}, [("truncated_record", 4725)]),
    ],
)
def test_odd_files(shared: Path, file: str, tally: dict[str, int], places: list[tuple[str, int]]) -> None:
    """Every intact record is read, each fault is named."""
    reading = read((shared / "data" / "wet" / "odd" / file).read_bytes())
    assert (reading.tally, reading.places) == (tally, places)
    assert all(page.text for page in reading.pages)


def test_odd_files_are_all_listed(shared: Path) -> None:
    assert len(list((shared / "data" / "wet" / "odd").iterdir())) == 6
