"""The twins of ``line_key``, ``md5`` and what ``DedupLines`` does with keys, a column of texts a call.

Equal because a line feed is a byte of its own in UTF-8, so lines are cut alike; they are stripped of the characters
that ``str.isspace`` knows (``blanks.h``); each character is lower-cased alone, by the table that ``str.lower`` uses,
but for the two that this does otherwise: U+0130 becomes two characters, U+03A3 depends on those around it, so such a
line goes through ``str`` itself. A character takes at most half as many bytes more where it is lower-cased (U+023A: two
bytes, then three), which bounds the room.
A line is copied with its ASCII in lower case first, and other characters are lower-cased where they lie; one that takes
another number of bytes then has the line written anew, character by character. What is skipped has no other lower case:
U+3000 to U+9FFF, small letters of Latin-1 and Russian, U+2000 to U+203F.

A text is given as UTF-8: text n of a column is ``data[offsets[n]:offsets[n + 1]]``.
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, realloc
from libc.string cimport memchr, memcmp, memcpy


cdef extern from "Python.h":
    uint32_t Py_UNICODE_TOLOWER(uint32_t c) nogil


cdef extern from "blanks.h":
    const unsigned char *skip_blanks(const unsigned char *begin, const unsigned char *end) noexcept nogil
    const unsigned char *before_blanks(const unsigned char *begin, const unsigned char *end) noexcept nogil


cdef extern from "line_bytes.h":
    uint64_t line_feeds(const unsigned char *at, Py_ssize_t size) nogil
    Py_ssize_t line_feeds_in(const unsigned char *at, Py_ssize_t size) nogil
    ctypedef struct LineCases:
        uint16_t *lower
        uint8_t *caseless
    ctypedef bint (*line_lowering)(
        const LineCases *, const unsigned char *, Py_ssize_t, Py_ssize_t, unsigned char *
    ) noexcept nogil
    line_lowering line_choice(int lanes) nogil


cdef extern from "utf8.h":
    int lowest_bit(uint64_t bits) nogil
    int utf8_decode(const unsigned char *at, uint32_t *character) nogil


cdef extern from "md5.h":
    ctypedef struct md5_message:
        const unsigned char *whole
        const unsigned char *tail
        size_t whole_blocks
        size_t tail_blocks
    size_t md5_pad(unsigned char *tail, size_t left, uint64_t size) nogil
    void md5_many(
        const md5_message *messages, uint32_t *order, size_t count, unsigned char *digests, int at_most
    ) nogil


cdef enum:
    KEY_BYTES = 16
    BLOCK = 64  # bytes, as MD5 takes them
    PADDING_BYTES = 72  # of a message, at most
    ALL_LANES = 64  # of the widest vectors
    ENOUGH_BYTES = 1 << 18  # of the tails of messages that are hashed together, which stay in a core's cache
    MESSAGES = ENOUGH_BYTES // BLOCK  # at most: the tail of each is a block or more


cdef uint32_t lower_of[0x800]  # of those of at most two bytes
cdef LineCases cases


cdef inline int _width(uint32_t c) noexcept nogil:
    """The bytes of a character."""
    return 1 + (c >= 0x80) + (c >= 0x800) + (c >= 0x10000)


cdef void _begin() noexcept:
    cdef uint32_t c
    for c in range(1 << 16):
        if not c & 255:
            cases.caseless[c >> 8] = 1
        if Py_UNICODE_TOLOWER(c) != c or c == 0x130 or c == 0x3A3:
            cases.caseless[c >> 8] = 0
        if c < 0x800:
            lower_of[c] = Py_UNICODE_TOLOWER(c)
            cases.lower[c] = lower_of[c] if _width(lower_of[c]) == _width(c) and c != 0x130 and c != 0x3A3 else 0


_begin()


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


cdef Py_ssize_t _lowered(const unsigned char *line, Py_ssize_t size, unsigned char *into) noexcept nogil:
    """Lower-case a line; how many bytes that gave, -1 if ``str`` must do it."""
    cdef Py_ssize_t at = 0, used = 0
    cdef uint32_t c
    while at < size:
        c = line[at]
        if c < 128:
            into[used] = c + 32 * (65 <= c <= 90)
            at += 1
            used += 1
        else:
            at += utf8_decode(line + at, &c)
            if c == 0x130 or c == 0x3A3:
                return -1
            used += _put(lower_of[c] if c < 0x800 else Py_UNICODE_TOLOWER(c), into + used)
    return used


@cython.final
cdef class _Hashed:
    """Messages that wait to be hashed side by side, their tails as MD5 takes them."""

    cdef unsigned char *tails
    cdef Py_ssize_t room, used
    cdef md5_message messages[MESSAGES]
    cdef uint32_t order[MESSAGES]  # in which they are hashed
    cdef Py_ssize_t tail_at[MESSAGES]  # of those that wait: where tails are may change
    cdef size_t waiting
    cdef unsigned char *digests  # where the next go
    cdef int lanes  # no more than so many side by side
    cdef line_lowering lower

    def __cinit__(self, int lanes=ALL_LANES):
        self.lanes = lanes
        self.lower = line_choice(lanes)

    def __dealloc__(self):
        free(self.tails)

    cdef unsigned char *space(self, Py_ssize_t size) except NULL:
        """Where a tail of at most so many bytes may be written."""
        cdef Py_ssize_t needed = self.used + size + PADDING_BYTES
        cdef unsigned char *grown
        if needed > self.room:
            grown = <unsigned char *> realloc(self.tails, 2 * needed)
            if grown is NULL:
                raise MemoryError
            self.tails, self.room = grown, 2 * needed
        return self.tails + self.used

    cdef void add(self, const unsigned char *whole, Py_ssize_t blocks, Py_ssize_t left) noexcept:
        """Take in a message of whole blocks, which must stay there till it is hashed, and the bytes written there."""
        cdef md5_message *message = &self.messages[self.waiting]
        message.whole, message.whole_blocks = whole, blocks
        message.tail_blocks = md5_pad(self.tails + self.used, left, BLOCK * blocks + left)
        self.tail_at[self.waiting] = self.used
        self.used += BLOCK * <Py_ssize_t> message.tail_blocks
        self.waiting += 1
        if self.used >= ENOUGH_BYTES:
            self.hash()

    cdef void hash(self) noexcept:
        """Write the digests of all that wait."""
        cdef size_t i
        for i in range(self.waiting):
            self.messages[i].tail = self.tails + self.tail_at[i]
        md5_many(self.messages, self.order, self.waiting, self.digests, self.lanes)
        self.digests += self.waiting * KEY_BYTES
        self.used = self.waiting = 0

    cdef int add_text(self, const unsigned char *at, Py_ssize_t size) except -1:
        """Take in bytes that stay where they are."""
        cdef Py_ssize_t blocks = size // BLOCK, left = size % BLOCK
        memcpy(self.space(left), at + BLOCK * blocks, left)
        self.add(at, blocks, left)
        return 0

    cdef int add_line(self, const unsigned char *at, const unsigned char *end, const unsigned char *text_end) except -1:
        """Take in a line, stripped and lower-cased."""
        cdef unsigned char *into = self.space((end - at) + (end - at) // 2)
        cdef Py_ssize_t size
        cdef bytes other
        at = skip_blanks(at, end)
        end = before_blanks(at, end)
        size = end - at
        if not self.lower(&cases, at, size, text_end - at, into):
            size = _lowered(at, size, into)
        if size < 0:
            other = PyUnicode_DecodeUTF8(<const char *> at, end - at, NULL).lower().encode()
            size = len(other)
            memcpy(self.space(size), PyBytes_AS_STRING(other), size)
        self.add(NULL, 0, size)
        return 0

    cdef int add_lines(self, const unsigned char *at, const unsigned char *end) except -1:
        """Take in all lines of a text."""
        cdef const unsigned char *line = at
        cdef uint64_t feeds
        while at < end:
            feeds = line_feeds(at, end - at)
            while feeds:
                self.add_line(line, at + lowest_bit(feeds), end)
                line = at + lowest_bit(feeds) + 1
                feeds &= feeds - 1
            at += BLOCK
        self.add_line(line, end, end)
        return 0


cdef inline const unsigned char *_line_end(const unsigned char *at, const unsigned char *end) noexcept nogil:
    cdef const unsigned char *stop = <const unsigned char *> memchr(at, 10, end - at)
    return end if stop is NULL else stop


def line_keys(
    const int64_t[::1] offsets not None, const unsigned char[::1] data not None, int lanes=ALL_LANES
):
    """MD5 of each line of the texts, stripped and lower-cased, one behind the other, as strings are given.

    Returned are where those of each text begin and the last end, 64 bits, and the bytes.
    """
    cdef Py_ssize_t count = offsets.shape[0] - 1, lines = 0, i
    cdef bytearray bounds = bytearray(8 * (count + 1))
    cdef int64_t *ends = <int64_t *> <char *> bounds
    cdef const unsigned char *begin = &data[0]  # of none, too: it is not read then
    for i in range(count):
        lines += line_feeds_in(begin + offsets[i], offsets[i + 1] - offsets[i]) + 1
        ends[i + 1] = lines * KEY_BYTES
    cdef bytes keys = PyBytes_FromStringAndSize(NULL, lines * KEY_BYTES)
    cdef _Hashed hashed = _Hashed(lanes)
    hashed.digests = <unsigned char *> PyBytes_AS_STRING(keys)
    for i in range(count):
        hashed.add_lines(begin + offsets[i], begin + offsets[i + 1])
    hashed.hash()
    return bounds, keys


def md5s(
    const int64_t[::1] offsets not None, const unsigned char[::1] data not None, int lanes=ALL_LANES
) -> bytes:
    """MD5 of each text, one behind the other; no more than so many lanes of a vector side by side."""
    cdef Py_ssize_t count = offsets.shape[0] - 1, i
    cdef bytes digests = PyBytes_FromStringAndSize(NULL, count * KEY_BYTES)
    cdef const unsigned char *begin = &data[0]  # of none, too: it is not read then
    cdef _Hashed hashed = _Hashed(lanes)
    hashed.digests = <unsigned char *> PyBytes_AS_STRING(digests)
    for i in range(count):
        hashed.add_text(begin + offsets[i], offsets[i + 1] - offsets[i])
    hashed.hash()
    return digests


cdef struct Owned:
    const unsigned char *keys
    int64_t *slots  # of a table of keys: a line and one more; 0: free
    uint64_t mask


cdef inline uint64_t _slot(const Owned *owned, Py_ssize_t line) noexcept nogil:
    """Where the key of a line is in the table, or may be put."""
    cdef const unsigned char *key = owned.keys + KEY_BYTES * line
    cdef uint64_t slot
    memcpy(&slot, key, sizeof(slot))
    slot &= owned.mask
    while owned.slots[slot] and memcmp(owned.keys + KEY_BYTES * (owned.slots[slot] - 1), key, KEY_BYTES):
        slot = (slot + 1) & owned.mask
    return slot


cdef Py_ssize_t _foreign(
    const unsigned char *keys, Py_ssize_t lines, const uint32_t *places, Py_ssize_t wanted
) except -1:
    """How many lines have a key that none at the places has."""
    cdef Owned owned
    cdef Py_ssize_t line, foreign = 0
    owned.keys, owned.mask = keys, 1
    while owned.mask < 2 * <uint64_t> wanted:
        owned.mask *= 2
    owned.slots = <int64_t *> calloc(owned.mask, sizeof(int64_t))
    if owned.slots is NULL:
        raise MemoryError
    owned.mask -= 1
    for line in range(wanted):
        owned.slots[_slot(&owned, places[line])] = places[line] + 1
    for line in range(lines):
        foreign += owned.slots[_slot(&owned, line)] == 0
    free(owned.slots)
    return foreign


cdef Py_ssize_t _keep(
    const unsigned char *at, const unsigned char *end, const uint32_t *places, Py_ssize_t wanted, unsigned char *into
) except -1:
    """Write the lines at the places, with line feeds between; how many bytes that gave."""
    cdef Py_ssize_t line = 0, next, used = 0
    cdef const unsigned char *stop
    for next in range(wanted):
        while line < <Py_ssize_t> places[next] and at <= end:
            at = _line_end(at, end) + 1
            line += 1
        if at > end:
            raise ValueError(f"a text has keys of more lines than the {line} that it has")
        stop = _line_end(at, end)
        if next:
            into[used] = 10
            used += 1
        memcpy(into + used, at, stop - at)
        used += stop - at
        at = stop + 1
        line += 1
    return used


def kept_lines(
    const int64_t[::1] offsets not None,
    const unsigned char[::1] data not None,
    const int64_t[::1] key_offsets not None,
    const unsigned char[::1] key_data not None,
    const int64_t[::1] bounds not None,
    const uint32_t[::1] places not None,
):
    """What is left of each text by ``places[bounds[n]:bounds[n + 1]]``, the lines that it keeps, in rising order.

    The keys are those of ``line_keys``. Returned are the texts, as offsets and bytes; and of each how many lines have a
    key that none of the kept has. All numbers have 64 bits.
    """
    cdef Py_ssize_t count = offsets.shape[0] - 1, i, lines, wanted, used = 0
    cdef bytearray kept = bytearray(offsets[count] - offsets[0])
    cdef bytearray kept_offsets = bytearray(8 * (count + 1))
    cdef bytearray others = bytearray(8 * count)
    cdef int64_t *ends = <int64_t *> <char *> kept_offsets
    cdef int64_t *foreign = <int64_t *> <char *> others
    cdef unsigned char *into = <unsigned char *> <char *> kept
    cdef const unsigned char *begin = &data[0]  # of none, too: it is not read then
    cdef const unsigned char *keys = &key_data[0]
    cdef const unsigned char *at
    cdef const unsigned char *end
    cdef const uint32_t *chosen = &places[0]
    for i in range(count):
        at, end, wanted = begin + offsets[i], begin + offsets[i + 1], bounds[i + 1] - bounds[i]
        lines = (key_offsets[i + 1] - key_offsets[i]) // KEY_BYTES
        if wanted and chosen[bounds[i + 1] - 1] >= lines:
            raise ValueError(f"text {i} keeps line {chosen[bounds[i + 1] - 1]}, but has {lines} keys")
        if wanted == lines:
            memcpy(into + used, at, end - at)
            used += end - at
        elif wanted == 0:
            foreign[i] = lines
        else:
            foreign[i] = _foreign(keys + key_offsets[i], lines, chosen + bounds[i], wanted)
            used += _keep(at, end, chosen + bounds[i], wanted, into + used)
        ends[i + 1] = used
    del kept[used:]
    return kept_offsets, kept, others
