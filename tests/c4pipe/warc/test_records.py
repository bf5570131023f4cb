"""Where records begin and end: layouts, wrong lengths, bodies that imitate records, junk, limits."""

from __future__ import annotations

import re
import tracemalloc
from collections.abc import Callable

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from c4pipe.warc.headers import HEADER_BYTES_MAX
from c4pipe.warc.wet import page_text
from tests.support.wet_builder import URLS, WARCINFO, Reading, member, member_each, read, record

Layout = Callable[[list[bytes]], bytes]


def one_for_all(records: list[bytes]) -> bytes:
    return member(*records)


def in_pairs(records: list[bytes]) -> bytes:
    return b"".join(member(*records[i : i + 2]) for i in range(0, len(records), 2))


def plain(records: list[bytes]) -> bytes:
    return b"".join(records)


def in_blocks(records: list[bytes], size: int = 0) -> bytes:
    """A gzip member every so many bytes, wherever records begin, and an empty one at the end, as bgzip writes them."""
    data = b"".join(records)
    size = size or max(61, len(data) // 1000)
    return b"".join(member(data[at : at + size]) for at in range(0, len(data), size)) + member()


LAYOUTS: dict[str, Layout] = {
    "each": member_each, "all": one_for_all, "pairs": in_pairs, "plain": plain, "blocks": in_blocks
}  # fmt: skip
layouts = pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS.keys())
EVIL = record("http://evil.com/", b"An imitation.")


@layouts
@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
@pytest.mark.parametrize("version", [b"WARC/1.0", b"WARC/1.1", b"WARC/0.18"])
@pytest.mark.parametrize("warcinfo", [[], [WARCINFO]])
def test_every_layout_is_read(layout: Layout, newline: bytes, version: bytes, warcinfo: list[bytes]) -> None:
    bodies = [b"one", b"two\nlines", b"", b"three\r\n\r\nlines\r\n"]
    records = [record(url, body, newline=newline, version=version) for url, body in zip(URLS, bodies, strict=False)]
    reading = read(layout(warcinfo + records))
    texts = [(page.url, page.text) for page in reading.pages]
    assert texts == [(URLS[0], "one"), (URLS[1], "two\nlines"), (URLS[3], "three\nlines")]
    tally = {"wet-file": 1, "passed": 3, "filtered:no_content": 1} | ({"filtered:no_url": 1} if warcinfo else {})
    assert (reading.tally, reading.faults) == (tally, {})


@layouts
def test_body_that_holds_records_is_one_page(layout: Layout) -> None:
    body = b"Before.\r\n\r\n" + EVIL + EVIL
    reading = read(layout([record(URLS[0], body), record(URLS[1], b"a"), record(URLS[2], EVIL)]))
    assert [(page.url, page.text) for page in reading.pages] == [
        (URLS[0], "Before.\nAn imitation.\nAn imitation."),
        (URLS[1], "a"),
        (URLS[2], "An imitation."),
    ]
    assert reading.faults == {}


@pytest.mark.parametrize("size", [*range(8, 200), 10**6])
def test_members_that_end_anywhere_are_read_as_one(size: int) -> None:
    """In a version line, a header, a body, between records; the first holds enough of the file's version line."""
    records = [WARCINFO, *(record(url, body) for url, body in zip(URLS, [b"a", EVIL, b"", b"b\r\nc"], strict=False))]
    assert same(read(in_blocks(records, size)), read(one_for_all(records)))


def same(one: Reading, other: Reading) -> bool:
    return (one.pages, one.tally, one.faults) == (other.pages, other.tally, other.faults)


@given(
    st.lists(st.binary(max_size=40) | st.just(EVIL), min_size=1, max_size=6),
    st.lists(st.integers(8, 90), min_size=1, max_size=60),
)
@settings(deadline=None)
def test_members_of_any_sizes_are_read_as_one(bodies: list[bytes], sizes: list[int]) -> None:
    data = b"".join(record(URLS[0], body.decode("latin-1").encode()) for body in bodies)
    blocks, at = [], 0
    for size in [*sizes, len(data)]:
        blocks.append(data[at : at + size])
        at += size
    in_body = any(block.startswith(b"WARC/") and data[:at].endswith(block) for at, block in enumerate(blocks))
    assume(not in_body)
    assert same(read(b"".join(map(member, blocks))), read(member(data)))


