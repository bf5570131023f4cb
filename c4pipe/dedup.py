"""One page a URL and one page a line: the two stages that look at all pages, as pure parts.

Both come in kinds, and an interpreter needs no more than what the kinds have in common: of ``KeepOne`` the key of a
page, the rank of its claim and the verdict; of ``Dedup`` the keys of a text, the rank of a page as an owner and the
verdict.
"""

from __future__ import annotations

import functools
import itertools
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from c4pipe import engine, resources, sentences, urls
from c4pipe.batch import Batch, BatchVerdict, binaries, fired, laid_out, strings, utf8, verdict_of
from c4pipe.digests import KEY_BYTES, md5, md5s
from c4pipe.page import Page, Verdict, with_text

Counted = npt.NDArray[np.int64]
Numbers = npt.NDArray[Any]


class UrlClaim(NamedTuple):
    """What decides which of the pages of one normalized URL stays. No file, row or time of arrival is in it."""

    timestamp: str
    text_md5: bytes
    url: str
    content_type: str
    content_length: str


def url_claim(page: Page) -> UrlClaim:
    """The page's claim to its URL."""
    return UrlClaim(page.timestamp, md5(page.text), page.url, page.content_type, page.content_length)


@functools.total_ordering
@dataclass(frozen=True, slots=True)
class _Descending:
    """A key that sorts texts backwards, by code point.

    >>> sorted(["b", "a", "ab", ""], key=_Descending)
    ['b', 'ab', 'a', '']
    """

    text: str

    def __lt__(self, other: _Descending) -> bool:
        return other.text < self.text


class KeepOne(ABC):
    """Of the pages with one normalized URL keep one: that of the greatest rank."""

    name: str

    def key(self, page: Page) -> bytes:
        """Pages with the same key are the same page: MD5 of the normalized URL, 16 bytes."""
        return urls.url_digest(page.url)

    @abstractmethod
    def rank(self, claim: UrlClaim) -> tuple[object, ...]:
        """What the pages of a URL are compared by: content alone, a total order."""

    @abstractmethod
    def verdict(self, page: Page, *, won: bool) -> Verdict:
        """Pass the page on if it won its URL."""

    def judge_all(self, pages: Sequence[Page]) -> list[Verdict]:
        """A verdict a page, in their order."""
        rivals: dict[bytes, list[int]] = {}
        for index, page in enumerate(pages):
            rivals.setdefault(self.key(page), []).append(index)
        winners = {max(group, key=lambda index: self.rank(url_claim(pages[index]))) for group in rivals.values()}
        return [self.verdict(page, won=index in winners) for index, page in enumerate(pages)]

    def extra(self, pages: Sequence[Page]) -> dict[str, int]:
        """Nothing: each count is a page's."""
        return {}


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


OwnerOrder = Literal["url", "normalized_url"]


def require_owner_order(owner: str) -> None:
    """Raise if owners cannot be found in that order."""
    if owner not in get_args(OwnerOrder):
        raise ValueError(f"owner is {owner!r}, but must be one of {', '.join(get_args(OwnerOrder))}")


class Dedup(ABC):
    """Keep what a page owns of what it says; of the pages that say the same, the one of the least rank owns it.

    No two pages may have the same normalized URL, so that ranks are unique.
    """

    name: str
    owner: OwnerOrder

    @abstractmethod
    def keys(self, text: str) -> list[bytes]:
        """The keys of what is compared, 16 bytes each, in the text's order and as often as it is there."""

    @abstractmethod
    def judge_owned(self, page: Page, owned: Collection[bytes]) -> Verdict:
        """Judge one page, told which of its keys it owns: pure, whoever settled the owners."""

    @property
    def keyed(self) -> tuple[object, ...]:
        """What its keys follow from, as data: stages of which this is equal make the same keys.

        Of a stage that says no more it is the whole stage, and what it reads.
        """
        read: Mapping[str, bytes | None] = self.resources() if hasattr(self, "resources") else {}
        return self, *resources.used(read).items()

    def keys_of(self, texts: pa.Array) -> pa.Array:
        """The keys of each text of a column, one behind the other, as a column of large binaries."""
        return pa.array([b"".join(self.keys(text)) for text in texts.to_pylist()], pa.large_binary())

    def judge_places(self, page: Page, places: Sequence[int]) -> Verdict:
        """Judge one page, told for which of its keys, by their numbers, it is the owner: where each first stands."""
        keys = self.keys(page.text)
        return self.judge_owned(page, {keys[place] for place in places})

    def judge_places_batch(self, batch: Batch, keys: pa.Array, places: Numbers, bounds: Counted) -> BatchVerdict:
        """``judge_places`` of each page, the n-th with ``places[bounds[n]:bounds[n + 1]]``, in rising order.

        ``keys`` are those of the texts, as ``keys_of`` makes them.
        """
        told = (places[begin:end].tolist() for begin, end in itertools.pairwise(bounds.tolist()))
        pages = list(batch.pages())
        return verdict_of(batch, pages, list(map(self.judge_places, pages, told)))

    def owner_rank(self, url: str) -> bytes:
        """The page of the least rank owns: MD5 of the full URL, or of the normalized one, 16 bytes."""
        return md5(url) if self.owner == "url" else urls.url_digest(url)

    def owner_ranks(self, column: pa.Array) -> bytes:
        """``owner_rank`` of a column of URLs, one behind the other."""
        return md5s(column) if self.owner == "url" else urls.url_digests(column)

    def owners(self, pages: Iterable[Page]) -> dict[bytes, bytes]:
        """The rank of the page that owns each key."""
        owners: dict[bytes, bytes] = {}
        for page in pages:
            rank = self.owner_rank(page.url)
            for key in self.keys(page.text):
                owners[key] = min(rank, owners.get(key, rank))
        return owners

    def judge_all(self, pages: Sequence[Page]) -> list[Verdict]:
        """A verdict a page, in their order."""
        owners = self.owners(pages)
        return [self.judge_owned(page, self._owned(page, owners)) for page in pages]

    def extra(self, pages: Sequence[Page]) -> dict[str, int]:
        """Nothing: each count is a page's."""
        return {}

    def _owned(self, page: Page, owners: Mapping[bytes, bytes]) -> set[bytes]:
        rank = self.owner_rank(page.url)
        return {key for key in self.keys(page.text) if owners[key] == rank}


