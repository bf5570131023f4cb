"""Judges a page by its lines in one pass: the twin of the stages of rows in c4pipe/cleaning.py.

A table of rows becomes a program of as many steps. A row whose rule and limits are known here has a step of its own;
any other calls what the plain row made, for the lines that reach it. Why the verdicts are equal:

Lines. They end where ``str.splitlines`` ends them (``Py_UNICODE_ISLINEBREAK``; CR LF is one end, and an end that ends
the text begins no line). Characters that may be an end are found 64 at a time and then looked at one by one.
``strip`` and ``split`` take off and part at ``Py_UNICODE_ISSPACE``; between space and U+0085 there is none.

Order. Steps run in the order of the rows, and a line's first one to fire is counted, as plain. A known pattern to
delete has a ``[`` in each of its matches, which end with ``]`` or with blanks. So a line without ``[`` stays as it is,
and a stripped line that does not end in ``]`` keeps its last character. By that alone most lines are dropped, where
``no_end_mark`` comes after nothing but such deletions and ``word_longer_than``, which never fires for a line that is
not longer itself. A line that was changed goes on from the next row as a text of its own.

Phrases. They are ASCII without capitals. ``str.lower`` makes ASCII of ASCII capitals and of two characters more, U+0130
and U+212A; lines with one of those call the plain rule. In all others a phrase is in the lowered line just where it is
in the line itself, read with ASCII capitals lowered. All phrases are looked for at once, by Wu and Manber: the last two
characters of a window as long as the shortest phrase tell how far it can move without passing over a phrase, for
letters of both cases alike; where it cannot move, the phrases are compared. A whole word needs what ``\\b`` needs, no
word character on either side, and but for U+0130 lowering makes none of another character nor takes one away.

Text. Kept lines are cut from the page, neighbours in one piece, then joined and stripped by ``str`` itself.
"""

from cpython.mem cimport PyMem_Calloc, PyMem_Free
from cpython.unicode cimport (
    Py_UNICODE_ISALNUM,
    Py_UNICODE_ISLINEBREAK,
    Py_UNICODE_ISSPACE,
    PyUnicode_DATA,
    PyUnicode_GET_LENGTH,
    PyUnicode_KIND,
    PyUnicode_Substring,
)
from libc.stdint cimport uint64_t
from libc.string cimport memset

cdef extern from "Python.h":
    const Py_ssize_t PY_SSIZE_T_MAX

cdef extern from *:
    """
    #include <stdint.h>
    #if defined(_MSC_VER)
    #include <intrin.h>
    static int first_bit(uint64_t bits) { unsigned long at; _BitScanForward64(&at, bits); return (int)at; }
    #else
    #define first_bit(bits) __builtin_ctzll(bits)
    #endif

    /* A bit for each of 16 characters that may end a line: below space, U+0085, U+2028, U+2029. */
    #if defined(__SSE2__) || defined(_M_X64)
    #include <emmintrin.h>
    static inline uint64_t ends_in_16_bytes(const unsigned char *t) {
        __m128i x = _mm_loadu_si128((const __m128i *)t);
        __m128i low = _mm_cmpeq_epi8(_mm_and_si128(x, _mm_set1_epi8((char)0xE0)), _mm_setzero_si128());
        return (uint64_t)_mm_movemask_epi8(_mm_or_si128(low, _mm_cmpeq_epi8(x, _mm_set1_epi8((char)0x85))));
    }
    static inline __m128i ends_in_8_pairs(const unsigned short *t) {
        __m128i x = _mm_loadu_si128((const __m128i *)t);
        __m128i low = _mm_cmpeq_epi16(_mm_and_si128(x, _mm_set1_epi16((short)0xFFE0)), _mm_setzero_si128());
        __m128i wide = _mm_cmpeq_epi16(_mm_and_si128(x, _mm_set1_epi16((short)0xFFFE)), _mm_set1_epi16(0x2028));
        return _mm_or_si128(_mm_or_si128(low, wide), _mm_cmpeq_epi16(x, _mm_set1_epi16(0x85)));
    }
    static inline uint64_t ends_in_16_pairs(const unsigned short *t) {
        return (uint64_t)_mm_movemask_epi8(_mm_packs_epi16(ends_in_8_pairs(t), ends_in_8_pairs(t + 8)));
    }
    static inline __m128i ends_in_4_quads(const unsigned int *t) {
        __m128i x = _mm_loadu_si128((const __m128i *)t);
        __m128i low = _mm_cmpeq_epi32(_mm_and_si128(x, _mm_set1_epi32(~0x1F)), _mm_setzero_si128());
        __m128i wide = _mm_cmpeq_epi32(_mm_and_si128(x, _mm_set1_epi32(~1)), _mm_set1_epi32(0x2028));
        return _mm_or_si128(_mm_or_si128(low, wide), _mm_cmpeq_epi32(x, _mm_set1_epi32(0x85)));
    }
    static inline uint64_t ends_in_16_quads(const unsigned int *t) {
        __m128i first = _mm_packs_epi32(ends_in_4_quads(t), ends_in_4_quads(t + 4));
        __m128i second = _mm_packs_epi32(ends_in_4_quads(t + 8), ends_in_4_quads(t + 12));
        return (uint64_t)_mm_movemask_epi8(_mm_packs_epi16(first, second));
    }
    #else
    #define ENDS_IN_16 { uint64_t bits = 0; int i; for (i = 0; i < 16; i++) \\
        bits |= (uint64_t)(t[i] < 32 || t[i] == 0x85 || (t[i] & ~1u) == 0x2028) << i; return bits; }
    static inline uint64_t ends_in_16_bytes(const unsigned char *t) ENDS_IN_16
    static inline uint64_t ends_in_16_pairs(const unsigned short *t) ENDS_IN_16
    static inline uint64_t ends_in_16_quads(const unsigned int *t) ENDS_IN_16
    #endif
    """
    int first_bit(uint64_t bits) noexcept
    uint64_t ends_in_16_bytes(const unsigned char* t) noexcept
    uint64_t ends_in_16_pairs(const unsigned short* t) noexcept
    uint64_t ends_in_16_quads(const unsigned int* t) noexcept

