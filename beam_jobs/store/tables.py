"""Reads and writes the files of a store: partitions of the page store, arrays of claims and row ids, tables.

Local files are memory-mapped, so only the used slices are read. Remote files are downloaded whole, except partitions:
by column.
"""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import BinaryIO, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.ipc as ipc
import pyarrow.parquet as pq

from c4pipe.fs import files, paths

COMPRESSIONS = ("none", "lz4", "zstd")  # of the page store; each leaves less than the one before
KEYS = "keys:"  # begins the names of columns of keys, which are hashes and cannot be compressed
GROUP_PAGES = 1024  # read from a partition at a time: some megabytes of text


class Part:
    """An open partition of the page store, read by column: all pages at once, or some at a time."""

    def __init__(self, file: pq.ParquetFile) -> None:
        self._file = file
        self.column_names: list[str] = file.schema_arrow.names

    def read_columns(self, columns: Iterable[str]) -> pa.Table:
        """Return these columns of all pages."""
        return self._file.read(list(columns), use_threads=False)

    def read_pieces(self, columns: Iterable[str]) -> Iterator[pa.Table]:
        """Yield these columns, ``GROUP_PAGES`` pages at a time."""
        names = list(columns)
        for group in range(self._file.num_row_groups):
            yield self._file.read_row_group(group, names, use_threads=False)


def write_pages(path: str, pages: pa.Table, compression: str) -> None:
    """Write a partition of the page store, compressed by one of ``COMPRESSIONS``."""
    with files.write_atomic(path) as stream:
        stream.close()  # Arrow opens the file itself: it would copy all that it writes to a Python stream
        with pa.OSFile(stream.name, "wb") as sink:
            pq.write_table(
                pages,
                sink,
                row_group_size=GROUP_PAGES,
                compression={name: "none" if name.startswith(KEYS) else compression for name in pages.column_names},
                use_dictionary=["content-type"],
                write_statistics=False,
            )


@contextlib.contextmanager
def open_pages(path: str) -> Iterator[Part]:
    """Open a partition of the page store for the length of a block."""
    with _page_stream(path) as stream, pq.ParquetFile(stream) as part:
        yield Part(part)


def read_pages(path: str, columns: Callable[[str], bool] | None = None) -> pa.Table:
    """Return a partition of the page store: all columns, or those whose names pass ``columns``."""
    with open_pages(path) as part:
        return part.read_columns(name for name in part.column_names if columns is None or columns(name))


def write_array(path: str, array: npt.NDArray[np.void]) -> None:
    """Write an array of claims or row ids."""
    with files.write_atomic(path) as stream:
        np.lib.format.write_array(stream, array, allow_pickle=False)


def read_array(path: str) -> npt.NDArray[np.void]:
    """Return an array; a local one is memory-mapped, so only the used slices are read."""
    if paths.is_remote(path):
        return cast(npt.NDArray[np.void], np.load(io.BytesIO(files.read_bytes(path)), allow_pickle=False))
    return cast(npt.NDArray[np.void], np.load(path, mmap_mode="r", allow_pickle=False))


def write_table(path: str, table: pa.Table) -> None:
    """Write a table as one batch, which can be memory-mapped."""
    write_batches(path, table.schema, {"": table} if len(table) else {})


def read_table(path: str) -> pa.Table:
    """Return a table; a local one is memory-mapped."""
    return ipc.open_file(_arrow_source(path)).read_all()


def write_batches(path: str, schema: pa.Schema, tables: Mapping[str, pa.Table]) -> None:
    """Write tables of one schema into a file. Each has a name, by which ``read_batch`` reads it alone."""
    names = json.dumps(sorted(tables))
    with (
        files.write_atomic(path) as stream,
        ipc.new_file(stream, schema.with_metadata({"names": names})) as writer,
    ):
        for name in sorted(tables):
            (batch,) = tables[name].combine_chunks().to_batches()
            writer.write_batch(batch)


def read_batch(path: str, name: str) -> pa.Table | None:
    """Return the table of this name; None if the file has none."""
    reader = ipc.open_file(_arrow_source(path))
    names = json.loads(reader.schema.metadata[b"names"])
    if name not in names:
        return None
    return pa.Table.from_batches([reader.get_batch(names.index(name))]).replace_schema_metadata(None)


def _page_stream(path: str) -> BinaryIO | pa.NativeFile:
    return files.open_read(path) if paths.is_remote(path) else pa.memory_map(path)


def _arrow_source(path: str) -> pa.NativeFile | pa.BufferReader:
    return pa.BufferReader(files.read_bytes(path)) if paths.is_remote(path) else pa.memory_map(path)
