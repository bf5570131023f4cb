"""The letters of a text: what of it is looked at, each character by a number.

Common characters have small numbers of their own, and all others share one; what those are taken for is kept beside.

Why a text of a column is read as Python's would be:

- *UTF-8.* What a text of a column has can be told by its bytes: a character begins with each that is no tail, from
  U+0300 on with 0xCC or above, a mark with 0xCC itself, and what is behind the table with 0xF0 or above. Without
  addresses, marks and those, and unless there are Latin letters to leave out, nothing in it changes: its characters
  are numbered as they are read. Any other text is judged as units of one width, which is how Python keeps it but for
  the width. Of a long one only as many characters are looked at as may count: for addresses ``2 * characters + 66``,
  and more only if there may be one, then the text is taken whole; for marks one more than ``characters``; of two
  characters that become one at most ``2 * characters``. No character takes more than 4 bytes, and bytes of ASCII are
  never part of another character, so that bytes in which no address may begin hold no character where one does.
"""

cdef extern from "Python.h":
    int PyUnicode_KIND(object text)
    void* PyUnicode_DATA(object text)
    Py_ssize_t PyUnicode_GET_LENGTH(object text)
    int Py_UNICODE_ISUPPER(Py_UCS4 character)


cdef extern from "utf8.h":
    ctypedef struct Utf8Room:
        void* units
        size_t bytes
    int utf8_width(const uint8_t* text, Py_ssize_t size) noexcept nogil
    Py_ssize_t utf8_widen(const uint8_t* at, Py_ssize_t size, int width, Py_ssize_t most, Utf8Room* room) noexcept nogil
    void utf8_free(Utf8Room* room) noexcept nogil


cdef extern from "letters.h":
    enum: LETTER_BITS
    enum: LETTER_RARE
    enum: LETTER_ASK
    enum: LETTER_SLACK
    ctypedef struct Looks:
        bint odd
        ptrdiff_t latin, other
    ctypedef struct Letters:
        const uint8_t* common
        const uint8_t* masks
        const uint16_t* normal
        uint64_t[8] members
        uint64_t next
        uint8_t[8] sizes
        uint8_t[128] ascii
        uint8_t* numbers
        uint16_t* rare
        uint32_t* windows
        uint16_t* found
        ptrdiff_t length, place
        uint32_t used
        Looks (*looks)(const uint8_t*, ptrdiff_t) noexcept nogil
        ptrdiff_t (*read)(Letters*, const uint8_t*, ptrdiff_t, ptrdiff_t) noexcept nogil
        void (*scan)(Letters*) noexcept nogil
    bint letters_asks(const uint8_t*) noexcept nogil
    void letters_choose(Letters*, int) noexcept nogil


cdef enum:
    PLAIN_STRANGER = 0xFFFF  # stands for all characters that are in no n-gram: those behind the table
    CAPITAL_STRANGER = 0xFFFE
    COMMON = 1 << LETTER_BITS
    RARE = LETTER_RARE
    LONGEST_CHARACTER = 4  # bytes of UTF-8


@cython.final
@cython.internal
cdef class Reader:
    """Reads texts: what ``normal`` takes their characters for, of which those in ``common`` have numbers."""

    cdef Cleaner cleaner
    cdef Letters letters  # of the last text
    cdef Utf8Room widened
    cdef const uint16_t[::1] normal  # what characters are taken for
    cdef uint16_t[::1] codes, rare  # codes: of common characters, by number
    cdef uint8_t[::1] numbers
    cdef uint8_t[::1] common, numbers_by_code  # numbers of common characters, and of what they are taken for

    def __init__(self, Cleaner cleaner, const uint16_t[::1] normal, str common, int lanes):
        cdef Letters* letters = &self.letters
        cdef Py_ssize_t size = LINE + cleaner.characters + LETTER_SLACK
        cdef int i
        self.cleaner, self.normal = cleaner, normal
        self._load_common(common)
        self.numbers, self.rare = _zeros("B", size), _zeros("H", size)
        letters.numbers, letters.rare = &self.numbers[LINE], &self.rare[LINE]  # behind blanks
        letters.common, letters.normal = &self.common[0], &self.normal[0]
        for i in range(128):
            letters.ascii[i] = self.common[i]
        letters_choose(letters, lanes)

    cdef _load_common(self, str common):
        cdef uint8_t[::1] numbers = array("B", [RARE]) * (1 << 16)
        cdef uint16_t[::1] codes = _zeros("H", COMMON)
        cdef int i
        if common[0] != " " or len(common) > RARE - 2:
            raise ValueError(f"the common characters must be a blank and at most {RARE - 3} more, not {common!r}")
        for i, character in enumerate((*sorted(common, key=str.isupper), chr(PLAIN_STRANGER), chr(CAPITAL_STRANGER))):
            codes[i] = ord(character)  # small letters together: what is looked up for them shares cache lines
            numbers[codes[i]] = i
        self.codes, self.numbers_by_code, self.common = codes, numbers, _zeros("B", 1 << 16)
        for i in range(1 << 16):
            self.common[i] = numbers[self.normal[i]]
            if i < 128 and self.common[i] == RARE:
                raise ValueError(f"ASCII is read as if it were common, but {chr(i)!r} is not among {common!r}")

    def __dealloc__(self):
        utf8_free(&self.widened)

    cdef int read(self, str text) except -1:
        cdef int kind = PyUnicode_KIND(text)
        if kind == 1:
            return self._number(<uint8_t*>PyUnicode_DATA(text), PyUnicode_GET_LENGTH(text))
        if kind == 2:
            return self._number(<uint16_t*>PyUnicode_DATA(text), PyUnicode_GET_LENGTH(text))
        return self._number(<uint32_t*>PyUnicode_DATA(text), PyUnicode_GET_LENGTH(text))

    cdef int read_utf8(self, const uint8_t* text, Py_ssize_t size) except -1:
        cdef Py_ssize_t reach = self.cleaner.reach, most = size, looked_at = min(size, LONGEST_CHARACTER * reach)
        cdef Looks looks = self.letters.looks(text, looked_at)
        cdef Py_ssize_t bytes_read
        cdef int width
        if not looks.odd:
            bytes_read = self.letters.read(&self.letters, text, looked_at, self.cleaner.characters)
            if bytes_read < looked_at:
                looks = self.letters.looks(text, bytes_read)
            if looks.latin == 0 or looks.latin * 2 >= looks.other:
                return 0
        if size > reach and not _has_address(<uint8_t*>text, looked_at):
            most, size = reach, looked_at
        width = utf8_width(text, size)
        if width == 1:
            return self._number(<uint8_t*>text, size)
        size = utf8_widen(text, size, width, most, &self.widened)
        if size < 0:
            raise MemoryError
        if width == 2:
            return self._number(<uint16_t*>self.widened.units, size)
        return self._number(<uint32_t*>self.widened.units, size)

    cdef int _number(self, Unit* text, Py_ssize_t length) except -1:
        cdef Py_ssize_t i
        text = self.cleaner.cleaned(text, &length)
        for i in range(length):
            if Unit is uint32_t and text[i] >= 1 << 16:
                self.letters.numbers[i], self.letters.rare[i] = RARE, self._code(text[i])
            else:
                self.letters.numbers[i], self.letters.rare[i] = self.common[text[i]], self.normal[text[i]]
        self.letters.length = length
        return 0

    cdef inline uint32_t _code(self, uint32_t character) noexcept:
        """What a character is taken for."""
        if character < 1 << 16:
            return self.normal[character]
        return CAPITAL_STRANGER if Py_UNICODE_ISUPPER(character) else PLAIN_STRANGER
