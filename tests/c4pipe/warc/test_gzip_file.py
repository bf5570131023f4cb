"""Damage: truncation at every byte, a flip of every byte, garbage, and reading on behind it."""

from __future__ import annotations

import base64
import io
import random
import zlib
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from c4pipe.warc import file_buffer, gzip_file
from c4pipe.warc.file_buffer import LOOK_BACK_BYTES
from c4pipe.warc.gzip_file import INPUT_BYTES, members
from c4pipe.warc.wet import WetReader
from tests.support.wet_builder import URLS, WARCINFO, Drops, member, member_each, read, record

BODIES = [b"The first body, short.", b"The second:\r\n\r\nit has two parts.\r\n", "Der dritte: Öl.".encode()]
RECORDS = [record(url, body) for url, body in zip(URLS, BODIES, strict=False)]
ENDS = [sum(map(len, RECORDS[: i + 1])) - 4 for i in range(len(RECORDS))]  # the blank lines behind do not matter
WHOLE = read(member_each(RECORDS)).pages


def whole_records(length: int) -> int:
    """How many records are whole in the first ``length`` bytes of the plain text."""
    return sum(end <= length for end in ENDS)


@pytest.mark.parametrize("level", [0, 6])
def test_truncation_of_one_member_for_all_costs_one_record(level: int) -> None:
    data = member(*RECORDS, level=level)
    for cut in range(1, len(data)):
        inflated = zlib.decompressobj(31).decompress(data[:cut])
        reading = read(data[:cut])
        assert reading.pages == WHOLE[: whole_records(len(inflated))], cut
        assert reading.places == [("truncated_gzip", 0)], cut


@pytest.mark.parametrize("level", [0, 6])
def test_truncation_of_members_of_one_record_costs_one_record(level: int) -> None:
    parts = [member(one, level=level) for one in RECORDS]
    starts = [sum(map(len, parts[:i])) for i in range(len(parts) + 1)]
    data = b"".join(parts)
    for cut in range(1, len(data)):
        last = max(i for i, start in enumerate(starts) if start <= cut)  # the member that is cut
        inflated = zlib.decompressobj(31).decompress(data[starts[last] : cut])
        cut_whole = bool(inflated) and len(inflated) >= len(RECORDS[last]) - 4
        reading = read(data[:cut])
        assert reading.pages == WHOLE[: last + cut_whole], cut
        assert reading.places == ([] if cut in starts else [("truncated_gzip", starts[last])]), cut


@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
def test_truncation_of_a_plain_file_costs_one_record(newline: bytes) -> None:
    records = [record(url, body, newline=newline) for url, body in zip(URLS, BODIES, strict=False)]
    data = b"".join(records)
    ends = [sum(map(len, records[: i + 1])) - 2 * len(newline) for i in range(len(records))]
    starts = [0, *(end + 2 * len(newline) for end in ends)]
    for cut in range(len(b"WARC/1.0"), len(data)):
        reading = read(data[:cut])
        assert reading.pages == WHOLE[: sum(end <= cut for end in ends)], cut
        clean = any(end <= cut <= start for end, start in zip(ends, starts[1:], strict=True))
        last = max(start for start in starts if start <= cut)
        assert reading.places == ([] if clean else [("truncated_record", last)]), cut


@pytest.mark.parametrize("level", [0, 6])
@pytest.mark.parametrize("mask", [0x01, 0x80, 0xFF])
def test_flip_of_any_byte_costs_one_record_of_its_member(level: int, mask: int) -> None:
    """And no page comes out changed."""
    parts = [member(one, level=level) for one in RECORDS]
    data = b"".join(parts)
    starts = [sum(map(len, parts[:i])) for i in range(len(parts) + 1)]
    for place in range(len(data)):
        flipped = bytearray(data)
        flipped[place] ^= mask
        hit = max(i for i, start in enumerate(starts) if start <= place)
        reading = read(bytes(flipped))
        if reading.faults:
            assert reading.pages == WHOLE[:hit] + WHOLE[hit + 1 :], place
            assert [offset for _, offset in reading.places] == [starts[hit]], place
            assert set(reading.faults) <= {"corrupt_gzip", "not_gzip", "truncated_gzip"}
        else:
            assert reading.pages == WHOLE, place


def test_flips_that_matter_are_noticed() -> None:
    data = member_each(RECORDS)
    unnoticed = [i for i in range(len(data)) if not read(data[:i] + bytes([data[i] ^ 0xFF]) + data[i + 1 :]).faults]
    assert (
        len(unnoticed) == len(RECORDS) * 6
    )  # of a gzip header: four bytes of time, one of flags for the speed, one of system


@pytest.mark.parametrize("broken", range(len(RECORDS)))
def test_records_before_the_damage_of_one_member_for_all_are_read(broken: int) -> None:
    """What inflates before the error comes out, though zlib keeps it back when one block holds both."""
    deflater = zlib.compressobj(6, zlib.DEFLATED, 31)
    data = b""
    for i, one in enumerate(RECORDS):
        data += deflater.flush(zlib.Z_FULL_FLUSH) if i else b""
        data += b"\x07" * 4 if i == broken and i else b""  # a deflate block of a type that there is not
        data += deflater.compress(one)
    reading = read(data + deflater.flush())
    if broken:
        assert reading.pages == WHOLE[: broken - 1]  # the blank lines behind a record are still of it
        assert reading.places == [("corrupt_gzip", 0)]
    else:
        assert (reading.pages, reading.faults) == (WHOLE, {})


