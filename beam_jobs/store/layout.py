"""Where a build keeps what it has done: the page store and the exchanges between its steps (``tables.py``).

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

import glob
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from c4pipe.fs import files, globs, parallel, paths

EXCHANGES = ("listed", "urls", "winners", "claims", "owners", "documents")


@dataclass(frozen=True)
class Store:
    """The store of one build, in a local or remote folder."""

    folder: str

    @property
    def identity(self) -> str:
        """Path of the description of what is being built."""
        return paths.join(self.folder, "identity.json")

    @property
    def inputs(self) -> str:
        """Path of the list of WET files."""
        return paths.join(self.folder, "inputs.json")

    def pages(self, part: int) -> str:
        """Path of a part of the page store."""
        return paths.join(self.folder, "pages", f"{part:05d}.parquet")

    def listed(self, scope: int, bucket: int) -> str:
        """Path of the keys of a list of URLs."""
        return paths.join(self.folder, "listed", str(scope), f"{bucket:05d}.npy")

    def urls(self, part: int) -> str:
        """Path of a part's URL claims."""
        return paths.join(self.folder, "urls", f"{part:05d}.arrow")

    def winners(self, scope: int, bucket: int) -> str:
        """Path of the pages that won a URL of the bucket."""
        return paths.join(self.folder, "winners", str(scope), f"{bucket:05d}.npy")

    def claims(self, origin: int, part: int) -> str:
        """Path of the line claims of a part's winners."""
        return paths.join(self.folder, "claims", str(origin), f"{part:05d}.npy")

    def owners(self, origin: int, bucket: int) -> str:
        """Path of the lines that own a key of the bucket."""
        return paths.join(self.folder, "owners", str(origin), f"{bucket:05d}.npy")

    def documents(self, part: int) -> str:
        """Path of a part's final documents."""
        return paths.join(self.folder, "documents", f"{part:05d}.arrow")

    def report(self, step: str, item: str) -> str:
        """Path of what a step found at an item, written last."""
        return paths.join(self.folder, "done", step, f"{item}.json")

    def finish(self, step: str, item: str, report: Mapping[str, object] | None = None) -> None:
        """Mark an item as done."""
        files.write_json(self.report(step, item), dict(report or {}))

    def is_done(self, step: str, item: str) -> bool:
        """The item's report stands, and with it all its files."""
        return files.exists(self.report(step, item))

    def read_report(self, step: str, item: str) -> dict[str, Any]:
        """The report of an item that the step has done."""
        return cast(dict[str, Any], files.read_json(self.report(step, item)))

    def done(self, step: str) -> list[str]:
        """The items that the step has done, sorted."""
        found = globs.matches(paths.join(glob.escape(self.folder), "done", step, "*.json"))
        return sorted(path.rpartition("/")[2].removesuffix(".json") for path in found)

    def reports(self, step: str) -> dict[str, dict[str, Any]]:
        """The reports of all items that the step has done, by item."""
        items = self.done(step)
        found = parallel.each(files.read_json, [self.report(step, item) for item in items])
        return dict(zip(items, cast(list[dict[str, Any]], found), strict=True))

    def forget_exchanges(self) -> None:
        """Remove what the steps of a finished build exchanged; the page store and the reports stay."""
        for folder in EXCHANGES:
            for path in globs.matches(paths.join(glob.escape(self.folder), folder, "**")):
                files.remove(path)
