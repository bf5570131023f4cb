"""Where the parts of a build come from: WET files here or in a crawl, and parts of earlier page stores."""

from __future__ import annotations

import functools
import glob
import itertools
import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

from beam_jobs.plan.job import Job
from beam_jobs.plan.scopes import Crawl
from beam_jobs.store.layout import Store
from c4pipe.commoncrawl import listing as crawls
from c4pipe.fs import download, files, globs, parallel
from c4pipe.fs.paths import is_remote, join
from c4pipe.variants import APRIL_2019, MC4_CRAWLS, WEBTEXT_CRAWLS

CRAWL_IN_PATH = re.compile(r"CC-MAIN-\d{4}-\d{2}(?!\d)")
GROUPS = {"en": APRIL_2019, "webtext": WEBTEXT_CRAWLS, "multilingual": MC4_CRAWLS}  # the reference's, by name
WET_FILE_BYTES = 110_000_000  # of one that was not fetched yet: 7 TB in 64,000 files, as in April 2019

Source = dict[str, Any]  # {"part": 0, "crawl": "CC-MAIN-2019-18", "path": "...", "bytes": 123}, or "pages" and "report"


@dataclass(frozen=True)
class Selection:
    """The parts of a build in their order, and which of them are of which crawl."""

    sources: tuple[Source, ...]
    crawls: tuple[Crawl, ...]

    @property
    def bytes(self) -> int:
        """Size of the WET files, as far as it is known."""
        return sum(source.get("bytes", WET_FILE_BYTES) for source in self.sources)


def crawl_names(text: str) -> tuple[str, ...]:
    """Parse names of crawls and of the reference's groups of them.

    >>> crawl_names("CC-MAIN-2024-22,en")
    ('CC-MAIN-2024-22', 'CC-MAIN-2019-18')
    """
    names: list[str] = []
    for name in filter(None, (part.strip() for part in text.split(","))):
        names += GROUPS[name] if name in GROUPS else [crawls.check_crawl(name)]
    return tuple(dict.fromkeys(names))


def local_files(pattern: str) -> list[Source]:
    """WET files that paths and globs name; the crawl is read from the path, where it names one."""
    found, paths = [], globs.expand(pattern)
    for path, size in zip(paths, parallel.each(files.size, paths), strict=True):
        named = CRAWL_IN_PATH.findall(path)
        found.append({"crawl": named[-1] if named else "", "path": path, "bytes": size})
    return found


def crawl_files(names: Sequence[str], base_url: str, first: int | None) -> list[Source]:
    """All WET files of crawls, or the first of each, but those that a fetch leaves out; fetched when they are read."""
    found = []
    for name in names:
        paths = crawls.listing(name, base_url)
        for path in paths if first is None else crawls.first(paths, first):
            if path not in crawls.KNOWN_CORRUPT:
                found.append({"crawl": name, "path": join(base_url, path)})
    return found


def stored_parts(folder: str) -> tuple[list[Source], dict[str, Any]]:
    """The parts of an earlier build's page store, by whole paths, and what it holds."""
    files.require_folder(folder, "name the --output of an earlier build, a folder")
    folder = folder if is_remote(folder) else os.path.abspath(join(folder))
    inside = join(folder, "store")
    store = Store(inside if files.exists(join(inside, "identity.json")) else folder)
    try:
        holds: Any = files.read_json(store.identity)
        earlier: Any = files.read_json(store.inputs)
    except FileNotFoundError as error:
        raise ValueError(f"{folder} has no page store; name the --output of an earlier build") from error
    if len(store.done("clean")) < len(earlier):
        raise ValueError(f"the build in {folder} has not read all its WET files; finish it first, by its command")
    present = functools.cache(_names_in)
    found = []
    for source in earlier:
        own = store.pages(source["part"])
        pages = own if _leaf(own) in present(_folder(own)) else source.get("pages", own)
        if _leaf(pages) not in present(_folder(pages)):
            raise ValueError(f"{pages} is gone, but the page store in {folder} needs it; build from the WET files")
        report = store.report("clean", f"{source['part']:05d}")
        found.append({**source, "pages": pages, "report": report})
    return found, cast(dict[str, Any], holds["holds"])


def _names_in(folder: str) -> set[str]:
    """The files of a folder: one listing, where asking for each of a whole crawl would take an hour."""
    return set(map(_leaf, globs.matches(join(glob.escape(folder), "*"))))


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def _leaf(path: str) -> str:
    return path.rpartition("/")[2]


def select_sources(found: Sequence[Source], only: Sequence[str]) -> Selection:
    """Number the parts, a crawl after another; ``only`` leaves out all crawls that it does not name."""
    if only:
        lacking = sorted(set(only) - {source["crawl"] for source in found})
        if lacking:
            raise ValueError(no_input_of(lacking))
        found = [source for source in found if source["crawl"] in only]
    ordered = sorted(found, key=lambda source: (source["crawl"], source["path"]))
    twice = [a["path"] for a, b in itertools.pairwise(ordered) if a["path"] == b["path"]]
    if twice:
        raise ValueError(f"{twice[0]} is given twice; each WET file is read once")
    numbered = tuple({**source, "part": part} for part, source in enumerate(ordered))
    names = dict.fromkeys(source["crawl"] for source in numbered)
    of = {name: [source["part"] for source in numbered if source["crawl"] == name] for name in names}
    return Selection(numbered, tuple(Crawl(name, parts[0], parts[-1] + 1) for name, parts in of.items()))


def no_input_of(names: Sequence[str]) -> str:
    """What is wrong with crawls that are asked for."""
    return f"no input is of {', '.join(names)}; a crawl is told by its name in a file's path"


def job_sources(job: Job) -> tuple[Source, ...]:
    """The parts of a build, as they were numbered when it began."""
    return _read_sources(job.store.inputs)


@functools.lru_cache(maxsize=2)
def _read_sources(path: str) -> tuple[Source, ...]:
    return tuple(cast(list[Source], files.read_json(path)))


def pages_path(job: Job, part: int) -> str:
    """Path of a part of the page store: of this build's, or of the earlier one that has it."""
    own = job.store.pages(part)
    source = job_sources(job)[part]
    return cast(str, source["pages"]) if "pages" in source and not files.exists(own) else own


@contextmanager
def open_wet_file(path: str) -> Iterator[BinaryIO]:
    """A WET file as a stream: one of a crawl is fetched first, and gone afterwards."""
    if crawls.is_http(path):
        with tempfile.TemporaryFile() as stream:
            download.into(cast(BinaryIO, stream), path)
            stream.seek(0)
            yield cast(BinaryIO, stream)
    else:
        with files.open_read(path) as stream:
            yield stream