ctypedef unsigned char uchar
ctypedef unsigned short ushort
ctypedef unsigned int uint

ctypedef fused Char:
    uchar
    ushort
    uint

cdef enum Act:
    CALL  # what the plain row made
    WORD_LONGER
    DELETE_BRACKETS
    NO_END_MARK
    FEWER_WORDS
    PHRASES  # mentions, has_word
    CONTAINS

cdef enum Effect:
    DROP_LINE
    DROP_PAGE
    EDIT

cdef enum:
    MOST_PHRASES = 64
    MOST_CHARACTERS = 16  # of marks, of an ellipsis, of a substring
    PAIRS = 1 << 10  # five bits of each of two characters

cdef struct Characters:
    int count
    unsigned int all[MOST_CHARACTERS]

cdef struct Step:
    Act act
    Effect effect
    Py_ssize_t limit  # characters of WORD_LONGER, words of FEWER_WORDS
    Characters marks  # the substring of CONTAINS
    Characters ellipsis
    uint64_t phrases

cdef struct Phrase:
    const unsigned char* letters
    Py_ssize_t length
    bint whole  # a word of its own

# The patterns of c4pipe/rows.py: every match has a "[" and ends with a "]" or with blanks.
cdef BRACKETS = frozenset({
    r"\[\d*\]|\[edit\]|\[citation needed\]",
    r"(?i)^(?:\[(?:\d+|edit|citation needed)\]\s*)+|(?<!\s)\s*\[(?:\d+|edit|citation needed)\]",
})


cdef unsigned char MAY_BE_BLANK[256]  # which 256 characters have a blank among them, up to U+FFFF
cdef unsigned int character
for character in range(0x10000):
    MAY_BE_BLANK[character >> 8] |= Py_UNICODE_ISSPACE(character)


