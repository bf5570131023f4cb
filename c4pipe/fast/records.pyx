"""A regular gzip member, inflated, as the fields of its page: the twin of ``warc_records`` and ``wet.page_text``.

Only what the plain rooms take in one step, without a fault and without looking beyond the member, is taken here; for
all else the answer is None, and they decide. Why what is taken is the same:

- *One record.* The data begin with a version line, so no junk is before it. Every line behind it up to the first empty
  one is ``name:value`` with a name of letters, digits and hyphens, so that empty line is what ends the header there
  (no line of blanks, no ``WARC/`` line is before it), and a value is printable ASCII without a carriage return, so
  that the fields are those of ``header_fields``, and ``strip`` takes off blanks (0x20) alone. Content-Length is a
  number within the limit, and behind that many bytes there are at most ``BLANKS_MAX`` blank ones, and the end.
- *Text.* A carriage return ends a line as a line feed does. Of each line the blanks at both ends go (``blank_size``:
  the 29 characters of ``str.isspace``, by their UTF-8), then empty lines and those with a prefix of ``metadata``. A
  blank is a whole character that begins with no continuation byte: what is left is valid UTF-8 if and only if the body
  is, line by line, and dropped lines are decoded, too. Lines that stay as they are, with a line feed between them,
  remain one piece; a body of one piece is not copied.
- *str.* A character is one byte that does not continue another, so their number is known beforehand; the greatest byte
  tells how wide the widest is: below 0xC4 it is under U+0100, below 0xF0 under U+10000. Overlong forms, surrogates and
  all else that Python's strict decoder refuses are refused.
"""

from cpython.mem cimport PyMem_Free, PyMem_Malloc
from libc.stdint cimport int8_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memchr, memcmp, memcpy, memset

cdef extern from "Python.h":
    object PyUnicode_New(Py_ssize_t size, Py_UCS4 maxchar)
    void* PyUnicode_DATA(object text)
    object PyUnicode_DecodeASCII(const char* data, Py_ssize_t size, const char* errors)
    char* PyBytes_AS_STRING(object data)
    Py_ssize_t PyBytes_GET_SIZE(object data)

cdef extern from "vectors.h":
    uint64_t line_ends_64(const uint8_t* at) noexcept
    uint32_t widen_16_uint8_t(const uint8_t* at, uint8_t* out) noexcept
    uint32_t widen_16_uint16_t(const uint8_t* at, uint16_t* out) noexcept
    uint32_t widen_16_uint32_t(const uint8_t* at, uint32_t* out) noexcept
    int lowest_bit(uint64_t bits) noexcept

ctypedef const uint8_t* place

ctypedef fused unit:
    uint8_t
    uint16_t
    uint32_t

ctypedef struct Lines:
    place at  # where the next line begins
    place end
    place piece  # of lines that stay as they are
    place piece_end  # NULL: there is none yet
    uint8_t* copy  # of the pieces before it, each with a line feed behind
    Py_ssize_t copied

cdef enum:
    HEADER_MAX = 16384  # bytes; the plain room's own limit is higher
    BLANKS_MAX = 64  # bytes behind a body
    DIGITS_MAX = 18  # of a Content-Length
    TAKEN = 4  # fields
    BLOCK = 128  # bytes of which a byte counts those of a kind


