"""TFRecord files of tf.train.Example, written and read without TensorFlow and without protobuf.

A record is ``length (8 bytes, little-endian), masked CRC-32C of those 8 bytes, data, masked CRC-32C of data``. Its data
is a tf.train.Example. The features are single byte strings, sorted by name, so that equal documents give equal bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping
from typing import BinaryIO, cast

import google_crc32c
import pyarrow as pa

from c4pipe import engine
from c4pipe.shards.base import DATASET, Format, ShardInfo, ShardName
from c4pipe.shards.documents import FIELDS, DamagedShard, as_bytes, columns, known_fields
from c4pipe.shards.tfds_info import dataset_info

FRAME_BYTES = 16  # what a record takes beside its data
MASK_DELTA = 0xA282EAD8  # TensorFlow, lib/hash/crc32c.h
HEADER = struct.Struct("<QI")
FOOTER = struct.Struct("<I")
LENGTH_DELIMITED = 2  # a protobuf wire type: a length and as many bytes
SKIPPED_BYTES = {1: 8, 5: 4}  # wire types of fixed size


def masked_crc(data: bytes) -> int:
    """Return CRC-32C, rotated and shifted. So it stays a good check of data that hold such CRCs.

    >>> hex(masked_crc(b"123456789"))  # CRC-32C of the nine digits is 0xe3069283
    '0xc78ab0e5'
    """
    crc = google_crc32c.value(data)
    return int((crc >> 15 | crc << 17) + MASK_DELTA & 0xFFFFFFFF)


def record(data: bytes) -> bytes:
    """Return the record of the data: length, CRC of the length, data, CRC of the data."""
    length = struct.pack("<Q", len(data))
    return b"".join((length, FOOTER.pack(masked_crc(length)), data, FOOTER.pack(masked_crc(data))))


def records(stream: BinaryIO, name: str, skip: int = 0) -> Iterator[tuple[int, bytes]]:
    """Yield (byte offset, data) of each record after the first ``skip``.

    The data of those are passed over unchecked. DamagedShard where the file is cut or a CRC is wrong.
    """
    offset = index = 0
    while header := stream.read(HEADER.size):
        place = f"record {index} at byte {offset}"
        if len(header) < HEADER.size:
            raise DamagedShard(name, place, f"truncated: {len(header)} of {HEADER.size} header bytes")
        length, crc = HEADER.unpack(header)
        if masked_crc(header[:8]) != crc:
            raise DamagedShard(name, place, "the CRC of the length is wrong")
        body = stream.read(length + FOOTER.size)
        if len(body) < length + FOOTER.size:
            raise DamagedShard(name, place, f"truncated: {len(body)} of {length + FOOTER.size} bytes of data and CRC")
        if index >= skip:
            data = body[:length]
            if masked_crc(data) != FOOTER.unpack_from(body, length)[0]:
                raise DamagedShard(name, place, "the CRC of the data is wrong")
            yield offset, data
        offset += FRAME_BYTES + length
        index += 1


def _varint(value: int) -> bytes:
    if value < 0x80:
        return bytes((value,))
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def _head(number: int, length: int) -> bytes:
    """Return the tag and the length of a length-delimited field, which stand before its data."""
    return bytes((number << 3 | LENGTH_DELIMITED,)) + _varint(length)


def example(features: Mapping[str, bytes]) -> bytes:
    """Return a tf.train.Example of single byte strings, sorted by name.

    >>> example({"a": b"b"}).hex(" ")
    '0a 0c 0a 0a 0a 01 61 12 05 0a 03 0a 01 62'
    """
    parts = []
    for name in sorted(features):
        key, value = name.encode(), features[name]
        head = _head(1, len(value))  # BytesList.value
        head = _head(1, len(head) + len(value)) + head  # Feature.bytes_list
        head = _head(2, len(head) + len(value)) + head  # the value of an entry of the map Features.feature
        head = _head(1, len(key)) + key + head  # its key
        parts += [_head(1, len(head) + len(value)), head, value]
    return _head(1, sum(map(len, parts))) + b"".join(parts)  # Example.features


def features(data: bytes) -> dict[str, bytes]:
    """Return the features of a tf.train.Example that are single byte strings, in its order.

    ValueError where the data is no Example.
    """
    values = {}
    for _, entry in _fields(dict(_fields(data)).get(1, b"")):
        key_and_value = dict(_fields(entry))
        bytes_list = dict(_fields(key_and_value.get(2, b""))).get(1, b"")
        strings = [data for number, data in _fields(bytes_list) if number == 1]
        if len(strings) == 1:
            values[key_and_value.get(1, b"").decode()] = strings[0]
    return values


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the number and the data of each length-delimited field; ValueError where the bytes are no message."""
    position = 0
    while position < len(message):
        tag, position = _read_varint(message, position)
        wire_type = tag & 7
        if wire_type == LENGTH_DELIMITED:
            length, position = _read_varint(message, position)
            yield tag >> 3, message[position : position + length]
            position += length
        elif wire_type == 0:
            _, position = _read_varint(message, position)
        elif wire_type in SKIPPED_BYTES:
            position += SKIPPED_BYTES[wire_type]
        else:
            raise ValueError(f"wire type {wire_type} at byte {position}")
    if position > len(message):
        raise ValueError(f"a field ends {position - len(message)} bytes past its message")


def _read_varint(message: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while position < len(message) and shift < 64:
        byte = message[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
    raise ValueError(f"a number without an end at byte {position}")


def write(stream: BinaryIO, pieces: Iterator[pa.Table]) -> None:
    """Write a tf.train.Example for each document, with all fields."""
    for piece in pieces:
        stream.write(b"".join(map(record, _examples(piece))))


def _examples(piece: pa.Table) -> Iterable[bytes]:
    if fast := engine.twin("documents"):
        names = sorted(FIELDS)
        return cast("list[bytes]", fast.examples(tuple(name.encode() for name in names), columns(piece, names)))
    rows = zip(*(as_bytes(piece, name) for name in FIELDS), strict=True)
    return (example(dict(zip(FIELDS, row, strict=True))) for row in rows)


def read(stream: BinaryIO, path: str, start: int) -> Iterator[dict[str, str]]:
    """Yield the documents from number ``start`` on; records before it are read but not parsed."""
    for offset, data in records(stream, path, skip=start):
        place = f"record at byte {offset}"
        try:
            values = features(data)
            document = {field: values[field].decode() for field in FIELDS if field in values}
        except ValueError as error:
            raise DamagedShard(path, place, f"not a tf.train.Example of text: {error}") from error
        yield known_fields(document, path, place)


def beside(shards: Mapping[ShardName, ShardInfo], variant: str, version: str) -> dict[str, bytes]:
    """Return the two files with which ``tfds.builder_from_directory`` opens the shards."""
    return dataset_info(shards, variant=variant, version=version, frame_bytes=FRAME_BYTES)


TFRECORD = Format(
    name="tfrecord",
    template=DATASET + "-{split}.tfrecord-{shard}",  # TFDS's default
    endings=r"\.tfrecord(?:-\d+-of-\d+)?",
    preference=2,  # all before the start is read
    write=write,
    read=read,
    beside=beside,
)