def test_record_at_the_border_of_blocks_is_no_page_once_members_are_blocks() -> None:
    """An imitation that happens to begin a block; the block before was known to be one."""
    first, second = record(URLS[0], b"The first."), record(URLS[1], b"Before.\r\n\r\n" + EVIL)
    border = len(first) + second.index(EVIL)
    data = first + second + record(URLS[2], b"a")
    reading = read(member(data[:50]) + member(data[50:border]) + member(data[border:]))
    assert (reading.urls, reading.faults) == (URLS[:3], {})


@pytest.mark.parametrize("size", [61, 150, 400, 10**6])
def test_wrong_lengths_in_blocks_cost_nothing(size: int) -> None:
    """As of a file whose lines were ended otherwise before it was packed, with an empty member at its end."""
    records = [record(url, b"abc", length=n) for url, n in zip(URLS, (9, 90, 2, 10**6, 3), strict=False)]
    reading = read(in_blocks(records, size))
    assert texts(reading) == [(url, "abc") for url in URLS[:5]]
    assert reading.faults == {"wrong_length": 4}


def test_damaged_member_is_not_gone_on_with() -> None:
    """Nor is one behind it taken for the rest of a record that may have a wrong length."""
    a, b = (record(url, b"abc", length=10) for url in URLS[:2])
    broken = bytearray(member(b"what follows" * 50))
    broken[10] |= 7  # no block of deflate is of this kind
    reading = read(member(a) + bytes(broken) + member(b))
    assert reading.urls == URLS[:2]
    assert reading.faults["wrong_length"] == 2


@pytest.mark.parametrize("over", [0, 1])
def test_too_large_record_in_blocks_costs_itself_alone(over: int) -> None:
    bodies = [b"a", EVIL * 20, b"b"]
    records = [record(url, body) for url, body in zip(URLS, bodies, strict=False)]
    for size in (61, 500, 4096):
        reading = read(in_blocks(records, size), record_bytes_max=len(EVIL) * 20 - over)
        assert reading.urls == ([URLS[0], URLS[2]] if over else URLS[:3])
        assert reading.faults == ({"too_large": 1} if over else {})


@pytest.mark.parametrize("off_by", [-6, -2, -1, 5, 60, 10**6, 10**12])
@pytest.mark.parametrize("layout", [member_each, one_for_all, plain])
def test_wrong_length_of_an_inner_record_is_counted_and_costs_nothing(layout: Layout, off_by: int) -> None:
    bodies = [b"The first.", b"The second.", b"The third."]
    lengths = [None, len(bodies[1]) + off_by, None]
    records = [record(*args, length=n) for args, n in zip(zip(URLS, bodies, strict=False), lengths, strict=True)]
    reading = read(layout(records))
    assert [page.text for page in reading.pages] == ["The first.", "The second.", "The third."]
    assert reading.faults == {"wrong_length": 1}
    place = {member_each: len(member(records[0])), one_for_all: 0, plain: len(records[0])}[layout]
    assert reading.places == [("wrong_length", place)]


@pytest.mark.parametrize("layout", [member_each, one_for_all, plain])
def test_every_length_wrong(layout: Layout) -> None:
    """Lengths that count characters, as in a real sample."""
    bodies = ["Größe.", "Über.", "Ärger."]
    records = [record(url, body.encode(), length=len(body)) for url, body in zip(URLS, bodies, strict=False)]
    reading = read(layout(records))
    assert [page.text for page in reading.pages] == bodies
    assert reading.faults == {"wrong_length": 3}


@pytest.mark.parametrize("claim", [b"", b"-1", b"nine", b"\xd9\xa1", b"9" * 5000])
def test_length_that_is_no_number_is_wrong(claim: bytes) -> None:
    records = [record(url, b"abc").replace(b"Length: 3", b"Length: " + claim) for url in URLS[:3]]
    for layout in (member_each, one_for_all, plain):
        reading = read(layout(records))
        assert reading.urls == URLS[:3]
        assert reading.faults == {"wrong_length": 3}


@layouts
@pytest.mark.parametrize("length", [3, 4, 6, 7, 8, 9, 10, 11])
def test_length_that_is_off_by_line_ends_alone_is_right(layout: Layout, length: int) -> None:
    """As of a file whose lines were ended otherwise, or of a tool that counts the blank lines in."""
    reading = read(layout([record(URLS[0], b"abc\r\n\r\n", length=length), record(URLS[1], b"a")]))
    assert (texts(reading), reading.faults) == ([(URLS[0], "abc"), (URLS[1], "a")], {})


def test_member_of_one_record_is_not_split_whatever_its_length() -> None:
    for length in (0, 5, 10**9):
        records = [WARCINFO, record(URLS[0], b"Before.\r\n\r\n" + EVIL, length=length), record(URLS[1], b"a")]
        reading = read(member_each(records))
        assert reading.urls == URLS[:2]
        assert reading.faults == {"wrong_length": 1}


