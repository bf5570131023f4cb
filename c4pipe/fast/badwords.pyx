"""Whether a text uses one of many words: the compiled twin of ``badwords.matcher``, and of ``str.lower`` before it.

The plain room searches the lower-cased text for ``(?:\\W|^)(?:word|word|...)(?:\\W|$)``, or for the words alone where
one may stand inside another. It finds something if and only if somewhere a word stands, character for character (``.``
of a pattern: any but a line feed), and on both sides a character that is neither ``isalnum`` nor an underscore, or the
end of the text. That is what is looked for here, at every place where a word may begin:

- A text is lower-cased character by character as it is read. That is what ``str.lower`` does, but for U+0130, which
  becomes two, and U+03A3, which looks at its neighbours: a text with one of them is lower-cased by Python first, and to
  lower what is lower changes nothing.
- A place is looked at only if the codes of its first three characters are together in a filter. A character's code is
  that of what it is in lower case, equal characters have equal codes, and each word has set the bits of its own three;
  where it is shorter, or any character will do, those of all codes. So no word is missed. What passes is compared with
  the words of the same codes, and with those that have too few of their own.
- A character that parts words is no place where one begins, unless one of the words begins with such a character, and
  the text may have it.
- Characters from U+10000 on have no place in the table of codes; they share those of their low 16 bits.
- A text of a column is judged as units of one width, which is how Python keeps it but for the width.
"""

from cpython.mem cimport PyMem_Calloc, PyMem_Free, PyMem_Malloc
from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memset

cdef extern from "Python.h":
    int PyUnicode_KIND(object text)
    void* PyUnicode_DATA(object text)
    Py_ssize_t PyUnicode_GET_LENGTH(object text)
    object PyUnicode_DecodeUTF8(const char* text, Py_ssize_t size, const char* errors)
    bint Py_UNICODE_ISALNUM(Py_UCS4 character) noexcept nogil
    Py_UCS4 Py_UNICODE_TOLOWER(Py_UCS4 character) noexcept nogil

cdef extern from "utf8.h":
    int lowest_bit(uint64_t bits) noexcept nogil
    ctypedef struct Utf8Room:
        void* units
        size_t bytes
    int utf8_width(const uint8_t* text, Py_ssize_t size) noexcept nogil
    Py_ssize_t utf8_widen(const uint8_t* at, Py_ssize_t size, int width, Py_ssize_t most, Utf8Room* room) noexcept nogil
    void utf8_free(Utf8Room* room) noexcept nogil

cdef extern from *:
    """
    #define ANY 0xFFFFFFFFU
    #define NEVER 0x100000000LL
    """
    uint32_t ANY  # in place of a character
    int64_t NEVER  # above all characters

ctypedef fused unit:
    uint8_t
    uint16_t
    uint32_t

cdef enum:
    CODES = 64  # 0: in none of the three places
    CODE = 0x3F
    NO_WORD = 0x80  # a character that parts words
    TABLE = 0x10000
    CHAINS = 4096
    NONE = -1
    LINE_FEED = 0x0A
    UNDERSCORE = 0x5F

ctypedef struct Word:
    uint32_t* characters
    int32_t size
    int32_t following  # the next word of the chain, or NONE

WORD_MAX = 200  # characters


