"""What crosses the shuffle: keys of two numbers in one integer, arrays and Arrow tables as bytes."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.ipc as ipc

from c4pipe.dedup import key_arrays

BATCH_BYTES = 16 * 2**20  # of text in an element


class ScopeKey(NamedTuple):
    """The key of an element: a scope or line scope by its number, and a slot there, which is a partition or a bucket.

    It crosses the shuffle as one integer, for which workers in any language have the same coder.
    """

    scope: int
    slot: int

    def pack(self, count: int) -> int:
        """Return the integer of this key, where a scope has ``count`` partitions or buckets.

        >>> ScopeKey(2, 3).pack(10)
        23
        """
        if self.scope < 0 or not 0 <= self.slot < count:
            raise ValueError(f"{self} has no integer: scope must be at least 0, and slot at least 0 and below {count}")
        return self.scope * count + self.slot

    @classmethod
    def unpack(cls, packed: int, count: int) -> ScopeKey:
        """Return the key that ``pack`` turned into this integer.

        >>> ScopeKey.unpack(23, 10)
        ScopeKey(scope=2, slot=3)
        """
        return cls(*divmod(packed, count))


def split_by_part(row_ids: key_arrays.RowIds, scope: int, parts: int) -> Iterator[tuple[int, bytes]]:
    """Yield the row ids of each partition under its packed key; ``row_ids`` are sorted by partition."""
    for part in np.unique(row_ids["part"]).tolist():
        yield ScopeKey(scope, part).pack(parts), key_arrays.row_ids_of_part(row_ids, part).tobytes()


def join_arrays(blobs: Iterable[bytes], dtype: np.dtype[Any]) -> key_arrays.RowIds:
    """Return arrays that crossed as bytes as one."""
    return np.frombuffer(b"".join(blobs), dtype)


def cut_into_batches(table: pa.Table) -> Iterator[pa.Table]:
    """Yield pieces of a table of about ``BATCH_BYTES`` at most, or of one document."""
    rows = max(1, len(table) * BATCH_BYTES // max(table.nbytes, 1))
    for start in range(0, len(table), rows):
        yield table.slice(start, rows)


def table_to_bytes(table: pa.Table) -> bytes:
    """Return a table as a stream of Arrow IPC."""
    sink = io.BytesIO()
    with ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def table_from_bytes(blob: bytes) -> pa.Table:
    """Return the table that ``table_to_bytes`` wrote."""
    return ipc.open_stream(blob).read_all()