def test_member_of_several_records_is_found_among_members_of_one() -> None:
    a, b, c, d = (record(url, b"a") for url in URLS[:4])
    reading = read(member(WARCINFO) + member(a) + member(b, c) + member(d))
    assert (reading.urls, reading.faults) == (URLS[:4], {})


@pytest.mark.parametrize(
    "following",
    [b"WARC/1.0\n", b"WARC/1.0\nno field\n\n", b"WARC/1.0\nHost: a\n\n", b"WARC/1.0\n\n", b" WARC/x\nWARC-Type: a\n\n"],
)
def test_version_line_without_valid_header_ends_no_body(following: bytes) -> None:
    reading = read(plain([record(URLS[0], b"abc\n\n" + following, length=1), record(URLS[1], b"a")]))
    assert reading.urls == URLS[:2]


FRAGMENTS = st.one_of(
    st.sampled_from([b"\n", b"\r\n", b"\r", b"\r\n\r\n", b"WARC/1.0\r\n", b"WARC/1.0", b"WARC-Type: conversion\r\n"]),
    st.sampled_from([EVIL, EVIL[:40], EVIL[9:], b"Content-Length: 3\r\n", b"WARC-Target-URI: http://evil.com/\r\n"]),
    st.sampled_from([b"\x1f\x8b\x08", member(EVIL), b"\xef\xbb\xbf", b"\xff", b"\0"]),
    st.text(max_size=8).map(str.encode),
    st.binary(max_size=8),
)
BODIES = st.lists(FRAGMENTS, max_size=8).map(b"".join)


def expected_reading(bodies: list[bytes]) -> list[tuple[str, str]]:
    """What each body alone makes of its page."""
    pages = []
    for url, body in zip(URLS, bodies, strict=False):
        try:
            text = page_text(body.decode())
        except UnicodeDecodeError:
            continue
        if text:
            pages.append((url, text))
    return pages


def texts(reading: Reading) -> list[tuple[str, str]]:
    return [(page.url, page.text) for page in reading.pages]


@settings(max_examples=150, deadline=None)
@given(st.lists(BODIES, min_size=1, max_size=5), st.sampled_from(sorted(LAYOUTS)), st.booleans())
def test_no_body_touches_another_page(bodies: list[bytes], layout: str, warcinfo: bool) -> None:
    records = [record(url, body) for url, body in zip(URLS, bodies, strict=False)]
    reading = read(LAYOUTS[layout](([WARCINFO] if warcinfo else []) + records))
    assert texts(reading) == expected_reading(bodies)
    assert set(reading.faults) <= {"not_utf8"}


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(BODIES, st.integers(0, 400)), min_size=1, max_size=5), st.integers(0, 9), st.booleans())
def test_no_body_touches_another_page_in_members_of_one_record_whatever_their_lengths(
    claims: list[tuple[bytes, int]], level: int, warcinfo: bool
) -> None:
    """But for a length that leads to a version line: that says that the member holds another record."""
    assume(not any(re.match(rb"\s*WARC/[0-9]", body[length:]) for body, length in claims))
    records = [record(url, body, length=n) for url, (body, n) in zip(URLS, claims, strict=False)]
    assume(warcinfo or len(records) > 1)  # a single member may be one for all
    reading = read(member_each([WARCINFO, *records] if warcinfo else records, level=level))
    assert texts(reading) == expected_reading([body for body, _ in claims])
    assert set(reading.faults) <= {"not_utf8", "wrong_length"}


@settings(max_examples=150, deadline=None)
@given(st.lists(FRAGMENTS | st.sampled_from([WARCINFO, member(WARCINFO)]), max_size=12).map(b"".join))
def test_no_bytes_are_too_odd_to_read(data: bytes) -> None:
    """Every record begun ends in one count, and what is no record is named."""
    reading = read(data, record_bytes_max=64)
    assert reading.tally["wet-file"] == 1
    assert reading.tally.get("passed", 0) == len(reading.pages)
    assert len(reading.tally) > 1 or reading.faults


