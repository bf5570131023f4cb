"""TFRecord and tf.train.Example, byte by byte."""

from __future__ import annotations

import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from c4pipe.shards import tfrecord
from c4pipe.shards.documents import DamagedShard


def slow_crc32c(data: bytes) -> int:
    """Bit by bit, from the definition: the reflected polynomial of Castagnoli."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def slow_mask(crc: int) -> int:
    rotated = (crc >> 15) | ((crc << 17) & 0xFFFFFFFF)
    return (rotated + 0xA282EAD8) % 2**32


@pytest.mark.parametrize(
    ("data", "crc"),
    [  # RFC 3720, B.4
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(reversed(range(32))), 0x113FDB5C),
    ],
)
def test_masked_crc_of_published_vectors(data: bytes, crc: int) -> None:
    assert slow_crc32c(data) == crc
    assert tfrecord.masked_crc(data) == slow_mask(crc)


@given(st.binary(max_size=64))
def test_masked_crc_is_the_slow_one(data: bytes) -> None:
    assert tfrecord.masked_crc(data) == slow_mask(slow_crc32c(data))


def test_record_is_laid_out_as_specified() -> None:
    length = b"\x03\0\0\0\0\0\0\0"
    expected = length + struct.pack("<I", slow_mask(slow_crc32c(length))) + b"abc"
    expected += struct.pack("<I", slow_mask(slow_crc32c(b"abc")))
    assert tfrecord.record(b"abc") == expected


def test_example_by_hand_sorts_features_and_writes_empty_values() -> None:
    url = bytes.fromhex("0a 12  0a 03 75726c  12 0b  0a 09  0a 07") + b"http://"
    empty = bytes.fromhex("0a 0d  0a 05") + b"empty" + bytes.fromhex("12 04  0a 02  0a 00")
    assert tfrecord.example({"url": b"http://", "empty": b""}) == b"\x0a" + bytes([len(empty + url)]) + empty + url


@pytest.mark.parametrize("size", [0, 1, 127, 128, 129, 16383, 16384, 2**21 - 1, 2**21])
def test_lengths_at_the_borders_of_varints_come_back(size: int) -> None:
    features = {"text": b"x" * size, "url": b"u"}
    assert tfrecord.features(tfrecord.example(features)) == features


@given(st.dictionaries(st.text(min_size=1), st.binary()))
def test_features_come_back(features: dict[str, bytes]) -> None:
    assert tfrecord.features(tfrecord.example(features)) == features


def test_features_of_other_kinds_are_left_out() -> None:
    """An Example by another writer: a list of two strings, an int64, floats, fields of future versions."""
    text = bytes.fromhex("0a 0f  0a 04") + b"text" + bytes.fromhex("12 07  0a 05  0a 03") + b"abc"
    two = bytes.fromhex("0a 0d  0a 03") + b"two" + bytes.fromhex("12 06  0a 04  0a 00  0a 00")
    number = bytes.fromhex("0a 0b  0a 02") + b"no" + bytes.fromhex("12 05  1a 03  0a 01  07")
    absent = bytes.fromhex("0a 04  0a 02") + b"xx"
    table = text + two + number + absent
    foreign = bytes.fromhex("10 96 01  19 0102030405060708  25 01020304")  # varint, fixed64, fixed32
    assert tfrecord.features(b"\x0a" + bytes([len(table)]) + table + foreign) == {"text": b"abc"}


@given(st.binary(max_size=80))
def test_any_bytes_are_features_or_a_value_error(data: bytes) -> None:
    try:
        found = tfrecord.features(data)
    except ValueError:
        return
    assert all(isinstance(name, str) and isinstance(value, bytes) for name, value in found.items())


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\x0a\x05abc", "2 bytes past"),
        (b"\x0b", "wire type 3"),
        (b"\x80", "number without an end"),
        (b"\x80" * 11, "number without an end"),
    ],
)
def test_what_is_no_message_is_named(data: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        tfrecord.features(data)


RECORDS = [b"first", b"", b"the third"]
FILE = b"".join(map(tfrecord.record, RECORDS))
ENDS = [0, 21, 37, 62]  # where a record ends: 16 bytes and its data each


def read(data: bytes, skip: int = 0) -> list[tuple[int, bytes]]:
    return list(tfrecord.records(io.BytesIO(data), "a.tfrecord", skip))


@pytest.mark.parametrize("skip", [0, 1, 2, 3, 4])
def test_records_come_back_with_their_offsets(skip: int) -> None:
    assert read(FILE, skip) == list(zip(ENDS, RECORDS, strict=False))[skip:]


@pytest.mark.parametrize("end", range(len(FILE) + 1))
def test_a_file_cut_anywhere_is_named(end: int) -> None:
    if end in ENDS:
        assert len(read(FILE[:end])) == ENDS.index(end)
        return
    record = sum(end > border for border in ENDS) - 1
    with pytest.raises(DamagedShard, match=rf"^a\.tfrecord, record {record} at byte {ENDS[record]}: truncated"):
        read(FILE[:end])
    with pytest.raises(DamagedShard, match="truncated"):
        read(FILE[:end], skip=9)


@pytest.mark.parametrize("position", range(len(FILE)))
def test_any_changed_byte_is_found(position: int) -> None:
    damaged = bytearray(FILE)
    damaged[position] ^= 0x10
    with pytest.raises(DamagedShard, match=r"CRC of the (length|data) is wrong; write or fetch the file again$"):
        read(bytes(damaged))
