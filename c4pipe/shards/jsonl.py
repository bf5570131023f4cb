"""Shards as JSON lines, gzipped, as in the public release."""

from __future__ import annotations

import gzip
import io
import json
import zlib
from collections.abc import Iterator, Mapping
from typing import BinaryIO, cast

import deflate
import pyarrow as pa

from c4pipe import engine
from c4pipe.shards.documents import DamagedShard, columns, whole_document

RELEASED = ("text", "timestamp", "url")  # allenai/c4, in the order of its JSON lines
AROUND = (b'{"text":"', b'","timestamp":"', b'","url":"', b'"}\n')  # their values
# Measured on released documents: 175 MB/s to 0.412 of their size, where zlib's level 4 has 46 MB/s and 0.403, its
# level 6 18 MB/s and 0.387; libdeflate's level 2 118 MB/s and 0.402, its level 6 59 MB/s and 0.386.
GZIP_LEVEL = 1

_to_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode  # as released


def write_jsonl(stream: BinaryIO, pieces: Iterator[pa.Table]) -> None:
    """Write a line of JSON a document, with the released fields alone, and a gzip member a piece; one if there is none.

    libdeflate finds the same matches whatever the processor, as zlib-ng and ISA-L do not; its header tells no time.
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


def read_jsonl(stream: BinaryIO, name: str, start: int) -> Iterator[dict[str, str]]:
    """Read the keys that are fields of ours; lines before ``start`` are inflated but not parsed.

    A file that was cut between two gzip members is a shorter one: ``verify`` tells, as it does of TFRecord.
    """
    offset = 0
    place = "line 0 at inflated byte 0"
    try:
        with gzip.GzipFile(fileobj=stream) as zipped:
            for index, line in enumerate(io.BufferedReader(zipped)):
                if index >= start:
                    yield whole_document(_parsed(line), name, place)
                offset += len(line)
                place = f"line {index + 1} at inflated byte {offset}"
        if not stream.tell():
            raise EOFError("the file is empty, but gzip has at least a header")
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:  # met when a buffer was filled, some lines ahead
        raise DamagedShard(name, f"in or after {place}", str(error)) from error
    except (json.JSONDecodeError, UnicodeError) as error:
        raise DamagedShard(name, place, str(error)) from error


def _parsed(line: bytes) -> Mapping[str, object]:
    """The object on the line; UnicodeError where it holds what UTF-8 cannot, escaped or not."""
    parsed = json.loads(line.decode())
    if b"\\ud" in line or b"\\uD" in line:
        json.dumps(parsed, ensure_ascii=False).encode()
    return parsed if isinstance(parsed, dict) else {}
