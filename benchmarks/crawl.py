"""Make a crawl of any size from the pages of a few WET files, to measure builds on.

    python benchmarks/crawl.py --pages 1e6 --from 'wet/*.gz' --output crawl
    python benchmarks/crawl.py --pages 20000 --output crawl           # from Python's documentation and made-up text

Page n is a copy of one of the given pages. Each of these comes equally often, so languages keep their shares. n is
written into the copy's URL and lines, with two exceptions. A fixed share of lines stays as it is, and repeats as a
site's menus and notices do. A fixed share of pages takes the URL of an earlier page. The number follows a word, so a
line keeps its words, its end mark and nearly all features that identify its language.

The layout is Common Crawl's: one gzip member for each record, a warcinfo record first. The records depend only on the
options and the given pages. The bytes also depend on the compressor: isal where it is installed, which takes a third
of the time, else zlib.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import itertools
import json
import multiprocessing
import os
import random
import re
import sys
import time
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import prose

from c4pipe.fs import files, globs
from c4pipe.warc.records import Records

try:
    from isal import isal_zlib as deflating
except ModuleNotFoundError:
    import zlib as deflating

PAGES_PER_FILE = 40_000  # CC-MAIN-2019-18: 2.5e9 pages in 56,000 files
SOURCE_BYTES_MAX = 256 * 2**20  # of the given pages; later pages are not read
MASKS = 4  # copies of a page keep one of so many sets of lines unchanged
MARK = b"\xff"  # where the number goes; UTF-8 never has this byte
BEHIND_A_WORD = re.compile(rb"(?<=[a-z\x80-\xff]{2}) ")
OFFSETS_MAX = 24  # in a line; the number's offset is drawn from these
HOST = re.compile(rb"(https?://[^/?#]+)(.*)", re.DOTALL)
GZIP_WBITS = 31  # zlib: largest window, gzip header and trailer
FIRST_MOMENT, MOMENTS = 1_555_545_600, 864_000  # seconds: the crawl began on 18 April 2019 and took ten days
WARCINFO = b"description: No crawl: pages made from others, to measure a build on\r\nformat: WARC File Format 1.0\r\n"


@dataclass(frozen=True)
class Crawl:
    """The options of a crawl."""

    pages: int
    seed: int = 0
    duplicate_lines: float = 0.25  # share of a page's lines that stay as they are
    duplicate_urls: float = 0.03  # share of pages that take an earlier page's URL
    characters: int | None = None  # mean bytes of a page after cutting; None: no cutting
    pages_per_file: int = PAGES_PER_FILE
    level: int = 1  # of gzip: 0 to 3 for isal, 0 to 9 for zlib

    @property
    def files(self) -> int:
        return -(-self.pages // self.pages_per_file)

    def chance(self, page: int, what: str) -> float:
        """Return a number in [0, 1) that depends only on the seed, the page and the purpose."""
        drawn = hashlib.blake2b(f"{self.seed} {page} {what}".encode(), digest_size=7).digest()
        return int.from_bytes(drawn, "big") / 2**56

    def is_duplicate(self, page: int) -> bool:
        return page > 0 and self.chance(page, "duplicate") < self.duplicate_urls

    def named_after(self, page: int) -> int:
        """Return the page whose URL this page takes: itself, or an earlier page that is no duplicate."""
        if self.is_duplicate(page):
            page = int(self.chance(page, "of") * page)
            while self.is_duplicate(page):
                page -= 1
        return page


class Given(NamedTuple):
    """A given page, of which copies are made."""

    url: bytes
    bodies: tuple[bytes, ...]  # with the mark in each line that changes

    def address(self, number: int) -> bytes:
        """Return the URL of a copy; the host stays."""
        match = HOST.fullmatch(self.url)
        host, rest = match.groups() if match else (self.url, b"")
        return b"%b/%x%b" % (host, number, rest)


def given(crawl: Crawl, paths: Sequence[str]) -> list[Given]:
    """Return the pages of these files, or made-up pages, in the order in which they repeat."""
    url_bodies = (
        list(_records(paths)) if paths else [(p.url.encode(), p.text.encode()) for p in prose.pages(crawl.seed)]
    )
    if not url_bodies:
        raise ValueError(f"no page in {', '.join(paths)}; name WET files with --from")
    rng = random.Random(crawl.seed)
    rng.shuffle(url_bodies)
    size = sum(len(body) for _, body in url_bodies)
    share = min(1.0, crawl.characters * len(url_bodies) / size) if crawl.characters else 1.0
    masks = max(1, min(MASKS, SOURCE_BYTES_MAX // size))
    pages = []
    for url, body in url_bodies:
        lines = _cut(body, share)
        pages.append(Given(url, tuple(b"\n".join(_marked(lines, crawl, rng)) for _ in range(masks))))
    return pages


def _records(paths: Sequence[str]) -> Iterator[tuple[bytes, bytes]]:
    """Yield the URL and body of each record that is a page."""
    left = SOURCE_BYTES_MAX
    for path in paths:
        with files.open_read(path) as stream:
            for record in Records(stream, lambda *_: None):
                url, body = record.fields.get("warc-target-uri", ""), record.body.rstrip()
                if url and body and MARK not in body:
                    left -= len(body)
                    if left < 0:
                        return
                    yield url.encode(), body


def _cut(body: bytes, share: float) -> list[bytes]:
    """Return the first lines that make up this share of the body, at least one."""
    if share == 1.0:
        return body.split(b"\n")
    kept, left = [], len(body) * share
    for line in body.split(b"\n"):
        if kept and left < len(line):
            break
        kept.append(line)
        left -= len(line) + 1
    return kept


def _marked(lines: list[bytes], crawl: Crawl, rng: random.Random) -> Iterator[bytes]:
    for line in lines:
        if not line.strip() or rng.random() < crawl.duplicate_lines:
            yield line
        else:
            offsets = [match.start() for match in itertools.islice(BEHIND_A_WORD.finditer(line), OFFSETS_MAX)]
            at = rng.choice(offsets) if offsets else 0
            yield line[:at] + MARK + line[at:]


def record(crawl: Crawl, pages: Sequence[Given], number: int) -> bytes:
    """Return the bytes of the record of page ``number``."""
    page = pages[number % len(pages)]
    body = page.bodies[number // len(pages) % len(page.bodies)].replace(MARK, b"%d" % number)
    named = crawl.named_after(number)
    url = pages[named % len(pages)].address(named)
    if named != number and number % 2:
        url = url.replace(b"http://", b"https://", 1)
    return _laid_out(b"conversion", url, body, number)


def _laid_out(kind: bytes, url: bytes, body: bytes, number: int) -> bytes:
    date = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(FIRST_MOMENT + number % MOMENTS)).encode()
    identity = b"%08x-c4c4-4c4c-8c4c-%012x" % (zlib.crc32(url), number)
    digest = base64.b32encode(hashlib.sha1(body, usedforsecurity=False).digest())
    if kind == b"warcinfo":
        about, content = b"", b"application/warc-fields"
    else:
        about = b"WARC-Target-URI: %b\r\nWARC-Refers-To: <urn:uuid:%b>\r\n" % (url, identity[::-1].replace(b"-", b"0"))
        content = b"text/plain"
    return (
        b"WARC/1.0\r\nWARC-Type: %b\r\n%bWARC-Date: %b\r\nWARC-Record-ID: <urn:uuid:%b>\r\n"
        b"WARC-Block-Digest: sha1:%b\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n%b\r\n\r\n"
        % (kind, about, date, identity, digest, content, len(body), body)
    )


def write_file(crawl: Crawl, pages: Sequence[Given], folder: str, index: int) -> Counter[str]:
    """Write one file of the crawl; return its counts of records and bytes."""
    counted: Counter[str] = Counter()
    first = index * crawl.pages_per_file
    records = (record(crawl, pages, n) for n in range(first, min(crawl.pages, first + crawl.pages_per_file)))
    with files.write_atomic(str(Path(folder) / f"synthetic-{index:05d}.warc.wet.gz")) as stream:
        for each in itertools.chain([_laid_out(b"warcinfo", b"", WARCINFO, index)], records):
            packed = deflating.compress(each, crawl.level, wbits=GZIP_WBITS)
            stream.write(packed)
            counted.update(records=1, inflated_bytes=len(each), gzipped_bytes=len(packed))
    return counted


_pages: Sequence[Given] = ()


def _begin(pages: Sequence[Given]) -> None:
    global _pages
    _pages = pages


def _file(crawl: Crawl, folder: str, index: int) -> Counter[str]:
    return write_file(crawl, _pages, folder, index)


def make(crawl: Crawl, paths: Sequence[str], folder: str, workers: int = 1) -> dict[str, int | str]:
    """Write the crawl; return its numbers, which it also writes to ``synthetic.json`` beside it."""
    pages = given(crawl, paths)
    files.makedirs(folder)
    context = multiprocessing.get_context("fork" if "fork" in multiprocessing.get_all_start_methods() else None)
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_begin, initargs=(pages,)) as pool:
        done = pool.map(_file, itertools.repeat(crawl), itertools.repeat(folder), range(crawl.files))
        total = sum(done, Counter[str]())
    numbers = {
        "pages": crawl.pages,
        "files": crawl.files,
        "given_pages": len(pages),
        "inflated_bytes": total["inflated_bytes"],
        "gzipped_bytes": total["gzipped_bytes"],
        "packed_by": deflating.__name__,
    }
    files.write_json(str(Path(folder) / "synthetic.json"), {**asdict(crawl), **numbers})
    return numbers


def count(text: str) -> int:
    """Parse a number of pages, such as 300000, 3e5 or 1_000."""
    number = float(text)
    if number < 1 or number != int(number):
        raise argparse.ArgumentTypeError(f"{text!r} must be a whole number of at least 1, such as 1e6")
    return int(number)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=count, required=True, help="number of pages, such as 1e6")
    parser.add_argument("--from", dest="wet", metavar="WET", help="WET files: paths and globs, separated by commas")
    parser.add_argument("--output", required=True, metavar="DIR", help="folder for the files")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--duplicate_lines", type=float, default=Crawl.duplicate_lines, metavar="SHARE")
    parser.add_argument("--duplicate_urls", type=float, default=Crawl.duplicate_urls, metavar="SHARE")
    parser.add_argument("--characters", type=count, metavar="N", help="cut pages to a mean of N bytes")
    parser.add_argument("--pages_per_file", type=count, default=PAGES_PER_FILE, metavar="N")
    parser.add_argument("--level", type=int, default=1, help="gzip level (default: %(default)s)")
    parser.add_argument("--workers", type=count, default=os.cpu_count() or 1)
    arguments = parser.parse_args(argv)
    names = ("pages", "seed", "duplicate_lines", "duplicate_urls", "characters", "pages_per_file", "level")
    begun = time.monotonic()
    try:
        crawl = Crawl(**{name: getattr(arguments, name) for name in names})
        wet = globs.expand(arguments.wet) if arguments.wet else ()
        numbers = make(crawl, wet, arguments.output, arguments.workers)
    except (OSError, ValueError) as error:
        print(f"synthetic: {error}", file=sys.stderr)
        return 1
    print(json.dumps(numbers | {"seconds": round(time.monotonic() - begun, 1)}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
