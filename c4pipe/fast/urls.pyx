"""The twin of ``urls.normalize``, a column of URLs a call.

Equal because all that the two patterns and the slashes at the end consist of is ASCII, which in UTF-8 is no part of
another character, and both patterns are looked for from left to right, each behind the end of the one before: the
first on the URL, the second on what that left. A period matches all but a line feed, so a tracking query ends at one.

A URL is given as UTF-8: URL n of a column is ``data[offsets[n]:offsets[n + 1]]``.
"""

from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_FromStringAndSize, PyByteArray_Resize
from libc.stdint cimport int64_t, uint8_t
from libc.string cimport memchr, memcmp

ctypedef const uint8_t* place


cdef inline Py_ssize_t _scheme(place at, place end) noexcept nogil:
    """The bytes of a scheme that begins here, with ``www.`` if that follows; 0 if none does."""
    cdef Py_ssize_t size
    if end - at < 7 or memcmp(at, "http", 4):
        return 0
    size = 5 if at[4] == c"s" else 4
    if end - at < size + 3 or memcmp(at + size, "://", 3):
        return 0
    size += 3
    return size + 4 if end - at >= size + 4 and not memcmp(at + size, "www.", 4) else size


cdef inline bint _tracks(place at, place end) noexcept nogil:
    """A tracking query begins here, at a question mark."""
    at += 1
    return (
        (end - at >= 4 and not memcmp(at, "utm_", 4))
        or (end - at >= 3 and not memcmp(at, "ref", 3))
        or (end - at >= 4 and not memcmp(at, "feed", 4))
    )


cdef Py_ssize_t _without_scheme(place at, place end, uint8_t* into) noexcept nogil:
    """Write what no scheme covers; how many bytes that is."""
    cdef uint8_t* out = into
    cdef Py_ssize_t size
    while at < end:
        if at[0] == c"h":
            size = _scheme(at, end)
            if size:
                at += size
                continue
        out[0] = at[0]
        out += 1
        at += 1
    return out - into


cdef Py_ssize_t _without_tracking(uint8_t* url, Py_ssize_t size) noexcept nogil:
    """Take tracking queries out; how many bytes are left."""
    cdef uint8_t* end = url + size
    cdef uint8_t* at = <uint8_t*>memchr(url, c"?", size)
    cdef uint8_t* out = at
    if at == NULL:
        return size
    while at < end:
        if at[0] == c"?" and _tracks(at, end):
            at = <uint8_t*>memchr(at, c"\n", end - at)
            if at == NULL:
                break
        out[0] = at[0]
        out += 1
        at += 1
    return out - url


def normalized(const int64_t[::1] offsets not None, const uint8_t[::1] data not None):
    """The normalized URLs of a column: where each begins and the last ends, in 64 bits, and the bytes."""
    cdef Py_ssize_t count = offsets.shape[0] - 1, used = 0, size, i
    cdef bytearray bounds = bytearray(8 * (count + 1))
    cdef bytearray urls = PyByteArray_FromStringAndSize(NULL, offsets[count] - offsets[0])
    cdef int64_t* ends = <int64_t*>PyByteArray_AS_STRING(bounds)
    cdef uint8_t* into = <uint8_t*>PyByteArray_AS_STRING(urls)
    cdef place begin = &data[0]  # of none, too: it is not read then
    for i in range(count):
        size = _without_scheme(begin + offsets[i], begin + offsets[i + 1], into + used)
        size = _without_tracking(into + used, size)
        while size and into[used + size - 1] == c"/":
            size -= 1
        used += size
        ends[i + 1] = used
    PyByteArray_Resize(urls, used)
    return bounds, urls