cdef class Program:
    """Rows, each as ``(effect, counter, name of its rule or "", limits, what the rule made of them)``."""

    cdef Step* steps
    cdef int rows
    cdef list acts
    cdef list counters
    cdef list spelled  # keeps the letters of the phrases alive
    cdef Phrase phrases[MOST_PHRASES]
    cdef Py_ssize_t width  # of the window: the length of the shortest phrase
    cdef unsigned char shifts[PAIRS]
    cdef uint64_t endings[PAIRS]  # the phrases whose window ends in the pair
    cdef int early  # the row that fires for a line by its last character alone, before any that must see more; or -1
    cdef Py_ssize_t early_limit  # for lines of no more characters
    cdef unsigned char ends[256]  # the last characters for which it does not, or only after another row

    def __cinit__(self, rows):
        self.rows = len(rows)
        self.steps = <Step*>PyMem_Calloc(self.rows + 1, sizeof(Step))
        if self.steps is NULL:
            raise MemoryError

    def __dealloc__(self):
        PyMem_Free(self.steps)

    def __init__(self, rows):
        self.acts, self.counters, self.spelled = [], [], []
        cdef int row
        for row, (effect, counter, rule, limits, act) in enumerate(rows):
            self.steps[row].effect = {"drop_line": DROP_LINE, "drop_page": DROP_PAGE, "edit": EDIT}[effect]
            self.steps[row].act = compiled(self, &self.steps[row], rule, limits)
            self.acts.append(act)
            self.counters.append(f"line-filtered:{counter}" if effect == "drop_line" else f"filtered:{counter}")
        prepare_search(self)
        prepare_ends(self)

    @property
    def calls(self):
        """How many of the rows call the plain rule."""
        return sum(self.steps[row].act == CALL for row in range(self.rows))

    def judge(self, str text not None, Py_ssize_t min_sentences, counter):
        """What ``CleanLines`` makes of the text: the new one or None, and the tally. ``counter`` gives what counts."""
        if PyUnicode_KIND(text) == 1:
            return judge_text(self, text, <const unsigned char*>PyUnicode_DATA(text), min_sentences, counter)
        if PyUnicode_KIND(text) == 2:
            return judge_text(self, text, <const unsigned short*>PyUnicode_DATA(text), min_sentences, counter)
        return judge_text(self, text, <const unsigned int*>PyUnicode_DATA(text), min_sentences, counter)

    def fires(self, str text not None):
        """The counter of the first row that fires for the text as a whole, or None."""
        cdef int row = run_text(self, text, 0, [])
        return None if row == self.rows else self.counters[row]


cdef Act compiled(Program program, Step* step, str rule, dict limits) except *:
    """The act of a rule, with its limits in the step; CALL if one of them is not known here."""
    cdef uint64_t phrases
    if (step.effect == EDIT) != (rule == "without"):
        return CALL
    if rule == "word_longer_than" and is_size(limits["characters"]):
        step.limit = limits["characters"]
        return WORD_LONGER
    if rule == "fewer_words_than" and is_size(limits["words"]):
        step.limit = limits["words"]
        return FEWER_WORDS
    if rule == "without" and limits["pattern"] in BRACKETS:
        return DELETE_BRACKETS
    if rule == "no_end_mark":
        marks, ellipsis = limits["marks"], limits.get("ellipsis")
        if type(marks) is tuple and all(type(mark) is str and len(mark) == 1 for mark in marks):
            if spell(&step.marks, "".join(marks)) and (ellipsis is None or spell(&step.ellipsis, ellipsis)):
                return NO_END_MARK
    if rule == "contains" and spell(&step.marks, limits["substring"]):
        return CONTAINS
    if rule == "mentions" or rule == "has_word":
        texts = limits["phrases"] if rule == "mentions" else (limits["word"],)
        phrases = add_phrases(program, texts, rule == "has_word")
        if phrases:
            step.phrases = phrases
            return PHRASES
    return CALL


cdef bint is_size(value):
    return type(value) is int and abs(value) < 1 << 31


cdef bint spell(Characters* characters, text):
    """Put the text into the characters; False if it is none, empty or too long."""
    if type(text) is not str or not 0 < len(text) <= MOST_CHARACTERS:
        return False
    characters.count = len(text)
    for at, character in enumerate(text):
        characters.all[<int>at] = ord(character)
    return True


cdef uint64_t add_phrases(Program program, phrases, bint whole) except *:
    """The bits of the phrases, after they were added; 0 if one of them is not of a kind that is searched for here."""
    cdef uint64_t bits = 0
    cdef bytes letters
    cdef int index
    if type(phrases) is not tuple or len(program.spelled) + len(phrases) > MOST_PHRASES:
        return 0
    for phrase in phrases:
        if type(phrase) is not str or len(phrase) < 2 or not phrase.isascii() or phrase != phrase.lower():
            return 0
        if whole and not (phrase[0].isalnum() and phrase[len(phrase) - 1].isalnum()):
            return 0
    for phrase in phrases:
        letters = phrase.encode("ascii")
        index = len(program.spelled)
        program.spelled.append(letters)
        program.phrases[index] = Phrase(<const unsigned char*>letters, len(letters), whole)
        bits |= <uint64_t>1 << index
    return bits


