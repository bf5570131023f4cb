"""The listing of a crawl: from its id to the paths of its WET files, and subsets of them."""

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
LISTING_ATTEMPTS = 5  # half a minute: the user waits

# TFDS c4 3.1.0 leaves it out by name: a byte of it is not UTF-8.
KNOWN_CORRUPT = frozenset(
    {
        "crawl-data/CC-MAIN-2017-13/segments/1490218203536.73/wet/"
        "CC-MAIN-20170322213003-00052-ip-10-233-31-227.ec2.internal.warc.wet.gz"
    }
)


class CrawlError(RuntimeError):
    """A crawl or some files are not available. The message names each, with reason and remedy."""


def check_crawl(crawl: str) -> str:
    """Return the crawl id. CrawlError if it does not look like one.

    >>> check_crawl("CC-MAIN-2019-18")
    'CC-MAIN-2019-18'
    """
    if not CRAWL_ID.fullmatch(crawl):
        raise CrawlError(f"{crawl!r} is no crawl id like CC-MAIN-2019-18 (year and week); {CRAWLS} lists them")
    return crawl


def wet_path(line: str, crawl: str) -> str:
    """Return the path of a WET file from a line of a listing, without address and old prefixes."""
    start = line.find("crawl-data/")
    path = line[start:] if start >= 0 else line
    match = WET_PATH.fullmatch(path)
    if match is None or ".." in path:
        raise CrawlError(f"{line!r} is no path like crawl-data/{crawl}/segments/.../wet/....warc.wet.gz")
    if match["crawl"] != crawl:
        raise CrawlError(f"{line!r} is a file of {match['crawl']}, not of {crawl}")
    return path


def parse_listing(data: bytes, crawl: str, place: str) -> list[str]:
    """Return the paths of a listing, gzipped or not, in its order. Errors name ``place`` as its origin."""
    try:
        text = (gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data).decode("utf-8")
        paths = [wet_path(line.strip(), crawl) for line in text.splitlines() if line.strip()]
    except (OSError, EOFError, UnicodeDecodeError, CrawlError) as error:
        raise CrawlError(f"{place}: {error}") from error
    if not paths:
        raise CrawlError(f"{place} names no file")
    return paths


def listing(crawl: str, base_url: str = BASE_URL, patience: download.Patience | None = None) -> list[str]:
    """Return the paths of all WET files of a crawl, in the order of its ``wet.paths.gz``."""
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
    """True for an address that ``download`` handles; ``files`` handles all others."""
    return address.startswith(("http://", "https://"))


def first(paths: Sequence[str], count: int) -> list[str]:
    """Return the first ``count`` paths."""
    _check_count(paths, count)
    return list(paths[:count])


def span(paths: Sequence[str], start: int, end: int) -> list[str]:
    """Return the paths ``start`` to ``end``, counted from 0, inclusive."""
    if not 0 <= start <= end < len(paths):
        raise CrawlError(f"range {start}-{end} is not within 0-{len(paths) - 1}, the files of the listing")
    return list(paths[start : end + 1])


def sample(paths: Sequence[str], count: int, seed: int) -> list[str]:
    """Return ``count`` paths, chosen by a hash of seed and path. A larger sample contains a smaller one."""
    _check_count(paths, count)
    chosen = set(sorted(paths, key=lambda path: hashlib.sha256(f"{seed}:{path}".encode()).digest())[:count])
    return [path for path in paths if path in chosen]


def _check_count(paths: Sequence[str], count: int) -> None:
    if not 1 <= count <= len(paths):
        raise CrawlError(f"{count} files are asked for, but the listing has {len(paths)}; ask for 1 to {len(paths)}")
