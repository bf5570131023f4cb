"""Regular gzip members as columns of pages: the twin of ``gzip_file``, ``records`` and ``wet.page_text``.

Only what the plain rooms take in one step, without a fault and without looking beyond the member, is taken here; for
all else the answer is None, and they decide. Why what is taken is the same:

- *Inflated.* ``inflate.h`` takes a member only if zlib would inflate it without an error, to the same bytes.
- *One record.* The data begin with a version line, so no junk is before it. Every line behind it up to the first empty
  one is ``name:value`` with a name of letters, digits and hyphens, so that empty line is what ends the header there
  (no line of blanks, no ``WARC/`` line is before it), and a value is printable ASCII without a carriage return, so
  that the fields are those of ``header_fields``, and ``strip`` takes off blanks (0x20) alone. Content-Length is a
  number within the limit, and behind that many bytes there are at most ``BLANKS_MAX`` blank ones, and the end.
- *Text.* The body is valid UTF-8 (``validity.h``), checked whole: overlong forms, surrogates and all else that Python's
  strict decoder refuses are refused. A carriage return ends a line as a line feed does. Of each line the blanks at both
  ends go (``blanks.h``: the characters of ``str.isspace``), then empty lines and those with a prefix of ``metadata``.
  A blank is a whole character, so what is left is valid.
"""

from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_FromStringAndSize, PyByteArray_Resize
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memchr, memcmp, memcpy, memset

cdef extern from "Python.h":
    char* PyBytes_AS_STRING(object data)
    Py_ssize_t PyBytes_GET_SIZE(object data)

cdef extern from "vectors.h":
    uint64_t line_ends_64(const uint8_t* at) noexcept
    int lowest_bit(uint64_t bits) noexcept

cdef extern from "blanks.h":
    const uint8_t* skip_blanks(const uint8_t* begin, const uint8_t* end) noexcept
    const uint8_t* before_blanks(const uint8_t* begin, const uint8_t* end) noexcept

cdef extern from "validity.h":
    bint utf8_valid(const uint8_t* at, const uint8_t* end) noexcept
    bint utf8_valid_anywhere(const uint8_t* at, const uint8_t* end) noexcept

cdef extern from "inflate.h":
    enum:
        INFLATE_SLACK
    ctypedef struct Tables "Inflater":
        pass
    void crc32_begin() noexcept
    uint32_t crc32_of(const uint8_t* at, Py_ssize_t size, int at_most) noexcept
    void inflater_begin(Tables* tables) noexcept
    Py_ssize_t inflate_member(
        Tables* tables, const uint8_t* data, Py_ssize_t size, uint8_t* out, Py_ssize_t most, Py_ssize_t* made) noexcept

crc32_begin()

ctypedef const uint8_t* place

ctypedef struct Lines:
    place at  # where the next line begins
    place piece  # of lines that stay as they are
    place piece_end  # NULL: there is none yet
    uint8_t* out  # where the next piece goes, a line feed before it but for the first

cdef enum:
    HEADER_MAX = 16384  # bytes; the plain room's own limit is higher
    BLANKS_MAX = 64  # bytes behind a body
    DIGITS_MAX = 18  # of a Content-Length
    TAKEN = 4  # fields of a header
    TEXT = 1  # its place among the columns: address, text, date, type, length
    COLUMNS = 5
    IRREGULAR = -1


cdef class Column:
    """Strings one behind the other, and where each ends."""

    cdef bytearray data
    cdef bytearray ends
    cdef Py_ssize_t used, count

    def __cinit__(self):
        self.begin()

    cdef int begin(self) except -1:
        """Begin anew, with room for somewhat more than there was: what grows is copied."""
        cdef Py_ssize_t size = self.used + self.used // 4
        self.data, self.ends = PyByteArray_FromStringAndSize(NULL, size), bytearray(8 * (self.count + 1))
        self.used = self.count = 0
        return 0

    cdef uint8_t* space(self, Py_ssize_t size) except NULL:
        """Where as many bytes may be written."""
        if self.used + size > len(self.data):
            PyByteArray_Resize(self.data, 2 * (self.used + size))
        return <uint8_t*>PyByteArray_AS_STRING(self.data) + self.used

    cdef int end(self, Py_ssize_t size) except -1:
        """Take in the string of so many bytes that was written there."""
        self.used += size
        self.count += 1
        if 8 * (self.count + 1) > len(self.ends):
            PyByteArray_Resize(self.ends, 16 * (self.count + 1))
        (<int64_t*>PyByteArray_AS_STRING(self.ends))[self.count] = self.used
        return 0

    cdef int add(self, place at, Py_ssize_t size) except -1:
        cdef uint8_t* to = self.space(size)
        if size:
            memcpy(to, at, size)
        return self.end(size)

    cdef void drop(self) noexcept:
        """Take the last string back."""
        self.count -= 1
        self.used = (<int64_t*>PyByteArray_AS_STRING(self.ends))[self.count]

    cdef tuple taken(self):
        """Return offsets, in 64 bits, and bytes, and begin anew."""
        cdef bytearray data = self.data, ends = self.ends
        PyByteArray_Resize(data, self.used)
        PyByteArray_Resize(ends, 8 * (self.count + 1))
        self.begin()
        return ends, data