cdef class Regular:
    """Takes the data of a gzip member and returns its fields, or None where it is not regular.

    ``names`` are those of four fields, in lower case: the address, the date, the type and the length of the body. The
    result is address, text, date, type and length; a field that is not there is empty.
    """

    cdef Py_ssize_t _limit
    cdef tuple _names, _prefixes
    cdef uint8_t _watched[256]  # first bytes of lines that must be looked at
    cdef uint8_t _ends[256]  # last bytes of lines that must be

    def __init__(self, *, record_bytes_max, names, metadata):
        self._limit = record_bytes_max
        self._names = tuple(name.encode("ascii") for name in names)
        self._prefixes = tuple(prefix.encode("ascii") for prefix in metadata)
        if len(self._names) != TAKEN or not all(self._prefixes):
            raise ValueError(f"{TAKEN} names are needed, and prefixes that are not empty: {names!r}, {metadata!r}")
        cdef int byte
        for byte in range(256):
            self._ends[byte] = byte <= 0x20 or byte >= 0x80
            self._watched[byte] = self._ends[byte]
        for prefix in self._prefixes:
            self._watched[<uint8_t>prefix[0]] = 1

    def __call__(self, bytes data not None):
        """Return ``(url, text, timestamp, content type, content length)``, None if the member is not regular."""
        cdef place begin = <place>PyBytes_AS_STRING(data)
        cdef place end = begin + PyBytes_GET_SIZE(data)
        cdef place value[TAKEN]
        cdef Py_ssize_t size[TAKEN]
        memset(size, 0, sizeof(size))
        cdef place body = self._header(begin, end, value, size)
        if body == NULL:
            return None
        cdef int64_t length = number(value[3], size[3])
        if length < 0 or length > self._limit or length > end - body:
            return None
        cdef place body_end = body + <Py_ssize_t>length
        if not blank(body_end, end):
            return None
        text = self._text(body, body_end)
        if text is None:
            return None
        url = string(value[0], size[0])
        timestamp = string(value[1], size[1])
        return url, text, timestamp, string(value[2], size[2]), string(value[3], size[3])

    cdef place _header(self, place at, place end, place* value, Py_ssize_t* size):
        """Note the fields, and return where the body begins; NULL if the header is not regular."""
        cdef place line_end, first, last, colon
        cdef int i
        if end - at > HEADER_MAX:
            end = at + HEADER_MAX
        if end - at < 9 or memcmp(at, b"WARC/", 5) or not digit(at[5]) or at[6] != c"." or not digit(at[7]):
            return NULL
        at += 8
        if at[0] == c"\r":
            at += 1
        if at == end or at[0] != c"\n":
            return NULL
        at += 1
        while True:
            line_end = <place>memchr(at, c"\n", end - at)
            if line_end == NULL:
                return NULL
            last = line_end
            if last > at and (last - 1)[0] == c"\r":
                last -= 1
            if last == at:
                return line_end + 1
            colon = at
            while colon < last and name_byte(colon[0]):
                colon += 1
            if colon == at or colon == last or colon[0] != c":":
                return NULL
            first = colon + 1
            for i in range(last - first):
                if first[i] < 0x20 or first[i] > 0x7E:
                    return NULL
            while first < last and first[0] == c" ":
                first += 1
            while first < last and (last - 1)[0] == c" ":
                last -= 1
            for i in range(TAKEN):
                if is_name(at, colon - at, self._names[i]):
                    value[i] = first
                    size[i] = last - first
            at = line_end + 1

    cdef object _text(self, place begin, place end):
        """Return the lines that are text; None if a byte of the body is no UTF-8."""
        cdef Lines lines = Lines(begin, end, begin, NULL, NULL, 0)
        try:
            if not self._take(&lines):
                return None
            if lines.piece_end == NULL:
                return ""
            if lines.copy == NULL:
                return decoded(lines.piece, lines.piece_end - lines.piece)
            put_away(&lines)
            return decoded(lines.copy, lines.copied - 1)
        finally:
            PyMem_Free(lines.copy)

    cdef bint _take(self, Lines* lines) except -1:
        """Take the lines that are text; False if one of the others is no UTF-8."""
        cdef place block = lines.at
        cdef place line_end
        cdef uint64_t ends
        while lines.end - block >= 64:
            ends = line_ends_64(block)
            while ends:
                line_end = block + lowest_bit(ends)
                ends &= ends - 1
                if not self._take_line(lines, line_end):
                    return False
            block += 64
        while block < lines.end:
            if block[0] == c"\n" or block[0] == c"\r":
                if not self._take_line(lines, block):
                    return False
            block += 1
        return self._take_line(lines, lines.end)

    cdef inline bint _take_line(self, Lines* lines, place line_end) except -1:
        """Take the line that ends there, if it is text, and move behind it; False if it is not, and no UTF-8."""
        cdef place first = lines.at
        cdef place last = line_end
        lines.at = line_end + 1
        if first == last:
            return True
        if self._watched[first[0]] or self._ends[(last - 1)[0]]:
            first = skip_blanks(first, last)
            last = before_blanks(first, last)
            if first == last:
                return True
            if self._is_metadata(first, last):
                return decoded(first, last - first) is not None
        if lines.piece_end != NULL and first == lines.piece_end + 1 and lines.piece_end[0] == c"\n":
            lines.piece_end = last
            return True
        if lines.piece_end != NULL:
            put_away(lines)
        lines.piece = first
        lines.piece_end = last
        return True

    cdef bint _is_metadata(self, place first, place last):
        for prefix in self._prefixes:
            if last - first >= PyBytes_GET_SIZE(prefix) and first[0] == <uint8_t>PyBytes_AS_STRING(prefix)[0]:
                if not memcmp(first, PyBytes_AS_STRING(prefix), PyBytes_GET_SIZE(prefix)):
                    return True
        return False


