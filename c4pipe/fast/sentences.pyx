"""Counts sentences as the Punkt of NLTK does, no further than asked: the twin of ``count`` in c4pipe/text/sentences.py.

It is Punkt itself in another form, step for step, with nothing left to the package. Why the counts are equal:

Marks. ``period_context_re`` matches one of ``.?!`` before a mark of punctuation (NON_WORD) or before blanks and a word,
and consumes the mark alone; so its matches are the places where that holds, left to right. What is looked at
around a match, the context, is the text from the begin of its word to the end of what follows, a slice of the text.
  3.9.1: the word begins behind the last *ASCII* blank between the mark before and this one; where there is none, where
  the word of the mark before began. A blank at the place of the mark before (or at 0, for the first) counts for none.
  A match is passed on once the next one's word does not begin before it, which can only be if an ASCII blank lies
  between, or if the mark is itself the begin of its word; so a mark with such a blank behind it need not wait.
  3.6.5: words are parted by blanks of all kinds, and the last mark of a word is passed on, which waits likewise.
Blanks are those of ``str.isspace``, which ``\\s`` and ``\\S`` use too. White space that ends the text ends no sentence
and can follow no mark that matters.

Tokens. The expression for words takes the first that fits of: a run of dashes or points, points with blanks between; a
word, up to the first place where blank, end, NON_WORD, such a run or a comma that ends it follows; one character. The
text of a context is split at line feeds first, which for all of these is the same as a blank or the end, but that
points with a line feed between them do not belong together.

Verdict. A context ends a sentence if one of its tokens but the last does. Every token's type, and every look into
abbreviations, collocations, starters and contexts, is made from the same strings by the same ``str.lower``. One case
needs no strings: a token of two or more ASCII letters and a point that is, by its hash, neither an abbreviation nor
the first of a collocation ends a sentence, as it is neither an initial, nor a number, nor an ellipsis. A hash that
meets another's costs time only.

Sentences. Each end ends a slice, and what is left is one more. NLTK moves closing marks at the head of a slice, if a
blank, ``--`` or the slice's end follows them, to the slice before, and leaves out what is empty then. A slice that is
not the last has its mark, so it never is empty; the last, which has no blank at its end, is if it has nothing but
closing marks. Since all that is counted stays counted, one may stop at the limit.

Heads. A long text of a column is first counted in up to a place near its begin. What is found is the same in the whole,
as long as no context reaches that place and the limit was reached before: all that is looked at then lies before it.

UTF-8. A text of a column is counted in as units of one width, which is how Python keeps it but for the width; strings
are made of these, where strings are asked.
"""

from cpython.unicode cimport (
    Py_UNICODE_ISALNUM,
    Py_UNICODE_ISDECIMAL,
    Py_UNICODE_ISLOWER,
    Py_UNICODE_ISSPACE,
    Py_UNICODE_ISUPPER,
    PyUnicode_DATA,
    PyUnicode_GET_LENGTH,
    PyUnicode_KIND,
    PyUnicode_FromKindAndData,
)
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memset

cdef extern from "marks.h":
    uint64_t marks_uint8_t(const uint8_t* t, Py_ssize_t size) noexcept nogil
    uint64_t marks_uint16_t(const uint16_t* t, Py_ssize_t size) noexcept nogil
    uint64_t marks_uint32_t(const uint32_t* t, Py_ssize_t size) noexcept nogil

cdef extern from "utf8.h":
    int lowest_bit(uint64_t bits) noexcept nogil
    ctypedef struct Utf8Room:
        void* units
        size_t bytes
    int utf8_width(const uint8_t* text, Py_ssize_t size) noexcept nogil
    Py_ssize_t utf8_widen(const uint8_t* at, Py_ssize_t size, int width, Py_ssize_t most, Utf8Room* room) noexcept nogil
    void utf8_free(Utf8Room* room) noexcept nogil