cdef class Inflater:
    """Inflates gzip members of at most ``whole_bytes`` to at most ``whole_max_bytes``, one at a time."""

    cdef Tables* _tables
    cdef uint8_t* inflated
    cdef readonly Py_ssize_t whole_bytes, whole_max_bytes

    def __cinit__(self, Py_ssize_t whole_bytes, Py_ssize_t whole_max_bytes):
        if whole_bytes < 0 or whole_max_bytes < 0:
            raise ValueError(
                f"a member of {whole_bytes} bytes inflates to {whole_max_bytes} at most, but neither can be negative"
            )
        self.whole_bytes, self.whole_max_bytes = whole_bytes, whole_max_bytes
        self._tables = <Tables*>malloc(sizeof(Tables))
        self.inflated = <uint8_t*>malloc(whole_max_bytes + INFLATE_SLACK)
        if self._tables == NULL or self.inflated == NULL:
            raise MemoryError
        inflater_begin(self._tables)

    def __dealloc__(self):
        free(self._tables)
        free(self.inflated)

    cdef Py_ssize_t member(self, place at, Py_ssize_t size, Py_ssize_t* made) noexcept:
        """Inflate the member that begins with these bytes; how many are its own, 0 if it is not taken."""
        return inflate_member(self._tables, at, min(size, self.whole_bytes), self.inflated, self.whole_max_bytes, made)

    def __call__(self, bytearray buffer not None, Py_ssize_t at):
        """Return what the member at ``at`` inflates to, and where it ends; None if it is not taken."""
        cdef Py_ssize_t made, size
        if not 0 <= at <= <Py_ssize_t>len(buffer):
            raise IndexError(f"there is no byte {at} of {len(buffer)}")
        size = self.member(<place>PyByteArray_AS_STRING(buffer) + at, len(buffer) - at, &made)
        return (self.inflated[:made], at + size) if size else None


