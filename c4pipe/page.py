"""The basic types: a page, the verdict of a stage on it, and the protocol of a stage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Page:
    """One WET "conversion" record."""

    url: str  # WARC-Target-URI, as crawled
    text: str  # lines joined by "\n", no blank lines
    timestamp: str  # WARC-Date, ISO 8601 UTC; compared as text
    content_type: str = ""
    content_length: str = ""  # of the WET record, in bytes
    language: str = "und"  # BCP 47, "und" until detected


def with_text(page: Page, text: str) -> Page:
    """Return the page with another text. ``dataclasses.replace`` takes twice as long."""
    return Page(page.url, text, page.timestamp, page.content_type, page.content_length, page.language)


def with_language(page: Page, language: str) -> Page:
    """Return the page with another language."""
    return Page(page.url, page.text, page.timestamp, page.content_type, page.content_length, language)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The verdict of a stage on a page: the page as it goes on, or None if dropped, and the counts."""

    page: Page | None
    tally: Mapping[str, int] = field(default_factory=dict)  # {"line-filtered:too_short": 3, "passed": 1}


class PageStage(Protocol):
    """A stage that judges one page at a time."""

    @property
    def name(self) -> str:
        """The stage's counter namespace, unique in a variant."""
        ...

    def judge(self, page: Page) -> Verdict:
        """Return the verdict: the page as it goes on, or None, with the counts of this stage."""
        ...


def keep(page: Page, *counters: str) -> Verdict:
    """Return a verdict that keeps the page and counts ``passed``, or each named counter, once."""
    return Verdict(page, dict.fromkeys(counters or ("passed",), 1))


def drop(*counters: str) -> Verdict:
    """Return a verdict that drops the page and counts each named counter once."""
    return Verdict(None, dict.fromkeys(counters, 1))
