"""URLs: the form under which two of them are one page, its hash, and the split that it falls in."""

from __future__ import annotations

import hashlib
import re

# TFDS c4 3.1.0: unanchored and case-sensitive, both.
_SCHEME_AND_WWW = re.compile(r"https?:\/\/(www\.)?")
_TRACKING = re.compile(r"\?(utm_|ref|feed).*")

VALIDATION_ONE_IN = 1000  # TFDS c4 3.1.0: hash modulo 1000 is 0


def normalize(url: str) -> str:
    """The URL without scheme, ``www.``, a tracking query and trailing slashes; case, port and fragment stay.

    >>> normalize("https://www.example.com/a/?utm_source=x")
    'example.com/a'
    """
    return _TRACKING.sub("", _SCHEME_AND_WWW.sub("", url)).rstrip("/")


def url_digest(url: str) -> bytes:
    """MD5 of the normalized URL, 16 bytes: the key under which pages are the same page."""
    return hashlib.md5(normalize(url).encode("utf-8"), usedforsecurity=False).digest()


def url_hash(url: str) -> int:
    """MD5 of the normalized URL as an integer below 2**128."""
    return int.from_bytes(url_digest(url), "big")


def split(url: str) -> str:
    """``validation`` for one page in a thousand, by its URL's hash, else ``train``.

    >>> split("http://fake.com/url/370")
    'validation'
    """
    return "validation" if url_hash(url) % VALIDATION_ONE_IN == 0 else "train"
