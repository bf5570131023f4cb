"""Builds for tests: run one, and look at what it left."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from beam_jobs import options
from beam_jobs.drivers import files as files_driver
from beam_jobs.plan import identity, planner
from beam_jobs.plan.job import Job
from beam_jobs.report import manifest
from beam_jobs.steps import tasks
from c4pipe.fs import files
from c4pipe.shards import read_write
from tests.support.crawls import Record

ALL_FORMATS = ",".join(read_write.FORMATS)
LOCK = "store/lock"  # held by a build at work; it says nothing
SPLITS = ("train", "validation")

Documents = list[dict[str, str]]


@dataclass(frozen=True)
class Built:
    """A crawl and the build of it."""

    records: list[Record]
    wet: str
    output: Path

    @property
    def folder(self) -> Path:
        return self.output / "en"


def arguments(
    wet: str, output: Path | str, *more: str, workers: int = 1, resources: Path | str = "builtin", format: str = "jsonl"
) -> list[str]:
    """The command line of a build."""
    named = {"input": wet, "output": output, "workers": workers, "resources": resources, "format": format}
    return [*(word for name, value in named.items() for word in (f"--{name}", str(value))), *more]


def by(exchange: str) -> tuple[str, ...]:
    """The options with which steps exchange so on this machine: the shuffle is one of Beam."""
    return ("--runner", "FnApiRunner", "--exchange", "shuffle") if exchange == "shuffle" else ("--exchange", exchange)


def plain(argv: list[str], **changes: Any) -> Job:
    """Run a build without Beam: each item of each step of the files driver in turn."""
    parsed, _ = options.parser().parse_known_args(argv)
    job, selection = planner.planned(parsed)
    job = replace(job, **changes)
    identity.claim_folder(job, selection)
    tasks.list_urls(job)
    for step in files_driver.STEPS:
        for _, arguments in step.remaining(job):
            step.run(job, *arguments)
    manifest.publish(job)
    return job


def tree(folder: Path) -> dict[str, str]:
    """SHA-256 of every file below a folder, by its path there."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and str(path.relative_to(folder)) != LOCK
    }


def moments(folder: Path) -> dict[str, tuple[int, int]]:
    """When every file was written, and which it is on the disk: a file that is written anew gets another number."""
    return {
        str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.stat().st_ino)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and str(path.relative_to(folder)) != LOCK
    }


def temporary(folder: Path) -> list[str]:
    """Files that were not finished."""
    return [str(path) for path in folder.rglob("*") if files.TEMPORARY_NAME.fullmatch(path.name)]


def told(folder: Path, name: str) -> Any:
    """What ``stats.json`` or ``manifest.json`` says."""
    return json.loads((folder / name).read_text("utf-8"))


def verified(folder: Path) -> list[str]:
    """How the shards differ from what the manifest says of them."""
    return read_write.verify(folder, [read_write.ShardInfo(**info) for info in told(folder, "manifest.json")["shards"]])


def documents(folder: Path, format: str | None = None, split: str | None = None) -> Documents:
    """The documents of a split, or of all that are there, each with its split, sorted by URL."""
    found: Documents = []
    for name in (split,) if split else present(folder):
        paths = read_write.find_shards(folder, name, format)
        found += [document | {"split": name} for path in paths for document in read_write.read_documents(path)]
    return sorted(found, key=lambda document: document["url"])


def present(folder: Path) -> Iterable[str]:
    """The splits that have files."""
    return sorted({name.split for name in map(read_write.parse_name, os.listdir(folder)) if name is not None})
