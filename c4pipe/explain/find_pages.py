"""Which pages are meant: by a WET file, a text, or a URL and the WET files in which to look for it."""

from __future__ import annotations

import io
import logging
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import BinaryIO

from c4pipe.fs import files, globs
from c4pipe.page import Page
from c4pipe.text import urls
from c4pipe.warc.wet import WetReader, page_text

STDIN = "-"
WET_STARTS = (b"\x1f\x8b", b"WARC/", b"\xef\xbb\xbfWARC/")  # gzip, or a record's first line
WEB = ("http://", "https://")

log = logging.getLogger(__name__)


def pages(source: str, *, url: str | None = None, inputs: Sequence[str] = (), undated: bool = False) -> Iterator[Page]:
    """The pages of a WET file or those of one URL in it, a text as a page, or those of a URL in the input files.

    URLs are compared in their normalized form, so that all pages that compete for one come. Records without a
    timestamp are pages only where ``undated``.
    """
    if source.startswith(WEB):
        if not inputs:
            raise ValueError(f"{source} is looked for in WET files, not fetched; name them with --input")
        return in_wet_files(((path, files.open_read(path)) for path in globs.expand(list(inputs))), source, undated)
    if inputs:
        raise ValueError(f"--input names the files in which to look for a URL, but {source} is none; use --url in FILE")
    stream = io.BytesIO(sys.stdin.buffer.read()) if source == STDIN else files.open_read(source)
    is_wet = stream.read(max(map(len, WET_STARTS))).startswith(WET_STARTS)
    stream.seek(0)
    if is_wet:
        return in_wet_files([(source, stream)], url, undated)
    with stream:
        return iter([text_page(stream.read(), source, url or "")])


def text_page(data: bytes, name: str, url: str) -> Page:
    """A plain text as the page that a WET record with this body would be."""
    try:
        text = page_text(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise ValueError(f"{name} is not UTF-8: {error.reason} at byte {error.start:,}") from error
    if not text:
        raise ValueError(f"{name} holds no text")
    return Page(url, text, "", "text/plain", str(len(data)))


def in_wet_files(streams: Iterable[tuple[str, BinaryIO]], url: str | None, undated: bool) -> Iterator[Page]:
    """The pages of WET files, of one URL if it is given; an error after the last file if there is none."""
    wanted = None if url is None else urls.normalize(url)
    looked_at = found = 0
    for name, stream in streams:
        with stream:
            reader = WetReader(stream, name=name, undated=undated)
            for page in reader:
                looked_at += 1
                if wanted is None or urls.normalize(page.url) == wanted:
                    found += 1
                    yield page
        for fault in reader.faults:
            log.warning("%s", fault)
    if not found:
        raise ValueError(f"none of {looked_at:,} pages is of {url}" if url else f"no page among {looked_at:,} records")
