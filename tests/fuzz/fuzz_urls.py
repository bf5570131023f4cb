"""Fuzzing of the compiled normalizing of URLs against the plain one."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence

import pyarrow as pa

from c4pipe import engine
from c4pipe.text import urls

PARTS = (
    *("http://", "https://", "http:/", "https:", "httphttps://", "hhttp://", "HTTP://", "www.", "www", "WWW.", "//"),
    *("?", "?utm_", "?utm", "?ref", "?re", "?feed", "?fee", "?REF", "??ref", "&utm_", "/", "//", "\n", "\r", "#"),
    *("a", "example.com", "path/page.html", "é", "中", "😀", "\u2028", "\x85", "\0", " ", "%20", ":80", "x" * 40),
)


def inputs(rng: random.Random, lines: Sequence[str]) -> Iterator[list[str]]:
    """Some URLs each, from ones as pages have them to what only looks like parts of them."""
    while True:
        yield [_url(rng, lines) for _ in range(rng.randrange(1, 9))]


def agree(some: Sequence[str]) -> None:
    """Both leave the same of each, also of a part of a column."""
    assert engine.twin("urls"), "the room is not compiled, or the engine plain was asked for"
    column = pa.array(some, pa.large_string())
    for first in (0, len(some) // 2):
        assert urls.normalize_each(column.slice(first)).to_pylist() == list(map(urls.normalize, some[first:])), some


def _url(rng: random.Random, lines: Sequence[str]) -> str:
    parts = rng.choices(PARTS, k=rng.choice((1, 2, 4, 9)))
    if rng.randrange(2):
        parts[0:0] = ["http://", rng.choice(("www.", "")), "example.com/"]
    if not rng.randrange(4):
        parts.append(rng.choice(re.split(r"(?<=\s)", rng.choice(lines)) or [""]))
    url = "".join(parts)
    if not rng.randrange(4):
        at = rng.randrange(len(url) + 1)
        url = url[:at] + url[at + rng.choice((1, 2)) :]
    return url.encode("utf-8", "ignore").decode()