cdef class Words:
    """Says of a text whether it uses one of the words, ``whole`` or anywhere; ``any_character`` is a wild card."""

    cdef uint8_t* _table  # of a character, the code of its lower case, and NO_WORD
    cdef uint8_t* _codes  # of a character in lower case
    cdef uint8_t* _filter  # a bit for three codes
    cdef uint32_t* _characters  # of all words, in lower case or ANY
    cdef Word* _words  # in chains: the long by their first three codes, the others by the first
    cdef int32_t _long[CHAINS]
    cdef int32_t _short[CODES]
    cdef bint _whole
    cdef int64_t _first_parting

    def __cinit__(self, words, *, bint whole, str any_character=None):
        if not all(0 < len(word) <= WORD_MAX for word in words):
            raise ValueError(f"words must have 1 to {WORD_MAX} characters")
        self._whole = whole
        self._table = <uint8_t*>PyMem_Calloc(TABLE, 1)
        self._codes = <uint8_t*>PyMem_Calloc(TABLE, 1)
        self._filter = <uint8_t*>PyMem_Calloc(CODES * CODES * CODES // 8, 1)
        self._characters = <uint32_t*>PyMem_Malloc((sum(map(len, words)) + 1) * sizeof(uint32_t))
        self._words = <Word*>PyMem_Malloc((len(words) + 1) * sizeof(Word))
        if not (self._table and self._codes and self._filter and self._characters and self._words):
            raise MemoryError
        memset(self._long, NONE, sizeof(self._long))
        memset(self._short, NONE, sizeof(self._short))
        first_three = {character for word in words for character in word[:3]} - {any_character}
        for number, character in enumerate(sorted(first_three)):
            self._codes[ord(character) & 0xFFFF] = 1 + number % (CODES - 1)
        cdef uint32_t* place = self._characters
        for number, word in enumerate(words):
            self._add(number, place, [ANY if character == any_character else ord(character) for character in word])
            place += len(word)
        self._fill_table({word[0] for word in words}, any_character)

    def __dealloc__(self):
        PyMem_Free(self._table)
        PyMem_Free(self._codes)
        PyMem_Free(self._filter)
        PyMem_Free(self._characters)
        PyMem_Free(self._words)

    def __call__(self, str text not None):
        """Whether the text, in lower case, uses one of the words."""
        cdef int kind = PyUnicode_KIND(text)
        if kind != 1 and lowers_oddly(text):
            text = text.lower()
            kind = PyUnicode_KIND(text)
        cdef Py_ssize_t size = PyUnicode_GET_LENGTH(text)
        if kind == 1:
            return self._found[uint8_t](<const uint8_t*>PyUnicode_DATA(text), size)
        if kind == 2:
            return self._found[uint16_t](<const uint16_t*>PyUnicode_DATA(text), size)
        return self._found[uint32_t](<const uint32_t*>PyUnicode_DATA(text), size)

    def column(self, const int64_t[::1] offsets, const uint8_t[::1] data):
        """What a call says of each text of a column, a byte a text."""
        cdef Py_ssize_t count = offsets.shape[0] - 1, i, size, length
        cdef bytearray out = bytearray(count)
        cdef Utf8Room room = Utf8Room(NULL, 0)
        cdef const uint8_t* text
        cdef int width
        try:
            for i in range(count):
                text, size = &data[0] + offsets[i], offsets[i + 1] - offsets[i]
                width = utf8_width(text, size)
                length = size if width == 1 else utf8_widen(text, size, width, size, &room)
                if length < 0:
                    raise MemoryError
                if width == 1:
                    out[i] = self._found[uint8_t](text, length)
                elif width == 2:
                    out[i] = self._found_wide[uint16_t](text, size, <const uint16_t*>room.units, length)
                else:
                    out[i] = self._found_wide[uint32_t](text, size, <const uint32_t*>room.units, length)
        finally:
            utf8_free(&room)
        return out

    cdef bint _found_wide(self, const uint8_t* text, Py_ssize_t size, const unit* wide, Py_ssize_t length) except -1:
        """The same of a text that is not ASCII alone, given widened, too; one that lowers oddly goes as ``str``."""
        if has_odd[unit](wide, length):
            return self(PyUnicode_DecodeUTF8(<const char*>text, size, NULL))
        return self._found[unit](wide, length)

    cdef int _add(self, int32_t number, uint32_t* place, list characters) except -1:
        """Let the filter pass the word, and put it into a chain."""
        cdef uint32_t a, b, c, codes = 0
        for i, character in enumerate(characters):
            place[i] = character
        for a in self._options(characters, 0):
            for b in self._options(characters, 1):
                for c in self._options(characters, 2):
                    codes = a | b << 6 | c << 12
                    self._filter[codes >> 3] |= 1 << (codes & 7)
        cdef int32_t* chain = &self._short[self._options(characters, 0)[0]]  # 0: any
        if len(characters) >= 3 and ANY not in characters[:3]:
            chain = &self._long[chain_of(codes)]
        self._words[number] = Word(place, <int32_t>len(characters), chain[0])
        chain[0] = number
        return 0

    cdef int _fill_table(self, set firsts, str any_character) except -1:
        """Classify the characters, and find the first that parts words and still may begin one."""
        cdef uint32_t c
        self._first_parting = NEVER
        if any(ord(first) >= TABLE and not first.isalnum() for first in firsts):
            self._first_parting = TABLE
        if any_character in firsts:
            self._first_parting = 0
        for c in range(<uint32_t>TABLE):
            self._table[c] = self._class_of(c)
            if self._table[c] > NO_WORD and c < self._first_parting and chr(lower(c)) in firsts:
                self._first_parting = c
        return 0

    cdef object _options(self, list characters, int place):
        """The codes that a character of a text may have in that place."""
        if place >= len(characters) or characters[place] == ANY:
            return range(CODES)
        return (self._codes[characters[place] & 0xFFFF],)

    cdef uint8_t _class_of(self, uint32_t character) noexcept nogil:
        cdef uint32_t of = lower(character)
        cdef uint8_t code = self._codes[of & 0xFFFF]
        return code if Py_UNICODE_ISALNUM(of) or of == <uint32_t>UNDERSCORE else code | NO_WORD

    cdef inline uint8_t _class(self, unit character) noexcept nogil:
        if unit is uint32_t:
            if character >= <uint32_t>TABLE:
                return self._class_of(character)
        return self._table[character]

    cdef inline bint _stands(self, const unit* text, Py_ssize_t at, Py_ssize_t size) noexcept nogil:
        """A word stands at this place."""
        cdef uint32_t first = self._class(text[at]) & CODE
        cdef uint32_t codes = first
        if at + 1 < size:
            codes |= (self._class(text[at + 1]) & CODE) << 6
        if at + 2 < size:
            codes |= (self._class(text[at + 2]) & CODE) << 12
        if not self._filter[codes >> 3] >> (codes & 7) & 1:
            return False
        if self._is_one(self._long[chain_of(codes)], text, at, size):
            return True
        if self._is_one(self._short[first], text, at, size):
            return True
        return first != 0 and self._is_one(self._short[0], text, at, size)

    cdef bint _is_one(self, int32_t number, const unit* text, Py_ssize_t at, Py_ssize_t size) noexcept nogil:
        """A word of the chain stands at this place."""
        cdef Word word
        cdef Py_ssize_t end
        cdef int32_t i
        while number != NONE:
            word = self._words[number]
            number = word.following
            end = at + word.size
            if end > size or (self._whole and end < size and not self._class(text[end]) & NO_WORD):
                continue
            for i in range(word.size):
                if not same(word.characters[i], text[at + i]):
                    break
            else:
                return True
        return False

    cdef bint _found(self, const unit* text, Py_ssize_t size) noexcept nogil:
        cdef Py_ssize_t at
        if self._whole:
            return self._found_whole(text, size)
        for at in range(size):
            if self._stands(text, at, size):
                return True
        return False

    cdef bint _found_whole(self, const unit* text, Py_ssize_t size) noexcept nogil:
        """Look at the places behind characters that part words, 64 at a time."""
        cdef Py_ssize_t begin, at
        cdef uint64_t parts, starts
        cdef uint64_t carry = 1
        cdef bint skips = self._first_parting > <int64_t>(<unit>-1)
        cdef int i
        for begin in range(0, size, 64):
            if size - begin >= 64:
                parts = self._parting(text + begin)
                starts = parts << 1 | carry
            else:
                parts = 0
                for i in range(<int>(size - begin)):
                    parts |= <uint64_t>(self._class(text[begin + i]) >> 7) << i
                starts = (parts << 1 | carry) & ((<uint64_t>1 << (size - begin)) - 1)
            carry = parts >> 63
            if skips:
                starts &= ~parts
            while starts:
                at = begin + lowest_bit(starts)
                starts &= starts - 1
                if self._stands(text, at, size):
                    return True
        return False

    cdef uint64_t _parting(self, const unit* text) noexcept nogil:
        """A bit for each of 64 characters that part words."""
        cdef uint8_t found[64]
        cdef uint64_t parts = 0
        cdef unit all_bits = 0
        cdef uint8_t c
        cdef int i
        for i in range(64):
            all_bits |= text[i]
        if all_bits >= 0x80:
            for i in range(64):
                parts |= <uint64_t>(self._class(text[i]) >> 7) << i
            return parts
        for i in range(64):  # of ASCII, without a table, so that a compiler can do many at once
            c = <uint8_t>text[i]
            found[i] = (<uint8_t>((c | 0x20) - 97) > 25) & (<uint8_t>(c - 48) > 9) & (c != 95)
        for i in range(8):
            parts |= eight_bits(found + 8 * i) << (8 * i)
        return parts


cdef inline uint32_t chain_of(uint32_t codes) noexcept nogil:
    return <uint32_t>(codes * <uint32_t>0x9E3779B1) >> 20


cdef inline bint same(uint32_t character, uint32_t of_text) noexcept nogil:
    """The character of a word is that of the text in lower case."""
    if character == ANY:
        return of_text != <uint32_t>LINE_FEED
    return character == lower(of_text)


cdef inline uint32_t lower(uint32_t character) noexcept nogil:
    if character < 0x80:
        return character | 0x20 if character - 65 < 26 else character
    return Py_UNICODE_TOLOWER(character)


cdef inline uint64_t eight_bits(const uint8_t* at) noexcept nogil:
    """Of eight bytes that are 0 or 1 the bits, the first the lowest."""
    cdef uint64_t eight = (
        <uint64_t>at[0] | <uint64_t>at[1] << 8 | <uint64_t>at[2] << 16 | <uint64_t>at[3] << 24
        | <uint64_t>at[4] << 32 | <uint64_t>at[5] << 40 | <uint64_t>at[6] << 48 | <uint64_t>at[7] << 56
    )
    return eight * <uint64_t>0x0102040810204080 >> 56


cdef bint lowers_oddly(str text):
    """The text has a character that does not become one other, whatever its neighbours."""
    cdef Py_ssize_t size = PyUnicode_GET_LENGTH(text)
    if PyUnicode_KIND(text) == 2:
        return has_odd[uint16_t](<const uint16_t*>PyUnicode_DATA(text), size)
    return has_odd[uint32_t](<const uint32_t*>PyUnicode_DATA(text), size)


cdef bint has_odd(const unit* text, Py_ssize_t size) noexcept nogil:
    cdef unit odd = 0
    cdef Py_ssize_t i
    for i in range(size):
        odd |= <unit>((text[i] == 0x130) | (text[i] == 0x3A3))
    return odd != 0
