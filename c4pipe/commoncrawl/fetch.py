"""Fetches WET files of a crawl to a local folder, a few at a time."""

from __future__ import annotations

import dataclasses
import functools
import logging
import shutil
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TextIO

from c4pipe.commoncrawl import listing
from c4pipe.commoncrawl.progress import Meter
from c4pipe.fs import download, errors, files
from c4pipe.fs.paths import join

CONNECTIONS = 4  # Common Crawl asks for few, and answers 403 to clients with many
FAILURES_IN_A_ROW = 8  # failed files in a row, after which the fetch leaves the server alone
LEFTOVER_SECONDS = 86_400.0  # a temporary file untouched for a day belongs to no running fetch
NOT_TRIED = "not tried"

log = logging.getLogger(__name__)


def fetch(
    paths: Sequence[str],
    folder: str,
    *,
    base_url: str = listing.BASE_URL,
    connections: int = CONNECTIONS,
    patience: download.Patience | None = None,
    talk: TextIO | None = None,
) -> list[str]:
    """Fetch the files into ``folder``, under their paths in the crawl, and return the local paths.

    A file that stands under its final name is whole and is left. Known corrupt files are left out.
    """
    if connections < 1:
        raise listing.CrawlError(f"{connections} connections are asked for, but it takes at least 1")
    copies: dict[str, str] = {}
    for path in paths:
        if path in listing.KNOWN_CORRUPT:
            log.warning("%s is left out: it is known to be corrupt, and the reference leaves it out too", path)
        else:
            copies[path] = join(folder, *path.split("/"))
    files.sweep(folder, older_than_seconds=LEFTOVER_SECONDS)
    missing = {path: copy for path, copy in copies.items() if not files.exists(copy)}
    log.info("%d of %d files are there already", len(copies) - len(missing), len(copies))
    with Meter(len(missing), talk or sys.stderr) as meter:
        failures = _Fetch(base_url, patience or download.Patience(), meter).all(missing, connections)
    if failures:
        raise listing.CrawlError(_report(failures, len(missing)))
    return list(copies.values())


def _report(failures: dict[str, str], asked: int) -> str:
    tried = [f"  {reason}" for _, reason in sorted(failures.items()) if reason != NOT_TRIED]
    left = f", {len(failures) - len(tried)} of them not tried" if len(tried) < len(failures) else ""
    remedy = "What came is in place: the same command again fetches only what is missing."
    if any("HTTP 403" in line or "HTTP 429" in line for line in tried):
        remedy += " The server asks for less: wait some hours, or take fewer --connections."
    return "\n".join((f"{len(failures)} of {asked} files did not come{left}:", *tried, remedy))


class _Stopped(Exception):
    """Ends a thread after the user, a full disk or too many failures stopped the fetch."""


class _Fetch:
    """One fetch of many files. Its threads share a stop flag and a count of failures."""

    def __init__(self, base_url: str, patience: download.Patience, meter: Meter) -> None:
        self.base_url = base_url
        self.patience = dataclasses.replace(patience, sleep=self.sleep)
        self.meter = meter
        self.stop = threading.Event()
        self.lock = threading.Lock()
        self.failures: dict[str, str] = {}
        self.failures_in_a_row = 0

    def all(self, copies: dict[str, str], connections: int) -> dict[str, str]:
        """Fetch each path to its copy. Return the failed paths with their reasons."""
        with ThreadPoolExecutor(connections) as pool:
            try:
                for future in [pool.submit(self.one, path, copy) for path, copy in copies.items()]:
                    future.result()
            finally:
                self.stop.set()
        return self.failures

    def one(self, path: str, copy: str) -> None:
        """Fetch one file, or note the reason of the failure."""
        reason = NOT_TRIED
        try:
            self.check()
            self.bring(path, copy)
        except _Stopped:
            pass
        except (download.DownloadError, FileNotFoundError) as error:
            reason = errors.describe(error)
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
        """Copy one file, by HTTP or through fsspec, as its address asks."""
        address = join(self.base_url, *path.split("/"))
        with files.write_atomic(copy) as stream:
            if listing.is_http(address):
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
