"""Which documents of two corpora differ: a pass over each for 32 bytes a document, another for those that differ."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import zip_longest
from typing import Literal, cast

import numpy as np
import numpy.typing as npt

from c4pipe.conform.corpus import Corpus
from c4pipe.conform.documents import Document

KEY_BYTES = 16  # 128 bits merge no two documents of any crawl by chance
KEY = np.dtype(f"S{KEY_BYTES}")  # all keys are of one length, so that the zeros that NumPy ignores decide nothing
Keys = npt.NDArray[np.bytes_]
Kind = Literal["missing", "extra", "different"]


@dataclass(frozen=True)
class Difference:
    """A document that is in one corpus alone, or in both and not the same."""

    left: Document | None
    right: Document | None
    fields: tuple[str, ...] = ()  # in which a document of both differs
    copy: bool = False  # in one alone, because that holds it more often

    @property
    def kind(self) -> Kind:
        """How the right one stands to the left one."""
        return "missing" if self.right is None else "extra" if self.left is None else "different"

    @property
    def url(self) -> str:
        """The URL that both have."""
        return cast(Document, self.left or self.right).url


@dataclass(frozen=True)
class Comparison:
    """How two corpora differ."""

    compared: tuple[str, ...]  # what is compared beside the URL
    documents: tuple[int, int]  # in the left one, in the right one
    counts: dict[Kind, int]  # all that differ
    urls: int  # with a difference
    differences: tuple[Difference, ...]  # of the URLs that were looked at, in their order


@dataclass(frozen=True)
class Index:
    """Two keys a document: of its URL, and of all that is compared."""

    urls: Keys
    documents: Keys

    def restricted(self, mask: npt.NDArray[np.bool_]) -> Index:
        """The documents that the mask marks."""
        return Index(self.urls[mask], self.documents[mask])


def compare(left: Corpus, right: Corpus, *, examine: int, always: Collection[str] = ()) -> Comparison:
    """Count all differences, and bring the documents of ``examine`` URLs that have some, and of those of ``always``."""
    compared = tuple(sorted(left.facts & right.facts))
    of_left, of_right = build_index(left, compared), build_index(right, compared)
    only_left = of_left.restricted(~np.isin(of_left.documents, of_right.documents))
    only_right = of_right.restricted(~np.isin(of_right.documents, of_left.documents))
    counts, urls = _count_differences(only_left, only_right)
    asked = np.array([_key(url.encode("utf-8", "surrogatepass")) for url in always], KEY)
    chosen = np.union1d(urls[:examine], np.intersect1d(urls, asked))
    lefts = collect_differing(left, compared, chosen, only_left)
    rights = collect_differing(right, compared, chosen, only_right)
    found = (
        pair
        for url in sorted({*lefts, *rights})
        for pair in _pair_documents(lefts.get(url, []), rights.get(url, []), compared)
    )
    return Comparison(compared, (len(of_left.urls), len(of_right.urls)), counts, len(urls), tuple(found))


def _key(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=KEY_BYTES).digest()


def document_key(document: Document, compared: tuple[str, ...]) -> bytes:
    """The same for documents with the same URL and the same in all that is compared."""
    values = (document.url, *(document.facts.get(name, "") for name in compared))
    return _key("\0".join(values).encode("utf-8", "surrogatepass"))


def build_index(corpus: Corpus, compared: tuple[str, ...]) -> Index:
    """The keys of all documents, in the corpus's order; a document that comes again has another key each time."""
    urls, documents = bytearray(), bytearray()
    for document in corpus.documents():
        urls += _key(document.url.encode("utf-8", "surrogatepass"))
        documents += document_key(document, compared)
    return Index(np.frombuffer(urls, KEY), _mark_copies(np.frombuffer(documents, KEY)))


def _mark_copies(keys: Keys) -> Keys:
    order = np.argsort(keys, kind="stable")
    again = np.flatnonzero(keys[order[1:]] == keys[order[:-1]]) + 1
    numbered, seen = keys.copy(), Counter[bytes]()
    for place in order[again].tolist():
        key = padded_key(keys[place])
        seen[key] += 1
        numbered[place] = copy_key(key, seen[key])
    return numbered


def copy_key(key: bytes, number: int) -> bytes:
    """The key of a document that was met so often before; its own where it was not."""
    return _key(key + number.to_bytes(8, "little")) if number else key


def padded_key(key: bytes) -> bytes:
    """The key with the zeros at its end, which NumPy leaves out."""
    return bytes(key).ljust(KEY_BYTES, b"\0")


def _count_differences(left: Index, right: Index) -> tuple[dict[Kind, int], Keys]:
    """Numbers of differences, and the keys of their URLs, sorted."""
    left_urls, left_counts = np.unique(left.urls, return_counts=True)
    right_urls, right_counts = np.unique(right.urls, return_counts=True)
    _, at_left, at_right = np.intersect1d(left_urls, right_urls, assume_unique=True, return_indices=True)
    different = int(np.minimum(left_counts[at_left], right_counts[at_right]).sum())
    counts: dict[Kind, int] = {
        "missing": len(left.urls) - different,
        "extra": len(right.urls) - different,
        "different": different,
    }
    return counts, np.union1d(left_urls, right_urls)


def collect_differing(
    corpus: Corpus, compared: tuple[str, ...], urls: Keys, differing: Index
) -> dict[str, list[tuple[Document, bool]]]:
    """The differing documents of some URLs, by URL, and of each whether it is a copy of one met before."""
    if not len(urls):
        return {}
    wanted = {padded_key(key) for key in urls.tolist()}
    keys = {padded_key(key) for key in differing.documents[np.isin(differing.urls, urls)].tolist()}
    found: dict[str, list[tuple[Document, bool]]] = {}
    met = Counter[bytes]()
    for document in corpus.documents():
        if _key(document.url.encode("utf-8", "surrogatepass")) in wanted:
            key = document_key(document, compared)
            if copy_key(key, met[key]) in keys:
                found.setdefault(document.url, []).append((document, met[key] > 0))
            met[key] += 1
    return found


def _pair_documents(
    lefts: list[tuple[Document, bool]], rights: list[tuple[Document, bool]], compared: tuple[str, ...]
) -> Iterator[Difference]:
    """Pair the documents of one URL, those that come first in the order of what is compared with each other."""

    def order(found: tuple[Document, bool]) -> tuple[str, ...]:
        return tuple(found[0].facts.get(name, "") for name in ("timestamp", *compared))

    for left, right in zip_longest(sorted(lefts, key=order), sorted(rights, key=order)):
        if left is None or right is None:
            alone, copy = left or right
            yield Difference(alone if left else None, alone if right else None, copy=copy)
        else:
            differing = (name for name in compared if left[0].facts.get(name, "") != right[0].facts.get(name, ""))
            yield Difference(left[0], right[0], tuple(differing))
