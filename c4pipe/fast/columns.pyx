"""The twins of a column's ``filter`` and ``take``: what stays is copied once, into as much room as it takes.

Equal because they copy: string n of a column is ``data[offsets[n]:offsets[n + 1]]``, and those of a run of kept ones
are ``data`` from where the first begins to where the last ends. Of a column in chunks, string n is that of the chunk
before whose end the n-th row lies.
"""

from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_FromStringAndSize
from libc.stdint cimport int64_t, uint8_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy

ctypedef const uint8_t* place

cdef struct Piece:
    place at
    Py_ssize_t size


def where(const int64_t[::1] offsets not None, const uint8_t[::1] data not None, const uint8_t[::1] kept not None):
    """The strings for which ``kept`` is not 0: where each begins and the last ends, in 64 bits, and the bytes."""
    cdef Py_ssize_t count = offsets.shape[0] - 1, some = 0, used = 0, first, i
    cdef const uint8_t* begin = &data[0]  # of none, too: it is not read then
    if kept.shape[0] != count:
        raise ValueError(f"{kept.shape[0]} strings are kept or not, but there are {count}")
    for i in range(count):
        if kept[i]:
            some += 1
            used += offsets[i + 1] - offsets[i]
    cdef bytearray bounds = PyByteArray_FromStringAndSize(NULL, 8 * (some + 1))
    cdef bytearray bytes_kept = PyByteArray_FromStringAndSize(NULL, used)
    cdef int64_t* ends = <int64_t*>PyByteArray_AS_STRING(bounds)
    cdef char* into = PyByteArray_AS_STRING(bytes_kept)
    ends[0] = some = used = i = 0
    while i < count:
        if not kept[i]:
            i += 1
            continue
        first = i
        while i < count and kept[i]:
            some += 1
            ends[some] = used + offsets[i + 1] - offsets[first]
            i += 1
        memcpy(into + used, begin + offsets[first], offsets[i] - offsets[first])
        used += offsets[i] - offsets[first]
    return bounds, bytes_kept


def ordered(list chunks not None, const int64_t[:] order not None):
    """The strings of a column in chunks, each offsets and bytes, in an order: their ends, after a 0, and bytes."""
    cdef const int64_t[::1] offsets
    cdef const uint8_t[::1] data
    cdef Py_ssize_t count = sum([max(len(chunk[0]) - 1, 0) for chunk in chunks]), used = 0, row = 0, i
    cdef bytearray bounds = PyByteArray_FromStringAndSize(NULL, 8 * (order.shape[0] + 1)), taken
    cdef int64_t* ends = <int64_t*>PyByteArray_AS_STRING(bounds)
    cdef char* into
    cdef Piece* pieces = <Piece*>malloc((count + 1) * sizeof(Piece))
    if pieces == NULL:
        raise MemoryError
    try:
        for offsets, data in chunks:
            for i in range(offsets.shape[0] - 1):
                pieces[row] = Piece(&data[0] + offsets[i], offsets[i + 1] - offsets[i])
                row += 1
        ends[0] = 0
        for i in range(order.shape[0]):
            if not 0 <= order[i] < count:
                raise IndexError(f"there is no row {order[i]} of {count}")
            used += pieces[order[i]].size
            ends[i + 1] = used
        taken = PyByteArray_FromStringAndSize(NULL, used)
        into = PyByteArray_AS_STRING(taken)
        for i in range(order.shape[0]):
            memcpy(into + ends[i], pieces[order[i]].at, pieces[order[i]].size)
    finally:
        free(pieces)
    return bounds, taken
