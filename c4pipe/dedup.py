"""One page a URL and one page a line: the two stages that look at all pages, as pure parts."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from c4pipe import sentences, urls
from c4pipe.page import Page, Verdict


def _md5(text: str) -> bytes:
    return hashlib.md5(text.encode("utf-8"), usedforsecurity=False).digest()


class UrlClaim(NamedTuple):
    """What decides which of the pages of one normalized URL stays. No file, row or time of arrival is in it."""

    timestamp: str
    text_md5: bytes
    url: str
    content_type: str
    content_length: str


def url_claim(page: Page) -> UrlClaim:
    """The page's claim to its URL."""
    return UrlClaim(page.timestamp, _md5(page.text), page.url, page.content_type, page.content_length)


def rank(claim: UrlClaim) -> tuple[object, ...]:
    """The greatest rank wins: the newest timestamp, compared as text as in TFDS.

    TFDS takes the first to arrive among equally new ones. Here the largest MD5 of the text decides,
    then the smaller full URL, content type and content length: content alone, a total order.
    """
    smaller = tuple(map(_descending, (claim.url, claim.content_type, claim.content_length)))
    return claim.timestamp, claim.text_md5, smaller


def _descending(text: str) -> tuple[int, ...]:
    """A key that sorts texts backwards, by code point.

    >>> sorted(["b", "a", "ab", ""], key=_descending)
    ['b', 'ab', 'a', '']
    """
    return *(-ord(character) for character in text), 1


@dataclass(frozen=True)
class KeepNewest:
    """Of the pages with one normalized URL keep the newest."""

    name: str = "duplicate-url-filter"  # TFDS's counter namespace

    def key(self, page: Page) -> bytes:
        """Pages with the same key are the same page: MD5 of the normalized URL, 16 bytes."""
        return urls.url_digest(page.url)

    def verdict(self, page: Page, *, won: bool) -> Verdict:
        """Pass the page on if it won its URL. ``filtered`` stays 0, as it does in TFDS whatever was dropped."""
        return Verdict(page, {"passed": 1, "filtered": 0}) if won else Verdict(None, {"filtered": 0})

    def judge_all(self, pages: Sequence[Page]) -> list[Verdict]:
        """A verdict a page, in their order."""
        rivals: dict[bytes, list[int]] = {}
        for index, page in enumerate(pages):
            rivals.setdefault(self.key(page), []).append(index)
        winners = {max(group, key=lambda index: rank(url_claim(pages[index]))) for group in rivals.values()}
        return [self.verdict(page, won=index in winners) for index, page in enumerate(pages)]

    def extra(self, pages: Sequence[Page]) -> dict[str, int]:
        """Nothing: each count is a page's."""
        return {}


def line_key(line: str) -> bytes:
    """Lines with the same key are the same line: MD5 of the stripped, lower-cased line, 16 bytes."""
    return _md5(line.strip().lower())


def owner_rank(url: str) -> bytes:
    """The page with the smallest rank owns a line: MD5 of the full URL, 16 bytes."""
    return _md5(url)


@dataclass(frozen=True)
class DedupLines:
    """Keep each line in the one page that owns it, once, then drop pages left with fewer than ``min_sentences``.

    Sentences are counted on the joined text here, so a page can lose some without losing a line, as in TFDS.
    With ``min_sentences=0`` a page needs some text, no sentences.
    """

    min_sentences: int
    name: str = "dedupe-lines"  # TFDS's counter namespace

    def __post_init__(self) -> None:
        if self.min_sentences < 0:
            raise ValueError(f"min_sentences is {self.min_sentences}, but must be 0 (no minimum) or more")

    def resources(self) -> Mapping[str, bytes | None]:
        """The pinned files that the stage reads, with their built-in stand-ins."""
        return sentences.RESOURCES if self.min_sentences else {}

    def lines(self, page: Page) -> list[str]:
        """The lines that are compared: only a line feed ends one."""
        return page.text.split("\n")

    def owners(self, pages: Iterable[Page]) -> dict[bytes, bytes]:
        """The rank of the page that owns each line, by the line's key."""
        owners: dict[bytes, bytes] = {}
        for page in pages:
            rank = owner_rank(page.url)
            for line in self.lines(page):
                key = line_key(line)
                owners[key] = min(rank, owners.get(key, rank))
        return owners

    def judge_owned(self, page: Page, owned: Collection[bytes] | Callable[[bytes], bool]) -> Verdict:
        """Judge one page, told which line keys it owns: pure, whoever settled the owners."""
        owns = owned if callable(owned) else owned.__contains__
        tally: Counter[str] = Counter()
        kept: dict[bytes, str] = {}
        for line in self.lines(page):
            key = line_key(line)
            if not owns(key):
                tally["line-filtered:global_duplicate"] += 1
            elif key in kept:
                tally["line-filtered:local_duplicate"] += 1
            else:
                tally["line-passed"] += 1
                kept[key] = line
        text = "\n".join(kept.values())
        if not text:
            return Verdict(None, {**tally, "filtered:empty": 1})
        if not sentences.at_least(text, sentences=self.min_sentences):
            return Verdict(None, {**tally, "filtered:too_few_sentences": 1})
        return Verdict(replace(page, text=text), {**tally, "passed": 1})

    def judge_all(self, pages: Sequence[Page]) -> list[Verdict]:
        """A verdict a page, in their order. No two pages may have the same URL."""
        owners = self.owners(pages)
        return [self.judge_owned(page, self._owned(page, owners)) for page in pages]

    def extra(self, pages: Sequence[Page]) -> dict[str, int]:
        """Nothing: each count is a page's."""
        return {}

    def _owned(self, page: Page, owners: Mapping[bytes, bytes]) -> set[bytes]:
        rank = owner_rank(page.url)
        return {key for key in map(line_key, self.lines(page)) if owners[key] == rank}
