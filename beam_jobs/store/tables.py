"""What stands in the files of a store: parts of the page store, arrays of claims and places, tables.

A local file is mapped, so that what is used of it alone leaves the disk; a remote one is read whole, a part by columns.
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

COMPRESSIONS = ("none", "lz4", "zstd")  # of the page store, by how much is left
KEYS = "keys:"  # how columns of keys are called: they are noise, which does not get smaller
GROUP_PAGES = 1024  # read from a part at a time: some megabytes of text


class Part:
    """A part of the page store, open to be read by columns: of all its pages, or of some at a time."""

    def __init__(self, file: pq.ParquetFile) -> None:
        self._file = file
        self.column_names: list[str] = file.schema_arrow.names

    def read_columns(self, columns: Iterable[str]) -> pa.Table:
        """These columns of all pages."""
        return self._file.read(list(columns), use_threads=False)

    def read_pieces(self, columns: Iterable[str]) -> Iterator[pa.Table]:
        """Yield these columns of some pages after the other."""
        chosen = list(columns)
        for group in range(self._file.num_row_groups):
            yield self._file.read_row_group(group, chosen, use_threads=False)


def write_pages(path: str, pages: pa.Table, compression: str) -> None:
    """Write a part of the page store, compressed by one of ``COMPRESSIONS``."""
    with files.write_atomic(path) as stream:
        stream.close()  # Arrow writes the file by itself: what it hands to a stream of Python's it copies
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
    """A part of the page store, open for the length of a block."""
    with _page_stream(path) as stream, pq.ParquetFile(stream) as part:
        yield Part(part)


def read_pages(path: str, columns: Callable[[str], bool] | None = None) -> pa.Table:
    """Read a part of the page store, or the columns of it that are chosen."""
    with open_pages(path) as part:
        return part.read_columns(name for name in part.column_names if columns is None or columns(name))


def write_array(path: str, array: npt.NDArray[np.void]) -> None:
    """Write an array of claims or places."""
    with files.write_atomic(path) as stream:
        np.lib.format.write_array(stream, array, allow_pickle=False)


def read_array(path: str) -> npt.NDArray[np.void]:
    """Read an array; a local one is mapped, so that only the slices that are used leave the disk."""
    if paths.is_remote(path):
        return cast(npt.NDArray[np.void], np.load(io.BytesIO(files.read_bytes(path)), allow_pickle=False))
    return cast(npt.NDArray[np.void], np.load(path, mmap_mode="r", allow_pickle=False))


def write_table(path: str, table: pa.Table) -> None:
    """Write a table as one batch that can be mapped."""
    write_batches(path, table.schema, {"": table} if len(table) else {})


def read_table(path: str) -> pa.Table:
    """Read a table, mapped where it is local."""
    return ipc.open_file(_arrow_source(path)).read_all()


def write_batches(path: str, schema: pa.Schema, tables: Mapping[str, pa.Table]) -> None:
    """Write tables of one schema under names, each of which can be read alone."""
    names = json.dumps(sorted(tables))
    with (
        files.write_atomic(path) as stream,
        ipc.new_file(stream, schema.with_metadata({"names": names})) as writer,
    ):
        for name in sorted(tables):
            (batch,) = tables[name].combine_chunks().to_batches()
            writer.write_batch(batch)


def read_batch(path: str, name: str) -> pa.Table | None:
    """Read the table of one name; None if the file has none."""
    reader = ipc.open_file(_arrow_source(path))
    names = json.loads(reader.schema.metadata[b"names"])
    if name not in names:
        return None
    return pa.Table.from_batches([reader.get_batch(names.index(name))]).replace_schema_metadata(None)


def _page_stream(path: str) -> BinaryIO | pa.NativeFile:
    return files.open_read(path) if paths.is_remote(path) else pa.memory_map(path)


def _arrow_source(path: str) -> pa.NativeFile | pa.BufferReader:
    return pa.BufferReader(files.read_bytes(path)) if paths.is_remote(path) else pa.memory_map(path)
