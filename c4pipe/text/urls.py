"""URLs: the normalized form that identifies a page, its hash and its split."""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from c4pipe import engine
from c4pipe.columns import strings, utf8
from c4pipe.text.digests import md5, md5s

# TFDS c4 3.1.0: both are unanchored and case-sensitive.
_SCHEME_AND_WWW = re.compile(r"https?:\/\/(www\.)?")
_TRACKING = re.compile(r"\?(utm_|ref|feed).*")

VALIDATION_ONE_IN = 1000  # TFDS c4 3.1.0: hash modulo 1000 is 0


def normalize(url: str) -> str:
    """Return the URL without scheme, ``www.``, tracking query and trailing slashes. Case, port and fragment stay.

    >>> normalize("https://www.example.com/a/?utm_source=x")
    'example.com/a'
    """
    bare = _SCHEME_AND_WWW.sub("", url)
    return (_TRACKING.sub("", bare) if "?" in bare else bare).rstrip("/")


def normalize_each(column: pa.Array) -> pa.Array:
    """Return ``normalize`` of each URL of a column."""
    if (twin := engine.twin("urls")) is None:
        return pa.array(map(normalize, column.to_pylist()), pa.large_string())
    return strings(*twin.normalized(*utf8(column)))


def url_digest(url: str) -> bytes:
    """Return the MD5 of the normalized URL, 16 bytes: pages with the same digest are the same page."""
    return md5(normalize(url))


def url_digests(column: pa.Array) -> bytes:
    """Return ``url_digest`` of each URL of a column, concatenated."""
    return md5s(normalize_each(column))


def url_hash(url: str) -> int:
    """Return the MD5 of the normalized URL as an integer below 2**128."""
    return int.from_bytes(url_digest(url), "big")


def split(url: str) -> str:
    """Return ``validation`` for one page in a thousand, by the hash of its URL, else ``train``.

    >>> split("http://fake.com/url/370")
    'validation'
    """
    return "validation" if url_hash(url) % VALIDATION_ONE_IN == 0 else "train"


def in_validation(column: pa.Array) -> npt.NDArray[np.bool_]:
    """Return for each URL of a column whether its split is ``validation``."""
    words = np.frombuffer(url_digests(column), ">u8").astype(np.uint64).reshape(-1, 2) % VALIDATION_ONE_IN
    remainders: npt.NDArray[np.uint64] = (words[:, 0] * (2**64 % VALIDATION_ONE_IN) + words[:, 1]) % VALIDATION_ONE_IN
    return np.equal(remainders, 0)