@pytest.mark.parametrize(
    ("before", "no_url", "faults"),
    [
        (b"", 0, {}),
        (b"  ", 0, {}),
        (b"\xef\xbb\xbf", 0, {}),
        (b"\r\n", 1, {}),
        (b"\xef\xbb\xbf\n", 1, {}),
        (b"stray text\n", 1, {"junk": 1}),
        (b"WARC/1.0\nstray text\n", 1, {"bad_header": 1}),
        (b"\xff\xfe\n" * HEADER_BYTES_MAX, 1, {"junk": 1}),
    ],
)
def test_what_stands_before_the_first_record(before: bytes, no_url: int, faults: dict[str, int]) -> None:
    """Lines there are a page without URL, as in the reference."""
    data = before + record(URLS[0], b"a")
    for reading in (read(data), read(member(data))):
        assert reading.urls == URLS[:1]
        assert reading.faults == faults
        if "bad_header" not in faults:
            assert reading.tally.get("filtered:no_url", 0) == no_url


def test_junk_in_a_later_member_is_named_and_is_no_page() -> None:
    a, b = record(URLS[0], b"a"), record(URLS[1], b"b")
    reading = read(member(a) + member(b"stray\n") + member(b"stray\n" + b))
    assert reading.tally == {"wet-file": 1, "passed": 2}
    assert reading.places == [("junk", len(member(a))), ("junk", len(member(a) + member(b"stray\n")))]


@pytest.mark.parametrize("layout", [one_for_all, plain])
def test_header_without_end_costs_its_record(layout: Layout) -> None:
    a, b, c = (record(url, b"abc") for url in URLS[:3])
    for broken in (b.partition(b"\r\n\r\n")[0] + b"\r\n", b.replace(b"\r\n\r\n", b"\r\n" + b"X: y\r\n" * 20000)):
        reading = read(layout([a, broken, c]))
        assert reading.urls == [URLS[0], URLS[2]]
        assert reading.faults == {"bad_header": 1}


@layouts
@pytest.mark.parametrize("bad", [b"\xff", b"\xc3", b"\xed\xa0\x80"])
def test_byte_that_is_not_utf8_costs_its_record(layout: Layout, bad: bytes) -> None:
    a, b, c, d = (record(url, b"abc") for url in URLS[:4])
    b, d = record(URLS[1], bad + b"abc"), d.replace(b"conversion", bad)
    reading = read(layout([a, b, c, d]))
    assert reading.urls == [URLS[0], URLS[2]]
    assert reading.faults == {"not_utf8": 2}


LIMIT = 1000


@layouts
@pytest.mark.parametrize("size", [LIMIT - 1, LIMIT, LIMIT + 1, 3 << 20])
@pytest.mark.parametrize("filling", [b"a", EVIL + b"\n"])
def test_record_over_the_limit_costs_itself(layout: Layout, size: int, filling: bytes) -> None:
    body = (filling * (size // len(filling) + 1))[:size]
    reading = read(
        layout([record(URLS[0], b"a"), record(URLS[1], body), record(URLS[2], b"a")]), record_bytes_max=LIMIT
    )
    if size <= LIMIT:
        assert (reading.urls, reading.faults) == (URLS[:3], {})
    else:
        assert (reading.urls, reading.faults) == ([URLS[0], URLS[2]], {"too_large": 1})


@pytest.mark.parametrize("layout", [member_each, one_for_all, plain])
@pytest.mark.parametrize("length", [0, 7, LIMIT, 10**9])
def test_record_over_the_limit_with_a_wrong_length_costs_itself(layout: Layout, length: int) -> None:
    records = [record(URLS[0], b"a"), record(URLS[1], b"a\n" * (1 << 20), length=length), record(URLS[2], b"a")]
    reading = read(layout(records), record_bytes_max=LIMIT)
    if length > LIMIT and layout is not member_each:
        assert reading.urls == [URLS[0]]  # a claim over the limit is believed, and leads behind the end
    else:
        assert reading.urls == [URLS[0], URLS[2]]
    assert reading.faults == {"too_large": 1}


def test_too_large_names_the_limit_and_the_remedy() -> None:
    reading = read(member(record(URLS[0], b"a" * 2000)), record_bytes_max=LIMIT)
    assert "more than 1,000 bytes" in reading.lines[0]
    assert "raise record_bytes_max" in reading.lines[0]


@layouts
def test_memory_is_bounded_by_the_limit_not_by_the_record(layout: Layout) -> None:
    """32 MB of one letter, in each layout: a gzip bomb."""
    data = layout([record(URLS[0], b"a"), record(URLS[1], b"a" * (32 << 20)), record(URLS[2], b"a")])
    tracemalloc.start()
    try:
        reading = read(data, record_bytes_max=1 << 20)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (reading.urls, reading.faults) == ([URLS[0], URLS[2]], {"too_large": 1})
    assert peak < 12 << 20
