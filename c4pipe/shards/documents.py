"""The documents of a shard: an Arrow table to write, mappings to read, their digest, and the key of their order."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from c4pipe import engine
from c4pipe.columns import utf8

FIELDS = ("text", "url", "timestamp", "content-type", "content-length")  # those of TFDS c4; each is a string
DIGESTED = ("url", "timestamp", "text")  # what every format holds
BATCH = 2048  # documents; of 190,000 characters each, which is the length limit, they fit Arrow's 32-bit offsets
SEEDS = 2**64
SCHEMA = pa.schema([(name, pa.string()) for name in FIELDS])


class DamagedShard(ValueError):
    """A file is no whole shard of its format. ``place`` says where: a line, a record, a row group."""

    def __init__(self, file: str, place: str, detail: str) -> None:
        super().__init__(f"{file}, {place}: {detail}; write or fetch the file again")
        self.file, self.place, self.detail = file, place, detail


def table(documents: Iterable[Mapping[str, str]]) -> pa.Table:
    """Return documents, in their order, as a table of ``SCHEMA``, from which shards are written.

    ValueError names a document whose field is no string or holds a lone surrogate.
    """
    columns: dict[str, list[str]] = {name: [] for name in FIELDS}
    for index, document in enumerate(documents):
        for name, column in columns.items():
            value = document.get(name)
            if not isinstance(value, str):
                raise ValueError(f"{_label(index, document)}: field {name!r} is {value!r}, but must be a string")
            try:
                value.encode()
            except UnicodeEncodeError as error:
                raise ValueError(
                    f"{_label(index, document)}: field {name!r} holds a lone surrogate at character {error.start}, "
                    f"{value[error.start]!a}, which UTF-8 has no bytes for; decode what the page came from strictly"
                ) from error
            column.append(value)
    return pa.table(columns, schema=SCHEMA)


def _label(index: int, document: Mapping[str, object]) -> str:
    return f"document {index} ({document.get('url', 'without URL')!a})"


def check_columns(documents: pa.Table) -> pa.Table:
    """Return the columns of ``FIELDS`` alone. ValueError where one is missing, has nulls, or is not valid UTF-8."""
    missing = [name for name in FIELDS if name not in documents.column_names]
    if missing:
        raise ValueError(f"the table lacks {', '.join(missing)}; it has {', '.join(documents.column_names) or 'none'}")
    for name in FIELDS:
        column = documents[name]
        if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
            raise ValueError(f"column {name!r} is of type {column.type}, but must be of strings")
        if column.null_count:
            raise ValueError(f"column {name!r} holds {column.null_count} nulls; a field without a value is ''")
        try:
            column.validate(full=True)
        except pa.ArrowInvalid as error:
            raise ValueError(f"column {name!r} is not valid UTF-8: {error}") from error
    return documents.select(FIELDS)


def batches(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """Yield checked tables in pieces of ``BATCH`` rows, each column in one chunk. The last piece may be shorter.

    How the tables were cut and chunked leaves no trace. Only a piece is cast to 32-bit offsets, so a column of large
    strings may hold more than 2 GB.
    """
    waiting: list[pa.Table] = []
    rows = 0
    for table in tables:
        start = 0
        while rows + table.num_rows - start >= BATCH:
            yield _join_tables([*waiting, table.slice(start, BATCH - rows)])
            start += BATCH - rows
            waiting, rows = [], 0
        if start < table.num_rows:
            waiting.append(table.slice(start))
            rows += table.num_rows - start
    if rows:
        yield _join_tables(waiting)


def _join_tables(tables: Sequence[pa.Table]) -> pa.Table:
    """Return tables of at most ``BATCH`` rows together as one.

    They are joined before they are cast, so that offsets begin at 0.
    """
    columns = ([chunk.cast(pa.large_string()) for table in tables for chunk in table[name].chunks] for name in FIELDS)
    return pa.table([pa.concat_arrays(chunks).cast(pa.string()) for chunks in columns], schema=SCHEMA)


def as_bytes(piece: pa.Table, name: str) -> list[bytes]:
    """Return a column's values in UTF-8."""
    return cast("list[bytes]", piece[name].cast(pa.binary()).to_pylist())


def columns(piece: pa.Table, names: Iterable[str]) -> list[tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]]:
    """Return columns of a piece of ``batches``, each as offsets (one more than rows) and bytes, for compiled rooms."""
    return [utf8(piece[name].chunk(0)) for name in names]


class Digest:
    """SHA-256 of the content of documents, in their order. It is equal in every format, layout and library version.

    For each document it takes in ``url``, ``timestamp`` and ``text``: first the number of UTF-8 bytes (eight bytes,
    little-endian), then those bytes.
    """

    def __init__(self) -> None:
        self._sha256 = hashlib.sha256()

    def add(self, columns: Mapping[str, Iterable[bytes]]) -> None:
        """Take in documents, as columns of UTF-8."""
        for values in zip(*(columns[name] for name in DIGESTED), strict=True):
            self._sha256.update(b"".join(len(value).to_bytes(8, "little") + value for value in values))

    def add_piece(self, piece: pa.Table) -> None:
        """Take in documents, as a piece of ``batches``."""
        if fast := engine.twin("documents"):
            self._sha256.update(fast.framed(columns(piece, DIGESTED)))
        else:
            self.add({name: as_bytes(piece, name) for name in DIGESTED})

    def hex(self) -> str:
        """Return the digest of all documents so far, in hexadecimal."""
        return self._sha256.hexdigest()


def content_digest(documents: Iterable[Mapping[str, str]]) -> str:
    """Return the ``Digest`` of documents in hexadecimal. ValueError where one lacks a field of ``DIGESTED``."""
    digest = Digest()
    for index, document in enumerate(documents):
        missing = [name for name in DIGESTED if name not in document]
        if missing:
            raise ValueError(f"{_label(index, document)}: no field {missing[0]!r}, which the digest covers")
        digest.add({name: (document[name].encode(),) for name in DIGESTED})
    return digest.hex()


def document_key(url: str, seed: int = 0) -> bytes:
    """Return the key by which documents are shuffled: BLAKE2b of the URL, 16 bytes, keyed with the seed's eight bytes.

    ValueError where the seed is not in [0, 2**64).

    >>> document_key("https://example.org/").hex()
    'db3a2376f8067e5c1d6bfc3fb14b8daf'
    """
    if not 0 <= seed < SEEDS:
        raise ValueError(f"seed is {seed}, but must lie in [0, 2**64)")
    return hashlib.blake2b(url.encode(), digest_size=16, key=seed.to_bytes(8, "little")).digest()


def known_fields(document: Mapping[str, object], name: str, place: str) -> dict[str, str]:
    """Return the document's fields of ``FIELDS``. DamagedShard where the text is missing or a field is no string."""
    if "text" not in document:
        raise DamagedShard(name, place, f"no field 'text' among {', '.join(document) or 'none'}")
    fields = {}
    for field in FIELDS:
        if field in document:
            value = document[field]
            if not isinstance(value, str):
                raise DamagedShard(name, place, f"field {field!r} is {value!r}, but must be a string")
            fields[field] = value
    return fields