ctypedef fused Char:
    uint8_t
    uint16_t
    uint32_t

cdef enum:
    BLANK = 1  # str.isspace
    ASCII_BLANK = 2  # string.whitespace
    NON_WORD = 4  # ends a word, and may follow a mark: PunktLanguageVars._re_non_word_chars
    NO_START = 8  # begins no word: PunktLanguageVars._re_word_start
    CLOSING = 16  # may be moved to the sentence before: PunktLanguageVars.re_boundary_realignment
    MARK = 32  # may end a sentence: PunktLanguageVars.sent_end_chars
    LETTER = 64

cdef enum Role:
    NONE
    BREAK
    ABBREVIATION
    ELLIPSIS

# Orthographic contexts, as nltk.tokenize.punkt numbers them.
cdef enum:
    MID_UPPER = 4
    UPPER = 2 + 4 + 8
    BEGIN_LOWER = 16
    LOWER = 16 + 32 + 64

cdef enum:
    HASHES = 1 << 14

cdef enum:
    HEAD = 640  # bytes, in which most texts have as many sentences as are asked
    UNDECIDED = -2

cdef unsigned char TRAITS[128]


cdef void mark_traits():
    cdef Py_UCS4 c
    memset(TRAITS, 0, sizeof(TRAITS))
    for c in "\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f ":
        TRAITS[c] |= BLANK
    for c in " \t\n\r\x0b\x0c":
        TRAITS[c] |= ASCII_BLANK
    for c in ")\";}]*:@'({[?!":
        TRAITS[c] |= NON_WORD
    for c in "(\"`{[:;&#*@)}]-,":
        TRAITS[c] |= NO_START
    for c in "\"')]}":
        TRAITS[c] |= CLOSING
    for c in ".?!":
        TRAITS[c] |= MARK
    for c in "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ":
        TRAITS[c] |= LETTER


mark_traits()


cdef inline int traits(unsigned int c) noexcept:
    if c < 128:
        return TRAITS[c]
    return BLANK if Py_UNICODE_ISSPACE(c) else 0


cdef struct Mark:
    Py_ssize_t word  # where its context begins
    Py_ssize_t at
    Py_ssize_t end  # of its context
    Py_ssize_t next  # where the next sentence begins, if this one ends here


cdef class Punkt:
    """Punkt with the parameters of one source; ``whole_words`` as it was up to NLTK 3.6.5."""

    cdef frozenset abbreviations
    cdef frozenset collocations
    cdef frozenset collocation_firsts
    cdef frozenset starters
    cdef dict contexts
    cdef bint whole_words
    cdef unsigned char known[HASHES]  # hashes of abbreviations and first parts of collocations

    def __init__(self, abbreviations, collocations, starters, contexts, *, bint whole_words):
        self.abbreviations = frozenset(abbreviations)
        self.collocations = frozenset(collocations)
        self.collocation_firsts = frozenset(pair[0] for pair in collocations if len(pair) == 2)
        self.starters = frozenset(starters)
        self.contexts = dict(contexts)
        self.whole_words = whole_words
        memset(self.known, 0, sizeof(self.known))
        cdef str word
        for word in self.abbreviations | self.collocation_firsts:
            self.known[hash_of_word(word)] = 1

    def count(self, str text not None, Py_ssize_t limit):
        """The number of sentences, or ``limit`` if there are more; 0 for a limit below."""
        cdef Py_ssize_t length = PyUnicode_GET_LENGTH(text)
        if PyUnicode_KIND(text) == 1:
            return count_sentences(self, <const uint8_t*>PyUnicode_DATA(text), length, limit, False)
        if PyUnicode_KIND(text) == 2:
            return count_sentences(self, <const uint16_t*>PyUnicode_DATA(text), length, limit, False)
        return count_sentences(self, <const uint32_t*>PyUnicode_DATA(text), length, limit, False)

    def at_least_column(
        self, const int64_t[::1] offsets, const uint8_t[::1] data, Py_ssize_t limit, Py_ssize_t head=HEAD
    ):
        """Whether ``count(text, limit) == limit`` of each text of a column, a byte a text.

        Of a longer text ``head`` bytes are tried first.
        """
        cdef Py_ssize_t count = offsets.shape[0] - 1, i, size, most, cut, found
        cdef bytearray out = bytearray(count)
        cdef Utf8Room room = Utf8Room(NULL, 0)
        cdef const uint8_t* text
        try:
            for i in range(count):
                text, size = &data[0] + offsets[i], offsets[i + 1] - offsets[i]
                found, most = UNDECIDED, max(head, 1)
                while found == UNDECIDED and most < size:
                    cut = most
                    while text[cut] & 0xC0 == 0x80:
                        cut -= 1
                    found = count_utf8(self, text, cut, limit, True, &room)
                    most *= 4
                if found == UNDECIDED:
                    found = count_utf8(self, text, size, limit, False, &room)
                out[i] = 1 if found == limit else 0
        finally:
            utf8_free(&room)
        return out


