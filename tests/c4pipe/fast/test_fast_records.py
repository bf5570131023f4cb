"""The compiled reading of regular records is the plain one, and what is not regular is left to that."""

from __future__ import annotations

import io
import itertools
import random
import sys
import zlib
from collections.abc import Iterator
from itertools import islice, product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from c4pipe import engine
from c4pipe.columns import strings
from c4pipe.warc import wet
from c4pipe.warc.gzip_file import WHOLE_BYTES, members
from c4pipe.warc.gzip_member import Member
from c4pipe.warc.records import RECORD_BYTES_MAX
from c4pipe.warc.wet import BATCH_BYTES, BATCH_PAGES, METADATA, NAMES, WHOLE_MAX_BYTES, Fields, WetReader, page_text
from tests.fuzz import fuzz_records
from tests.fuzz.fuzz_records import BLANKS, NO_UTF8, readings
from tests.support.wet_builder import DATE, URLS, WARCINFO, Drops, member, member_each, record

room = pytest.importorskip("c4pipe.fast.records")
LINES = ["The quick brown fox.", "Москва — столица.", "日本語の行。", "Crème brûlée", "x" * 300, "😀 emoji", "C", "W"]


@pytest.fixture(autouse=True)
def both_engines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(engine.SETTING, raising=False)


def columns(limit: int = RECORD_BYTES_MAX, pages: int = 10**9, bytes: int = 10**9) -> Any:
    inflater = room.Inflater(WHOLE_BYTES, WHOLE_MAX_BYTES)
    return room.Regular(inflater, record_bytes_max=limit, names=NAMES, metadata=METADATA, pages=pages, bytes=bytes)


def take(data: bytes) -> Fields | None:
    """The fields that are taken of a member's data; it is told which are empty."""
    regular = columns()
    lacks = regular.take(data)
    assert regular.pages == (lacks is not None)
    if lacks is None:
        return None
    (url,), (text,), *others = (strings(*column).to_pylist() for column in regular.taken())
    fields = (url, text, *(value for (value,) in others))
    assert lacks == sum((not field) << bit for bit, field in enumerate(fields))
    return fields


def text_of(body: bytes) -> str | None:
    fields = take(record(URLS[0], body))
    return fields[1] if fields else None


def plain_text_of(body: bytes) -> str | None:
    try:
        return page_text(body.decode())
    except UnicodeDecodeError:
        return None


def same_reading(data: bytes, limit: int = RECORD_BYTES_MAX) -> None:
    assert readings(data, limit, None) == readings(data, limit, "plain")


def taken(data: bytes, limit: int = RECORD_BYTES_MAX) -> list[bool]:
    """Of each member whether it is taken whole."""
    found = members(io.BytesIO(data), columns(limit))
    runs = ([False] if isinstance(one, Member) else [True] * (one[0] + bool(one[1])) for one in found)
    return list(itertools.chain.from_iterable(runs))


def test_the_fields_of_a_record() -> None:
    body = b"Eine Zeile.\n  Noch eine. "
    expected = (URLS[0], "Eine Zeile.\nNoch eine.", DATE, "text/plain", str(len(body)))
    assert take(record(URLS[0], body)) == expected
    assert take(record(URLS[0], body, newline=b"\n", version=b"WARC/1.1")) == expected
    assert take(WARCINFO) == ("", "publisher: Common Crawl", "2019-04-26T19:04:32Z", "application/warc-fields", "27")


def test_real_files(shared: Path, ten_wet_files: list[Path]) -> None:
    """All members of real files are taken, and the odd files read as ever."""
    for path in ten_wet_files:
        data = path.read_bytes()
        assert all(taken(data))
        same_reading(data)
    odd = list(shared.glob("data/wet/odd/*"))
    assert len(odd) == 6
    for path in odd:
        same_reading(path.read_bytes())


def test_mutated_files() -> None:
    for case in islice(fuzz_records.inputs(random.Random(0), LINES), 1000):
        fuzz_records.agree(case)


@pytest.mark.parametrize("pattern", ["{}", " a{0}{0} ", "W{0}a{0}"])
def test_every_character(pattern: str) -> None:
    characters = [chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code < 0xE000]
    for block in range(0, len(characters), 4096):
        body = "\n".join(pattern.format(character) for character in characters[block : block + 4096])
        assert text_of(body.encode()) == page_text(body), hex(block)


