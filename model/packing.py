"""Several short examples in one row, as seqio's ``trim_and_pack_dataset`` puts them there.

L the length of a feature: encoder inputs or decoder targets.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from model.config import PAD
from model.objectives import Ids

Example = tuple[Ids, Ids]  # inputs and targets, each with EOS


@dataclass(frozen=True, slots=True)
class Packed:
    """One feature of a row: ids, the example that each id is of (from 1, 0 for padding), its place in that example."""

    ids: Ids  # (L,)
    segments: Ids  # (L,)
    positions: Ids  # (L,)


Row = tuple[Packed, Packed]  # inputs and targets


def pack(examples: Sequence[Example], lengths: tuple[int, int]) -> list[Row]:
    """Rows of ``lengths`` that hold the examples in their order: a row is closed when the next one does not fit.

    An example longer than a row is trimmed and loses its EOS, so trim before. Its length is the number of its ids that
    are not 0. An example without ids in one feature has no segment there, and the numbers after it no longer agree.
    """
    rows: list[Row] = []
    open_row: list[Example] = []
    used = (0, 0)
    for example in examples:
        fitted = trimmed(example, lengths)
        needed = (used[0] + len(fitted[0]), used[1] + len(fitted[1]))
        if open_row and (needed[0] > lengths[0] or needed[1] > lengths[1]):
            rows.append(closed(open_row, lengths))
            open_row, needed = [], (len(fitted[0]), len(fitted[1]))
        open_row.append(fitted)
        used = needed
    if open_row:
        rows.append(closed(open_row, lengths))
    return rows


def trim_and_pack(examples: Iterable[Example], lengths: tuple[int, int]) -> Iterator[Row]:
    """Rows of all examples. The reference packs groups of as many examples as the longer feature has places."""
    group: list[Example] = []
    for example in examples:
        group.append(example)
        if len(group) == max(lengths):
            yield from pack(group, lengths)
            group = []
    yield from pack(group, lengths)


def trimmed(example: Example, lengths: tuple[int, int]) -> Example:
    """The example cut to the lengths, and to as many ids as are not 0."""
    inputs, targets = (ids[:length] for ids, length in zip(example, lengths, strict=True))
    return inputs[: np.count_nonzero(inputs)], targets[: np.count_nonzero(targets)]


def closed(examples: Sequence[Example], lengths: tuple[int, int]) -> Row:
    """One row of examples that fit."""
    inputs, targets = zip(*examples, strict=True)
    return joined(inputs, lengths[0]), joined(targets, lengths[1])


def joined(parts: Iterable[Ids], length: int) -> Packed:
    """One feature of a row."""
    parts = [part for part in parts if len(part)]
    ids, segments, positions = (np.full(length, PAD, np.int32) for _ in range(3))
    end = sum(map(len, parts))
    if parts:
        ids[:end] = np.concatenate(parts)
        segments[:end] = np.repeat(np.arange(1, len(parts) + 1), [len(part) for part in parts]) * (ids[:end] != PAD)
        positions[:end] = np.concatenate([np.arange(len(part)) for part in parts])
    return Packed(ids, segments, positions)