cdef Py_ssize_t count_utf8(
    Punkt punkt, const uint8_t* text, Py_ssize_t size, Py_ssize_t limit, bint cut, Utf8Room* room
) except -1:
    """``count_sentences`` of UTF-8."""
    cdef int width = utf8_width(text, size)
    cdef Py_ssize_t length = size if width == 1 else utf8_widen(text, size, width, size, room)
    if length < 0:
        raise MemoryError
    if width == 1:
        return count_sentences(punkt, text, length, limit, cut)
    if width == 2:
        return count_sentences(punkt, <const uint16_t*>room.units, length, limit, cut)
    return count_sentences(punkt, <const uint32_t*>room.units, length, limit, cut)


cdef inline unsigned int mixed(unsigned int h) noexcept:
    return (h ^ (h >> 14)) & (HASHES - 1)


cdef unsigned int hash_of_word(str word):
    cdef unsigned int h = 0
    cdef Py_UCS4 c
    for c in word:
        h = h * 31 + <unsigned int>c
    return mixed(h)


cdef inline uint64_t marks_of(const Char* t, Py_ssize_t size) noexcept:
    """A bit for each of the first 64 characters that is a mark."""
    if Char is uint8_t:
        return marks_uint8_t(t, size)
    elif Char is uint16_t:
        return marks_uint16_t(t, size)
    else:
        return marks_uint32_t(t, size)


cdef Py_ssize_t count_sentences(
    Punkt punkt, const Char* t, Py_ssize_t length, Py_ssize_t limit, bint cut
) except -1:
    """No more than the limit; of a text that is ``cut`` off here UNDECIDED, if what is behind may matter."""
    cdef Py_ssize_t i, j
    cdef Py_ssize_t block = -64  # the marks are of the 64 characters from here
    cdef uint64_t marks = 0
    cdef Py_ssize_t before = -1 if punkt.whole_words else 0  # the mark before: its word does not reach back behind it
    cdef Py_ssize_t word = 0
    cdef Py_ssize_t count = 0
    cdef Py_ssize_t rest = 0  # where what follows the last end begins
    cdef int behind
    cdef int blank = BLANK if punkt.whole_words else ASCII_BLANK
    cdef bint pending = False
    cdef Mark mark = Mark(0, 0, 0, 0)
    while length and traits(t[length - 1]) & BLANK:
        length -= 1
    while count < limit:
        while not marks and block + 64 < length - 1:
            block += 64
            marks = marks_of(t + block, length - 1 - block)
        if not marks:
            break
        i = block + lowest_bit(marks)
        marks &= marks - 1
        behind = traits(t[i + 1])
        if not behind & (NON_WORD | BLANK):
            continue
        j = i - 1
        while j > before and not (traits(t[j]) & blank):
            j -= 1
        if j > before:
            word = j + 1
        if pending and mark.at <= word and (not punkt.whole_words or mark.word != word):
            if ends_sentence(punkt, t, mark.word, mark.end):
                count += 1
                rest = mark.next
        mark.word, mark.at, mark.end, mark.next = word, i, i + 2, i + 1
        pending = True
        if behind & BLANK:
            j = i + 1
            while traits(t[j]) & BLANK:
                pending = pending and not (traits(t[j]) & blank)
                j += 1
            mark.next = j
            while j < length and not (traits(t[j]) & BLANK):
                j += 1
            if cut and j == length:
                return UNDECIDED
            mark.end = j
            if not pending and ends_sentence(punkt, t, mark.word, mark.end):
                count += 1
                rest = mark.next
        before = i
    if cut and count < limit:
        return UNDECIDED
    if pending and count < limit and ends_sentence(punkt, t, mark.word, mark.end):
        count += 1
        rest = mark.next
    while count and rest < length and traits(t[rest]) & CLOSING:
        rest += 1
    count += rest < length
    return min(count, max(limit, 0))


