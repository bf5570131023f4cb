"""The twin of ``least_of_each`` in c4pipe/dedup/resolve.py: claims are dealt by the first bytes of their keys, heaps sorted.

Equal because both say of each key which claim's rank is the least, and of equal ranks the first: here claims are sorted
by key and by where they stand, so a run of equal keys is gone through in their order, and only a lesser rank is taken.

Keys are hashes, so that the heaps are small and alike; where they are not (a line of all pages, or lines that somebody
made for it), a heap is dealt or sorted in n log n.
"""

from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_FromStringAndSize, PyByteArray_Resize
from libc.stdint cimport int64_t, uint64_t
from libc.stdlib cimport free, malloc, qsort
from libc.string cimport memcpy

cdef enum:
    HEAPS = 256  # by a byte
    FEW = 64  # sorted by insertion
    MANY = 512  # dealt by one byte more


cdef struct Claim:
    uint64_t key, low
    int64_t at


cdef inline bint less(const Claim* one, const Claim* other) noexcept nogil:
    if one.key != other.key:
        return one.key < other.key
    if one.low != other.low:
        return one.low < other.low
    return one.at < other.at


cdef int compared(const void* one, const void* other) noexcept nogil:
    return -1 if less(<const Claim*>one, <const Claim*>other) else 1  # no two stand at one place


cdef void sort_few(Claim* claims, Py_ssize_t count) noexcept nogil:
    cdef Py_ssize_t i, j
    cdef Claim one
    for i in range(1, count):
        one = claims[i]
        j = i
        while j > 0 and less(&one, &claims[j - 1]):
            claims[j] = claims[j - 1]
            j -= 1
        claims[j] = one


cdef void sort(Claim* claims, Claim* room, Py_ssize_t count, int shift) noexcept nogil:
    """Sort claims whose keys are alike above ``shift`` bits; ``room`` is for as many."""
    cdef Py_ssize_t ends[HEAPS]
    cdef Py_ssize_t i, begin, size
    cdef int heap
    if count <= FEW:
        sort_few(claims, count)
        return
    i = 1
    while i < count and less(&claims[i - 1], &claims[i]):
        i += 1
    if i == count:  # in order: all of one key are, since dealing keeps the order of equals
        return
    if count <= MANY or shift == 0:
        qsort(claims, count, sizeof(Claim), compared)
        return
    shift -= 8
    for heap in range(HEAPS):
        ends[heap] = 0
    for i in range(count):
        ends[claims[i].key >> shift & 0xFF] += 1
    begin = 0
    for heap in range(HEAPS):
        size = ends[heap]
        ends[heap] = begin
        begin += size
    for i in range(count):
        heap = claims[i].key >> shift & 0xFF
        room[ends[heap]] = claims[i]
        ends[heap] += 1
    memcpy(claims, room, count * sizeof(Claim))
    begin = 0
    for heap in range(HEAPS):
        sort(claims + begin, room, ends[heap] - begin, shift)
        begin = ends[heap]


def least_of_each(
    const uint64_t[:] key not None,
    const uint64_t[:] key_low not None,
    const uint64_t[:] rank not None,
    const uint64_t[:] rank_low not None,
):
    """Where the claim of the least rank stands for each key, by key, in 64 bits; of equal ranks the first."""
    cdef Py_ssize_t count = key.shape[0], i, found = 0
    cdef int64_t at, least
    if not key_low.shape[0] == rank.shape[0] == rank_low.shape[0] == count:
        raise ValueError("claims have a key and a rank each, of two words")
    cdef bytearray chosen = PyByteArray_FromStringAndSize(NULL, count * sizeof(int64_t))
    cdef int64_t* into = <int64_t*>PyByteArray_AS_STRING(chosen)
    cdef Claim* claims = <Claim*>malloc((2 * count + 1) * sizeof(Claim))
    if claims == NULL:
        raise MemoryError
    try:
        for i in range(count):
            claims[i] = Claim(key[i], key_low[i], i)
        sort(claims, claims + count, count, 64)
        i = 0
        while i < count:
            least = claims[i].at
            i += 1
            while i < count and claims[i].key == claims[i - 1].key and claims[i].low == claims[i - 1].low:
                at = claims[i].at
                if rank[at] < rank[least] or (rank[at] == rank[least] and rank_low[at] < rank_low[least]):
                    least = at
                i += 1
            into[found] = least
            found += 1
    finally:
        free(claims)
    PyByteArray_Resize(chosen, found * sizeof(int64_t))
    return chosen
