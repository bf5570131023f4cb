"""The twins of what c4pipe/shards/formats.py and c4pipe/shards/documents.py write of documents: the bytes of a batch in one call.

Columns come as where each value begins and the last ends, in 64 bits, and valid UTF-8; all have as many values.

Equal because JSON as it is released escapes ``"``, ``\\`` and what lies below space, each a byte of its own in UTF-8,
where all bytes of other characters are 128 or more: those that are escaped are found 16 at a time, all others copied.
The room is measured first, so 16 bytes can be copied wherever 16 are left. Lengths in an Example are summed from the
inside out, as plain, and written from the outside in.
"""

from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_FromStringAndSize
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy


cdef extern from "vectors.h":
    int lowest_bit(uint64_t bits) nogil


cdef extern from *:
    """
    /* What follows the backslash, of the bytes that are escaped by two; \\\\u00 and two digits stand for all others. */
    static const uint8_t letters[96] = {
        [8] = 'b', [9] = 't', [10] = 'n', [12] = 'f', [13] = 'r', ['"'] = '"', [92] = 92
    };

    /* A bit for each of 16 bytes that is escaped. */
    #if defined(__SSE2__) || defined(_M_X64)
    static inline uint32_t escaped_16(const uint8_t *p) {
        __m128i v = _mm_loadu_si128((const __m128i *)p);
        __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(31)), v);
        __m128i marks = _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('"')), _mm_cmpeq_epi8(v, _mm_set1_epi8(92)));
        return mask_16(_mm_or_si128(low, marks));
    }
    #else
    static inline uint32_t escaped_16(const uint8_t *p) {
        uint32_t found = 0;
        for (int i = 0; i < 16; i++) found |= (uint32_t)(p[i] < 32 || p[i] == '"' || p[i] == 92) << i;
        return found;
    }
    #endif
    """
    const uint8_t letters[96]
    uint32_t escaped_16(const uint8_t *p) nogil


cdef struct Column:
    const int64_t *bounds
    const uint8_t *data


cdef class Columns:
    """The columns of a batch, held as long as this is."""

    cdef Column *at
    cdef Py_ssize_t count
    cdef Py_ssize_t rows
    cdef list held

    def __cinit__(self, columns):
        cdef const int64_t[::1] bounds
        cdef const uint8_t[::1] data
        cdef Py_ssize_t i
        self.held = []
        self.count = len(columns)
        self.rows = -1
        self.at = <Column *> PyMem_Malloc(self.count * sizeof(Column) + 1)
        if self.at is NULL:
            raise MemoryError
        for i in range(self.count):
            bounds, data = columns[i]
            if self.rows < 0:
                self.rows = bounds.shape[0] - 1
            if bounds.shape[0] < 1 or bounds.shape[0] - 1 != self.rows:
                raise ValueError(f"column {i} has {bounds.shape[0] - 1} values, but the first has {self.rows}")
            if not 0 <= bounds[0] <= bounds[self.rows] <= data.shape[0]:
                raise ValueError(f"column {i} goes from {bounds[0]} to {bounds[self.rows]} of {data.shape[0]} bytes")
            self.held.append((bounds, data))
            self.at[i] = Column(&bounds[0], &data[0])

    def __dealloc__(self):
        PyMem_Free(self.at)

    cdef Py_ssize_t size(self):
        """Bytes of all values."""
        cdef Py_ssize_t column, size = 0
        for column in range(self.count):
            size += self.at[column].bounds[self.rows] - self.at[column].bounds[0]
        return size


cdef inline int _more(uint8_t c) noexcept nogil:
    """How many bytes longer than one an escaped byte is."""
    return 1 if letters[c] else 5


cdef Py_ssize_t _more_escaped(const uint8_t *at, const uint8_t *end) noexcept nogil:
    """How many bytes longer the text is when it is escaped."""
    cdef Py_ssize_t more = 0
    cdef uint32_t found
    while end - at >= 16:
        found = escaped_16(at)
        while found:
            more += _more(at[lowest_bit(found)])
            found &= found - 1
        at += 16
    while at < end:
        if at[0] < 32 or at[0] == 34 or at[0] == 92:
            more += _more(at[0])
        at += 1
    return more


cdef inline uint8_t *_put_escape(uint8_t c, uint8_t *into) noexcept nogil:
    into[0] = 92
    if letters[c]:
        into[1] = letters[c]
        return into + 2
    memcpy(into + 1, b"u00", 3)
    into[4] = 48 + (c >> 4)
    into[5] = (48 if c & 15 < 10 else 87) + (c & 15)
    return into + 6


