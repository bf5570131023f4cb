"""Which documents of two corpora differ: one pass keeps 32 bytes for each document, another reads those that differ."""

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

KEY_BYTES = 16  # with 128 bits, no two documents of any crawl share a key by chance
KEY = np.dtype(f"S{KEY_BYTES}")  # NumPy ignores zeros at the end; as all keys have one length, they decide nothing
Keys = npt.NDArray[np.bytes_]
Kind = Literal["missing", "extra", "different"]


@dataclass(frozen=True)
class Difference:
    """A document that only one corpus has, or that differs in the two."""

    left: Document | None
    right: Document | None
    fields: tuple[str, ...] = ()  # those that differ, if both have the document
    copy: bool = False  # both have the document, but one has it more often

    @property
    def kind(self) -> Kind:
        """Return how the right corpus differs: the document is missing there, extra, or different."""
        return "missing" if self.right is None else "extra" if self.left is None else "different"

    @property
    def url(self) -> str:
        """Return the document's URL."""
        return cast(Document, self.left or self.right).url


@dataclass(frozen=True)
class Comparison:
    """How two corpora differ."""

    compared: tuple[str, ...]  # names of the facts that are compared, beside the URL
    documents: tuple[int, int]  # number of documents: left, right
    counts: dict[Kind, int]  # all differences, by kind
    urls: int  # number of URLs with a difference
    differences: tuple[Difference, ...]  # those of the examined URLs, sorted by URL


@dataclass(frozen=True)
class Index:
    """Two keys for each document: of its URL, and of the URL with all compared facts."""

    urls: Keys
    documents: Keys

    def restricted(self, mask: npt.NDArray[np.bool_]) -> Index:
        """Return the documents where the mask, one value for each, is true."""
        return Index(self.urls[mask], self.documents[mask])


def compare(left: Corpus, right: Corpus, *, examine: int, always: Collection[str] = ()) -> Comparison:
    """Count all differences, and return those of ``examine`` URLs, and of the URLs in ``always``."""
    compared = tuple(sorted(left.facts & right.facts))
    of_left, of_right = build_index(left, compared), build_index(right, compared)
    only_left = of_left.restricted(~np.isin(of_left.documents, of_right.documents))
    only_right = of_right.restricted(~np.isin(of_right.documents, of_left.documents))
    counts, urls = _count_differences(only_left, only_right)
    always_keys = np.array([_key(url.encode("utf-8", "surrogatepass")) for url in always], KEY)
    examined = np.union1d(urls[:examine], np.intersect1d(urls, always_keys))
    lefts = collect_differing(left, compared, examined, only_left)
    rights = collect_differing(right, compared, examined, only_right)
    differences = (
        pair
        for url in sorted({*lefts, *rights})
        for pair in _pair_documents(lefts.get(url, []), rights.get(url, []), compared)
    )
    return Comparison(compared, (len(of_left.urls), len(of_right.urls)), counts, len(urls), tuple(differences))


def _key(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=KEY_BYTES).digest()


def document_key(document: Document, compared: tuple[str, ...]) -> bytes:
    """Return a key of ``KEY_BYTES`` that is equal for documents with equal URL and equal compared facts."""
    values = (document.url, *(document.facts.get(name, "") for name in compared))
    return _key("\0".join(values).encode("utf-8", "surrogatepass"))


def build_index(corpus: Corpus, compared: tuple[str, ...]) -> Index:
    """Return the keys of all documents, in the corpus's order. Each further copy of a document has another key."""
    urls, documents = bytearray(), bytearray()
    for document in corpus.documents():
        urls += _key(document.url.encode("utf-8", "surrogatepass"))
        documents += document_key(document, compared)
    return Index(np.frombuffer(urls, KEY), _mark_copies(np.frombuffer(documents, KEY)))


def _mark_copies(keys: Keys) -> Keys:
    order = np.argsort(keys, kind="stable")
    again = np.flatnonzero(keys[order[1:]] == keys[order[:-1]]) + 1
    marked, seen = keys.copy(), Counter[bytes]()
    for number in order[again].tolist():
        key = padded_key(keys[number])
        seen[key] += 1
        marked[number] = copy_key(key, seen[key])
    return marked


def copy_key(key: bytes, number: int) -> bytes:
    """Return the key of a document's copy that ``number`` equal documents precede; with 0, its own key."""
    return _key(key + number.to_bytes(8, "little")) if number else key


def padded_key(key: bytes) -> bytes:
    """Return the key with the zeros at its end, which NumPy leaves out."""
    return bytes(key).ljust(KEY_BYTES, b"\0")


def _count_differences(left: Index, right: Index) -> tuple[dict[Kind, int], Keys]:
    """Return the number of differences by kind, and the sorted keys of their URLs."""
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
    """Return the differing documents by URL, for the URLs with these keys, each with whether it is a further copy."""
    if not len(urls):
        return {}
    wanted = {padded_key(key) for key in urls.tolist()}
    keys = {padded_key(key) for key in differing.documents[np.isin(differing.urls, urls)].tolist()}
    by_url: dict[str, list[tuple[Document, bool]]] = {}
    met = Counter[bytes]()
    for document in corpus.documents():
        if _key(document.url.encode("utf-8", "surrogatepass")) in wanted:
            key = document_key(document, compared)
            if copy_key(key, met[key]) in keys:
                by_url.setdefault(document.url, []).append((document, met[key] > 0))
            met[key] += 1
    return by_url


def _pair_documents(
    lefts: list[tuple[Document, bool]], rights: list[tuple[Document, bool]], compared: tuple[str, ...]
) -> Iterator[Difference]:
    """Pair the documents of one URL, each side sorted by timestamp and compared facts."""

    def order(item: tuple[Document, bool]) -> tuple[str, ...]:
        return tuple(item[0].facts.get(name, "") for name in ("timestamp", *compared))

    for left, right in zip_longest(sorted(lefts, key=order), sorted(rights, key=order)):
        if left is None or right is None:
            alone, copy = left or right
            yield Difference(alone if left else None, alone if right else None, copy=copy)
        else:
            differing = (name for name in compared if left[0].facts.get(name, "") != right[0].facts.get(name, ""))
            yield Difference(left[0], right[0], tuple(differing))