cdef void prepare_search(Program program) except *:
    """How far a window may move that ends in a pair of characters, and which phrases it may hold where it may not."""
    cdef const unsigned char* letters
    cdef int index, pair
    cdef Py_ssize_t at
    program.width = min([len(letters) for letters in program.spelled] + [255])
    memset(program.shifts, program.width - 1, sizeof(program.shifts))
    memset(program.endings, 0, sizeof(program.endings))
    for index in range(len(program.spelled)):
        letters = program.phrases[index].letters
        for at in range(1, program.width):
            pair = (letters[at - 1] & 31) << 5 | (letters[at] & 31)
            program.shifts[pair] = min(program.shifts[pair], program.width - 1 - at)
            if at == program.width - 1:
                program.endings[pair] |= <uint64_t>1 << index


cdef void prepare_ends(Program program) except *:
    """The first rows as one look at the last character, if they are of the kinds for which that is enough."""
    cdef int row = 0
    cdef int c
    program.early_limit = PY_SSIZE_T_MAX
    while program.steps[row].act == WORD_LONGER or program.steps[row].act == DELETE_BRACKETS:
        if program.steps[row].act == WORD_LONGER:
            program.early_limit = min(program.early_limit, program.steps[row].limit)
        row += 1
    program.early = -1
    if program.steps[row].act == NO_END_MARK and program.steps[row].effect == DROP_LINE:
        program.early = row
    for c in range(256):
        program.ends[c] = c == c"]" or is_among(&program.steps[row].marks, c)


cdef tuple judge_text(Program program, str text, const Char* t, Py_ssize_t min_sentences, counter):
    """Go through the lines, in their order, until one drops the page."""
    cdef Py_ssize_t* dropped = <Py_ssize_t*>PyMem_Calloc(program.rows + 1, sizeof(Py_ssize_t))  # the last: passed
    if dropped is NULL:
        raise MemoryError
    try:
        return judge_lines(program, text, t, min_sentences, counter, dropped)
    finally:
        PyMem_Free(dropped)


cdef tuple judge_lines(
    Program program, str text, const Char* t, Py_ssize_t min_sentences, counter, Py_ssize_t* dropped
):
    cdef Py_ssize_t length = PyUnicode_GET_LENGTH(text)
    cdef Py_ssize_t line = 0  # where it begins
    cdef Py_ssize_t base = 0
    cdef Py_ssize_t begin, end, stop
    cdef Py_ssize_t piece = -1  # where the piece that is open begins
    cdef Py_ssize_t piece_end = 0
    cdef Py_ssize_t found = 0
    cdef uint64_t ends = 0
    cdef int row
    cdef bint changed
    cdef list pieces = []
    cdef list edited = []  # the line as the edits left it, if one did
    cdef str kept
    count = None
    while line < length:
        while not ends and base < length:
            ends = possible_ends(t + base, length - base)
            base += 64
        if ends:
            stop = base - 64 + first_bit(ends)
            ends &= ends - 1
            if stop < line or not is_line_end(t[stop]):
                continue
        else:
            stop = length
        begin, end, line = line, stop, stop + 1
        if stop + 1 < length and t[stop] == c"\r" and t[stop + 1] == c"\n":
            line += 1
        while begin < end and is_blank(t[end - 1]):
            end -= 1
        if program.early >= 0 and dies_early(program, t, begin, end):
            dropped[program.early] += 1
            continue
        while begin < end and is_blank(t[begin]):
            begin += 1
        row = run(program, text, t, begin, end, 0, edited)
        dropped[row] += 1
        if row < program.rows:
            if program.steps[row].effect == DROP_PAGE:
                return None, tally_of(program, dropped, None)
            if edited:
                edited.clear()
            continue
        changed = len(edited) > 0
        if changed or found < min_sentences:
            kept = edited.pop() if changed else PyUnicode_Substring(text, begin, end)
            if found < min_sentences:
                if count is None:
                    count = counter()
                found += count(kept, min_sentences - found)
        if piece >= 0 and begin == piece_end + 1 and t[piece_end] == c"\n" and not changed:
            piece_end = end
            continue
        if piece >= 0:
            pieces.append(PyUnicode_Substring(text, piece, piece_end))
        piece, piece_end = begin, end
        if changed:
            pieces.append(kept)
            piece = -1
    if found < min_sentences:
        return None, tally_of(program, dropped, "filtered:too_few_sentences")
    if piece >= 0:
        pieces.append(PyUnicode_Substring(text, piece, piece_end))
    return "\n".join(pieces).strip(), tally_of(program, dropped, "passed")