def line_key(line: str) -> bytes:
    """Lines with the same key are the same line: MD5 of the stripped, lower-cased line, 16 bytes."""
    return md5(line.strip().lower())


@dataclass(frozen=True)
class DedupLines(Dedup):
    """Keep each line in the one page that owns it, once, then drop pages left with fewer than ``min_sentences``.

    Only a line feed ends a line. Sentences are counted on the joined text here, so a page can lose some without
    losing a line, as in TFDS. With ``min_sentences=0`` a page needs some text, no sentences.
    """

    min_sentences: int
    owner: OwnerOrder = "url"  # TFDS c4 3.1.0; "normalized_url" before
    punkt: sentences.Punkt = sentences.CURRENT
    name: str = "dedupe-lines"  # TFDS's counter namespace

    def __post_init__(self) -> None:
        sentences.require_known(self.punkt)
        require_owner_order(self.owner)
        if self.min_sentences < 0:
            raise ValueError(f"min_sentences is {self.min_sentences}, but must be 0 (no minimum) or more")

    def resources(self) -> Mapping[str, bytes | None]:
        """The pinned files that the stage reads, with their built-in stand-ins."""
        return sentences.RESOURCES if self.min_sentences else {}

    def keys(self, text: str) -> list[bytes]:
        """The key of each line."""
        return [line_key(line) for line in text.split("\n")]

    @property
    def keyed(self) -> tuple[object, ...]:
        """The keys are of lines, whatever the limits; a stage that is derived from this may make others."""
        return (DedupLines,) if type(self) is DedupLines else super().keyed

    def _twin(self) -> ModuleType | None:
        """The compiled room, which knows this stage alone: one that is derived from it may do otherwise."""
        return engine.twin("keys") if type(self) is DedupLines else None

    def keys_of(self, texts: pa.Array) -> pa.Array:
        """The keys of each text of a column, one behind the other, as a column of large binaries."""
        if (twin := self._twin()) is None:
            return super().keys_of(texts)
        return binaries(*twin.line_keys(*utf8(texts)))

    def judge_owned(self, page: Page, owned: Collection[bytes]) -> Verdict:
        """Judge one page, told which line keys it owns: pure, whoever settled the owners."""
        tally: Counter[str] = Counter()
        kept: dict[bytes, str] = {}
        for line in page.text.split("\n"):
            key = line_key(line)
            if key not in owned:
                tally["line-filtered:global_duplicate"] += 1
            elif key in kept:
                tally["line-filtered:local_duplicate"] += 1
            else:
                tally["line-passed"] += 1
                kept[key] = line
        return self._left(page, "\n".join(kept.values()), tally)

    def judge_places_batch(self, batch: Batch, keys: pa.Array, places: Numbers, bounds: Counted) -> BatchVerdict:
        """``judge_places`` of each page, the n-th with ``places[bounds[n]:bounds[n + 1]]``, in rising order.

        ``keys`` are those of the texts, as ``keys_of`` makes them.
        """
        if (twin := self._twin()) is None:
            return super().judge_places_batch(batch, keys, places, bounds)
        key_bounds, packed = laid_out(keys)
        offsets, data, foreign = twin.kept_lines(*utf8(batch.text), key_bounds, packed, bounds, places)
        lines, foreign = np.diff(key_bounds) // KEY_BYTES, np.frombuffer(foreign, np.int64)
        left = batch.with_text(strings(offsets, data))
        some = np.diff(np.frombuffer(offsets, np.int64)) > 0
        enough = sentences.at_least_each(left.text, sentences=self.min_sentences, punkt=self.punkt)
        passed, kept = np.diff(bounds), some & enough
        tallies = {
            "line-passed": passed,
            "line-filtered:global_duplicate": foreign,
            "line-filtered:local_duplicate": lines - foreign - passed,
            "filtered:empty": ~some,
            "filtered:too_few_sentences": some & ~enough,
            "passed": kept,
        }
        return BatchVerdict(kept, left.where(kept), fired(tallies))

    def _left(self, page: Page, text: str, tally: Mapping[str, int]) -> Verdict:
        """Judge what is left of a page."""
        if not text:
            return Verdict(None, {**tally, "filtered:empty": 1})
        if not sentences.at_least(text, sentences=self.min_sentences, punkt=self.punkt):
            return Verdict(None, {**tally, "filtered:too_few_sentences": 1})
        return Verdict(with_text(page, text), {**tally, "passed": 1})
