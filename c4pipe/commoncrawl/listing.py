"""Crawl id -> the paths of its WET files -> a subset of them."""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Sequence

from c4pipe.fs import download, errors, files, paths

BASE_URL = "https://data.commoncrawl.org"
CRAWLS = "https://index.commoncrawl.org/collinfo.json"  # the list of crawls
CRAWL_ID = re.compile(r"CC-MAIN-20\d\d-[0-5]\d")
WET_PATH = re.compile(r"crawl-data/(?P<crawl>CC-MAIN-20\d\d-[0-5]\d)/segments/[\w.-]+/wet/[\w.-]+\.warc\.wet\.gz", re.A)
LISTING_ATTEMPTS = 5  # half a minute: the user waits, and nothing has been done yet

# TFDS c4 3.1.0 leaves it out by name: a byte of it is not UTF-8.
KNOWN_CORRUPT = frozenset(
    {
        "crawl-data/CC-MAIN-2017-13/segments/1490218203536.73/wet/"
        "CC-MAIN-20170322213003-00052-ip-10-233-31-227.ec2.internal.warc.wet.gz"
    }
)


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
    address = paths.join(base_url, "crawl-data", check_crawl(crawl), "wet.paths.gz")
    patience = patience or download.Patience(attempts=LISTING_ATTEMPTS)
    try:
        data = download.read(address, patience=patience) if is_http(address) else files.read_bytes(address)
    except (download.DownloadError, FileNotFoundError) as error:
        absent = isinstance(error, FileNotFoundError) or error.status in (403, 404)
        remedy = f"is {crawl} a crawl? {CRAWLS} lists them" if absent else "try again later, or name another --base-url"
        raise CrawlError(f"no listing of {crawl}: {errors.describe(error)}; {remedy}") from error
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
