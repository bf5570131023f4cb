"""Where a build keeps what it has done: the page store and the exchanges between its steps.

    OUTPUT/store/identity.json            what is being built, from what
                 inputs.json              the WET files: part number, path, size
                 pages/part-00000.parquet the page store: a part a WET file
                 urls/part-00000.arrow    the part's URL claims, by key
                 winners/00000.npy        a bucket's winners: places of pages
                 claims/part-00000.npy    the line claims of the part's winners, by key
                 owners/00000.npy         a bucket's owners: places of lines
                 documents/part-00000.arrow   the part's final documents, by shard
                 done/clean/00000.json    what a step found at an item; stands once the item is whole
    OUTPUT/<variant>/                     shards, stats.json, manifest.json

A step writes its files, each under its final name only when whole, and then its report, which says that
the item is done. So a step that is done twice, or by two workers at once, leaves the same files.
"""

from __future__ import annotations

import glob
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.ipc as ipc
import pyarrow.parquet as pq

from c4pipe import files

PAGES_COMPRESSION = "zstd"
EXCHANGES = ("urls", "winners", "claims", "owners", "documents")


@dataclass(frozen=True)
class Store:
    """The store of one build, in a local or remote folder."""

    folder: str

    @property
    def identity(self) -> str:
        """Path of the description of what is being built."""
        return files.join(self.folder, "identity.json")

    @property
    def inputs(self) -> str:
        """Path of the list of WET files."""
        return files.join(self.folder, "inputs.json")

    def pages(self, part: int) -> str:
        """Path of a part of the page store."""
        return files.join(self.folder, "pages", f"part-{part:05d}.parquet")

    def urls(self, part: int) -> str:
        """Path of a part's URL claims."""
        return files.join(self.folder, "urls", f"part-{part:05d}.arrow")

    def winners(self, bucket: int) -> str:
        """Path of the pages that won a URL of the bucket."""
        return files.join(self.folder, "winners", f"{bucket:05d}.npy")

    def claims(self, part: int) -> str:
        """Path of the line claims of a part's winners."""
        return files.join(self.folder, "claims", f"part-{part:05d}.npy")

    def owners(self, bucket: int) -> str:
        """Path of the lines that own a key of the bucket."""
        return files.join(self.folder, "owners", f"{bucket:05d}.npy")

    def documents(self, part: int) -> str:
        """Path of a part's final documents."""
        return files.join(self.folder, "documents", f"part-{part:05d}.arrow")

    def report(self, step: str, item: int) -> str:
        """Path of what a step found at an item, written last."""
        return files.join(self.folder, "done", step, f"{item:05d}.json")

    def finish(self, step: str, item: int, report: Mapping[str, object] | None = None) -> None:
        """Mark an item as done."""
        files.write_json(self.report(step, item), dict(report or {}))

    def is_done(self, step: str, item: int) -> bool:
        """The item's report stands, and with it all its files."""
        return files.exists(self.report(step, item))

    def done(self, step: str) -> set[int]:
        """The items that the step has done."""
        found = files.matches(files.join(glob.escape(self.folder), "done", step, "*.json"))
        return {int(path.rpartition("/")[2].removesuffix(".json")) for path in found}

    def forget_exchanges(self) -> None:
        """Remove what the steps of a finished build exchanged; the page store and the reports stay."""
        for folder in EXCHANGES:
            for path in files.matches(files.join(glob.escape(self.folder), folder, "*")):
                files.remove(path)

    def reports(self, step: str, items: Iterable[int]) -> list[dict[str, Any]]:
        """The reports of the items, in their order."""
        return [cast(dict[str, Any], files.read_json(self.report(step, item))) for item in items]


def write_pages(path: str, pages: pa.Table) -> None:
    """Write a part of the page store."""
    with files.write_atomic(path) as stream:
        pq.write_table(pages, stream, compression=PAGES_COMPRESSION)


def read_pages(path: str, columns: list[str] | None = None) -> pa.Table:
    """Read a part of the page store, or some of its columns."""
    with files.open_read(path) as stream:
        return pq.read_table(stream, columns=columns)


def write_array(path: str, array: npt.NDArray[np.void]) -> None:
    """Write an array of claims or places."""
    with files.write_atomic(path) as stream:
        np.lib.format.write_array(stream, array, allow_pickle=False)


def read_array(path: str) -> npt.NDArray[np.void]:
    """Read an array; a local one is mapped, so that only the slices that are used leave the disk."""
    if files.is_remote(path):
        return cast(npt.NDArray[np.void], np.load(io.BytesIO(files.read_bytes(path)), allow_pickle=False))
    return cast(npt.NDArray[np.void], np.load(path, mmap_mode="r", allow_pickle=False))


def write_table(path: str, table: pa.Table) -> None:
    """Write a table as one batch that can be mapped."""
    write_batches(path, table.schema, {0: table} if len(table) else {})


def read_table(path: str) -> pa.Table:
    """Read a table, mapped where it is local."""
    return ipc.open_file(_source(path)).read_all()


def write_batches(
    path: str, schema: pa.Schema, tables: Mapping[int, pa.Table], *, compression: str | None = None
) -> None:
    """Write tables of one schema under integer keys, each of which can be read alone."""
    keys = ",".join(map(str, sorted(tables)))
    options = ipc.IpcWriteOptions(compression=compression)
    with (
        files.write_atomic(path) as stream,
        ipc.new_file(stream, schema.with_metadata({"keys": keys}), options=options) as writer,
    ):
        for key in sorted(tables):
            (batch,) = tables[key].combine_chunks().to_batches()
            writer.write_batch(batch)


def read_batch(path: str, key: int) -> pa.Table | None:
    """Read the table of one key; None if the file has none."""
    reader = ipc.open_file(_source(path))
    keys = reader.schema.metadata[b"keys"].decode().split(",")
    if str(key) not in keys:
        return None
    return pa.Table.from_batches([reader.get_batch(keys.index(str(key)))]).replace_schema_metadata(None)


def _source(path: str) -> pa.NativeFile | pa.BufferReader:
    return pa.BufferReader(files.read_bytes(path)) if files.is_remote(path) else pa.memory_map(path)
