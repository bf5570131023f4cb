"""The kinds of stages that look at all pages: one page a URL, one page a line, as pure parts.

An interpreter needs no more than this of them: of ``KeepOne`` the key of a page, the rank of its claim and the verdict;
of ``Dedup`` the keys of a text, the rank of a page as an owner and the verdict.
"""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from c4pipe import resources
from c4pipe.batch import Batch, BatchVerdict, verdict_of
from c4pipe.page import Page, Verdict
from c4pipe.text import urls
from c4pipe.text.digests import md5, md5s

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

    def judge_owned_at(self, page: Page, places: Sequence[int]) -> Verdict:
        """Judge one page, told for which of its keys, by their numbers, it is the owner: where each first stands."""
        keys = self.keys(page.text)
        return self.judge_owned(page, {keys[place] for place in places})

    def judge_owned_at_batch(self, batch: Batch, keys: pa.Array, places: Numbers, bounds: Counted) -> BatchVerdict:
        """``judge_owned_at`` of each page, the n-th with ``places[bounds[n]:bounds[n + 1]]``, in rising order.

        ``keys`` are those of the texts, as ``keys_of`` makes them.
        """
        told = (places[begin:end].tolist() for begin, end in itertools.pairwise(bounds.tolist()))
        pages = list(batch.pages())
        return verdict_of(batch, pages, list(map(self.judge_owned_at, pages, told)))

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
