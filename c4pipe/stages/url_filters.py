"""Stages that judge a page by its URL: by domain, or by a list of URLs. The door to tldextract."""

from __future__ import annotations

import functools
import gzip
import io
import json
import lzma
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import IO, Any, cast

from c4pipe import resources
from c4pipe.fs import files
from c4pipe.page import Page, Verdict, drop, keep
from c4pipe.text.urls import normalize, url_digest

Domains = Mapping[str, bool | Sequence[str]]  # domain -> True, or the subdomains that are allowed ("" for none)

REALNEWS = "realnews/domain_to_allowed_subdomains.json"
RESOURCES: Mapping[str, bytes | None] = MappingProxyType({REALNEWS: None})  # without a stand-in


@functools.cache
def _extractor() -> Any:
    """The extractor with the public suffixes that tldextract ships, whatever the network or a cache holds."""
    import tldextract

    return tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)


@functools.lru_cache(maxsize=2)
def realnews_domains(source: str | None) -> Domains:
    """The pinned list of news sites. ``source``, the present source of resources, only keys the cache."""
    domains: Domains = json.loads(resources.read(REALNEWS))
    return domains


@dataclass(frozen=True)
class InDomains:
    """Keep pages of listed domains, where a list of subdomains is given only of these. ``www.`` does not count.

    With ``full_url``, as in TFDS c4 before 3.1.0, ``www.`` counts: ``www.business.example.com`` fails where
    ``business`` is allowed.
    """

    domains: tuple[tuple[str, bool | tuple[str, ...]], ...] | None = None  # None: the pinned RealNews list
    full_url: bool = False
    name: str = "realnews-domain-filter"  # TFDS's counter namespace

    def resources(self) -> Mapping[str, bytes | None]:
        """Return the pinned files that the stage reads, with their built-in stand-ins."""
        return RESOURCES if self.domains is None else {}

    def judge(self, page: Page) -> Verdict:
        """Keep the page if its domain is listed and its subdomain allowed."""
        domains = realnews_domains(resources.source()) if self.domains is None else dict(self.domains)
        parts = _extractor()(page.url if self.full_url else normalize(page.url))
        allowed = domains.get(f"{parts.domain}.{parts.suffix}")
        if allowed is None:
            return drop("filtered:bad_domain")
        if isinstance(allowed, Sequence) and parts.subdomain not in allowed:
            return drop("filtered:bad_subdomain")
        return keep(page)


@dataclass(frozen=True)
class InUrlList:
    """Keep pages whose URL is in a list; both are normalized. A list is a file with a URL a line, or a zip of lists."""

    paths: tuple[str, ...] = ()
    name: str = "webtextlike-filter"  # TFDS's counter namespace

    def with_paths(self, *paths: str) -> InUrlList:
        """Return the stage with these files as its list."""
        return replace(self, paths=paths)

    def listed(self) -> Iterator[bytes]:
        """Yield the key of each line of the list, in order, repetitions included. Raises ValueError without a list."""
        if not self.paths:
            raise ValueError(f"{self.name} has no list of URLs; name one, such as OpenWebText.zip or a text file")
        return (url_digest(line) for path in self.paths for line in url_lines(path))

    def key(self, page: Page) -> bytes:
        """The key of a page in the list: MD5 of the normalized URL, 16 bytes."""
        return url_digest(page.url)

    def verdict(self, page: Page, *, listed: bool) -> Verdict:
        """Keep the page if it is listed."""
        return keep(page) if listed else drop("filtered")

    def judge_all(self, pages: Sequence[Page]) -> list[Verdict]:
        """Return a verdict for each page, in the order of the pages."""
        listed = set(self.listed())
        return [self.verdict(page, listed=self.key(page) in listed) for page in pages]

    def extra(self, pages: Sequence[Page]) -> dict[str, int]:
        """Return the count that belongs to no page: distinct listed URLs without a page."""
        missing = len(set(self.listed()) - {self.key(page) for page in pages})
        return {"missing-page": missing} if missing else {}


def url_lines(path: str) -> Iterator[str]:
    """Yield the lines of a list of URLs: a plain, ``.gz`` or ``.xz`` file, or each list in a ``.zip``.

    Blank lines count: for the reference they list the URL "". The lists in a zip are its members that end in ``.txt``,
    ``.txt.gz`` or ``.txt.xz``, sorted by name, as in OpenWebText. Raises ValueError for a damaged file.
    """
    try:
        with files.open_read(path) as stream:
            if path.endswith(".zip"):
                with zipfile.ZipFile(io.BytesIO(stream.read())) as archive:
                    for name in sorted(filter(_LIST.search, archive.namelist())):
                        yield from _lines(_opened(archive.open(name), name))
            else:
                yield from _lines(_opened(stream, path))
    except (EOFError, UnicodeDecodeError, gzip.BadGzipFile, lzma.LZMAError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"{path} is no whole list of URLs in UTF-8: {error}") from error


_LIST = re.compile(r"\.txt(\.gz|\.xz)?$")


def _opened(stream: IO[bytes], name: str) -> IO[bytes]:
    if name.endswith(".gz"):
        return cast(IO[bytes], gzip.open(stream))
    return lzma.open(stream) if name.endswith(".xz") else stream


def _lines(stream: IO[bytes]) -> Iterator[str]:
    with stream:
        for line in stream:
            yield line.decode("utf-8").removesuffix("\n").removesuffix("\r")