cdef class Regular:
    """Takes gzip members, a page each where they are regular, and keeps their fields in columns.

    A member is regular only if the ``inflater`` takes it. ``names`` are those of four fields, in lower case: the
    address, the date, the type and the length of the body. The columns are address, text, date, type and length; a
    field that is not there is empty. They are full with so many ``pages``, or ``bytes`` of text.
    """

    cdef Inflater _inflater
    cdef Py_ssize_t _limit
    cdef tuple _names, _prefixes
    cdef uint8_t _watched[256]  # first bytes of lines that must be looked at
    cdef uint8_t _ends[256]  # last bytes of lines that must be
    cdef list _columns
    cdef Py_ssize_t _most_pages, _most_bytes

    def __init__(self, Inflater inflater not None, *, record_bytes_max, names, metadata, pages, bytes):
        self._inflater = inflater
        self._limit = record_bytes_max
        self._most_pages, self._most_bytes = pages, bytes
        self._names = tuple(name.encode("ascii") for name in names)
        self._prefixes = tuple(prefix.encode("ascii") for prefix in metadata)
        self._columns = [Column() for _ in range(COLUMNS)]
        if len(self._names) != TAKEN or not all(self._prefixes):
            raise ValueError(f"{TAKEN} names are needed, and prefixes that are not empty: {names!r}, {metadata!r}")
        cdef int byte
        for byte in range(256):
            self._ends[byte] = byte <= 0x20 or byte >= 0x80
            self._watched[byte] = self._ends[byte]
        for prefix in self._prefixes:
            self._watched[<uint8_t>prefix[0]] = 1

    def __call__(self, bytearray buffer not None, Py_ssize_t at, Py_ssize_t end):
        """Take pages in, from the place of a member on; the last member begins before ``end``.

        It ends where a member is not regular, where the columns are full, and behind a page that lacks a field.
        Returned are how many pages lack nothing and which fields one more lacks, a bit each, 0 if there is none, or
        None if no page was taken in; and the place where it ended.
        """
        cdef Py_ssize_t whole = 0, made, size, last = len(buffer)
        cdef place data = <place>PyByteArray_AS_STRING(buffer)
        cdef int lacks
        cdef Column text = self._columns[TEXT]
        if not 0 <= at <= end <= last:
            raise IndexError(f"there are no bytes {at} to {end} of {last}")
        while at < end and text.count < self._most_pages and text.used < self._most_bytes:
            size = self._inflater.member(data + at, last - at, &made)
            lacks = self._member(self._inflater.inflated, made) if size else IRREGULAR
            if lacks == IRREGULAR:
                break
            at += size
            if lacks:
                return (whole, lacks), at
            whole += 1
            if at < last and data[at] == 0:
                break  # padding
        return (whole, 0) if whole else None, at

    def take(self, bytes data not None):
        """Take the page of a member in; return which fields it lacks, a bit each, None if the member is not regular."""
        cdef int lacks = self._member(<place>PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data))
        return None if lacks == IRREGULAR else lacks

    cdef int _member(self, place begin, Py_ssize_t data_size) except? IRREGULAR:
        cdef place end = begin + data_size
        cdef place value[TAKEN]
        cdef Py_ssize_t size[TAKEN]
        memset(size, 0, sizeof(size))
        cdef place body = self._header(begin, end, value, size)
        if body == NULL:
            return IRREGULAR
        cdef int64_t length = number(value[3], size[3])
        if length < 0 or length > self._limit or length > end - body:
            return IRREGULAR
        cdef place body_end = body + <Py_ssize_t>length
        if not blank(body_end, end) or not utf8_valid(body, body_end):
            return IRREGULAR
        cdef int column, field, lacks = 0
        cdef Column text = self._columns[TEXT]
        cdef Py_ssize_t taken = self._take(body, body_end, text.space(body_end - body + 1))
        text.end(taken)
        lacks = (taken == 0) << TEXT
        for field in range(TAKEN):
            column = field + (field >= TEXT)
            (<Column>self._columns[column]).add(value[field], size[field])
            lacks |= (size[field] == 0) << column
        return lacks

    def add(self, tuple fields not None):
        """Take a page in whose fields are given as strings; return which it lacks."""
        cdef int column, lacks = 0
        cdef bytes field
        for column in range(COLUMNS):
            field = fields[column].encode()
            (<Column>self._columns[column]).add(<place>PyBytes_AS_STRING(field), PyBytes_GET_SIZE(field))
            lacks |= (not field) << column
        return lacks

    def drop(self):
        """Take the last page back."""
        for column in self._columns:
            (<Column>column).drop()

    @property
    def pages(self):
        """How many are there."""
        return (<Column>self._columns[TEXT]).count

    @property
    def size(self):
        """The bytes of their texts."""
        return (<Column>self._columns[TEXT]).used

    def taken(self):
        """Return the columns, each as offsets of 64 bits and bytes of UTF-8, and begin anew."""
        return [(<Column>column).taken() for column in self._columns]

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

    cdef Py_ssize_t _take(self, place begin, place end, uint8_t* out):
        """Write the lines that are text, a line feed between them; the number of bytes, no more than there were."""
        cdef Lines lines = Lines(begin, begin, NULL, out)
        cdef place block = begin
        cdef uint64_t ends
        cdef int at
        while end - block >= 64:
            ends = line_ends_64(block)
            while ends:
                at = lowest_bit(ends)
                ends &= ends - 1
                self._take_line(&lines, block + at)
            block += 64
        while block < end:
            if block[0] == c"\n" or block[0] == c"\r":
                self._take_line(&lines, block)
            block += 1
        self._take_line(&lines, end)
        if lines.piece_end == NULL:
            return 0
        put_away(&lines)
        return lines.out - out - 1

    cdef inline void _take_line(self, Lines* lines, place line_end):
        """Take the line that ends there, if it is text, and move behind it."""
        cdef place first = lines.at
        cdef place last = line_end
        lines.at = line_end + 1
        if first == last:
            return
        if self._watched[first[0]] or self._ends[(last - 1)[0]]:
            first = skip_blanks(first, last)
            last = before_blanks(first, last)
            if first == last or self._is_metadata(first, last):
                return
        if lines.piece_end != NULL and first == lines.piece_end + 1 and lines.piece_end[0] == c"\n":
            lines.piece_end = last
            return
        if lines.piece_end != NULL:
            put_away(lines)
        lines.piece = first
        lines.piece_end = last

    cdef bint _is_metadata(self, place first, place last):
        for prefix in self._prefixes:
            if last - first >= PyBytes_GET_SIZE(prefix) and first[0] == <uint8_t>PyBytes_AS_STRING(prefix)[0]:
                if not memcmp(first, PyBytes_AS_STRING(prefix), PyBytes_GET_SIZE(prefix)):
                    return True
        return False


cdef inline void put_away(Lines* lines) noexcept:
    """Write the piece and a line feed behind it, so that another can be begun."""
    cdef Py_ssize_t size = lines.piece_end - lines.piece
    memcpy(lines.out, lines.piece, size)
    lines.out[size] = c"\n"
    lines.out += size + 1


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


def is_utf8(bytes data not None, *, bint anywhere=False):
    """Whether the bytes are UTF-8, as this processor tells it, or as any does."""
    cdef place at = <place>PyBytes_AS_STRING(data)
    cdef place end = at + PyBytes_GET_SIZE(data)
    return utf8_valid_anywhere(at, end) if anywhere else utf8_valid(at, end)


def crc32(bytes data not None, *, int at_most=256):
    """Return the checksum of gzip, made by steps of at most so many bytes: 8, 64 or 256, as this processor has them."""
    return crc32_of(<place>PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data), at_most)
