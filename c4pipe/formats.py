"""One shard as a stream of bytes, in each of three formats: how documents become bytes and come back.

Every writer gets pieces of the same table and leaves no trace of time, name or chunking in its bytes.
"""

from __future__ import annotations

import gzip
import io
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import BinaryIO, cast

import deflate
import pyarrow as pa
import pyarrow.parquet as pq

from c4pipe import engine, tfrecord
from c4pipe.documents import BATCH, FIELDS, SCHEMA, DamagedShard, as_bytes, columns

RELEASED = ("text", "timestamp", "url")  # allenai/c4, in the order of its JSON lines
AROUND = (b'{"text":"', b'","timestamp":"', b'","url":"', b'"}\n')  # their values
# Measured on released documents: 175 MB/s to 0.412 of their size, where zlib's level 4 has 46 MB/s and 0.403, its
# level 6 18 MB/s and 0.387; libdeflate's level 2 118 MB/s and 0.402, its level 6 59 MB/s and 0.386.
GZIP_LEVEL = 1
ZSTD_LEVEL = 3  # smaller than gzip's level 9 at seven times its speed

_to_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode  # as released


def write_tfrecord(stream: BinaryIO, pieces: Iterator[pa.Table]) -> None:
    """Write a tf.train.Example a document, with all fields."""
    for piece in pieces:
        stream.write(b"".join(map(tfrecord.record, _examples(piece))))


def _examples(piece: pa.Table) -> Iterable[bytes]:
    if fast := engine.twin("documents"):
        names = sorted(FIELDS)
        return cast("list[bytes]", fast.examples(tuple(name.encode() for name in names), columns(piece, names)))
    rows = zip(*(as_bytes(piece, name) for name in FIELDS), strict=True)
    return (tfrecord.example(dict(zip(FIELDS, row, strict=True))) for row in rows)


def write_parquet(stream: BinaryIO, pieces: Iterator[pa.Table]) -> None:
    """Write a row group a piece, with all fields as columns; pages carry checksums."""
    with pq.ParquetWriter(
        stream,
        SCHEMA,
        compression="zstd",
        compression_level=ZSTD_LEVEL,
        use_dictionary=["content-type"],
        write_statistics=False,  # of no use in a shuffled order
        write_page_checksum=True,
    ) as writer:
        for piece in pieces:
            writer.write_table(piece, row_group_size=BATCH)


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


def read_tfrecord(stream: BinaryIO, name: str, start: int) -> Iterator[dict[str, str]]:
    """Read the features that are fields of ours."""
    for offset, data in tfrecord.records(stream, name, skip=start):
        try:
            features = tfrecord.features(data)
            document = {field: features[field].decode() for field in FIELDS if field in features}
        except ValueError as error:
            raise DamagedShard(name, f"record at byte {offset}", f"not a tf.train.Example of text: {error}") from error
        yield _whole(document, name, f"record at byte {offset}")


def read_parquet(stream: BinaryIO, name: str, start: int) -> Iterator[dict[str, str]]:
    """Read the columns that are fields of ours, passing over whole row groups before ``start``."""
    place = "footer"
    try:
        shard = pq.ParquetFile(stream, page_checksum_verification=True)
        columns = [field for field in FIELDS if field in shard.schema_arrow.names]
        if "text" not in columns:
            raise DamagedShard(name, place, f"no column 'text' among {', '.join(shard.schema_arrow.names)}")
        for group in range(shard.num_row_groups):
            place = f"row group {group}"
            rows = shard.metadata.row_group(group).num_rows
            if start < rows:
                for batch in shard.iter_batches(BATCH, row_groups=[group], columns=columns):
                    for document in batch.slice(min(start, batch.num_rows)).to_pylist():
                        yield _whole(document, name, place)
                    start = max(0, start - batch.num_rows)
            else:
                start -= rows
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        if isinstance(error, OSError) and error.errno is not None:  # of the disk or the network, not of Arrow
            raise
        raise DamagedShard(name, place, str(error)) from error


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
                    yield _whole(_parsed(line), name, place)
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


def _whole(document: Mapping[str, object], name: str, place: str) -> dict[str, str]:
    """The fields of ours in the document; each must be a string, and the text must be there."""
    if "text" not in document:
        raise DamagedShard(name, place, f"no field 'text' among {', '.join(document) or 'none'}")
    found = {}
    for field in FIELDS:
        if field in document:
            value = document[field]
            if not isinstance(value, str):
                raise DamagedShard(name, place, f"field {field!r} is {value!r}, but must be a string")
            found[field] = value
    return found