cdef bint ends_sentence(Punkt punkt, const Char* t, Py_ssize_t at, Py_ssize_t end) except -1:
    """``text_contains_sentbreak`` of the context: some token but the last ends a sentence."""
    cdef Py_ssize_t begin = -1
    cdef Py_ssize_t middle = 0
    cdef Py_ssize_t stop
    while True:
        while at < end and traits(t[at]) & BLANK:
            at += 1
        if at == end:
            return False
        stop = token_end(t, at, end)
        if begin >= 0 and breaks(punkt, t, begin, middle, at, stop):
            return True
        begin, middle, at = at, stop, stop


cdef inline Py_ssize_t token_end(const Char* t, Py_ssize_t begin, Py_ssize_t end) noexcept:
    """Where the token that begins here ends: ``_word_tokenize_fmt``."""
    cdef Py_ssize_t at = run_end(t, begin, end)
    cdef int trait
    if at:
        return at
    at = begin + 1
    if traits(t[begin]) & NO_START:
        return at
    while at < end:
        trait = traits(t[at])
        if trait & (BLANK | NON_WORD) or run_end(t, at, end):
            return at
        if t[at] == c"," and (
            at + 1 == end or traits(t[at + 1]) & (BLANK | NON_WORD) or run_end(t, at + 1, end)
        ):
            return at
        at += 1
    return end


cdef inline Py_ssize_t run_end(const Char* t, Py_ssize_t begin, Py_ssize_t end) noexcept:
    """Where the run of dashes or points that begins here ends, else 0: ``_re_multi_char_punct``."""
    cdef Py_ssize_t at = begin + 1
    cdef Py_ssize_t pairs = 0
    if (t[begin] != c"." and t[begin] != c"-") or at >= end:
        return 0
    if t[at] == t[begin]:
        while at < end and t[at] == t[begin]:
            at += 1
        return at
    if t[begin] == c"-":
        return 0
    at = begin
    while at + 1 < end and t[at] == c"." and t[at + 1] != c"\n" and traits(t[at + 1]) & BLANK:
        at += 2
        pairs += 1
    if pairs >= 2 and at < end and t[at] == c".":
        return at + 1
    return at - 1 if pairs >= 3 else 0  # one pair back, its point is the last


cdef inline bint breaks(
    Punkt punkt, const Char* t, Py_ssize_t begin, Py_ssize_t end, Py_ssize_t then, Py_ssize_t then_end
) except -1:
    """The first of two tokens ends a sentence."""
    cdef Py_ssize_t at
    cdef unsigned int h = 0
    if t[end - 1] != c".":
        return end - begin == 1 and traits(t[begin]) & MARK
    at = begin
    while at < end - 1 and t[at] < 128 and TRAITS[t[at]] & LETTER:
        h = h * 31 + (t[at] | 32)
        at += 1
    if at == end - 1 and end - begin > 2 and not punkt.known[mixed(h)]:
        return True
    return breaks_by_strings(punkt, string_of(t, begin, end), string_of(t, then, then_end))


