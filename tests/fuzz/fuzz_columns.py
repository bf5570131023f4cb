"""Fuzzing of the compiled choice of some strings of a column, and of their order, against Arrow's."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from c4pipe import columns, engine


class Case(NamedTuple):
    """Strings, which of them are kept, and where a part of them begins and ends."""

    strings: list[bytes]
    kept: list[bool]
    part: tuple[int, int]


def inputs(rng: random.Random, lines: Sequence[str]) -> Iterator[Case]:
    """Some lines each, none of them, all, or runs of them kept."""
    while True:
        count = rng.choice((0, 1, 2, 9, 70))
        strings = [rng.choice(lines).encode("utf-8", "ignore")[: rng.choice((0, 1, 50, 999))] for _ in range(count)]
        share = rng.choice((0.0, 0.1, 0.5, 0.9, 1.0))
        first, last = sorted(rng.randrange(count + 1) for _ in range(2))
        yield Case(strings, [rng.random() < share for _ in range(count)], (first, last))


def agree(case: Case) -> None:
    """Both keep the same, of a whole column and of a part of it."""
    assert engine.twin("columns"), "the room is not compiled, or the engine plain was asked for"
    column, kept = pa.array(case.strings, pa.large_binary()), np.array(case.kept, np.bool_)
    for part in (slice(None), slice(*case.part)):
        some, here = column[part], kept[part]
        found = columns.where(some, here)
        assert found == some.filter(pa.array(here)), case
        found.validate(full=True)
    first, last = case.part
    whole = pa.array([string.decode("utf-8", "ignore") for string in case.strings], pa.large_string())
    text = pa.chunked_array([whole[:first], whole[first:last], whole[last:]])
    order = np.flatnonzero(kept)[::-1]
    table = columns.ordered(pa.table({"text": text}), order)
    assert table == pa.table({"text": text.take(pa.array(order))}), case
    table.validate(full=True)