def test_the_blanks_are_those_of_strip() -> None:
    """The plain room strips what str.isspace says, and no more."""
    blanks = [chr(code) for code in range(sys.maxunicode + 1) if chr(code).isspace()]
    assert len(blanks) == 29
    assert set(BLANKS) <= set(blanks)
    for left, right in product(blanks, repeat=2):
        assert text_of(f"{left}a{left}b{right}{left}\n{right}".encode()) == page_text(f"{left}a{left}b{right}{left}")


def sequences() -> Iterator[bytes]:
    """All of one and two bytes, and of more all that begin alike."""
    edges = (0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0)
    yield from (bytes(of) for of in product(range(256), repeat=2))
    yield from (bytes(of) for of in product(range(0xC0, 256), edges, edges))
    yield from (bytes(of) for of in product(range(0xE0, 256), edges, edges, edges))


@pytest.mark.parametrize("before", [b"abcdefg", "日".encode(), "😀abcdefgh".encode()])
def test_what_is_utf8_is_what_python_takes_for_it(before: bytes) -> None:
    for sequence in sequences():
        for body in (before + sequence, before + sequence + b"abcdefgh"):
            assert text_of(body) == plain_text_of(body), body


@pytest.mark.parametrize("bad", NO_UTF8)
@pytest.mark.parametrize(
    "pattern", [b"%b", b" %b ", b"a\n%b\nb", b"WARC %b\nb", b"a\n Content-%b", b"\xe3\x80\x80%b\n"]
)
def test_no_utf8_wherever_it_stands_is_left_to_the_plain_room(bad: bytes, pattern: bytes) -> None:
    """Also in a line that is dropped."""
    assert text_of(pattern % bad) is None
    same_reading(member(record(URLS[0], pattern % bad)))


@given(st.lists(st.sampled_from([*LINES, *METADATA, "", *BLANKS, "\r\n", "\n", "é", "\x00"]), max_size=12).map("".join))
def test_any_text(body: str) -> None:
    assert text_of(body.encode()) == page_text(body)


@given(st.binary(max_size=40))
def test_any_bytes(body: bytes) -> None:
    assert text_of(body) == plain_text_of(body)


