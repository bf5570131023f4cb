"""Shards as gzipped JSON lines, as in the public release."""

from __future__ import annotations

import gzip
import io
import json
import zlib
from collections.abc import Collection, Iterator, Mapping
from itertools import islice
from typing import BinaryIO, cast

import deflate
import pyarrow as pa

from c4pipe import engine
from c4pipe.shards.base import DATASET, Format
from c4pipe.shards.documents import DamagedShard, columns, known_fields

RELEASED = ("text", "timestamp", "url")  # allenai/c4, in the order of its JSON lines
AROUND = (b'{"text":"', b'","timestamp":"', b'","url":"', b'"}\n')  # before, between and after their values
# Measured on released documents, in MB/s and as part of their size: libdeflate's level 1 has 175 and 0.412, its level 2
# 118 and 0.402, its level 6 59 and 0.386. zlib's level 4 has 46 and 0.403, its level 6 18 and 0.387.
GZIP_LEVEL = 1

_to_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode  # as released


def write(stream: BinaryIO, pieces: Iterator[pa.Table]) -> None:
    """Write a line of JSON for each document, with the released fields alone.

    Each piece is a gzip member; without pieces there is an empty one. libdeflate finds the same matches on every
    processor, which zlib-ng and ISA-L do not. Its header holds no time.
    """
    members = 0
    for piece in pieces:
        stream.write(deflate.gzip_compress(_lines(piece), GZIP_LEVEL))
        members += 1
    if not members:
        stream.write(deflate.gzip_compress(b"", GZIP_LEVEL))


def _lines(piece: pa.Table) -> bytes | bytearray:
    if fast := engine.twin("documents"):
        return cast(bytearray, fast.json_lines(AROUND, columns(piece, RELEASED)))
    return "".join(f"{_to_json(row)}\n" for row in piece.select(RELEASED).to_pylist()).encode()


def read(stream: BinaryIO, path: str, start: int) -> Iterator[dict[str, str]]:
    """Yield the documents from number ``start`` on; lines before it are inflated but not parsed.

    A file that was cut between two gzip members is a shorter one, as with TFRecord; only ``verify`` finds that.
    """
    for place, line in islice(_placed_lines(stream, path), start, None):
        document = _parsed(line, path, place)
        if b"\\ud" in line or b"\\uD" in line:
            _check_unicode(document, path, place)
        yield known_fields(document, path, place)


def rows(stream: BinaryIO, path: str, wanted: Collection[str]) -> Iterator[Mapping[str, object]]:
    """Yield the object on each line with all its keys. It may hold lone surrogates."""
    for place, line in _placed_lines(stream, path):
        yield _parsed(line, path, place)


def _placed_lines(stream: BinaryIO, path: str) -> Iterator[tuple[str, bytes]]:
    """Yield the place and the bytes of each line; the path's end says whether the file is gzipped."""
    zipped = path.endswith(".gz")
    unit = "inflated byte" if zipped else "byte"
    offset = 0
    place = f"line 0 at {unit} 0"
    try:
        lines = io.BufferedReader(gzip.GzipFile(fileobj=stream)) if zipped else stream
        for index, line in enumerate(lines):
            yield place, line
            offset += len(line)
            place = f"line {index + 1} at {unit} {offset}"
        if zipped and not stream.tell():
            raise EOFError("the file is empty, but gzip has at least a header")
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:  # met where a buffer is filled, some lines ahead
        raise DamagedShard(path, f"in or after {place}", str(error)) from error


def _parsed(line: bytes, path: str, place: str) -> Mapping[str, object]:
    """Return the object on the line."""
    try:
        parsed = json.loads(line.decode())
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise DamagedShard(path, place, str(error)) from error
    if not isinstance(parsed, dict):
        raise DamagedShard(path, place, "not a JSON object; a document a line is expected")
    return parsed


def _check_unicode(document: Mapping[str, object], path: str, place: str) -> None:
    """Raise DamagedShard if an escape stands for a lone surrogate, which UTF-8 cannot hold."""
    try:
        json.dumps(document, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise DamagedShard(path, place, str(error)) from error


JSONL = Format(
    name="jsonl",
    template=DATASET + "-{split}.{shard}.json.gz",  # as in allenai/c4
    endings=r"\.(?:jsonl|json|ndjson)(?:\.gz)?",
    preference=3,  # all before the start is inflated
    write=write,
    read=read,
    fields=RELEASED,
    rows=rows,
)
