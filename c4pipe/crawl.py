"""Crawl id -> the paths of its WET files -> a subset of them -> local copies."""

from __future__ import annotations

import dataclasses
import functools
import gzip
import hashlib
import logging
import re
import shutil
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TextIO

from c4pipe import download, files, location
from c4pipe.meter import Meter

BASE_URL = "https://data.commoncrawl.org"
CRAWLS = "https://index.commoncrawl.org/collinfo.json"  # the list of crawls
CRAWL_ID = re.compile(r"CC-MAIN-20\d\d-[0-5]\d")
WET_PATH = re.compile(r"crawl-data/(?P<crawl>CC-MAIN-20\d\d-[0-5]\d)/segments/[\w.-]+/wet/[\w.-]+\.warc\.wet\.gz", re.A)
CONNECTIONS = 4  # Common Crawl asks for few, and answers 403 to those that take many
LISTING_ATTEMPTS = 5  # half a minute: the user waits, and nothing has been done yet
FAILURES_IN_A_ROW = 8  # files; after so many without one that came, the server is left alone
LEFTOVER_SECONDS = 86_400.0  # a temporary file that nothing was written to for a day belongs to no running fetch
NOT_TRIED = "not tried"

# TFDS c4 3.1.0 leaves it out by name: a byte of it is not UTF-8.
KNOWN_CORRUPT = frozenset(
    {
        "crawl-data/CC-MAIN-2017-13/segments/1490218203536.73/wet/"
        "CC-MAIN-20170322213003-00052-ip-10-233-31-227.ec2.internal.warc.wet.gz"
    }
)

log = logging.getLogger(__name__)


class CrawlError(RuntimeError):
    """A crawl or some of its files cannot be had; the message names each, why, and what to do."""


def check_crawl(crawl: str) -> str:
    """The crawl id itself, if it looks like one.

    >>> check_crawl("CC-MAIN-2019-18")
    'CC-MAIN-2019-18'
    """
    if not CRAWL_ID.fullmatch(crawl):
        raise CrawlError(f"{crawl!r} is no crawl id like CC-MAIN-2019-18 (year and week); {CRAWLS} lists them")
    return crawl


def wet_path(line: str, crawl: str) -> str:
    """The path of a WET file of the crawl, from a line of a listing; whole addresses and old prefixes are cut."""
    start = line.find("crawl-data/")
    path = line[start:] if start >= 0 else line
    match = WET_PATH.fullmatch(path)
    if match is None or ".." in path:
        raise CrawlError(f"{line!r} is no path like crawl-data/{crawl}/segments/.../wet/....warc.wet.gz")
    if match["crawl"] != crawl:
        raise CrawlError(f"{line!r} is a file of {match['crawl']}, not of {crawl}")
    return path


def parse_listing(data: bytes, crawl: str, place: str) -> list[str]:
    """The paths of a listing, gzipped or not, in its order; ``place`` says in errors where it is from."""
    try:
        text = (gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data).decode("utf-8")
        paths = [wet_path(line.strip(), crawl) for line in text.splitlines() if line.strip()]
    except (OSError, EOFError, UnicodeDecodeError, CrawlError) as error:
        raise CrawlError(f"{place}: {error}") from error
    if not paths:
        raise CrawlError(f"{place} names no file")
    return paths


def listing(crawl: str, base_url: str = BASE_URL, patience: download.Patience | None = None) -> list[str]:
    """The paths of all WET files of a crawl, as its ``wet.paths.gz`` has them."""
    address = location.join(base_url, "crawl-data", check_crawl(crawl), "wet.paths.gz")
    patience = patience or download.Patience(attempts=LISTING_ATTEMPTS)
    try:
        data = download.read(address, patience=patience) if is_http(address) else files.read_bytes(address)
    except (download.DownloadError, FileNotFoundError) as error:
        absent = isinstance(error, FileNotFoundError) or error.status in (403, 404)
        remedy = f"is {crawl} a crawl? {CRAWLS} lists them" if absent else "try again later, or name another --base-url"
        raise CrawlError(f"no listing of {crawl}: {error}; {remedy}") from error
    return parse_listing(data, crawl, address)


def is_http(address: str) -> bool:
    """The address is for ``download``; any other is for ``files``."""
    return address.startswith(("http://", "https://"))


def first(paths: Sequence[str], count: int) -> list[str]:
    """The first ``count`` paths."""
    _check_count(paths, count)
    return list(paths[:count])


def span(paths: Sequence[str], start: int, end: int) -> list[str]:
    """The paths number ``start`` to ``end``, counted from 0, both included."""
    if not 0 <= start <= end < len(paths):
        raise CrawlError(f"range {start}-{end} is not within 0-{len(paths) - 1}, the files of the listing")
    return list(paths[start : end + 1])


