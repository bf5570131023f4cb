"""The twins of ``line_key``, ``md5`` and what ``DedupLines`` does with keys in c4pipe/dedup.py: a text in one call.

Equal because a line feed is a byte of its own in UTF-8, so lines are cut alike; blanks of ASCII are stripped here (the ten
that ``str.isspace`` knows), and a line that then begins or ends in another blank goes through ``str`` itself; each
character is lower-cased alone, by the table that ``str.lower`` uses, but for the two that this does otherwise: U+0130
becomes two characters and U+03A3 depends on those around it, so such a line goes through ``str``, too. A character takes
at most half as many bytes more where it is lower-cased (U+023A: two bytes, then three), which bounds the room.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.stdint cimport uint32_t
from libc.stdlib cimport free, malloc
from libc.string cimport memchr, memcpy


cdef extern from "Python.h":
    bint Py_UNICODE_ISSPACE(uint32_t c) nogil
    uint32_t Py_UNICODE_TOLOWER(uint32_t c) nogil
    const char *PyUnicode_AsUTF8AndSize(object text, Py_ssize_t *size) except NULL


cdef extern from "md5.h":
    uint32_t md5_pad(unsigned char *data, size_t size) nogil
    void md5_many(const unsigned char *data, const uint32_t *blocks, size_t count, unsigned char *digests) nogil


cdef enum:
    KEY_BYTES = 16
    PADDING_BYTES = 72  # of a message, at most
    LINES_AT_A_TIME = 4096


cdef inline bint _is_blank(unsigned char c) noexcept nogil:
    return c == 32 or 9 <= c <= 13 or 28 <= c <= 31


cdef inline uint32_t _character(const unsigned char *at, int *size) noexcept nogil:
    """The character that begins there in valid UTF-8, and its bytes."""
    cdef uint32_t c = at[0]
    if c < 128:
        size[0] = 1
        return c
    if c < 224:
        size[0] = 2
        return (c & 31) << 6 | (at[1] & 63)
    if c < 240:
        size[0] = 3
        return (c & 15) << 12 | (at[1] & 63) << 6 | (at[2] & 63)
    size[0] = 4
    return (c & 7) << 18 | (at[1] & 63) << 12 | (at[2] & 63) << 6 | (at[3] & 63)


cdef inline int _put(uint32_t c, unsigned char *into) noexcept nogil:
    """Write a character as UTF-8; its bytes."""
    if c < 128:
        into[0] = c
        return 1
    if c < 0x800:
        into[0] = 192 | c >> 6
        into[1] = 128 | c & 63
        return 2
    if c < 0x10000:
        into[0] = 224 | c >> 12
        into[1] = 128 | c >> 6 & 63
        into[2] = 128 | c & 63
        return 3
    into[0] = 240 | c >> 18
    into[1] = 128 | c >> 12 & 63
    into[2] = 128 | c >> 6 & 63
    into[3] = 128 | c & 63
    return 4


cdef bint _ends_in_blank(const unsigned char *line, Py_ssize_t size) noexcept nogil:
    """The first or last character is a blank."""
    cdef int width
    cdef const unsigned char *last = line + size - 1
    if size == 0:
        return False
    while last[0] & 192 == 128:
        last -= 1
    return Py_UNICODE_ISSPACE(_character(line, &width)) or Py_UNICODE_ISSPACE(_character(last, &width))


cdef Py_ssize_t _lowered(const unsigned char *line, Py_ssize_t size, unsigned char *into) noexcept nogil:
    """Lower-case a line; how many bytes that gave, -1 if ``str`` must do it."""
    cdef Py_ssize_t at = 0, used = 0
    cdef int width
    cdef uint32_t c
    while at < size:
        c = line[at]
        if c < 128:
            into[used] = c + 32 * (65 <= c <= 90)
            at += 1
            used += 1
        else:
            c = _character(line + at, &width)
            if c == 0x130 or c == 0x3A3:
                return -1
            at += width
            used += _put(Py_UNICODE_TOLOWER(c), into + used)
    return used


cdef bytes _line_keys(str text, Py_ssize_t lines):
    """The keys of so many lines, which the text has."""
    cdef Py_ssize_t size, length, line, used = 0, waiting = 0
    cdef const unsigned char *at = <const unsigned char *> PyUnicode_AsUTF8AndSize(text, &size)
    cdef const unsigned char *end = at + size
    cdef const unsigned char *stop
    cdef const unsigned char *last
    cdef bytes other
    cdef bytes keys = PyBytes_FromStringAndSize(NULL, lines * KEY_BYTES)
    cdef unsigned char *digests = <unsigned char *> PyBytes_AS_STRING(keys)
    # As MD5 takes them, at most so many lines at a time.
    cdef Py_ssize_t room = size + size // 2 + min(lines, LINES_AT_A_TIME) * PADDING_BYTES
    cdef unsigned char *messages = <unsigned char *> malloc(room)
    cdef uint32_t *blocks = <uint32_t *> malloc(min(lines, LINES_AT_A_TIME) * sizeof(uint32_t))
    try:
        if messages is NULL or blocks is NULL:
            raise MemoryError
        for line in range(lines):
            stop = <const unsigned char *> memchr(at, 10, end - at)
            if stop is NULL:
                stop = end
            last = stop
            while at < last and _is_blank(at[0]):
                at += 1
            while at < last and _is_blank((last - 1)[0]):
                last -= 1
            length = -1 if _ends_in_blank(at, last - at) else _lowered(at, last - at, messages + used)
            if length < 0:
                other = PyUnicode_DecodeUTF8(<const char *> at, last - at, NULL).strip().lower().encode()
                length = len(other)
                memcpy(messages + used, PyBytes_AS_STRING(other), length)
            blocks[waiting] = md5_pad(messages + used, length)
            used += 64 * <Py_ssize_t> blocks[waiting]
            waiting += 1
            at = stop + 1
            if waiting == LINES_AT_A_TIME or line == lines - 1:
                md5_many(messages, blocks, waiting, digests)
                digests += waiting * KEY_BYTES
                used = waiting = 0
    finally:
        free(messages)
        free(blocks)
    return keys


def line_keys(str text not None) -> bytes:
    """MD5 of each line of the text, stripped and lower-cased, one behind the other."""
    return _line_keys(text, text.count("\n") + 1)


def kept_lines(str text not None, list places not None):
    """The lines at the places, joined, and how many of all lines have a key that none of these has.

    The places are distinct, in rising order.
    """
    cdef Py_ssize_t lines = text.count("\n") + 1
    cdef bytes packed = _line_keys(text, lines)
    cdef const char *keys = PyBytes_AS_STRING(packed)
    cdef set owned = {packed[KEY_BYTES * place:KEY_BYTES * (place + 1)] for place in places}
    cdef Py_ssize_t size, line = 0, foreign = 0, used = 0, next = 0, wanted = len(places)
    cdef const char *at = PyUnicode_AsUTF8AndSize(text, &size)
    cdef const char *end = at + size
    cdef const char *stop
    cdef char *kept = <char *> malloc(size + 1)
    if kept is NULL:
        raise MemoryError
    try:
        for line in range(lines):
            stop = <const char *> memchr(at, 10, end - at)
            if stop is NULL:
                stop = end
            if next < wanted and line == <Py_ssize_t> places[next]:
                next += 1
                memcpy(kept + used, at, stop - at)
                used += stop - at + 1
                kept[used - 1] = 10
            elif PyBytes_FromStringAndSize(keys + KEY_BYTES * line, KEY_BYTES) not in owned:
                foreign += 1
            at = stop + 1
        return PyUnicode_DecodeUTF8(kept, max(used - 1, 0), NULL), foreign
    finally:
        free(kept)


def md5s(list texts not None) -> bytes:
    """MD5 of each text, one behind the other."""
    cdef Py_ssize_t size, used = 0, room = 0, i, count = len(texts)
    cdef const char *data
    cdef bytes digests = PyBytes_FromStringAndSize(NULL, count * KEY_BYTES)
    cdef unsigned char *messages = NULL
    cdef uint32_t *blocks = <uint32_t *> malloc((count + 1) * sizeof(uint32_t))
    try:
        for i in range(count):
            PyUnicode_AsUTF8AndSize(texts[i], &size)
            room += size + PADDING_BYTES
        messages = <unsigned char *> malloc(room + 1)
        if messages is NULL or blocks is NULL:
            raise MemoryError
        for i in range(count):
            data = PyUnicode_AsUTF8AndSize(texts[i], &size)
            memcpy(messages + used, data, size)
            blocks[i] = md5_pad(messages + used, size)
            used += 64 * <Py_ssize_t> blocks[i]
        md5_many(messages, blocks, count, <unsigned char *> PyBytes_AS_STRING(digests))
    finally:
        free(messages)
        free(blocks)
    return digests