cdef dict tally_of(Program program, const Py_ssize_t* dropped, str last):
    """What was counted; ``last`` once more, unless a row dropped the page."""
    cdef dict tally = {}
    cdef int row
    for row in range(program.rows):
        if dropped[row]:
            tally[program.counters[row]] = dropped[row]
    if dropped[program.rows]:
        tally["line-passed"] = dropped[program.rows]
    if last is not None:
        tally[last] = 1
    return tally


cdef inline uint64_t possible_ends(const Char* t, Py_ssize_t left) noexcept:
    """A bit for each of the next 64 characters that may end a line."""
    cdef uint64_t bits = 0
    cdef Py_ssize_t at
    if left >= 64:
        for at in range(0, 64, 16):
            if Char is uchar:
                bits |= ends_in_16_bytes(t + at) << at
            elif Char is ushort:
                bits |= ends_in_16_pairs(t + at) << at
            else:
                bits |= ends_in_16_quads(t + at) << at
        return bits
    for at in range(min(left, 64)):
        bits |= <uint64_t>(t[at] < 32 or t[at] == 0x85 or t[at] | 1 == 0x2029) << at
    return bits


cdef inline bint is_line_end(unsigned int c) noexcept:
    return c == 10 or Py_UNICODE_ISLINEBREAK(c)


cdef inline bint is_blank(unsigned int c) noexcept:
    return (c <= 32 or c >= 0x85 and (c > 0xFFFF or MAY_BE_BLANK[c >> 8])) and Py_UNICODE_ISSPACE(c)


cdef int run_text(Program program, str text, int row, list edited) except -1:
    """``run`` for a whole text."""
    cdef Py_ssize_t length = PyUnicode_GET_LENGTH(text)
    if PyUnicode_KIND(text) == 1:
        return run(program, text, <const unsigned char*>PyUnicode_DATA(text), 0, length, row, edited)
    if PyUnicode_KIND(text) == 2:
        return run(program, text, <const unsigned short*>PyUnicode_DATA(text), 0, length, row, edited)
    return run(program, text, <const unsigned int*>PyUnicode_DATA(text), 0, length, row, edited)


cdef int run(
    Program program, str text, const Char* t, Py_ssize_t begin, Py_ssize_t end, int row, list edited
) except -1:
    """The first row from ``row`` on that fires for the line, else their number; ``edited`` takes an edited line."""
    cdef Step* step
    cdef bint fires
    cdef bint searched = False
    cdef bint odd = False
    cdef uint64_t phrases = 0
    cdef str line, changed
    for row in range(row, program.rows):
        step = &program.steps[row]
        if step.act == DELETE_BRACKETS and not holds(t, begin, end, c"["):
            continue
        if step.act == PHRASES and not searched:
            searched, odd = True, has_odd_case(t, begin, end)
            phrases = 0 if odd else search(program, t, begin, end)
        if step.act == CALL or step.act == DELETE_BRACKETS or (step.act == PHRASES and odd):
            line = PyUnicode_Substring(text, begin, end)
            result = program.acts[row](line)
            if step.effect != EDIT:
                if result:
                    return row
                continue
            if not isinstance(result, str):
                raise TypeError(f"a rule that edits lines returned {result!r}, but must return a str")
            changed = "".join((result, ""))  # the very type, of a subclass too
            if changed == line:
                continue
            edited.clear()
            edited.append(changed)
            return run_text(program, changed, row + 1, edited)
        if step.act == NO_END_MARK:
            fires = no_end_mark(step, t, begin, end)
        elif step.act == FEWER_WORDS:
            fires = fewer_words(t, begin, end, step.limit)
        elif step.act == WORD_LONGER:
            fires = end - begin > step.limit and word_longer(t, begin, end, step.limit)
        elif step.act == PHRASES:
            fires = phrases & step.phrases != 0
        else:
            fires = contains(t, begin, end, &step.marks)
        if fires:
            return row
    return program.rows


cdef inline bint is_among(const Characters* characters, unsigned int c) noexcept:
    cdef int at
    for at in range(characters.count):
        if characters.all[at] == c:
            return True
    return False