cdef inline str string_of(const Char* t, Py_ssize_t begin, Py_ssize_t end):
    return PyUnicode_FromKindAndData(sizeof(Char), t + begin, end - begin)


cdef bint breaks_by_strings(Punkt punkt, str token, str then) except -1:
    """The same for any token that ends in a point: ``_first_pass_annotation`` and ``_second_pass_annotation``."""
    cdef Role role = role_of(punkt, token)
    cdef str kind = without_point(type_of(token))
    cdef str then_kind
    cdef bint initial = len(token) == 2 and is_letter(token[0])
    cdef bint capital
    cdef int context, starts
    if not initial and role == BREAK and kind != "##number##" and kind not in punkt.collocation_firsts:
        return True
    then_kind = type_of(then)
    if role_of(punkt, then) == BREAK:
        then_kind = without_point(then_kind)
    if (kind, then_kind) in punkt.collocations:
        return False
    capital = Py_UNICODE_ISUPPER(then[0])
    context = punkt.contexts.get(then_kind, 0)
    starts = starts_sentence(then, context)
    if (role == ABBREVIATION or role == ELLIPSIS) and not initial:
        if starts == 1 or (capital and then_kind in punkt.starters):
            return True
    if initial or kind == "##number##":
        if starts == 0 or (starts == -1 and initial and capital and not context & LOWER):
            return False
    return role == BREAK


cdef int starts_sentence(str token, int context) noexcept:
    """Whether the token begins a sentence, by how its word is used; -1: no one knows. ``_ortho_heuristic``."""
    cdef Py_UCS4 head = token[0]
    if len(token) == 1 and head in ";:,.!?":
        return 0
    if Py_UNICODE_ISUPPER(head) and context & LOWER and not context & MID_UPPER:
        return 1
    if Py_UNICODE_ISLOWER(head) and (context & UPPER or not context & BEGIN_LOWER):
        return 0
    return -1


cdef Role role_of(Punkt punkt, str token):
    """What the token is by itself: ``_first_pass_annotation``."""
    cdef Py_ssize_t length = len(token)
    cdef str stem
    if length == 1:
        return BREAK if token[0] in ".?!" else NONE
    if token[length - 1] != ".":
        return NONE
    if token[length - 2] == ".":
        return ELLIPSIS if token == "." * length else NONE
    stem = token[: length - 1].lower()
    if stem in punkt.abbreviations or ("-" in stem and stem.rpartition("-")[2] in punkt.abbreviations):
        return ABBREVIATION
    return BREAK


cdef str type_of(str token):
    """The token in lower case, and the same for all numbers: ``PunktToken.type``."""
    cdef str lowered = token.lower()
    return "##number##" if is_number(lowered) else lowered


cdef str without_point(str kind):
    return kind[: len(kind) - 1] if len(kind) > 1 and kind[len(kind) - 1] == "." else kind


cdef bint is_number(str token):
    """``^-?[.,]?\\d[\\d,.-]*\\.?$``; what may come last may also come before."""
    cdef Py_ssize_t at = 0
    cdef Py_ssize_t length = len(token)
    cdef Py_UCS4 c
    if at < length and token[at] == "-":
        at += 1
    if at < length and token[at] in ".,":
        at += 1
    if at == length or not Py_UNICODE_ISDECIMAL(token[at]):
        return False
    for at in range(at + 1, length):
        c = token[at]
        if not (Py_UNICODE_ISDECIMAL(c) or c in ",.-"):
            return False
    return True


cdef inline bint is_letter(Py_UCS4 c) noexcept:
    """``[^\\W\\d]``."""
    return (Py_UNICODE_ISALNUM(c) or c == "_") and not Py_UNICODE_ISDECIMAL(c)
