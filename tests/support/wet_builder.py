"""Small WET files for tests: records, gzip members, and what the reader makes of them."""

from __future__ import annotations

import io
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from c4pipe import engine
from c4pipe.page import Page
from c4pipe.warc.records import RECORD_BYTES_MAX
from c4pipe.warc.wet import WetReader

DATE = "2019-04-18T10:38:25Z"
URLS = [f"http://example.com/{i}" for i in range(8)]


class Drops(io.RawIOBase):
    """A stream that gives a few bytes at a time, as a socket may."""

    def __init__(self, data: bytes, size: int) -> None:
        self._stream = io.BytesIO(data)
        self._size = size

    def read(self, size: int = -1) -> bytes:
        return self._stream.read(min(size, self._size))


def record(
    url: str, body: bytes, *, length: int | None = None, newline: bytes = b"\r\n", version: bytes = b"WARC/1.0"
) -> bytes:
    """A conversion record as Common Crawl writes it; ``length`` claims another Content-Length than the right one."""
    header = [
        version,
        b"WARC-Type: conversion",
        b"WARC-Target-URI: " + url.encode(),
        b"WARC-Date: " + DATE.encode(),
        b"WARC-Record-ID: <urn:uuid:cd61b0b3-d9b0-466c-9a5e-99c191f8d2e1>",
        b"Content-Type: text/plain",
        b"Content-Length: %d" % (len(body) if length is None else length),
    ]
    return newline.join(header) + 2 * newline + body + 2 * newline


WARCINFO = (
    b"WARC/1.0\r\nWARC-Type: warcinfo\r\nWARC-Date: 2019-04-26T19:04:32Z\r\nContent-Type: application/warc-fields\r\n"
    b"Content-Length: 27\r\n\r\npublisher: Common Crawl\r\n\r\n\r\n\r\n"
)


def member(*records: bytes, level: int = 6) -> bytes:
    """One gzip member that holds the records."""
    deflater = zlib.compressobj(level, zlib.DEFLATED, 31)
    return deflater.compress(b"".join(records)) + deflater.flush()


def member_each(records: Sequence[bytes], *, level: int = 6) -> bytes:
    return b"".join(member(one, level=level) for one in records)


@dataclass
class Reading:
    pages: list[Page]
    tally: dict[str, int]
    faults: dict[str, int]
    places: list[tuple[str, int]]  # kind and offset of each fault
    lines: list[str]  # each fault as text

    @property
    def urls(self) -> list[str]:
        return [page.url for page in self.pages]


def read(data: bytes, *, record_bytes_max: int = RECORD_BYTES_MAX) -> Reading:
    """What the plain reader and the compiled one, if there is one, make of a file, which must be the same."""
    readings = []
    for chosen in ("plain", None):
        with engine.using(chosen):
            readings.append(_read(data, record_bytes_max))
    assert readings[0] == readings[1]
    return readings[0]


def _read(data: bytes, record_bytes_max: int) -> Reading:
    reader = WetReader(io.BytesIO(data), name="x.warc.wet.gz", record_bytes_max=record_bytes_max)
    pages = list(reader)
    places = [(fault.kind, fault.offset) for fault in reader.faults]
    return Reading(
        pages, dict(reader.tally), dict(reader.fault_counts), places, [str(fault) for fault in reader.faults]
    )
