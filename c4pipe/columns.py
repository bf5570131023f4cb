"""Arrow columns of strings and hashes: their layout in memory, for compiled rooms and NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from c4pipe import engine

Kept = npt.NDArray[np.bool_]


def hashes(packed: bytes, size: int) -> pa.Array:
    """Return a column of hashes from their concatenation, ``size`` bytes each."""
    buffers = [None, pa.py_buffer(packed)]
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(size), len(packed) // size, buffers)


def joined(column: pa.ChunkedArray) -> pa.Array:
    """Return a chunked column as one array, without a copy if it has one chunk."""
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def utf8(column: pa.Array) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]:
    """Return offsets (n + 1, int64) and bytes of a column of strings, as compiled rooms take them."""
    return laid_out(column.cast(pa.large_string()))


def laid_out(column: pa.Array) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]:
    """Return offsets (n + 1, int64) and bytes of a column of large strings or binaries, without a copy."""
    _, offsets, data = column.buffers()
    bounds = np.frombuffer(offsets, np.int64)[column.offset : column.offset + len(column) + 1]
    return bounds, np.frombuffer(data if data is not None else b"", np.uint8)


def strings(offsets: Any, data: Any) -> pa.Array:
    """Return a column of large strings from their offsets (n + 1, int64) and their UTF-8."""
    bounds = pa.py_buffer(offsets)
    return pa.LargeStringArray.from_buffers(bounds.size // 8 - 1, bounds, pa.py_buffer(data))


def where(column: pa.Array, kept: Kept) -> pa.Array:
    """Return the values of a column without nulls whose mark in ``kept`` is set."""
    twin = engine.twin("columns")
    if twin is None or not (pa.types.is_large_string(column.type) or pa.types.is_large_binary(column.type)):
        return column.filter(pa.array(kept))
    made = strings if pa.types.is_large_string(column.type) else binaries
    return made(*twin.where(*laid_out(column), np.ascontiguousarray(kept).view(np.uint8)))


def binaries(offsets: Any, data: Any) -> pa.Array:
    """Return a column of large binaries from offsets and bytes, as ``strings`` does."""
    bounds = pa.py_buffer(offsets)
    return pa.LargeBinaryArray.from_buffers(pa.large_binary(), bounds.size // 8 - 1, [None, bounds, pa.py_buffer(data)])


def ordered(table: pa.Table, order: npt.NDArray[np.int64]) -> pa.Table:
    """Return the rows of a table in the given order. Large strings, without nulls, are copied once, chunked or not."""
    twin = engine.twin("columns")

    def take(column: pa.ChunkedArray) -> pa.Array:
        if twin is None or not pa.types.is_large_string(column.type):
            return joined(column.take(pa.array(order)))
        return strings(*twin.ordered([laid_out(chunk) for chunk in column.chunks], order))

    return pa.table([take(column) for column in table.columns], schema=table.schema)