cdef inline bint dies_early(Program program, const Char* t, Py_ssize_t begin, Py_ssize_t end) noexcept:
    """The early row fires for the line, stripped at its end."""
    cdef unsigned int last
    if end - begin > program.early_limit:
        return False
    if begin == end:
        return True
    last = t[end - 1]
    if last < 256:
        return program.ends[last] == 0
    return not is_among(&program.steps[program.early].marks, last)


cdef inline bint no_end_mark(const Step* step, const Char* t, Py_ssize_t begin, Py_ssize_t end) noexcept:
    cdef int count = step.ellipsis.count
    cdef int at
    if begin == end or not is_among(&step.marks, t[end - 1]):
        return True
    if count == 0 or end - begin < count:
        return False
    for at in range(count):
        if t[end - count + at] != step.ellipsis.all[at]:
            return False
    return True


cdef inline bint fewer_words(const Char* t, Py_ssize_t begin, Py_ssize_t end, Py_ssize_t words) noexcept:
    cdef Py_ssize_t count = 0
    cdef Py_ssize_t at = begin
    while count < words:
        while at < end and is_blank(t[at]):
            at += 1
        if at == end:
            return True
        count += 1
        while at < end and not is_blank(t[at]):
            at += 1
    return False


cdef bint word_longer(const Char* t, Py_ssize_t begin, Py_ssize_t end, Py_ssize_t characters) noexcept:
    cdef Py_ssize_t word = begin
    cdef Py_ssize_t at
    for at in range(begin, end + 1):
        if at == end or is_blank(t[at]):
            if at > word and at - word > characters:
                return True
            word = at + 1
    return False


cdef inline bint holds(const Char* t, Py_ssize_t begin, Py_ssize_t end, unsigned int c) noexcept:
    """One of the characters is ``c``; without a branch in the loop, so that compilers take many at a time."""
    cdef Py_ssize_t at
    cdef Char wanted = <Char>c
    cdef Char found = 0
    if wanted != c:
        return False
    for at in range(begin, end):
        found |= t[at] == wanted
    return found != 0


cdef inline bint has_odd_case(const Char* t, Py_ssize_t begin, Py_ssize_t end) noexcept:
    """A character that is not ASCII becomes so by lowering."""
    cdef Py_ssize_t at
    cdef Char found = 0
    if Char is not uchar:
        for at in range(begin, end):
            found |= (t[at] == 0x130) | (t[at] == 0x212A)
    return found != 0


cdef inline bint contains(const Char* t, Py_ssize_t begin, Py_ssize_t end, const Characters* substring) noexcept:
    cdef Py_ssize_t at
    cdef int matched
    if substring.count == 1:
        return holds(t, begin, end, substring.all[0])
    for at in range(begin, end - substring.count + 1):
        matched = 0
        while matched < substring.count and t[at + matched] == substring.all[matched]:
            matched += 1
        if matched == substring.count:
            return True
    return False


cdef inline uint64_t search(Program program, const Char* t, Py_ssize_t begin, Py_ssize_t end) noexcept:
    """The phrases that the line mentions."""
    cdef uint64_t found = 0
    cdef uint64_t here
    cdef Py_ssize_t at = begin + program.width - 1
    cdef int pair, index, shift
    while at < end:
        pair = (t[at - 1] & 31) << 5 | (t[at] & 31)
        shift = program.shifts[pair]
        if shift:
            at += shift
            continue
        here = program.endings[pair] & ~found
        while here:
            index = first_bit(here)
            here &= here - 1
            if is_here(&program.phrases[index], t, at - program.width + 1, begin, end):
                found |= <uint64_t>1 << index
        at += 1
    return found


cdef inline bint is_here(const Phrase* phrase, const Char* t, Py_ssize_t at, Py_ssize_t begin, Py_ssize_t end) noexcept:
    """The phrase is at this place, and is a word of its own if it is to be one."""
    cdef Py_ssize_t index
    cdef unsigned int c
    if at + phrase.length > end:
        return False
    for index in range(phrase.length):
        c = t[at + index]
        if c"A" <= c <= c"Z":
            c |= 32
        if c != phrase.letters[index]:
            return False
    if not phrase.whole:
        return True
    if at > begin and is_word_character(t[at - 1]):
        return False
    return at + phrase.length == end or not is_word_character(t[at + phrase.length])


cdef inline bint is_word_character(unsigned int c) noexcept:
    return Py_UNICODE_ISALNUM(c) or c == c"_"
