"""Stages that judge pages by their URL: by its domain, or by a list of URLs. The door to tldextract."""

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
RESOURCES: Mapping[str, bytes | None] = MappingProxyType({REALNEWS: None})  # nothing stands in for it


@functools.cache
def _extractor() -> Any:
    """The public suffixes that came with tldextract: neither the network's newest nor some user's cache."""
    import tldextract

    return tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)


@functools.lru_cache(maxsize=2)
def realnews_domains(source: str | None) -> Domains:
    """The pinned list of news sites; ``source`` is where resources come from now."""
    domains: Domains = json.loads(resources.read(REALNEWS))
    return domains


@dataclass(frozen=True)
class InDomains:
    """Keep pages of the domains that are listed, and of these the allowed subdomains; ``www.`` is none.

    With ``full_url``, as in TFDS c4 before 3.1.0, it is one: ``www.business.example.com`` fails where ``business`` is
    allowed.
    """

    domains: tuple[tuple[str, bool | tuple[str, ...]], ...] | None = None  # None: the pinned RealNews list
    full_url: bool = False
    name: str = "realnews-domain-filter"  # TFDS's counter namespace

    def resources(self) -> Mapping[str, bytes | None]:
        """The pinned files that the stage reads, with their built-in stand-ins."""
        return RESOURCES if self.domains is None else {}

    def judge(self, page: Page) -> Verdict:
        """Pass the page on if its domain is listed and its subdomain allowed."""
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
    """Keep pages whose normalized URL is, normalized, in a list of URLs: files with one a line, or zips of such."""

    paths: tuple[str, ...] = ()
    name: str = "webtextlike-filter"  # TFDS's counter namespace

    def with_paths(self, *paths: str) -> InUrlList:
        """The stage with its lists."""
        return replace(self, paths=paths)

    def listed(self) -> Iterator[bytes]:
        """The key of every line that has one, in order and as often as it is there."""
        if not self.paths:
            raise ValueError(f"{self.name} has no list of URLs; name one, such as OpenWebText.zip or a text file")
        return (url_digest(line) for path in self.paths for line in url_lines(path))

    def key(self, page: Page) -> bytes:
        """What is looked for in the list: MD5 of the normalized URL, 16 bytes."""
        return url_digest(page.url)

    def verdict(self, page: Page, *, listed: bool) -> Verdict:
        """Pass the page on if it is listed."""
        return keep(page) if listed else drop("filtered")

    def judge_all(self, pages: Sequence[Page]) -> list[Verdict]:
        """A verdict a page, in their order."""
        listed = set(self.listed())
        return [self.verdict(page, listed=self.key(page) in listed) for page in pages]

    def extra(self, pages: Sequence[Page]) -> dict[str, int]:
        """What no page counts: the listed URLs without a page, each once."""
        missing = len(set(self.listed()) - {self.key(page) for page in pages})
        return {"missing-page": missing} if missing else {}


def url_lines(path: str) -> Iterator[str]:
    """The lines of a list of URLs: of a file, plain, ``.gz`` or ``.xz``, or of each list in a zip.

    Blank ones are among them: for the reference they list the URL "". A zip's lists are its members that end in
    ``.txt``, ``.txt.gz`` or ``.txt.xz``, by name, as in OpenWebText's.
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
