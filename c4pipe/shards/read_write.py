"""The shards of C4, in each format of the table: TFRecord for TFDS, Parquet for ``datasets``, JSON lines as released.

The bytes of a shard depend on its documents, their order, and the versions of pyarrow and deflate alone. The digest of
its content outlives those. The caller chooses the order: a build sorts by ``document_key``, then by URL, and cuts.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterable, Iterator
from typing import BinaryIO, cast

import pyarrow as pa

from c4pipe.fs import files
from c4pipe.shards.base import ShardInfo, ShardName
from c4pipe.shards.documents import (
    FIELDS,
    DamagedShard,
    Digest,
    batches,
    check_columns,
    content_digest,
    document_key,
    table,
)
from c4pipe.shards.folder import files_beside, find_shards, iterate_differences, verify
from c4pipe.shards.formats import FORMATS, known_format, recognised_format
from c4pipe.shards.names import parse_name, shard_name

__all__ = [
    "FIELDS",
    "FORMATS",
    "DamagedShard",
    "ShardInfo",
    "ShardName",
    "content_digest",
    "document_key",
    "files_beside",
    "find_shards",
    "iterate_differences",
    "parse_name",
    "read_documents",
    "shard_name",
    "table",
    "verify",
    "write_shard",
]


class _CountedStream(io.RawIOBase):
    """Counts and hashes bytes on their way to a stream. Closing it leaves that stream open."""

    def __init__(self, stream: BinaryIO) -> None:
        self.stream = stream
        self.bytes = 0
        self.sha256 = hashlib.sha256()

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.bytes

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self.stream.write(data)
        self.sha256.update(data)
        self.bytes += len(data)
        return len(data)


def write_shard(
    format: str, stream: BinaryIO, documents: pa.Table | Iterable[pa.Table], *, name: str = ""
) -> ShardInfo:
    """Write all documents, in their order, as one shard, and return what the manifest says of it.

    Each table has the columns of ``FIELDS`` as strings without nulls, as ``table`` makes it. Other columns are left
    out. How the documents are cut into tables leaves no trace. The split is that of the file's name, "" without one.
    """
    row = known_format(format)
    parts = parse_name(name)
    tables = [documents] if isinstance(documents, pa.Table) else documents
    counted, digest, number = _CountedStream(stream), Digest(), 0

    def digested() -> Iterator[pa.Table]:
        nonlocal number
        for piece in batches(map(check_columns, tables)):
            number += piece.num_rows
            digest.add_piece(piece)
            yield piece

    row.write(cast(BinaryIO, counted), digested())
    return ShardInfo(
        name=name,
        split=parts.split if parts else "",
        format=format,
        documents=number,
        bytes=counted.bytes,
        sha256=counted.sha256.hexdigest(),
        content_digest=digest.hex(),
    )


def read_documents(path: str | os.PathLike[str], start: int = 0) -> Iterator[dict[str, str]]:
    """Yield the documents of a shard from number ``start`` on, as mappings of those ``FIELDS`` that its format holds.

    The end of the name decides the format. What comes before ``start`` costs nothing in Parquet but the rest of one row
    group. In TFRecord it is read but not parsed, in JSON lines it is inflated. DamagedShard for a damaged file.
    """
    path = os.fspath(path)
    if start < 0:
        raise ValueError(f"start is {start}, but must be 0 or more documents")
    name = os.path.basename(path)
    row = recognised_format(name)
    if row is None:
        templates = ", ".join(row.template for row in FORMATS.values())
        raise ValueError(f"{name}: no shard has such a name; they look like {templates}")
    with files.open_read(path) as stream:
        yield from row.read(stream, path, start)
