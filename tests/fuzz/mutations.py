"""Inputs for fuzzing, made from real lines: cut, joined, recased, with characters of every sort put in."""

from __future__ import annotations

import random
import sys
from collections.abc import Sequence

LINE_BREAKS = "\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"
BLANKS = [chr(c) for c in range(sys.maxunicode + 1) if chr(c).isspace()]
CONTROLS = [chr(c) for c in (*range(32), *range(127, 160))]
# Letters and digits that a rule could take for others: with two lower-case characters, with two lower cases, with an
# ASCII lower case, a title case, without any, outside the first plane, half of a pair, wide, mathematical.
ODD = (
    "\u0130\u03a3\u03c2\u212a\u212b\u01c5\u1e9e\u00df\u02b0\u00aa\u0345\u0660\u00b2\u2460\u0f33\u9fa5\ufeff\u200b\u00ad"
    "\U0001f600\U00010400\ud800\udfff\uff21\uff0e\U0001d400\U0001d7d8"
)
SCRIPTS = "éüÿЖжΩωאبहไ中かア한გἌⅧꙀ\u0301"
CASES = (str.lower, str.upper, str.title, str.swapcase, str.capitalize)


def character(rng: random.Random, favourites: Sequence[str]) -> str:
    """One character or word: mostly of the favourites, else of any sort that there is."""
    if rng.random() < 0.7:
        return rng.choice(favourites)
    sort = rng.choice((BLANKS, LINE_BREAKS, CONTROLS, ODD, SCRIPTS, None))
    return rng.choice(sort) if sort else chr(rng.choice((rng.randrange(256), rng.randrange(sys.maxunicode + 1))))


def mutated(rng: random.Random, line: str, favourites: Sequence[str]) -> str:
    """The line after none to three changes."""
    for _ in range(rng.choice((0, 1, 1, 2, 3))):
        begin, end = sorted((rng.randint(0, len(line)), rng.randint(0, len(line))))
        match rng.randrange(5):
            case 0:
                line = line[begin:end]
            case 1:
                line = line[:begin] + rng.choice(CASES)(line[begin:end]) + line[end:]
            case 2:
                line = line[:begin] + line[end:]
            case _:
                for _ in range(rng.choice((1, 1, 2, 5))):
                    at = rng.choice(
                        (rng.randint(0, len(line)), line.find(" ", begin) + 1, line.find(".", begin) + 1, 0, len(line))
                    )
                    line = line[:at] + character(rng, favourites) + line[at + rng.randint(0, 1) :]
    return line