cdef uint8_t *_put_escaped(const uint8_t *at, const uint8_t *end, uint8_t *into) noexcept nogil:
    """Write the text escaped; where it ends."""
    cdef uint32_t found
    cdef int clean
    while end - at >= 16:
        found = escaped_16(at)
        memcpy(into, at, 16)
        if found == 0:
            at += 16
            into += 16
        else:
            clean = lowest_bit(found)
            into = _put_escape(at[clean], into + clean)
            at += clean + 1
    while at < end:
        if at[0] < 32 or at[0] == 34 or at[0] == 92:
            into = _put_escape(at[0], into)
        else:
            into[0] = at[0]
            into += 1
        at += 1
    return into


cdef inline uint8_t *_put(bytes what, uint8_t *into):
    memcpy(into, PyBytes_AS_STRING(what), PyBytes_GET_SIZE(what))
    return into + PyBytes_GET_SIZE(what)


def json_lines(tuple around not None, columns) -> bytearray:
    """A line a row: what comes before each value, the value as in a JSON string, and what comes after the last."""
    cdef Columns values = Columns(columns)
    cdef Py_ssize_t row, column, size = values.size()
    cdef Column *of
    cdef bytes part
    if len(around) != values.count + 1:
        raise ValueError(f"{len(around)} parts around {values.count} columns")
    for part in around:
        size += PyBytes_GET_SIZE(part) * values.rows
    for column in range(values.count):
        of = &values.at[column]
        size += _more_escaped(of.data + of.bounds[0], of.data + of.bounds[values.rows])
    lines = PyByteArray_FromStringAndSize(NULL, size)
    cdef uint8_t *into = <uint8_t *> PyByteArray_AS_STRING(lines)
    for row in range(values.rows):
        for column in range(values.count):
            of = &values.at[column]
            into = _put(<bytes> around[column], into)
            into = _put_escaped(of.data + of.bounds[row], of.data + of.bounds[row + 1], into)
        into = _put(<bytes> around[values.count], into)
    return lines


def framed(columns) -> bytearray:
    """Each value of each row behind the number of its bytes, as eight bytes, little-endian."""
    cdef Columns values = Columns(columns)
    cdef Py_ssize_t row, column, size
    cdef int i
    cdef Column *of
    frames = PyByteArray_FromStringAndSize(NULL, values.size() + 8 * values.count * values.rows)
    cdef uint8_t *into = <uint8_t *> PyByteArray_AS_STRING(frames)
    for row in range(values.rows):
        for column in range(values.count):
            of = &values.at[column]
            size = of.bounds[row + 1] - of.bounds[row]
            for i in range(8):
                into[i] = <uint64_t> size >> 8 * i & 255
            memcpy(into + 8, of.data + of.bounds[row], size)
            into += 8 + size
    return frames


cdef inline Py_ssize_t _field_size(Py_ssize_t size) noexcept nogil:
    """Bytes of a length-delimited field with so many bytes of data."""
    cdef Py_ssize_t rest = size >> 7
    size += 2
    while rest:
        size += 1
        rest >>= 7
    return size


cdef inline uint8_t *_put_head(int number, Py_ssize_t size, uint8_t *into) noexcept nogil:
    """Write what stands before the data of a length-delimited field."""
    into[0] = number << 3 | 2
    into += 1
    while size > 127:
        into[0] = size & 127 | 128
        into += 1
        size >>= 7
    into[0] = size
    return into + 1


cdef inline Py_ssize_t _entry_size(bytes name, Py_ssize_t size) noexcept:
    """Bytes of an entry of the map Features.feature: its key, and a Feature with a BytesList of one value."""
    return _field_size(PyBytes_GET_SIZE(name)) + _field_size(_field_size(_field_size(size)))


cdef bytes _example(tuple names, Columns values, Py_ssize_t row):
    cdef Py_ssize_t column, size, total = 0
    cdef Column *of
    cdef bytes name
    for column in range(values.count):
        of = &values.at[column]
        total += _field_size(_entry_size(<bytes?> names[column], of.bounds[row + 1] - of.bounds[row]))
    cdef bytes example = PyBytes_FromStringAndSize(NULL, _field_size(total))
    cdef uint8_t *into = _put_head(1, total, <uint8_t *> PyBytes_AS_STRING(example))  # Example.features
    for column in range(values.count):
        of = &values.at[column]
        name = <bytes> names[column]
        size = of.bounds[row + 1] - of.bounds[row]
        into = _put_head(1, _entry_size(name, size), into)
        into = _put(name, _put_head(1, PyBytes_GET_SIZE(name), into))  # the entry's key
        into = _put_head(2, _field_size(_field_size(size)), into)  # its value
        into = _put_head(1, _field_size(size), into)  # Feature.bytes_list
        into = _put_head(1, size, into)  # BytesList.value
        memcpy(into, of.data + of.bounds[row], size)
        into += size
    return example


def examples(tuple names not None, columns) -> list:
    """A tf.train.Example a row, of single byte strings; the names, one a column, are sorted."""
    cdef Columns values = Columns(columns)
    cdef Py_ssize_t row
    if len(names) != values.count:
        raise ValueError(f"{len(names)} names for {values.count} columns")
    return [_example(names, values, row) for row in range(values.rows)]
