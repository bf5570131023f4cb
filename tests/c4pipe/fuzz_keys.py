"""Inputs on which the compiled keys of lines are held equal to the plain ones: ``benchmarks/fuzz.py --room keys``."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator, Sequence

from c4pipe.dedup import line_key, md5
from c4pipe.fast import keys

# Line ends of every kind and blanks of every kind, characters that change their length or their neighbours' case.
ODD = "\n\n\n\r\v\f\x1c\x1d\x1e\x1f\x85\u2028\u2029 \t\xa0\u1680\u2003\u202f\u3000\u200b"
ODD += "\u0130\u03a3\u03c3\u212a\u1e9e\u023a\u2c6f"


def inputs(rng: random.Random, lines: Sequence[str]) -> Iterator[str]:
    """Texts of real lines, cut, recased, with odd characters in them and lengths around MD5's blocks."""
    while True:
        text = "\n".join(_line(rng, lines) for _ in range(rng.randint(1, 12)))
        yield text.encode("utf-8", "ignore").decode()


def _line(rng: random.Random, lines: Sequence[str]) -> str:
    line = rng.choice(lines)
    line = line[rng.randint(0, len(line)) :][: rng.choice((0, 1, 47, 55, 56, 63, 64, 119, 120, 500))]
    line = rng.choice((str, str, str.upper, str.title, str.swapcase))(line)
    for _ in range(rng.choice((0, 0, 1, 3))):
        at = rng.choice((0, len(line), rng.randint(0, len(line))))
        odd = rng.choice(ODD) if rng.random() < 0.8 else chr(rng.randint(0, sys.maxunicode))
        line = line[:at] + odd + line[at:]
    return line


def agree(text: str) -> None:
    """Raise where the two differ: in the keys, and in what a page keeps that owns every second of them."""
    lines = text.split("\n")
    of = list(map(line_key, lines))
    assert keys.line_keys(text) == b"".join(of), ascii(text)
    owned = set(of[::2])
    places = sorted({of.index(key) for key in owned})
    kept = "\n".join(lines[place] for place in places)
    assert keys.kept_lines(text, places) == (kept, sum(key not in owned for key in of)), ascii(text)
    assert keys.md5s(lines) == b"".join(map(md5, lines)), ascii(text)