cdef int put_away(Lines* lines) except -1:
    """Copy the piece, so that another can be begun."""
    cdef Py_ssize_t size = lines.piece_end - lines.piece
    if lines.copy == NULL:  # the piece is the first: what is copied in all is no more than from there to the end
        lines.copy = <uint8_t*>PyMem_Malloc(lines.end - lines.piece + 1)
        if lines.copy == NULL:
            raise MemoryError
    memcpy(lines.copy + lines.copied, lines.piece, size)
    lines.copy[lines.copied + size] = c"\n"
    lines.copied += size + 1
    return 0


cdef inline bint digit(uint8_t byte) noexcept:
    return c"0" <= byte <= c"9"


cdef inline bint name_byte(uint8_t byte) noexcept:
    return c"a" <= byte <= c"z" or c"A" <= byte <= c"Z" or c"0" <= byte <= c"9" or byte == c"-"


cdef inline bint is_name(place at, Py_ssize_t size, bytes name) noexcept:
    """The letters, digits and hyphens are the name, in whatever case: 0x20 makes them lower and changes none else."""
    cdef const char* lower = PyBytes_AS_STRING(name)
    cdef Py_ssize_t i
    if size != PyBytes_GET_SIZE(name):
        return False
    for i in range(size):
        if (at[i] | 0x20) != <uint8_t>lower[i]:
            return False
    return True


cdef int64_t number(place at, Py_ssize_t size) noexcept:
    """The number that the digits write, -1 if they are none or too many."""
    cdef int64_t found = 0
    cdef Py_ssize_t i
    if not 0 < size <= DIGITS_MAX:
        return -1
    for i in range(size):
        if not digit(at[i]):
            return -1
        found = 10 * found + (at[i] - c"0")
    return found


cdef bint blank(place at, place end) noexcept:
    """Nothing but a few blank bytes is there, as ``\\s`` means it of bytes."""
    if end - at > BLANKS_MAX:
        return False
    while at < end:
        if not (at[0] == 0x20 or 0x09 <= at[0] <= 0x0D):
            return False
        at += 1
    return True


cdef inline object string(place at, Py_ssize_t size):
    return PyUnicode_DecodeASCII(<const char*>at, size, NULL) if size else ""


cdef inline int blank_size(place at, Py_ssize_t size) noexcept:
    """How many bytes the blank character takes that is there; 0 if none is."""
    cdef uint8_t byte = at[0]
    if byte < 0x80:
        return 0x09 <= byte <= 0x0D or 0x1C <= byte <= 0x20
    if byte == 0xC2:
        return 2 if size >= 2 and (at[1] == 0x85 or at[1] == 0xA0) else 0
    if size < 3 or not 0xE1 <= byte <= 0xE3:
        return 0
    if byte == 0xE1:  # U+1680
        return 3 if at[1] == 0x9A and at[2] == 0x80 else 0
    if byte == 0xE3:  # U+3000
        return 3 if at[1] == 0x80 and at[2] == 0x80 else 0
    if at[1] == 0x80:  # U+2000 to U+200A, U+2028, U+2029, U+202F
        return 3 if 0x80 <= at[2] <= 0x8A or at[2] == 0xA8 or at[2] == 0xA9 or at[2] == 0xAF else 0
    return 3 if at[1] == 0x81 and at[2] == 0x9F else 0  # U+205F


cdef place skip_blanks(place first, place last) noexcept:
    cdef int size
    while first < last:
        size = blank_size(first, last - first)
        if not size:
            break
        first += size
    return first


