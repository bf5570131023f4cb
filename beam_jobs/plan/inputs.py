"""The inputs of a build: local WET files, WET files of crawls, and partitions of earlier page stores."""

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
GROUPS = {
    "en": APRIL_2019,
    "webtext": WEBTEXT_CRAWLS,
    "multilingual": MC4_CRAWLS,
}  # of crawls in the reference, by name
WET_FILE_BYTES = 110_000_000  # assumed before a file is fetched: 7 TB in 64,000 files, as in April 2019

Source = dict[
    str, Any
]  # {"part": 0, "crawl": "CC-MAIN-2019-18", "path": "...", "bytes": 123}; from a store also "pages", "report"


@dataclass(frozen=True)
class Selection:
    """The sources of a build in the order of its partitions, and the partitions of each crawl."""

    sources: tuple[Source, ...]
    crawls: tuple[Crawl, ...]

    @property
    def bytes(self) -> int:
        """Bytes of the WET files; ``WET_FILE_BYTES`` for each whose size is not known."""
        return sum(source.get("bytes", WET_FILE_BYTES) for source in self.sources)


def crawl_names(text: str) -> tuple[str, ...]:
    """Return the crawls that a list of crawls and of the reference's groups names.

    >>> crawl_names("CC-MAIN-2024-22,en")
    ('CC-MAIN-2024-22', 'CC-MAIN-2019-18')
    """
    names: list[str] = []
    for name in filter(None, (part.strip() for part in text.split(","))):
        names += GROUPS[name] if name in GROUPS else [crawls.check_crawl(name)]
    return tuple(dict.fromkeys(names))


def local_files(pattern: str) -> list[Source]:
    """Return the WET files that paths and globs name. The crawl is the last one that the path names, or ``""``."""
    sources, paths = [], globs.expand(pattern)
    for path, size in zip(paths, parallel.each(files.size, paths), strict=True):
        crawl_names = CRAWL_IN_PATH.findall(path)
        sources.append({"crawl": crawl_names[-1] if crawl_names else "", "path": path, "bytes": size})
    return sources


def crawl_files(names: Sequence[str], base_url: str, first: int | None) -> list[Source]:
    """Return the WET files of crawls, or the ``first`` ones of each, without known corrupt ones.

    Each is fetched when a step reads it.
    """
    sources = []
    for name in names:
        paths = crawls.listing(name, base_url)
        for path in paths if first is None else crawls.first(paths, first):
            if path not in crawls.KNOWN_CORRUPT:
                sources.append({"crawl": name, "path": join(base_url, path)})
    return sources


def stored_parts(folder: str) -> tuple[list[Source], dict[str, Any]]:
    """Return the partitions of an earlier build's page store, with absolute paths, and what it holds (``reuse.holds``).

    Raises ``ValueError`` if there is no page store, if its build is not finished, or if a file of it is gone.
    """
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
    sources = []
    for source in earlier:
        own = store.pages(source["part"])
        pages = own if _leaf(own) in present(_folder(own)) else source.get("pages", own)
        if _leaf(pages) not in present(_folder(pages)):
            raise ValueError(f"{pages} is gone, but the page store in {folder} needs it; build from the WET files")
        report = store.report("clean", f"{source['part']:05d}")
        sources.append({**source, "pages": pages, "report": report})
    return sources, cast(dict[str, Any], holds["holds"])


def _names_in(folder: str) -> set[str]:
    """Return the names of a folder's files by one listing. To ask for each file of a crawl would take an hour."""
    return set(map(_leaf, globs.matches(join(glob.escape(folder), "*"))))


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def _leaf(path: str) -> str:
    return path.rpartition("/")[2]


def select_sources(sources: Sequence[Source], only: Sequence[str]) -> Selection:
    """Return the sources sorted by crawl and path, numbered as partitions; ``only`` names the crawls to keep, if any.

    Raises ``ValueError`` for a crawl without input, and for a file that is given twice.
    """
    if only:
        lacking = sorted(set(only) - {source["crawl"] for source in sources})
        if lacking:
            raise ValueError(no_input_of(lacking))
        sources = [source for source in sources if source["crawl"] in only]
    ordered = sorted(sources, key=lambda source: (source["crawl"], source["path"]))
    twice = [a["path"] for a, b in itertools.pairwise(ordered) if a["path"] == b["path"]]
    if twice:
        raise ValueError(f"{twice[0]} is given twice; each WET file is read once")
    numbered = tuple({**source, "part": part} for part, source in enumerate(ordered))
    names = dict.fromkeys(source["crawl"] for source in numbered)
    parts_of = {name: [source["part"] for source in numbered if source["crawl"] == name] for name in names}
    return Selection(numbered, tuple(Crawl(name, parts[0], parts[-1] + 1) for name, parts in parts_of.items()))


def no_input_of(names: Sequence[str]) -> str:
    """Return the error message for crawls without input."""
    return f"no input is of {', '.join(names)}; the crawl of a file is read from its path"


def job_sources(job: Job) -> tuple[Source, ...]:
    """Return the sources of a build, as it numbered them when it began."""
    return _read_sources(job.store.inputs)


@functools.lru_cache(maxsize=2)
def _read_sources(path: str) -> tuple[Source, ...]:
    return tuple(cast(list[Source], files.read_json(path)))


def pages_path(job: Job, part: int) -> str:
    """Return the path of a partition: in this build's page store, or in the earlier one that has it."""
    own = job.store.pages(part)
    source = job_sources(job)[part]
    return cast(str, source["pages"]) if "pages" in source and not files.exists(own) else own


@contextmanager
def open_wet_file(path: str) -> Iterator[BinaryIO]:
    """Open a WET file for the length of a block. A file of a crawl is fetched first, and deleted afterwards."""
    if crawls.is_http(path):
        with tempfile.TemporaryFile() as stream:
            download.into(cast(BinaryIO, stream), path)
            stream.seek(0)
            yield cast(BinaryIO, stream)
    else:
        with files.open_read(path) as stream:
            yield stream
