"""A WET file gives the pages that the reference reads from it, where no line of a body could be taken for a header.

Such lines are left out here: that they change nothing is a departure of ours, and tested elsewhere.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import made_texts as made
import pytest
import tfds_c4
from agreement import agree
from hypothesis import strategies as st
from tfds_c4 import Result

from c4pipe.warc.wet import WetReader

pytestmark = pytest.mark.usefixtures("prepared")

FIELDS = ("WARC-Target-URI:", "WARC-Date:", "Content-Type:", "Content-Length:")
DROPPED = (
    *("\nWARCraft is a game.\n", "\nWARC\n", "\n WARC-x: y\n", "\nwarc/1.0\n", "\nWARC/1.1\n", "\nx WARC/1.0\n"),
    *("\nContent-based it is.\n", "\nCONTENT-\n", "\nCONTENT-x\n", "\n Content-x\n", "\nContents\n", "\ncontent-x\n"),
)
INFO = (
    b"WARC/1.0\r\nWARC-Type: warcinfo\r\nWARC-Date: 2019-04-26T19:04:32Z\r\nContent-Type: application/warc-fields\r\n"
    b"Content-Length: 27\r\n\r\npublisher: Common Crawl\r\n\r\n\r\n\r\n"
)


def read_as_header(line: str) -> bool:
    return line == "WARC/1.0" or line.startswith(FIELDS)


def body(text: str) -> str:
    """The text without the lines that the reference would take for a header."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "\n".join("" if read_as_header(line.strip()) else line for line in lines)


def record(url: str | None, date: str | None, kind: str | None, text: str) -> bytes:
    data = body(text).encode()
    header = [
        "WARC/1.0",
        "WARC-Type: conversion",
        *([f"WARC-Target-URI: {url}"] * (url is not None)),
        *([f"WARC-Date: {date}"] * (date is not None)),
        "WARC-Record-ID: <urn:uuid:cd61b0b3-d9b0-466c-9a5e-99c191f8d2e1>",
        *([f"Content-Type: {kind}"] * (kind is not None)),
        f"Content-Length: {len(data)}",
    ]
    return "\r\n".join(header).encode() + b"\r\n\r\n" + data + b"\r\n\r\n"


urls = made.urls().map(lambda url: " ".join(url.split())) | st.just("http://example.org/")
dates = st.sampled_from((None, "2019-04-18T10:38:25Z", "2019-04-18T10:38:25Z", " x ", ""))
kinds = st.sampled_from((None, "text/plain", "text/plain; charset=é", ""))
records = st.builds(record, st.none() | urls | urls, dates, kinds, made.text(DROPPED, made.CONTROLS, pieces=12))


def in_blocks(data: bytes, size: int = 200) -> list[bytes]:
    """Cut every so many bytes, wherever records begin, as bgzip does."""
    return [data[at : at + size] for at in range(0, len(data), size)]


LAYOUTS: dict[str, Callable[[list[bytes]], list[bytes]]] = {
    "a member each": list,
    "one member": lambda parts: [b"".join(parts)],
    "blocks": lambda parts: in_blocks(b"".join(parts)),
}


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize("info", [True, False], ids=["warcinfo", "no warcinfo"])
def test_wet_files(layout: Callable[[list[bytes]], list[bytes]], info: bool, tmp_path: Path) -> None:
    path = tmp_path / "a.warc.wet.gz"

    def zipped(parts: list[bytes]) -> bytes:
        return b"".join(gzip.compress(part, 1) for part in layout([INFO] * info + parts))

    def ours(data: bytes) -> Result:
        path.write_bytes(data)
        with open(path, "rb") as stream:
            reader = WetReader(stream, name=path.name)
            pages = list(reader)
        assert reader.faults == []
        return pages, {f"split-wet-file/{name}": count for name, count in reader.tally.items()}

    def theirs(data: bytes) -> Result:
        path.write_bytes(data)
        return tfds_c4.split_wet_file(path)

    seen = ("wet-file", "passed", "filtered:no_url", "filtered:no_content", "filtered:no_timestamp")
    agree(
        st.lists(records, min_size=1, max_size=3).map(zipped),
        ours,
        theirs,
        *(f"split-wet-file/{name}" for name in seen),
    )
