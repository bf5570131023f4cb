"""The twin of ``line_key`` in c4pipe/dedup.py: the keys of all lines of a text in one call.

Equal because: a line of ASCII alone is stripped and lower-cased byte by byte, which is what ``str.strip`` (of the ten
characters below U+0080 that ``str.isspace`` knows) and ``str.lower`` do with it; any other line goes through
``str.strip`` and ``str.lower`` themselves. A line feed is a byte of its own in UTF-8, so lines are cut alike.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.stdlib cimport free, malloc
from libc.string cimport memchr


cdef extern from "Python.h":
    const char *PyUnicode_AsUTF8AndSize(object text, Py_ssize_t *size) except NULL


cdef extern from "md5.h":
    void md5_digest(const unsigned char *data, size_t size, unsigned char *digest) nogil


DEF KEY_BYTES = 16


cdef inline bint _is_blank(unsigned char c) noexcept nogil:
    return c == 32 or 9 <= c <= 13 or 28 <= c <= 31


cdef inline Py_ssize_t _lowered(const unsigned char *line, Py_ssize_t size, unsigned char *into) noexcept nogil:
    """Lower-case a line of ASCII; -1 if it is none."""
    cdef Py_ssize_t i
    cdef unsigned char c, seen = 0
    for i in range(size):
        c = line[i]
        seen |= c
        into[i] = c + 32 * (65 <= c <= 90)
    return -1 if seen & 128 else size


def line_keys(str text not None) -> bytes:
    """MD5 of each line of the text, stripped and lower-cased, one behind the other."""
    cdef Py_ssize_t size, length
    cdef const unsigned char *at = <const unsigned char *> PyUnicode_AsUTF8AndSize(text, &size)
    cdef const unsigned char *end = at + size
    cdef const unsigned char *stop
    cdef const unsigned char *last
    cdef Py_ssize_t lines = text.count("\n") + 1
    cdef bytes keys = PyBytes_FromStringAndSize(NULL, lines * KEY_BYTES)
    cdef unsigned char *digest = <unsigned char *> PyBytes_AS_STRING(keys)
    cdef unsigned char *lowered = <unsigned char *> malloc(size + 1)
    cdef bytes other
    if lowered is NULL:
        raise MemoryError
    try:
        for _ in range(lines):
            stop = <const unsigned char *> memchr(at, 10, end - at)
            if stop is NULL:
                stop = end
            last = stop
            while at < last and _is_blank(at[0]):
                at += 1
            while at < last and _is_blank((last - 1)[0]):
                last -= 1
            length = _lowered(at, last - at, lowered)
            if length >= 0:
                md5_digest(lowered, length, digest)
            else:
                other = PyUnicode_DecodeUTF8(<const char *> at, last - at, NULL).strip().lower().encode()
                md5_digest(<const unsigned char *> PyBytes_AS_STRING(other), len(other), digest)
            digest += KEY_BYTES
            at = stop + 1
    finally:
        free(lowered)
    return keys