@settings(max_examples=60)
@given(st.integers(0, 300), st.sampled_from("aé中😀"), st.sampled_from("aé中😀\n"))
def test_every_length(length: int, one: str, other: str) -> None:
    body = one * length + other + one * (length // 2)
    assert text_of(body.encode()) == page_text(body)


GOOD = b"WARC/1.0\r\nWARC-Target-URI: http://a/\r\nWARC-Date: 2019\r\nContent-Type: t\r\nContent-Length: 1\r\n"


@pytest.mark.parametrize(
    ("data", "is_taken"),
    [
        (GOOD + b"\r\na\r\n\r\n", True),
        (GOOD + b"\r\na", True),
        (GOOD + b"\r\na" + b"\n" * 64, True),
        (GOOD + b"\r\na" + b"\n" * 65, False),
        (GOOD + b"\r\na\x0b\x0c\t \r\n", True),
        (GOOD + b"\r\na\x1c", False),  # no blank of bytes
        (GOOD + b"\r\nab", False),
        (GOOD + b"\r\n", False),
        (GOOD + b" \r\na", False),  # a line of blanks ends the header, too
        (GOOD + b"X-Y: " + b"x" * 15000 + b"\r\n\r\na", True),
        (GOOD + b"X-Y: " + b"x" * 17000 + b"\r\n\r\na", False),
        (GOOD + b"X: \xc3\xa9\r\n\r\na", False),
        (GOOD + b"X: a\rb\r\n\r\na", False),
        (GOOD + b"X: a\tb\r\n\r\na", False),
        (GOOD + b" X: a\r\n\r\na", False),
        (GOOD + b"X a\r\n\r\na", False),
        (GOOD + b"WARC/1.0\r\n\r\na", False),
        (GOOD + b"warc-date:  2020  \r\nX:\r\n\r\na", True),
        (GOOD + b"Content-Length: 01\r\n\r\na", True),
        (GOOD + b"Content-Length: 2\r\n\r\na", False),
        (GOOD + b"Content-Length: \r\n\r\na", False),
        (GOOD + b"Content-Length: -1\r\n\r\na", False),
        (GOOD + b"Content-Length: " + b"0" * 17 + b"1\r\n\r\na", True),
        (GOOD + b"Content-Length: " + b"0" * 18 + b"1\r\n\r\na", False),
        (b"\r\n" + GOOD + b"\r\na", False),
        (b"\xef\xbb\xbf" + GOOD + b"\r\na", False),
        (GOOD.replace(b"1.0", b"1.0 ") + b"\r\na", False),
        (GOOD.replace(b"1.0", b"0.9") + b"\r\na", True),
        (GOOD.replace(b"1.0", b"10.0") + b"\r\na", False),
        (GOOD + b"\r\na\r\n\r\n" + GOOD + b"\r\na", False),
        (b"", False),
        (b"WARC/1.0", False),
        (b"WARC/1.0\r", False),
        (b"WARC/1.0\n", False),
        (b"WARC/1.0\n\n", False),
    ],
)
def test_what_is_regular(data: bytes, is_taken: bool) -> None:
    packed = member(data)
    assert taken(packed) == [is_taken]
    same_reading(packed)
    same_reading(member(WARCINFO) + packed + member(WARCINFO))


@pytest.mark.parametrize("size", [19, 20, 21])
def test_a_record_over_the_limit_is_not_regular(size: int) -> None:
    data = member(record(URLS[0], b"a" * size)) * 2
    assert taken(data, 20) == [size <= 20] * 2
    same_reading(data, 20)


@pytest.mark.parametrize("more", [-1, 0, 1])
def test_only_a_small_member_is_taken_whole(more: int) -> None:
    empty = record(URLS[0], b"a" * 1_000_000)
    data = member(record(URLS[0], b"a" * (1_000_000 + WHOLE_MAX_BYTES - len(empty) + more)))
    assert len(zlib.decompress(data, 31)) == WHOLE_MAX_BYTES + more
    assert taken(data) == [more <= 0]
    same_reading(data)


@pytest.mark.parametrize("size", [WHOLE_BYTES - 9000, WHOLE_BYTES + 80_000])
def test_a_member_with_many_compressed_bytes_is_read_by_windows(size: int) -> None:
    """And one that is not, though it holds what begins like a member, is taken whole."""
    body = "".join(random.Random(0).choices("abcdefgh\x1f\x8b\x08\n", k=size)).encode("latin-1").replace(b"\x8b", b"")
    one = member(record(URLS[0], body + b"\x1f\xc2\x8b\x08"), level=0)
    assert taken(one + one) == [size < WHOLE_BYTES] * 2
    same_reading(one + one)


def test_damage_at_any_byte() -> None:
    """What is left of a file is read as ever, whatever was taken before the damage."""
    data = member_each([WARCINFO, *(record(url, b"a line") for url in URLS)])
    assert taken(data) == [True] * 9
    for place in range(0, len(data), 19):
        same_reading(data[:place] + bytes([data[place] ^ 4]) + data[place + 1 :])


@pytest.mark.parametrize(("at", "end"), [(-1, 2), (2, 1), (0, 4)])
def test_places_outside_the_data_are_an_error(at: int, end: int) -> None:
    assert columns()(bytearray(3), 3, 3) == (None, 3)
    with pytest.raises(IndexError, match=rf"no bytes {at} to {end} of 3"):
        columns()(bytearray(3), at, end)


def large(rng: random.Random) -> bytes:
    """A record of up to a few megabytes, regular or not, that compresses badly."""
    body = "".join(rng.choices("abcdefghijklmnopqrstuvwxyzäöü \n", k=rng.choice((3000, 90_000, 1_100_000)))).encode()
    return record(
        rng.choice(URLS),
        body,
        length=len(body) + rng.choice((0, 0, 0, 4, -9000, 9000)),
        newline=rng.choice((b"\n", b"\r\n")),
    )


@pytest.mark.parametrize("seed", range(6))
def test_windows_are_the_same_whatever_was_taken_before(seed: int) -> None:
    """Large members among small ones, several records in some, then damage."""
    rng = random.Random(seed)
    parts = []
    for _ in range(rng.randrange(2, 6)):
        parts += [member(record(url, b"small")) for url in rng.choices(URLS, k=rng.randrange(40))]
        parts.append(member(*(large(rng) for _ in range(rng.choice((1, 1, 2)))), level=rng.choice((0, 1))))
    data = bytearray(b"".join(parts))
    for _ in range(rng.randrange(3)):
        data[rng.randrange(len(data))] ^= 0x55
    cut = rng.randrange(len(data)) if not rng.randrange(3) else len(data)
    same_reading(bytes(data[:cut]))


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_what_is_taken_does_not_depend_on_how_much_a_read_returns(size: int) -> None:
    data = member_each([record(url, b"A line.\n" * 40) for url in URLS])
    for stream in (Drops(data, size), io.BytesIO(data)):
        regular = columns()
        found = list(members(stream, regular))  # type: ignore[arg-type]
        assert not any(isinstance(one, Member) for one in found)
        assert sum(whole for whole, _ in found) == regular.pages == len(URLS)


MEMBERS = {  # a letter -> a member
    "p": member(record(URLS[0], b"a page")),
    "d": member(record(URLS[0], b"a page").replace(b"WARC-Date", b"X-Date")),
    "w": member(WARCINFO),
    "x": member(record(URLS[0], b"a", length=9)),
    "0": b"\0\0",
}


@pytest.mark.parametrize(
    ("written", "runs"),
    [
        ("ppp", ["ppp"]),
        ("ppdpp", ["ppd", "pp"]),
        ("ddp", ["d", "d", "p"]),
        ("ppxpp", ["pp", "", "pp"]),
        ("pp0pp", ["pp", "pp"]),
        ("0pp0", ["pp"]),
        ("wxw", ["w", "", "w"]),
        ("pppppppp", ["ppppp", "ppp"]),  # five are what fits
    ],
)
def test_runs_of_members(written: str, runs: list[str]) -> None:
    """They end at what is not regular, at padding, behind a page that lacks something, and where room ends."""
    regular = columns(pages=5)
    found = []
    for one in members(io.BytesIO(b"".join(MEMBERS[letter] for letter in written)), regular):
        if isinstance(one, Member):
            found.append("")
            one.drain()
        else:
            whole, lacks = one
            found.append("p" * whole + {0: "", 0b1: "w", 0b100: "d"}[lacks])
            assert regular.pages == len(found[-1])
            regular.taken()
    assert found == runs


def test_who_decides_is_chosen_before_the_file_is_read() -> None:
    with engine.using("plain"):
        assert not isinstance(wet._new_columns(5), room.Regular)
    with engine.using(None):
        assert isinstance(wet._new_columns(5), room.Regular)


FIELDS = st.tuples(*[st.sampled_from(["", "a", "é\n中", "x" * 5000])] * 5)


@given(st.lists(st.tuples(FIELDS, st.booleans()), max_size=30))
def test_pages_are_collected_as_columns(told: list[tuple[Fields, bool]]) -> None:
    """Whatever is taken back, and however often columns are taken."""
    plain, compiled = wet._Plain(), columns()
    for turn in range(2):
        kept = []
        for fields, stays in told[turn * 10 :]:
            assert plain.add(fields) == compiled.add(fields) == sum((not f) << bit for bit, f in enumerate(fields))
            if stays:
                kept.append(fields)
            else:
                plain.drop()
                compiled.drop()
        assert plain.pages == compiled.pages == len(kept)
        assert compiled.size == sum(len(fields[1].encode()) for fields in kept)
        collected = [strings(*column).to_pylist() for column in compiled.taken()]
        assert list(zip(*collected, strict=True)) == kept
        if kept:
            assert [column.to_pylist() for column in plain.taken()] == collected
        assert compiled.pages == compiled.size == 0


@pytest.mark.parametrize("count", [0, 1, BATCH_PAGES - 1, BATCH_PAGES, BATCH_PAGES + 1, 2 * BATCH_PAGES])
@pytest.mark.parametrize("by", ["fast", "plain"])
def test_pages_come_some_at_a_time(by: str, count: int) -> None:
    data = member_each([record(f"http://a.com/{n}", b"A line.") for n in range(count)] or [WARCINFO])
    with engine.using(by):
        found = list(WetReader(io.BytesIO(data), name="x").batches())
    assert [len(batch) for batch in found] == [BATCH_PAGES] * (count // BATCH_PAGES) + [
        n for n in [count % BATCH_PAGES] if n
    ]
    assert [page.url for batch in found for page in batch.pages()] == [f"http://a.com/{n}" for n in range(count)]


@pytest.mark.parametrize("by", ["fast", "plain"])
def test_large_pages_come_fewer_at_a_time(by: str) -> None:
    size = BATCH_BYTES // 4
    bodies = [b"a" * (size - 1), *[b"a" * size] * 3, b"b", b"c"]
    data = member_each([record(URLS[0], body) for body in bodies])
    with engine.using(by):
        found = list(WetReader(io.BytesIO(data), name="x").batches())
    assert [len(batch) for batch in found] == [5, 1]
