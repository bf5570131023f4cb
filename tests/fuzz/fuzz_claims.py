"""Fuzzing of the compiled choice of the least claim for each key against the plain one."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from c4pipe import engine
from c4pipe.dedup import resolve

WORD = 2**64 - 1


class Case(NamedTuple):
    """Claims: a key and a rank each, both of two words."""

    claims: list[tuple[int, int, int, int]]


def inputs(rng: random.Random, lines: Sequence[str]) -> Iterator[Case]:
    """No to some thousand claims: of any keys, of keys that begin alike, of few keys, and of few ranks."""
    while True:
        count = rng.choice((0, 1, 2, 63, 64, 65, 66, 300, 511, 512, 513, 3000))
        alike = rng.choice((0, 0, 8, 16, 40, 56, 64))  # bits that the keys' first words have in common
        common, rest = rng.getrandbits(64), (1 << 64 - alike) - 1
        pool = [
            (common & ~rest | rng.getrandbits(64) & rest, rng.choice((0, 1, rng.getrandbits(64))))
            for _ in range(rng.choice((1, 3, 40, max(1, count))))
        ]
        ranks = rng.choice((1, 2, WORD))
        low = (0, WORD, rng.randint(0, ranks))
        yield Case([(*rng.choice(pool), rng.randint(0, ranks), rng.choice(low)) for _ in range(count)])


def agree(case: Case) -> None:
    """Both choose the same, of columns that lie apart, too."""
    assert engine.twin("claims"), "the room is not compiled, or the engine plain was asked for"
    columns = np.array(case.claims, np.uint64).reshape(-1, 4).T
    found = resolve.least_of_each(*columns)
    assert found.dtype == np.int64
    assert found.tolist() == plainly(case), case
    assert resolve.least_of_each(*map(np.ascontiguousarray, columns)).tolist() == found.tolist(), case
    with engine.using("plain"):
        assert resolve.least_of_each(*columns).tolist() == found.tolist(), case


def plainly(case: Case) -> list[int]:
    """The same as the obvious loop says it."""
    least: dict[tuple[int, int], int] = {}
    for at, (high, low, *rank) in enumerate(case.claims):
        if (high, low) not in least or rank < list(case.claims[least[high, low]][2:]):
            least[high, low] = at
    return [least[key] for key in sorted(least)]
