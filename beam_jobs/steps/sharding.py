"""Assigns final documents to shards, by a keyed hash of their URL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from beam_jobs.plan.job import Job
from c4pipe.columns import ordered
from c4pipe.dedup import key_arrays
from c4pipe.shards import read_write
from c4pipe.text.digests import KEY_BYTES

DOCUMENTS = pa.schema(
    [
        ("key", pa.binary(KEY_BYTES)),
        *((name, pa.large_string() if name == "text" else pa.string()) for name in read_write.FIELDS),
    ]
)


def shard_bounds(documents: pa.Table, count: int) -> npt.NDArray[np.int64]:
    """Return where each of ``count`` shards begins in documents that are sorted by key; count + 1 bounds."""
    return key_arrays.bucket_bounds(key_arrays.leading_words(documents)[0], count)


def sort_documents(tables: Sequence[pa.Table]) -> pa.Table:
    """Return the documents of a shard as one table without keys, sorted by key: partitions leave no trace."""
    documents = pa.concat_tables([DOCUMENTS.empty_table(), *tables])
    high, low = key_arrays.leading_words(documents)
    return ordered(documents.drop_columns("key"), np.lexsort((low, high)))


def documents_bytes(documents: pa.Table) -> int:
    """Return the bytes of the documents' fields, without the overhead of a format."""
    return sum(int(pc.sum(pc.binary_length(documents[name])).as_py() or 0) for name in read_write.FIELDS)


@dataclass(frozen=True, order=True)
class Shard:
    """One shard of a split of a variant, in all formats."""

    variant: str
    split: str
    index: int
    count: int

    @property
    def item(self) -> str:
        """Return the name of the shard as an item of a step."""
        return f"{self.variant}.{self.split}.{self.index:05d}-of-{self.count:05d}"


def list_shards(job: Job, sizes: Mapping[tuple[str, str], int]) -> list[Shard]:
    """Return all shards of the splits in ``sizes``. A split without documents is not there, and has no files."""
    return [
        Shard(variant, split, index, count)
        for (variant, split), size in sorted(sizes.items())
        for count in [job.shards_of(split, size)]
        for index in range(count)
    ]


def parse_shard(item: str) -> Shard:
    """Return the shard that an item's name stands for.

    >>> parse_shard("en.noblocklist.train.00003-of-00008")
    Shard(variant='en.noblocklist', split='train', index=3, count=8)
    """
    variant, split, position = item.rsplit(".", 2)
    index, count = position.split("-of-")
    return Shard(variant, split, int(index), int(count))
