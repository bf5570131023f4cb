"""Paths of a build's store: the page store, exchanged keys and documents, reports of steps.

    OUTPUT/store/identity.json            what is being built, from what
                 inputs.json              the source of each partition: a WET file, or an earlier page store
                 pages/00000.parquet      the page store: a partition for each WET file
                 listed/0/00000.npy       keys of a scope's list of URLs, one bucket
                 urls/00000.arrow         URL claims of a partition, sorted by key
                 winners/0/00000.npy      winners of a scope, one bucket: row ids of pages
                 claims/0/00000.npy       line claims of a line scope, one partition, sorted by key
                 owners/0/00000.npy       owners of a line scope, one bucket: row ids of lines
                 documents/00000.arrow    final documents of a partition, by variant and split
                 done/clean/00000.json    report of a step on an item; written last
    OUTPUT/<variant>/                     shards, stats.json, manifest.json

A step writes its files first, each under its final name only when it is whole. Then it writes the report, which marks
the item as done. So a step that runs twice, or on two workers at once, leaves the same files.
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
        """Path of the build's identity (``plan/identity.py``)."""
        return paths.join(self.folder, "identity.json")

    @property
    def inputs(self) -> str:
        """Path of the list of sources, one for each partition."""
        return paths.join(self.folder, "inputs.json")

    def pages(self, part: int) -> str:
        """Path of a partition of the page store."""
        return paths.join(self.folder, "pages", f"{part:05d}.parquet")

    def listed(self, scope: int, bucket: int) -> str:
        """Path of the keys of a scope's list of URLs in a bucket."""
        return paths.join(self.folder, "listed", str(scope), f"{bucket:05d}.npy")

    def urls(self, part: int) -> str:
        """Path of a partition's URL claims."""
        return paths.join(self.folder, "urls", f"{part:05d}.arrow")

    def winners(self, scope: int, bucket: int) -> str:
        """Path of the row ids of the pages that won a URL of the bucket."""
        return paths.join(self.folder, "winners", str(scope), f"{bucket:05d}.npy")

    def claims(self, origin: int, part: int) -> str:
        """Path of the line claims of a partition's winners."""
        return paths.join(self.folder, "claims", str(origin), f"{part:05d}.npy")

    def owners(self, origin: int, bucket: int) -> str:
        """Path of the row ids of the lines that own a key of the bucket."""
        return paths.join(self.folder, "owners", str(origin), f"{bucket:05d}.npy")

    def documents(self, part: int) -> str:
        """Path of a partition's final documents."""
        return paths.join(self.folder, "documents", f"{part:05d}.arrow")

    def report(self, step: str, item: str) -> str:
        """Path of the report of a step on an item."""
        return paths.join(self.folder, "done", step, f"{item}.json")

    def finish(self, step: str, item: str, report: Mapping[str, object] | None = None) -> None:
        """Write the report of an item, which marks it as done."""
        files.write_json(self.report(step, item), dict(report or {}))

    def is_done(self, step: str, item: str) -> bool:
        """Return True if the item has a report, and so all its files."""
        return files.exists(self.report(step, item))

    def read_report(self, step: str, item: str) -> dict[str, Any]:
        """Return the report of an item; raises ``FileNotFoundError`` if it is not done."""
        return cast(dict[str, Any], files.read_json(self.report(step, item)))

    def done(self, step: str) -> list[str]:
        """Return the names of the items that the step has done, sorted."""
        reports = globs.matches(paths.join(glob.escape(self.folder), "done", step, "*.json"))
        return sorted(path.rpartition("/")[2].removesuffix(".json") for path in reports)

    def reports(self, step: str) -> dict[str, dict[str, Any]]:
        """Return the reports of all items that the step has done, by item."""
        items = self.done(step)
        reports = parallel.each(files.read_json, [self.report(step, item) for item in items])
        return dict(zip(items, cast(list[dict[str, Any]], reports), strict=True))

    def forget_exchanges(self) -> None:
        """Remove the files that the steps of a finished build exchanged. The page store and the reports stay."""
        for folder in EXCHANGES:
            for path in globs.matches(paths.join(glob.escape(self.folder), folder, "**")):
                files.remove(path)
