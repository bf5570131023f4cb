"""Base classes of the stages that compare pages: ``KeepOne`` for URLs, ``Dedup`` for lines or spans.

Both are split into pure functions, and an engine needs only these. ``KeepOne`` has the key of a page, the rank of its
claim, and the verdict. ``Dedup`` has the keys of a text, the rank of a page as an owner, and the verdict.
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
    """All that may decide which page of a normalized URL stays. It holds no file, row or time of arrival."""

    timestamp: str
    text_md5: bytes
    url: str
    content_type: str
    content_length: str


def url_claim(page: Page) -> UrlClaim:
    """The claim of a page to its URL."""
    return UrlClaim(page.timestamp, md5(page.text), page.url, page.content_type, page.content_length)


class KeepOne(ABC):
    """Of the pages with one normalized URL keep the page of the greatest rank."""

    name: str

    def key(self, page: Page) -> bytes:
        """The key of a page: MD5 of its normalized URL, 16 bytes. Pages with equal keys are rivals."""
        return urls.url_digest(page.url)

    @abstractmethod
    def rank(self, claim: UrlClaim) -> tuple[object, ...]:
        """The rank of a claim: a total order on content alone."""

    @abstractmethod
    def verdict(self, page: Page, *, won: bool) -> Verdict:
        """Pass the page on if it won its URL."""

    def judge_all(self, pages: Sequence[Page]) -> list[Verdict]:
        """Return a verdict for each page, in the order of the pages."""
        rivals: dict[bytes, list[int]] = {}
        for index, page in enumerate(pages):
            rivals.setdefault(self.key(page), []).append(index)
        winners = {max(group, key=lambda index: self.rank(url_claim(pages[index]))) for group in rivals.values()}
        return [self.verdict(page, won=index in winners) for index, page in enumerate(pages)]

    def extra(self, pages: Sequence[Page]) -> dict[str, int]:
        """Return no counts: each belongs to a page."""
        return {}


OwnerOrder = Literal["url", "normalized_url"]


def require_owner_order(owner: str) -> None:
    """Raise ValueError unless ``owner`` is an ``OwnerOrder``."""
    if owner not in get_args(OwnerOrder):
        raise ValueError(f"owner is {owner!r}, but must be one of {', '.join(get_args(OwnerOrder))}")


class Dedup(ABC):
    """Keep each line or span on one page: of the pages that contain it, the page of the least rank owns it.

    No two pages may have the same normalized URL, so ranks are unique.
    """

    name: str
    owner: OwnerOrder

    @abstractmethod
    def keys(self, text: str) -> list[bytes]:
        """The key of each line or span, 16 bytes, in the order of the text, repetitions included."""

    @abstractmethod
    def judge_owned(self, page: Page, owned: Collection[bytes]) -> Verdict:
        """Judge one page, given the keys that it owns. Pure: it does not matter how owners were found."""

    @property
    def keyed(self) -> tuple[object, ...]:
        """All that the keys depend on, as data. Stages with equal values share the keys in a page store.

        By default that is the whole stage with the resources that it reads.
        """
        read: Mapping[str, bytes | None] = self.resources() if hasattr(self, "resources") else {}
        return self, *resources.used(read).items()

    def keys_of(self, texts: pa.Array) -> pa.Array:
        """The keys of each text, concatenated: a column of large binaries, 16 bytes a key."""
        return pa.array([b"".join(self.keys(text)) for text in texts.to_pylist()], pa.large_binary())

    def judge_owned_at(self, page: Page, places: Sequence[int]) -> Verdict:
        """Judge one page, given the indices of the keys that it owns, each at its first occurrence."""
        keys = self.keys(page.text)
        return self.judge_owned(page, {keys[place] for place in places})

    def judge_owned_at_batch(self, batch: Batch, keys: pa.Array, places: Numbers, bounds: Counted) -> BatchVerdict:
        """``judge_owned_at`` for a batch: page n gets ``places[bounds[n]:bounds[n + 1]]``, in rising order.

        ``keys`` are the keys of the texts, from ``keys_of``.
        """
        owned = (places[begin:end].tolist() for begin, end in itertools.pairwise(bounds.tolist()))
        pages = list(batch.pages())
        return verdict_of(batch, pages, list(map(self.judge_owned_at, pages, owned)))

    def owner_rank(self, url: str) -> bytes:
        """The rank of a page as an owner: MD5 of its full or normalized URL, 16 bytes. The least owns."""
        return md5(url) if self.owner == "url" else urls.url_digest(url)

    def owner_ranks(self, column: pa.Array) -> bytes:
        """The ``owner_rank`` of each URL in a column, concatenated."""
        return md5s(column) if self.owner == "url" else urls.url_digests(column)

    def owners(self, pages: Iterable[Page]) -> dict[bytes, bytes]:
        """Return for each key the rank of the page that owns it."""
        owners: dict[bytes, bytes] = {}
        for page in pages:
            rank = self.owner_rank(page.url)
            for key in self.keys(page.text):
                owners[key] = min(rank, owners.get(key, rank))
        return owners

    def judge_all(self, pages: Sequence[Page]) -> list[Verdict]:
        """Return a verdict for each page, in the order of the pages."""
        owners = self.owners(pages)
        return [self.judge_owned(page, self._owned(page, owners)) for page in pages]

    def extra(self, pages: Sequence[Page]) -> dict[str, int]:
        """Return no counts: each belongs to a page."""
        return {}

    def _owned(self, page: Page, owners: Mapping[bytes, bytes]) -> set[bytes]:
        rank = self.owner_rank(page.url)
        return {key for key in self.keys(page.text) if owners[key] == rank}
