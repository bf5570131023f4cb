"""Where a build keeps what it has done: the page store and the exchanges between its steps.

    OUTPUT/store/identity.json            what is being built, from what
                 inputs.json              where each part comes from: a WET file, or an earlier page store
                 pages/00000.parquet      the page store: a part a WET file
                 listed/0/00000.npy       a bucket's keys of a scope's list of URLs
                 urls/00000.arrow         a part's URL claims, by key
                 winners/0/00000.npy      the winners of a scope and bucket: places of pages
                 claims/0/00000.npy       the line claims of a line scope and part, by key
                 owners/0/00000.npy       the owners of a line scope and bucket: places of lines
                 documents/00000.arrow    a part's final documents, by variant and split
                 done/clean/00000.json    what a step found at an item; stands once the item is whole
    OUTPUT/<variant>/                     shards, stats.json, manifest.json

A step writes its files, each under its final name only when whole, and then its report, which says that
the item is done. So a step that is done twice, or by two workers at once, leaves the same files.
"""

from __future__ import annotations

import contextlib
import glob
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.ipc as ipc
import pyarrow.parquet as pq

from c4pipe import asking, files, location, patterns

COMPRESSIONS = ("none", "lz4", "zstd")  # of the page store, by how much is left
KEYS = "keys:"  # how columns of keys are called: they are noise, which does not get smaller
GROUP_PAGES = 1024  # read from a part at a time: some megabytes of text
EXCHANGES = ("listed", "urls", "winners", "claims", "owners", "documents")


@dataclass(frozen=True)
class Store:
    """The store of one build, in a local or remote folder."""

    folder: str

    @property
    def identity(self) -> str:
        """Path of the description of what is being built."""
        return location.join(self.folder, "identity.json")

    @property
    def inputs(self) -> str:
        """Path of the list of WET files."""
        return location.join(self.folder, "inputs.json")

    def pages(self, part: int) -> str:
        """Path of a part of the page store."""
        return location.join(self.folder, "pages", f"{part:05d}.parquet")

    def listed(self, scope: int, bucket: int) -> str:
        """Path of the keys of a list of URLs."""
        return location.join(self.folder, "listed", str(scope), f"{bucket:05d}.npy")

    def urls(self, part: int) -> str:
        """Path of a part's URL claims."""
        return location.join(self.folder, "urls", f"{part:05d}.arrow")

    def winners(self, scope: int, bucket: int) -> str:
        """Path of the pages that won a URL of the bucket."""
        return location.join(self.folder, "winners", str(scope), f"{bucket:05d}.npy")

    def claims(self, origin: int, part: int) -> str:
        """Path of the line claims of a part's winners."""
        return location.join(self.folder, "claims", str(origin), f"{part:05d}.npy")

    def owners(self, origin: int, bucket: int) -> str:
        """Path of the lines that own a key of the bucket."""
        return location.join(self.folder, "owners", str(origin), f"{bucket:05d}.npy")

    def documents(self, part: int) -> str:
        """Path of a part's final documents."""
        return location.join(self.folder, "documents", f"{part:05d}.arrow")

    def report(self, step: str, item: str) -> str:
        """Path of what a step found at an item, written last."""
        return location.join(self.folder, "done", step, f"{item}.json")

    def finish(self, step: str, item: str, report: Mapping[str, object] | None = None) -> None:
        """Mark an item as done."""
        files.write_json(self.report(step, item), dict(report or {}))

    def is_done(self, step: str, item: str) -> bool:
        """The item's report stands, and with it all its files."""
        return files.exists(self.report(step, item))

    def found(self, step: str, item: str) -> dict[str, Any]:
        """The report of an item that the step has done."""
        return cast(dict[str, Any], files.read_json(self.report(step, item)))

    def done(self, step: str) -> list[str]:
        """The items that the step has done, sorted."""
        found = patterns.matches(location.join(glob.escape(self.folder), "done", step, "*.json"))
        return sorted(path.rpartition("/")[2].removesuffix(".json") for path in found)

    def reports(self, step: str) -> dict[str, dict[str, Any]]:
        """The reports of all items that the step has done, by item."""
        items = self.done(step)
        found = asking.each(files.read_json, [self.report(step, item) for item in items])
        return dict(zip(items, cast(list[dict[str, Any]], found), strict=True))

    def forget_exchanges(self) -> None:
        """Remove what the steps of a finished build exchanged; the page store and the reports stay."""
        for folder in EXCHANGES:
            for path in patterns.matches(location.join(glob.escape(self.folder), folder, "**")):
                files.remove(path)


class Part:
    """A part of the page store, open to be read by columns: of all its pages, or of some at a time."""

    def __init__(self, file: pq.ParquetFile) -> None:
        self._file = file
        self.column_names: list[str] = file.schema_arrow.names

    def read(self, columns: Iterable[str]) -> pa.Table:
        """These columns of all pages."""
        return self._file.read(list(columns), use_threads=False)

    def pieces(self, columns: Iterable[str]) -> Iterator[pa.Table]:
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
def opened_pages(path: str) -> Iterator[Part]:
    """A part of the page store, open for the length of a block."""
    with _stream(path) as stream, pq.ParquetFile(stream) as part:
        yield Part(part)


def read_pages(path: str, columns: Callable[[str], bool] | None = None) -> pa.Table:
    """Read a part of the page store, or the columns of it that are chosen."""
    with opened_pages(path) as part:
        return part.read(name for name in part.column_names if columns is None or columns(name))


def write_array(path: str, array: npt.NDArray[np.void]) -> None:
    """Write an array of claims or places."""
    with files.write_atomic(path) as stream:
        np.lib.format.write_array(stream, array, allow_pickle=False)


def read_array(path: str) -> npt.NDArray[np.void]:
    """Read an array; a local one is mapped, so that only the slices that are used leave the disk."""
    if location.is_remote(path):
        return cast(npt.NDArray[np.void], np.load(io.BytesIO(files.read_bytes(path)), allow_pickle=False))
    return cast(npt.NDArray[np.void], np.load(path, mmap_mode="r", allow_pickle=False))


def write_table(path: str, table: pa.Table) -> None:
    """Write a table as one batch that can be mapped."""
    write_batches(path, table.schema, {"": table} if len(table) else {})


def read_table(path: str) -> pa.Table:
    """Read a table, mapped where it is local."""
    return ipc.open_file(_source(path)).read_all()


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
    reader = ipc.open_file(_source(path))
    names = json.loads(reader.schema.metadata[b"names"])
    if name not in names:
        return None
    return pa.Table.from_batches([reader.get_batch(names.index(name))]).replace_schema_metadata(None)


def _stream(path: str) -> BinaryIO | pa.NativeFile:
    return files.open_read(path) if location.is_remote(path) else pa.memory_map(path)


def _source(path: str) -> pa.NativeFile | pa.BufferReader:
    return pa.BufferReader(files.read_bytes(path)) if location.is_remote(path) else pa.memory_map(path)
