"""The stream of batches: shards -> documents -> tokens -> chunks -> (inputs, targets) -> rows -> batches.

The steps are those of T5 (``c4_v220_span_corruption``). Groups of 128 documents are joined without a separator and cut
into chunks of one length; the last chunk of a group may be shorter. Each chunk is corrupted and becomes an example.

Only the shards, the seed and the position decide an example. So a stream can begin at any position, and a run that
goes on from a checkpoint sees the batches that it would have seen.

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
LONGEST_TOKENS = 65_536  # T5, select_random_chunk(max_length): a longer document is cut to one aligned part

# The purposes of random streams; purpose 0 is the noise mask of an example.
LONG_DOCUMENT, CHUNK_ORDER, SHARD_ORDER = 1, 2, 3


class Encoder(Protocol):
    """Turns text into ids."""

    def encode(self, text: str) -> list[int]:
        """Ids of the text, without EOS."""
        ...


@dataclass(frozen=True, slots=True)
class DataPosition:
    """The position of the next row in the stream.

    It names the first example of the packing group that the row belongs to, and the rows of this group before it.
    """

    epoch: int = 0
    shard: int = 0  # number in the epoch's order of shards
    document: int = 0  # number in the shard, of the first document of the group
    group: int = 0  # number of the group of documents in the epoch
    chunk: int = 0  # number in the group's shuffled order of chunks
    row: int = 0  # number in the packing group


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows for the network."""

    inputs: Ids  # (B, S)
    targets: Ids  # (B, T)
    input_segments: Ids  # (B, S)
    target_segments: Ids  # (B, T)

    @classmethod
    def of(cls, rows: Sequence[Row]) -> Batch:
        """The batch of these rows."""
        inputs, targets = zip(*rows, strict=True)
        ids = (np.stack([feature.ids for feature in features]) for features in (inputs, targets))
        segments = (np.stack([feature.segments for feature in features]) for features in (inputs, targets))
        return cls(*ids, *segments)

    def split(self, number: int) -> list[Batch]:
        """The batch as ``number`` batches of equal size."""
        features = (self.inputs, self.targets, self.input_segments, self.target_segments)
        return [Batch(*split) for split in zip(*(np.split(feature, number) for feature in features), strict=True)]


def url_key(url: str) -> bytes:
    """The keyed hash of a URL: the documents with the smallest are held out."""
    return hashlib.blake2b(url.encode(), digest_size=16, key=b"held out").digest()


def tokens_of(text: str, encoder: Encoder) -> Ids:
    """The ids of a document, without EOS and padding."""
    ids = np.asarray(encoder.encode(text), np.int32)
    tokens: Ids = ids[ids != PAD]
    return tokens


def random_part(tokens: Ids, random: np.random.Generator, *, longest: int = LONGEST_TOKENS) -> Ids:
    """The document, or a random part of a document with more than ``longest`` tokens.

    The part begins at a multiple of ``longest``; each multiple is equally likely.
    """
    start = longest * int(random.integers(-(-len(tokens) // longest)))
    return tokens[start : start + longest]


def chunks(documents: Sequence[Ids], length: int) -> list[Ids]:
    """The chunks of a group of documents, which are joined; the last chunk may be shorter."""
    tokens = np.concatenate(documents)
    return [tokens[start : start + length] for start in range(0, len(tokens), length)]


@dataclass(frozen=True)
class DataStream:
    """An endless stream of training rows. It can begin at each position that it has yielded."""

    shards: tuple[str, ...]
    encoder: Encoder
    objective: Objective
    held_out: AbstractSet[bytes] = frozenset()  # url_key of each document that the stream leaves out
    seed: int = 0
    packed: bool = True
    group_documents: int = GROUP_DOCUMENTS

    def __post_init__(self) -> None:
        if not 0 <= self.seed < 2**63:
            raise ValueError(f"seed is {self.seed}, but must lie in [0, 2**63)")

    @property
    def lengths(self) -> tuple[int, int]:
        """The lengths of inputs and targets."""
        return self.objective.inputs_length, self.objective.targets_length

    def documents(self, path: str, start: int = 0) -> Iterator[tuple[int, Mapping[str, str]]]:
        """The training documents of a shard and their numbers, from number ``start`` on."""
        for number, document in enumerate(read_documents(path, start), start):
            if not self.held_out or url_key(document["url"]) not in self.held_out:
                yield number, document

    def groups(self, start: DataPosition) -> Iterator[tuple[DataPosition, list[Ids]]]:
        """The groups of documents from ``start`` to the end of its epoch, each with the position where it begins."""
        order = generator(self.seed, epoch=start.epoch, index=0, purpose=SHARD_ORDER).permutation(len(self.shards))
        begin, group = replace(start, chunk=0, row=0), list[Ids]()
        for shard in range(start.shard, len(order)):
            first = start.document if shard == start.shard else 0
            for number, document in self.documents(self.shards[order[shard]], first):
                tokens = self.tokens(document["text"], begin, len(group))
                group += [tokens] if len(tokens) else []
                if len(group) == self.group_documents:
                    yield begin, group
                    begin, group = replace(begin, shard=shard, document=number + 1, group=begin.group + 1), []
        if group:
            yield begin, group

    def tokens(self, text: str, begin: DataPosition, number: int) -> Ids:
        """The tokens of a document, the ``number``-th of the group that begins at ``begin``; at most LONGEST_TOKENS."""
        tokens = tokens_of(text, self.encoder)
        if len(tokens) > LONGEST_TOKENS:
            index = begin.group * self.group_documents + number
            tokens = random_part(tokens, generator(self.seed, epoch=begin.epoch, index=index, purpose=LONG_DOCUMENT))
        return tokens

    def examples(self, start: DataPosition) -> Iterator[tuple[DataPosition, Example]]:
        """The examples from ``start`` on, each with its position, epoch after epoch.

        The chunks of a group are shuffled.
        """
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
                raise ValueError(
                    f"there is no text to train on in {len(self.shards)} shards, {self.shards[0]} and after: give other"
                    " shards, or hold out fewer documents"
                )
            start = DataPosition(epoch=start.epoch + 1)

    def rows(self, start: DataPosition) -> Iterator[tuple[Row, DataPosition]]:
        """The rows from ``start`` on, each with the position after it."""
        examples = self.examples(start)
        first_row = start.row
        while True:
            group = list(islice(examples, max(self.lengths) if self.packed else 1))
            rows = pack([example for _, example in group], self.lengths)
            for number in range(first_row, len(rows)):
                yield rows[number], replace(group[0][0], row=number + 1)
            first_row = 0

    def batches(self, size: int, start: DataPosition) -> Iterator[tuple[Batch, DataPosition]]:
        """The batches of ``size`` rows from ``start`` on, each with the position after it."""
        rows = self.rows(start)
        while True:
            batch = list(islice(rows, size))
            yield Batch.of([row for row, _ in batch]), batch[-1][1]
