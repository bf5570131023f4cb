"""From shards to batches: documents -> tokens -> chunks -> (inputs, targets) -> rows -> batches, from any position on.

The order of things is T5's (``c4_v220_span_corruption``): documents are joined in groups of 128 without a separator,
cut into chunks of one length, the last of a group shorter, and each chunk is corrupted. What an example is follows from
the shards, the seed, the epoch and its position alone, so a run that is taken up again sees the batches it would have
had.

B batch, S source and T target positions.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from itertools import islice
from typing import Protocol

import numpy as np

from c4pipe.shards.read_write import read_documents
from model.config import PAD
from model.objectives import Ids, Objective, generator
from model.packing import Example, Row, pack

GROUP_DOCUMENTS = 128  # T5, reduce_concat_tokens(batch_size)
LONGEST_TOKENS = 65_536  # T5, select_random_chunk(max_length): of a longer document one aligned part is taken

# Purposes of random streams; an example's mask has purpose 0.
LONG_DOCUMENT, CHUNK_ORDER, SHARD_ORDER = 1, 2, 3


class Encoder(Protocol):
    """What turns text into ids."""

    def encode(self, text: str) -> list[int]:
        """Ids of the text, without EOS."""
        ...


@dataclass(frozen=True, slots=True)
class DataPosition:
    """Where the next row comes from: the first example of its packing group, and how many rows of that were seen."""

    epoch: int = 0
    shard: int = 0  # in the epoch's order of shards
    document: int = 0  # of that shard: the first of its group of documents
    group: int = 0  # of the epoch
    chunk: int = 0  # of the group, in its shuffled order
    row: int = 0


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows for the network."""

    inputs: Ids  # (B, S)
    targets: Ids  # (B, T)
    input_segments: Ids  # (B, S)
    target_segments: Ids  # (B, T)

    @classmethod
    def of(cls, rows: Sequence[Row]) -> Batch:
        """The rows, stacked."""
        inputs, targets = zip(*rows, strict=True)
        ids = (np.stack([feature.ids for feature in features]) for features in (inputs, targets))
        segments = (np.stack([feature.segments for feature in features]) for features in (inputs, targets))
        return cls(*ids, *segments)

    def parts(self, number: int) -> list[Batch]:
        """As ``number`` batches of equal size."""
        features = (self.inputs, self.targets, self.input_segments, self.target_segments)
        return [Batch(*part) for part in zip(*(np.split(feature, number) for feature in features), strict=True)]


def url_key(url: str) -> bytes:
    """Where a document stands in the order from which held-out documents are taken."""
    return hashlib.blake2b(url.encode(), digest_size=16, key=b"held out").digest()


def tokens_of(text: str, encoder: Encoder) -> Ids:
    """Ids of a document, without EOS and padding."""
    ids = np.asarray(encoder.encode(text), np.int32)
    tokens: Ids = ids[ids != PAD]
    return tokens


def random_part(tokens: Ids, random: np.random.Generator, *, longest: int = LONGEST_TOKENS) -> Ids:
    """The document, or one of its aligned parts of ``longest`` tokens, each equally likely."""
    start = longest * int(random.integers(-(-len(tokens) // longest)))
    return tokens[start : start + longest]


def chunks(documents: Sequence[Ids], length: int) -> list[Ids]:
    """A group of documents joined and cut into chunks, the last of which may be shorter."""
    tokens = np.concatenate(documents)
    return [tokens[start : start + length] for start in range(0, len(tokens), length)]


@dataclass(frozen=True)
class DataStream:
    """An endless stream of training rows, which can begin at any position that it has told."""

    shards: tuple[str, ...]
    encoder: Encoder
    objective: Objective
    held_out: AbstractSet[bytes] = frozenset()  # url_key of documents never to be seen
    seed: int = 0
    packed: bool = True
    group_documents: int = GROUP_DOCUMENTS

    def __post_init__(self) -> None:
        if not 0 <= self.seed < 2**63:
            raise ValueError(f"seed is {self.seed}, but must lie in [0, 2**63)")

    @property
    def lengths(self) -> tuple[int, int]:
        """Of inputs and targets."""
        return self.objective.inputs_length, self.objective.targets_length

    def documents(self, path: str, start: int = 0) -> Iterator[tuple[int, Mapping[str, str]]]:
        """Training documents of a shard from number ``start`` on, with their numbers."""
        for number, document in enumerate(read_documents(path, start), start):
            if not self.held_out or url_key(document["url"]) not in self.held_out:
                yield number, document

    def groups(self, start: DataPosition) -> Iterator[tuple[DataPosition, list[Ids]]]:
        """Groups of documents from ``start`` to the end of its epoch, each with the position where it begins."""
        order = generator(self.seed, epoch=start.epoch, index=0, purpose=SHARD_ORDER).permutation(len(self.shards))
        begin, group = replace(start, chunk=0, row=0), list[Ids]()
        for shard in range(start.shard, len(order)):
            first = start.document if shard == start.shard else 0
            for number, document in self.documents(self.shards[order[shard]], first):
                tokens = tokens_of(document["text"], self.encoder)
                if len(tokens) > LONGEST_TOKENS:
                    index = begin.group * self.group_documents + len(group)
                    long = generator(self.seed, epoch=start.epoch, index=index, purpose=LONG_DOCUMENT)
                    tokens = random_part(tokens, long)
                group += [tokens] if len(tokens) else []
                if len(group) == self.group_documents:
                    yield begin, group
                    begin, group = replace(begin, shard=shard, document=number + 1, group=begin.group + 1), []
        if group:
            yield begin, group

    def examples(self, start: DataPosition) -> Iterator[tuple[DataPosition, Example]]:
        """Examples from ``start`` on, epoch after epoch, each with its position; a group's chunks come shuffled."""
        while True:
            empty = True
            for begin, documents in self.groups(start):
                pieces = chunks(documents, self.objective.tokens_length)
                shuffle = generator(self.seed, epoch=begin.epoch, index=begin.group, purpose=CHUNK_ORDER)
                order = shuffle.permutation(len(pieces))
                for chunk in range(start.chunk, len(pieces)):
                    random = generator(self.seed, epoch=begin.epoch, index=begin.group << 32 | chunk)
                    yield replace(begin, chunk=chunk), self.objective.corrupt(pieces[order[chunk]], random)
                start, empty = replace(start, chunk=0), False
            if empty and start == DataPosition(epoch=start.epoch):
                raise ValueError(f"no text to train on in {len(self.shards)} shards, {self.shards[0]} and after")
            start = DataPosition(epoch=start.epoch + 1)

    def rows(self, start: DataPosition) -> Iterator[tuple[Row, DataPosition]]:
        """Rows from ``start`` on, each with the position after it."""
        examples = self.examples(start)
        seen = start.row
        while True:
            group = list(islice(examples, max(self.lengths) if self.packed else 1))
            rows = pack([example for _, example in group], self.lengths)
            for number in range(seen, len(rows)):
                yield rows[number], replace(group[0][0], row=number + 1)
            seen = 0

    def batches(self, size: int, start: DataPosition) -> Iterator[tuple[Batch, DataPosition]]:
        """Batches of ``size`` rows from ``start`` on, each with the position after it."""
        rows = self.rows(start)
        while True:
            batch = list(islice(rows, size))
            yield Batch.of([row for row, _ in batch]), batch[-1][1]