cdef place before_blanks(place first, place last) noexcept:
    cdef int size
    while first < last:
        for size in range(1, 4):
            if last - first >= size and blank_size(last - size, size) == size:
                last -= size
                break
        else:
            break
    return last


cdef object decoded(place at, Py_ssize_t size):
    """Return UTF-8 as a string, None if it is not valid."""
    cdef uint8_t greatest = 0
    cdef Py_ssize_t length = measure(at, size, &greatest)
    cdef bint valid
    if greatest < 0x80:
        text = PyUnicode_New(size, 0x7F)
        memcpy(PyUnicode_DATA(text), at, size)
        return text
    if greatest < 0xC4:
        text = PyUnicode_New(length, 0xFF)
        valid = decode[uint8_t](at, size, <uint8_t*>PyUnicode_DATA(text), length)
    elif greatest < 0xF0:
        text = PyUnicode_New(length, 0xFFFF)
        valid = decode[uint16_t](at, size, <uint16_t*>PyUnicode_DATA(text), length)
    else:
        text = PyUnicode_New(length, 0x10FFFF)
        valid = decode[uint32_t](at, size, <uint32_t*>PyUnicode_DATA(text), length)
    return text if valid else None


cdef Py_ssize_t measure(place at, Py_ssize_t size, uint8_t* greatest) noexcept:
    """Count the bytes that continue no character, and find the greatest byte."""
    cdef place end = at + size
    cdef Py_ssize_t length = 0
    cdef uint8_t count, most = 0
    cdef int i
    while end - at >= BLOCK:
        count = 0
        for i in range(BLOCK):
            count += <int8_t>at[i] > -65
            most = most if most > at[i] else at[i]
        length += count
        at += BLOCK
    while at < end:
        length += <int8_t>at[0] > -65
        most = most if most > at[0] else at[0]
        at += 1
    greatest[0] = most
    return length


cdef inline uint32_t widen(place at, unit* out) noexcept:
    """Write 16 bytes as characters; a bit for each of them that is not ASCII."""
    if unit is uint8_t:
        return widen_16_uint8_t(at, out)
    elif unit is uint16_t:
        return widen_16_uint16_t(at, out)
    else:
        return widen_16_uint32_t(at, out)


cdef bint decode(place at, Py_ssize_t size, unit* out, Py_ssize_t length) noexcept:
    """Write the characters, each of which has one byte of those that were counted; False if it is not valid UTF-8."""
    cdef place end = at + size
    cdef unit* out_end = out + length
    cdef uint32_t high
    cdef uint32_t character
    cdef uint8_t byte
    cdef int i
    while at < end:
        if end - at >= 16 and out_end - out >= 16:  # all are written, the ASCII among the first of them count
            high = widen(at, out)
            i = lowest_bit(high) if high else 16
            at += i
            out += i
            if not high:
                continue
        byte = at[0]
        if byte < 0x80:
            out[0] = byte
            at += 1
            out += 1
            continue
        while True:
            if byte < 0xE0:
                if byte < 0xC2 or end - at < 2 or at[1] & 0xC0 != 0x80:
                    return False
                out[0] = <unit>((byte & 0x1F) << 6 | (at[1] & 0x3F))
                at += 2
            elif unit is uint8_t:
                return False
            elif byte < 0xF0:
                if end - at < 3 or at[1] & 0xC0 != 0x80 or at[2] & 0xC0 != 0x80:
                    return False
                character = (byte & 0x0F) << 12 | (at[1] & 0x3F) << 6 | (at[2] & 0x3F)
                if character < 0x800 or 0xD800 <= character <= 0xDFFF:
                    return False
                out[0] = <unit>character
                at += 3
            elif unit is uint16_t:
                return False
            else:
                if end - at < 4 or at[1] & 0xC0 != 0x80 or at[2] & 0xC0 != 0x80 or at[3] & 0xC0 != 0x80:
                    return False
                character = (byte & 0x07) << 18 | (at[1] & 0x3F) << 12 | (at[2] & 0x3F) << 6 | (at[3] & 0x3F)
                if byte > 0xF4 or character < 0x10000 or character > 0x10FFFF:
                    return False
                out[0] = <unit>character
                at += 4
            out += 1
            if at == end:
                break
            byte = at[0]
            if byte < 0x80:
                break
    return True