@pytest.mark.parametrize("place", [20, LOOK_BACK_BYTES // 2, 3 * LOOK_BACK_BYTES])
def test_members_behind_a_large_damaged_one_are_read(place: int) -> None:
    large = bytearray(member(record(URLS[1], base64.b64encode(random.Random(0).randbytes(4 * LOOK_BACK_BYTES)))))
    for i in range(place, place + 64):
        large[i] ^= 0xFF
    before, behind = member(RECORDS[0]), member(RECORDS[2])
    reading = read(before + large + behind)
    assert reading.pages == [WHOLE[0], WHOLE[2]]
    assert reading.places == [("corrupt_gzip", len(before))]


@pytest.mark.parametrize("seed", range(40))
def test_what_is_dropped_of_a_file_is_never_missed(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """With buffers so small that nearly all is dropped while it is read, and with one that drops nothing."""
    rng = random.Random(seed)
    parts = [member(record(url, rng.randbytes(rng.choice((1, 60, 900))).hex().encode())) for url in URLS]
    data = bytearray(b"".join(parts))
    for _ in range(rng.randrange(5)):
        data[rng.randrange(len(data))] ^= rng.choice((1, 0x55, 0xFF))
    look_back, read_bytes = rng.choice((30, 200, 1000)), rng.choice((16, 100))
    found = []
    for size in (1, 100, 1 << 20):
        for name, value in (("LOOK_BACK", look_back), ("READ", read_bytes), ("BUFFER", size)):
            monkeypatch.setattr(file_buffer, f"{name}_BYTES", value)
        for name, value in (("INPUT", 64), ("PROBE", 128)):
            monkeypatch.setattr(gzip_file, f"{name}_BYTES", value)
        found.append([
            (one.offset, one.index, b"".join(one.pieces), one.damage, one.detail) for one in members(io.BytesIO(data))
        ])  # fmt: skip
    assert found[0] == found[1] == found[2]
    assert len(found[0]) >= 1


@pytest.mark.parametrize("garbage", [b"x", b"\r\n", b"\x1f\x8b\x08", b"\x1f\x8b\x08" * 50000, b"\xff" * 200_000])
def test_garbage_between_members_costs_no_record(garbage: bytes) -> None:
    parts = [member(one) for one in RECORDS]
    for i in range(len(garbage) > INPUT_BYTES, len(parts)):  # more of it at the start makes a plain file of no record
        reading = read(b"".join([*parts[:i], garbage, *parts[i:]]))
        assert reading.pages == WHOLE
        kind = "corrupt_gzip" if garbage.startswith(b"\x1f\x8b") else "not_gzip"
        assert reading.places == [(kind, sum(map(len, parts[:i])))]


def test_garbage_behind_the_last_member_is_named() -> None:
    data = member_each(RECORDS)
    reading = read(data + b"\0\0garbage")
    assert (reading.pages, reading.places) == (WHOLE, [("not_gzip", len(data) + 2)])


@pytest.mark.parametrize("zeros", [1, 512, 1 << 20])
def test_zeros_between_and_behind_members_are_padding(zeros: int) -> None:
    reading = read((b"\0" * zeros).join([*map(member, RECORDS), b""]))
    assert (reading.pages, reading.faults) == (WHOLE, {})


def test_empty_members_are_nothing() -> None:
    reading = read(member() + member_each(RECORDS) + member() + member())
    assert (reading.pages, reading.faults) == (WHOLE, {})
    assert reading.tally == {"wet-file": 1, "passed": 3}


def test_fields_of_a_gzip_header_are_skipped() -> None:
    """A name, a comment and an extra field, as other compressors write them."""
    plain = member(RECORDS[0])
    header = b"\x1f\x8b\x08\x1c" + plain[4:10] + b"\x02\x00ab" + b"a.warc.wet\0" + b"comment\0"
    assert read(header + plain[10:]).pages == WHOLE[:1]


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([member_each(RECORDS), member(*RECORDS), b"".join(RECORDS), member_each(RECORDS)[:-9], b"x\n"]),
    st.integers(1, 80),
)
def test_result_does_not_depend_on_how_much_a_read_returns(data: bytes, size: int) -> None:
    whole = read(data)
    reader = WetReader(Drops(data, size), name="x")  # type: ignore[arg-type]
    assert list(reader) == whole.pages
    assert (reader.tally, reader.fault_counts) == (whole.tally, whole.faults)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, len(RECORDS) + 1), max_size=3), st.integers(0, 9))
def test_records_may_be_dealt_to_members_at_will(cuts: list[int], level: int) -> None:
    records = [WARCINFO, *RECORDS]
    bounds = [0, *sorted(cuts), len(records)]
    data = b"".join(member(*records[a:b], level=level) for a, b in pairwise(bounds))
    reading = read(data)
    assert (reading.pages, reading.faults) == (WHOLE, {})


def test_a_window_forgets_what_was_read() -> None:
    data = member(b"a" * (20 << 20))
    (one,) = members(io.BytesIO(data))
    assert one.ended
    assert len(one.data) <= 2 << 20
