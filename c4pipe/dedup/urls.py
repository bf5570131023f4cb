"""URL deduplication as in C4: each normalized URL keeps one page."""

from __future__ import annotations

import functools
from dataclasses import dataclass

from c4pipe.dedup.base import KeepOne, UrlClaim
from c4pipe.page import Page, Verdict


@functools.total_ordering
@dataclass(frozen=True, slots=True)
class _Descending:
    """A sort key for descending order of texts, by code point.

    >>> sorted(["b", "a", "ab", ""], key=_Descending)
    ['b', 'ab', 'a', '']
    """

    text: str

    def __lt__(self, other: _Descending) -> bool:
        return other.text < self.text


@dataclass(frozen=True)
class KeepNewest(KeepOne):
    """Of the pages with one normalized URL keep the newest, as TFDS c4 3.1.0."""

    name: str = "duplicate-url-filter"  # TFDS's counter namespace

    def rank(self, claim: UrlClaim) -> tuple[object, ...]:
        """The newest timestamp wins, compared as text as in TFDS.

        TFDS takes the first to arrive among equally new ones. Here the largest MD5 of the text decides,
        then the smaller full URL, content type and content length.
        """
        smaller = _Descending(claim.url), _Descending(claim.content_type), _Descending(claim.content_length)
        return claim.timestamp, claim.text_md5, *smaller

    def verdict(self, page: Page, *, won: bool) -> Verdict:
        """Pass the page on if it won its URL. ``filtered`` stays 0, as it does in TFDS whatever was dropped."""
        return Verdict(page, {"passed": 1, "filtered": 0}) if won else Verdict(None, {"filtered": 0})


@dataclass(frozen=True)
class KeepLargestText(KeepOne):
    """Of the pages with one normalized URL keep that of the largest MD5 of the text, as TFDS c4 3.0.1."""

    name: str = "duplicate-url-filter"  # TFDS's counter namespace

    def rank(self, claim: UrlClaim) -> tuple[object, ...]:
        """The largest MD5 of the text wins.

        TFDS takes the first to arrive among pages of the same text. Here the smaller full URL decides,
        then the newer timestamp, the smaller content type and content length.
        """
        smaller = _Descending(claim.content_type), _Descending(claim.content_length)
        return claim.text_md5, _Descending(claim.url), claim.timestamp, *smaller

    def verdict(self, page: Page, *, won: bool) -> Verdict:
        """Pass the page on if it won its URL, and count it if not."""
        return Verdict(page, {"passed": 1, "filtered": 0}) if won else Verdict(None, {"filtered": 1})