def sample(paths: Sequence[str], count: int, seed: int) -> list[str]:
    """``count`` paths by a hash of seed and path, in the order of the listing; a larger sample holds a smaller one."""
    _check_count(paths, count)
    chosen = set(sorted(paths, key=lambda path: hashlib.sha256(f"{seed}:{path}".encode()).digest())[:count])
    return [path for path in paths if path in chosen]


def _check_count(paths: Sequence[str], count: int) -> None:
    if not 1 <= count <= len(paths):
        raise CrawlError(f"{count} files are asked for, but the listing has {len(paths)}; ask for 1 to {len(paths)}")


def fetch(
    paths: Sequence[str],
    folder: str,
    *,
    base_url: str = BASE_URL,
    connections: int = CONNECTIONS,
    patience: download.Patience | None = None,
    talk: TextIO | None = None,
) -> list[str]:
    """Bring copies of the files below ``folder``, their paths kept, and return where they are.

    A file that stands under its final name is whole and is left. Known corrupt files are left out.
    """
    if connections < 1:
        raise CrawlError(f"{connections} connections are asked for, but it takes at least 1")
    copies: dict[str, str] = {}
    for path in paths:
        if path in KNOWN_CORRUPT:
            log.warning("%s is left out: it is known to be corrupt, and the reference leaves it out too", path)
        else:
            copies[path] = location.join(folder, *path.split("/"))
    files.sweep(folder, older_than_seconds=LEFTOVER_SECONDS)
    missing = {path: copy for path, copy in copies.items() if not files.exists(copy)}
    log.info("%d of %d files are there already", len(copies) - len(missing), len(copies))
    with Meter(len(missing), talk or sys.stderr) as meter:
        failures = _Fetch(base_url, patience or download.Patience(), meter).all(missing, connections)
    if failures:
        raise CrawlError(_report(failures, len(missing)))
    return list(copies.values())


def _report(failures: dict[str, str], asked: int) -> str:
    tried = [f"  {reason}" for _, reason in sorted(failures.items()) if reason != NOT_TRIED]
    left = f", {len(failures) - len(tried)} of them not tried" if len(tried) < len(failures) else ""
    remedy = "What came is in place: the same command again fetches only what is missing."
    if any("HTTP 403" in line or "HTTP 429" in line for line in tried):
        remedy += " The server asks for less: wait some hours, or take fewer --connections."
    return "\n".join((f"{len(failures)} of {asked} files did not come{left}:", *tried, remedy))


class _Stopped(Exception):
    """Raised in a thread when the user, a full disk or too many failures have ended the fetch."""


class _Fetch:
    """One fetch of many files: its threads share a stop sign and a count of failures."""

    def __init__(self, base_url: str, patience: download.Patience, meter: Meter) -> None:
        self.base_url = base_url
        self.patience = dataclasses.replace(patience, sleep=self.sleep)
        self.meter = meter
        self.stop = threading.Event()
        self.lock = threading.Lock()
        self.failures: dict[str, str] = {}
        self.failures_in_a_row = 0

    def all(self, copies: dict[str, str], connections: int) -> dict[str, str]:
        """Fetch each path to its copy; returns what failed, and why."""
        with ThreadPoolExecutor(connections) as pool:
            try:
                for future in [pool.submit(self.one, path, copy) for path, copy in copies.items()]:
                    future.result()
            finally:
                self.stop.set()
        return self.failures

    def one(self, path: str, copy: str) -> None:
        """Fetch one file, or note why not."""
        reason = NOT_TRIED
        try:
            self.check()
            self.bring(path, copy)
        except _Stopped:
            pass
        except (download.DownloadError, FileNotFoundError) as error:
            reason = str(error)
        except OSError:  # a full disk: no other file would do better
            self.stop.set()
            raise
        else:
            self.meter.finished(path)
            self.failures_in_a_row = 0
            return
        with self.lock:
            self.failures[path] = reason
            self.failures_in_a_row += reason != NOT_TRIED
            if self.failures_in_a_row >= FAILURES_IN_A_ROW:
                self.stop.set()

    def bring(self, path: str, copy: str) -> None:
        """Copy one file by whatever way its address asks for."""
        address = location.join(self.base_url, *path.split("/"))
        with files.write_atomic(copy) as stream:
            if is_http(address):
                download.into(stream, address, patience=self.patience, progress=functools.partial(self.progress, path))
            else:
                with files.open_read(address) as original:
                    shutil.copyfileobj(original, stream)

    def progress(self, path: str, here: int, whole: int | None) -> None:
        self.check()
        self.meter.received(path, here, whole)

    def sleep(self, seconds: float) -> None:
        self.stop.wait(seconds)
        self.check()

    def check(self) -> None:
        if self.stop.is_set():
            raise _Stopped
