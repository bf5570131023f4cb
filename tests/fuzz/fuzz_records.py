"""Fuzzing of the compiled reading of WET files against the plain one."""

from __future__ import annotations

import io
import random
import zlib
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from c4pipe import engine
from c4pipe.warc.wet import METADATA, WetReader

BLANKS = "\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2005\u200a\u2028\u2029\u202f\u205f\u3000"
ALMOST_BLANKS = "\x00\x08\x0e\x1b\x7f\x84\x86\xa1\u1681\u180e\u200b\u2027\u202a\u2030\u205e\u2060\u3001\ufeff"
OTHERS = "aé\xffĀ߿ࠀ\ud7ff\ue000￿\U00010000\U0010ffffßя中"
NO_UTF8 = (
    *(bytes([byte]) for byte in (0x80, 0xBF, 0xC0, 0xC1, 0xC2, 0xE0, 0xE2, 0xED, 0xEF, 0xF0, 0xF4, 0xF5, 0xFF)),
    *(b"\xc0\x80", b"\xc1\xbf", b"\xe0\x80\x80", b"\xe0\x9f\xbf", b"\xe2\x80", b"\xed\xa0\x80", b"\xed\xbf\xbf"),
    *(b"\xf0\x80\x80\x80", b"\xf0\x8f\xbf\xbf", b"\xf4\x90\x80\x80", b"\xf0\x9f\x98", b"\xe3\x80", b"\xc2"),
)
PREFIXES = (*METADATA, "WAR", "CONTENT", "Content", "content-", "warc", "WARC/1.0", "WARC-Type: x", "Content-Length: 3")
NEWLINES = (b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r", b"\r\r\n", b" \r\n", b"\n\n")
HEADERS = (
    b"WARC-Type: conversion",
    b"WARC-Date: 2019-04-18T10:38:25Z",
    b"Content-Type: text/plain",
    b"WARC-Record-ID: <urn:uuid:cd61b0b3-d9b0-466c-9a5e-99c191f8d2e1>",
    b"WARC-Refers-To: <urn:uuid:cbb86969-288a-4fce-b0b1-fe6f31297ad3>",
    b"WARC-Identified-Content-Language: eng,deu",
)
ODD_HEADERS = (
    *(b"WARC-Date:", b"WARC-Date: ", b"warc-date:2020", b"WARC-DATE:  x  ", b"WARC-Date : 2020", b" WARC-Date: 2020"),
    *(b"Content-Type:", b"content-type: text/html", b"CONTENT-TYPE:\ttext/x", b"Content-Type: a:b", b"Content-Type"),
    *(b"WARC-Target-URI:", b"WARC-Target-URI: http://a/\xc3\xa9", b"WARC-Target-URI: \xff", b"warc-target-uri:x"),
    *(b"WARC-Target-URI: http://a/\xc2\xa0", b"WARC-Target-URI: a b", b"X: \x1f", b"X: \x7f", b"X: \x00", b"X: \xa0"),
    *(b"\ttwo", b"  two lines", b"", b" ", b":", b"X:", b"no colon", b"WARC/1.0", b"WARC/1.0: x", b"X_Y: z", b"X.Y: z"),
    *(b"Content-Length: 5", b"content-length: 0", b"Content-Length: -1", b"Content-Length: +3", b"Content-Length: 1 2"),
    *(b"Content-Length:", b"Content-Length: \xd9\xa3", b"Content-Length: " + b"9" * 18),
    *(b"Content-Length: " + b"9" * 19, b"Content-Length: " + b"0" * 17 + b"7", b"Content-Length: " + b"0" * 18 + b"7"),
    *(b"x\xe9y: z", b"\xc3\xa9: z"),
)  # fmt: skip
VERSIONS = (b"WARC/1.1", b"WARC/0.17", b"WARC/10.0", b"WARC/1.", b"WARC/1.0 ", b" WARC/1.0", b"WARC/1.0x", b"warc/1.0")
BEHIND = (b"", b"\n", b" \t\r\n\x0b\x0c" * 9, b"\0", b"\x1c", b"x", b"\n" * 64, b"\n" * 65)
LIMITS = (20, 200, 1 << 20)


class Case(NamedTuple):
    """A file, and the limit of its records."""

    data: bytes
    record_bytes_max: int


def inputs(rng: random.Random, lines: Sequence[str]) -> Iterator[Case]:
    """Files of a few short records, from regular ones to what is hardly a file."""
    while True:
        wild = rng.choice((0, 0, 1, 3))  # how odd it is
        count = rng.choice((1, 1, 2, 3))
        data = b"".join(_member(rng, lines, wild) for _ in range(count))
        if not rng.randrange(10):
            data = _damaged(rng, data)
        yield Case(data, rng.choice(LIMITS) if not rng.randrange(5) else LIMITS[-1])


def agree(case: Case) -> None:
    """Both read the same pages, count the same, and find the same faults."""
    assert readings(case.data, case.record_bytes_max, "plain") == readings(case.data, case.record_bytes_max, None), case


def readings(data: bytes, record_bytes_max: int, chosen: str | None) -> list[Any]:
    """All that a reader says of a file; None chooses the compiled rooms."""
    with engine.using(chosen):
        assert chosen or engine.twin("records"), "the room is not compiled, or the engine plain was asked for"
        reader = WetReader(io.BytesIO(data), name="x", undated=True, record_bytes_max=record_bytes_max)
        pages = [page for batch in reader.batches() for page in batch.pages()]
    return [pages, reader.tally, reader.tally_of(undated=True), reader.faults, reader.fault_counts]


def _body(rng: random.Random, lines: Sequence[str], wild: int) -> bytes:
    parts = []
    for _ in range(rng.randrange(8)):
        line = rng.choice(lines)
        start = rng.randrange(len(line) + 1)
        parts.append(line[start : start + rng.choice((0, 1, 3, 7, 8, 9, 20, 130, 300))])
        for _ in range(rng.randrange(wild + 1)):
            odd = rng.choice((BLANKS, BLANKS, ALMOST_BLANKS, OTHERS))
            parts.insert(rng.choice((0, len(parts))), "".join(rng.choices(odd, k=rng.choice((1, 1, 2, 5)))))
            if not rng.randrange(4):
                parts.append("\n" + rng.choice(("", " ", "\u3000")) + rng.choice(PREFIXES))
        parts.append(rng.choice("\n\n\n\n\r\n") if wild else "\n")
    body = "".join(parts).encode()
    if not rng.randrange(30):
        at = rng.randrange(len(body) + 1)
        body = body[:at] + rng.choice(NO_UTF8) + body[at + rng.randrange(3) :]
    return body


def _record(rng: random.Random, lines: Sequence[str], wild: int) -> bytes:
    body = _body(rng, lines, wild)
    headers = [*HEADERS, b"WARC-Target-URI: http://example.com/%d" % rng.randrange(9)]
    if rng.randrange(4):
        headers.append(b"Content-Length: %d" % len(body))
    else:
        headers.append(b"Content-Length: %d" % max(0, len(body) + rng.choice((0, 0, -2, -1, 1, 2, 4, 5, 99))))
    for _ in range(rng.randrange(wild + 1)):
        headers.insert(rng.randrange(len(headers) + 1), rng.choice(ODD_HEADERS))
    if wild and not rng.randrange(3):
        headers.pop(rng.randrange(len(headers)))
    if wild and not rng.randrange(3):
        rng.shuffle(headers)
    version = b"WARC/1.0" if rng.randrange(20) else rng.choice(VERSIONS)
    newline = rng.choice(NEWLINES[:4] if wild < 3 else NEWLINES)
    head = newline.join([version, *headers]) + newline * 2
    if not rng.randrange(20):
        head = head.replace(newline, rng.choice(NEWLINES), 1)
    behind = newline * 2 if rng.randrange(10) else rng.choice(BEHIND)
    return head + body + behind


def _member(rng: random.Random, lines: Sequence[str], wild: int) -> bytes:
    records = [_record(rng, lines, wild) for _ in range(1 if rng.randrange(12) else rng.randrange(4))]
    data = b"".join(records)
    if not rng.randrange(20):
        data = rng.choice((b"\n", b" ", b"\xef\xbb\xbf", b"stray\n", b"\0")) + data
    if not rng.randrange(20):
        data = _damaged(rng, data)
    packed = _packed(rng, data)
    if not rng.randrange(25):
        packed += rng.choice((b"\0", b"\0" * 9, b"x", packed[-8:], b"\x1f\x8b\x08", b"\x1f\x8b", packed[:10]))
    return packed


def _packed(rng: random.Random, data: bytes) -> bytes:
    deflater = zlib.compressobj(rng.choice((0, 1, 1, 6, 9)), zlib.DEFLATED, rng.choice((31, 31, 25)))
    cut = rng.randrange(len(data) + 1)
    packed = deflater.compress(data[:cut])
    if not rng.randrange(4):
        packed += deflater.flush(rng.choice((zlib.Z_SYNC_FLUSH, zlib.Z_FULL_FLUSH)))
    packed += deflater.compress(data[cut:]) + deflater.flush()
    if not rng.randrange(20):  # a header with a name, a comment, a checksum; some of them wrong
        flags = rng.randrange(256)
        fields = rng.choice((b"", b"\x02\x00ab", b"name\0", b"name\0comment\0", b"\x02\x00abname\0\x12\x34"))
        packed = packed[:3] + bytes([flags]) + packed[4:10] + fields + packed[10:]
    return packed


def _damaged(rng: random.Random, data: bytes) -> bytes:
    """The data with bytes changed, cut out, doubled or put elsewhere."""
    if not data:
        return data
    a, b = sorted(rng.randrange(len(data) + 1) for _ in range(2))
    way = rng.randrange(6)
    if way == 0:
        return data[:a]
    if way == 1:
        return data[:a] + data[min(b, a + 20) :]
    if way == 2:
        return data[:a] + data[a:b] * 2 + data[b:]
    if way == 3:
        return data[:a] + rng.randbytes(rng.randrange(1, 4)) + data[a:]
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 8))):
        changed[rng.randrange(len(data))] ^= rng.choice((1, 2, 0x20, 0x80, 0xFF))
    return bytes(changed)
