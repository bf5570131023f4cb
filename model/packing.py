"""Pack several short examples into one row, as ``trim_and_pack_dataset`` of seqio does.

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
    """One feature of a row."""

    ids: Ids  # (L,)
    segments: Ids  # (L,): the number of each id's example, from 1; 0 for padding
    positions: Ids  # (L,): the position of each id in its example


Row = tuple[Packed, Packed]  # inputs and targets


def pack(examples: Sequence[Example], lengths: tuple[int, int]) -> list[Row]:
    """The rows that hold the examples, in their order; a row is closed when the next example does not fit.

    The length of an example is the number of its ids that are not 0. An example longer than a row is cut and loses its
    EOS, so trim it before. An example without ids in one feature has no segment there; later segments of this feature
    then have smaller numbers than those of the other.
    """
    rows: list[Row] = []
    open_row: list[Example] = []
    used = (0, 0)
    for example in examples:
        cut = cut_example(example, lengths)
        needed = (used[0] + len(cut[0]), used[1] + len(cut[1]))
        if open_row and (needed[0] > lengths[0] or needed[1] > lengths[1]):
            rows.append(join_row(open_row, lengths))
            open_row, needed = [], (len(cut[0]), len(cut[1]))
        open_row.append(cut)
        used = needed
    if open_row:
        rows.append(join_row(open_row, lengths))
    return rows


def trim_and_pack(examples: Iterable[Example], lengths: tuple[int, int]) -> Iterator[Row]:
    """The rows of all examples. The reference packs them in groups of ``max(lengths)`` examples."""
    group: list[Example] = []
    for example in examples:
        group.append(example)
        if len(group) == max(lengths):
            yield from pack(group, lengths)
            group = []
    yield from pack(group, lengths)


def cut_example(example: Example, lengths: tuple[int, int]) -> Example:
    """The example, each feature cut to its length, then to the number of its ids that are not 0."""
    inputs, targets = (ids[:length] for ids, length in zip(example, lengths, strict=True))
    return inputs[: np.count_nonzero(inputs)], targets[: np.count_nonzero(targets)]


def join_row(examples: Sequence[Example], lengths: tuple[int, int]) -> Row:
    """The row of these examples, which fit."""
    inputs, targets = zip(*examples, strict=True)
    return join_feature(inputs, lengths[0]), join_feature(targets, lengths[1])


def join_feature(parts: Iterable[Ids], length: int) -> Packed:
    """One feature of a row: the ids of its examples, then padding."""
    parts = [part for part in parts if len(part)]
    ids, segments, positions = (np.full(length, PAD, np.int32) for _ in range(3))
    end = sum(map(len, parts))
    if parts:
        ids[:end] = np.concatenate(parts)
        segments[:end] = np.repeat(np.arange(1, len(parts) + 1), [len(part) for part in parts]) * (ids[:end] != PAD)
        positions[:end] = np.concatenate([np.arange(len(part)) for part in parts])
    return Packed(ids, segments, positions)
