"""Finds the pages to explain: in a WET file, in a text, or by URL in several WET files."""

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
WET_STARTS = (b"\x1f\x8b", b"WARC/", b"\xef\xbb\xbfWARC/")  # gzip, or the first line of a record
WEB = ("http://", "https://")

log = logging.getLogger(__name__)


def pages(source: str, *, url: str | None = None, inputs: Sequence[str] = (), undated: bool = False) -> Iterator[Page]:
    """Yield the pages of a WET file (of one ``url``, if given), of a text, or of a URL in the ``inputs``.

    URLs are compared in normalized form, so all pages that compete for a URL come. Records without a timestamp count
    only if ``undated`` is set. ValueError if nothing is found, or the words do not fit together.
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
    """Return the page that a WET record with this body makes. ValueError if it is not UTF-8 or holds no text."""
    try:
        text = page_text(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise ValueError(f"{name} is not UTF-8: {error.reason} at byte {error.start:,}") from error
    if not text:
        raise ValueError(f"{name} holds no text")
    return Page(url, text, "", "text/plain", str(len(data)))


def in_wet_files(streams: Iterable[tuple[str, BinaryIO]], url: str | None, undated: bool) -> Iterator[Page]:
    """Yield the pages of WET files, of one URL if given. ValueError after the last file if there is none."""
    wanted = None if url is None else urls.normalize(url)
    seen = matching = 0
    for name, stream in streams:
        with stream:
            reader = WetReader(stream, name=name, undated=undated)
            for page in reader:
                seen += 1
                if wanted is None or urls.normalize(page.url) == wanted:
                    matching += 1
                    yield page
        for fault in reader.faults:
            log.warning("%s", fault)
    if not matching:
        raise ValueError(f"none of {seen:,} pages is of {url}" if url else f"no page among {seen:,} records")
