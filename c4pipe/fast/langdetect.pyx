# cython: initializedcheck=False
"""langdetect's detector, compiled: the twin of the plain one in ``c4pipe/detector.py``, digit for digit.

Why it gives what the plain one gives:

- *Addresses.* A page without ``@`` and ``://`` where it counts has none. Else ``://`` is part of a match exactly if
  ``http`` or ``https`` stands before it, not yet matched, and a URL character follows; at most 2,076 are taken. A
  match of the other pattern begins in the run of local characters (64 at most) that ends in ``@``, so the leftmost
  one belongs to the first ``@`` that has any; a domain needs two characters, and the greedy parts of the pattern take
  255 without dots and then 255 with them.
- *Cut and marks.* A letter and its mark become one character, and none of what comes out is looked at again; the
  10,000 characters are counted after that. Blanks that follow a blank need not be removed: no n-gram knows of them.
- *N-grams.* Which of the three that end in a character are known hangs on it, the one before and, if that is no
  blank, the one before that. For windows of common characters the answer is in a table, which was filled by the rule
  that answers for all others; of those the last answers are kept, each with its window.
- *Chance.* The seed is fixed, so the 32-bit words of the generator are a constant and come in a table. A trial in two
  draws a pair of normal variates, as many words (4) wherever it begins: what follows from them is asked of Python, once
  for each place. An index below n is the top bits of the next word that is small enough.
- *Digits.* A language's probability is multiplied in the order in which n-grams are drawn, divided by the sum from the
  first language to the last, and no operation is fused with another. Languages may be taken side by side, and what is
  missing in the last lanes is 0; how many at once hangs on the machine. The greatest number stays the greatest when
  all are divided by the same one.
- *An early end.* No probability is above 1, as a sum is not below any of its terms, and rounding never turns an
  order round. So a language ends at most where it would if it got 1 in all trials that are left, added in the same
  manner; and what it has, it keeps. If no language can reach the least that is asked and one is above the threshold
  of predictions already, the outcome is known.
- *Near.* What is asked is mostly an outcome, not digits. It hangs on comparisons alone: where trials end, and what
  the sums are above. So they are made by nearly the same numbers, in other orders and with factors of 32 bits, and
  hold if they hold by more than both ways can differ; else the trials are repeated digit for digit. A factor, weight
  plus probability, both positive, is off by two roundings of 2^-24, its product with others by one more: 2.8 of them
  for an n-gram, as five have four products in whatever order. So the ratio of two languages is off by less than 5.6 *
  2^-24 = 3.34e-7 an n-gram, for which ``NEAR_DRIFT`` is taken: the odds against a language, all others by it, are off
  by no more, and so are those against the likeliest, which are the least; and a probability. What is spare covers the
  rest: that errors multiply (a fiftieth of a percent after 1,001 n-grams), the package's own roundings (2.5e-16 an
  n-gram) and those of sums of 256, the most languages that columns can name (4e-14, where the least that is spare, a
  sixth of ``NEAR_DRIFT`` of the least odds at which a trial may end, ``LEAST_ODDS``, is 6.6e-14). All factors are 2^7
  times as great, which rounds nothing and changes no ratio; values are not divided by their sum at each step, which
  they need only for their range. Weights and probabilities that are out of what is said here are left to digits.
- *Near, and nothing.* A step of five factors above 2e-5 leaves 3e-24 or more of a share, so one that starts at 1 / 256
  is not below 1e-290 after one n-gram and 12 steps: no factor is above 1.01, so what it is divided by is below 2 in
  all. Then, and at every fourth step from there on, shares below 1e-200 are raised to it; the others are not below
  1e-294 four steps later, and digits end at 2e-308. So what is raised is more than what the package has there, but for
  the drift, and so ever after: where it has fewer digits, which may double what it has at each n-gram, it has less by
  more than 1e13. Four steps give a language at most 3e96 times the share that it had (1 by 2e-5 twenty times, and the
  likeliest has 1 / 256), so if no raised one is above 1e-120 when looked at, none is above 1e-22 until the next look,
  and none counts; else all is repeated. What is not divided meanwhile is a value: a step makes it 1e-13 to 4e10 times
  as great, so it ranges from 1e-253 (four steps from 1e-200) to 1e130 (12 steps from 1).
- *UTF-8.* What a text of a column has can be told by its bytes: a character begins with each that is no tail, from
  U+0300 on with 0xCC or above, a mark with 0xCC itself, and what is behind the table with 0xF0 or above. Without
  addresses, marks and those, and unless there are Latin letters to leave out, nothing in it changes: its characters
  are numbered as they are read. Any other text is judged as units of one width, which is how Python keeps it but for
  the width. Of a long one only as many characters are looked at as may count: for addresses ``2 * characters + 66``,
  and more only if there may be one, then the text is taken whole; for marks one more than ``characters``; of two
  characters that become one at most ``2 * characters``. No character takes more than 4 bytes, and bytes of ASCII are
  never part of another character, so that bytes in which no address may begin hold no character where one does.
"""

from _thread import allocate_lock
from array import array

from libc.math cimport NAN, isnan
from libc.stddef cimport ptrdiff_t
from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t, uintptr_t
from libc.string cimport memchr, memcpy, memmove


cdef extern from *:
    """
    #include <float.h>
    #if defined(FLT_EVAL_METHOD) && FLT_EVAL_METHOD != 0
    #error "doubles are evaluated wider than they are here, which would change digits; the plain room decides instead"
    #endif
    #if defined(__FAST_MATH__) || defined(_M_FP_FAST) || (defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__)
    #error "operations may be reordered here, which would change digits; the plain room decides instead"
    #endif
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


cdef extern from "products.h":
    enum: LANES
    enum: STEP
    ctypedef struct Total:
        double sum, greatest
    ctypedef Total (*Step)(double*, double, const double**, double, int) noexcept nogil
    Step step_here() noexcept nogil
    Total step_anywhere(double*, double, const double**, double, int) noexcept nogil
    void FETCH_EARLY(const void*) noexcept nogil


cdef extern from "near.h":
    enum: NEAR_LANGUAGES
    enum: NEAR_NO_WORDS
    enum: NEAR_UNSURE
    double NEAR_DRIFT
    ctypedef struct NearSingle:
        float probability
        int32_t language
    ctypedef struct Near:
        float* rows
        NearSingle* singles
        uint32_t full
        int stride, width, iterations, pair
        double odds
        const double* before
        const uint16_t* located
        const uint32_t* taken
        const uint32_t* added
        const uint32_t* words
        ptrdiff_t end, place
        int drawn, numbered, used
        uint32_t* places
        uint32_t* after
        uint16_t* numbers
        const uint16_t* found
        const uint32_t* windows
        uint32_t count
        int shift
        double* values
        double* sums
        double most
        uint8_t* raised
    void near_load(Near*, uint32_t, int, double) noexcept nogil
    void near_choose(Near*, int) noexcept nogil
    int near_begin_pair(Near*) noexcept nogil
    int near_try(Near*, double) noexcept nogil
    int NEAR_WASTE(int) noexcept nogil


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


ctypedef fused Unit:  # of text, as Python keeps it
    uint8_t
    uint16_t
    uint32_t


cdef enum:
    NO_FEATURES = -1  # outcomes that are no language
    NO_PREDICTIONS = -2
    LOW_CONFIDENCE = -3
    FAILED = -4
    UNSURE = -5  # ask for the digits
    BLANK = 0x20
    BLOCK = 32  # characters that are looked at together
    LOCAL = 1  # classes of characters in addresses
    DOMAIN = 2
    URL = 4
    LONGEST_URL = 2076  # after the slashes
    LONGEST_LOCAL = 64
    LONGEST_DOMAIN = 255  # its first part, and as much again
    PLAIN_STRANGER = 0xFFFF  # stands for all characters that are in no n-gram: those behind the table
    CAPITAL_STRANGER = 0xFFFE
    FIRST_MARK = 0x300
    MARKS = 0x24
    LETTERS = 0x200  # those that take a mark come before
    BITS = LETTER_BITS
    COMMON = 1 << BITS
    RARE = LETTER_RARE
    WINDOWS = COMMON * COMMON * COMMON
    ASK = LETTER_ASK
    PLACES_2 = WINDOWS  # where two and one of its characters have their places
    PLACES_1 = WINDOWS + COMMON * COMMON
    PLACES = WINDOWS + COMMON * COMMON + COMMON
    ANSWERS = 1 << 14  # kept, about windows with a rare character
    AHEAD = 6  # characters: what will be asked of them is fetched
    ASKED = 1 << 30  # a window is this and where the numbers of its n-grams are among those asked for
    KEY_BITS = 48  # of an n-gram's key
    MOST_CHARACTERS = (1 << 14) - 1
    LONGEST_CHARACTER = 4  # bytes of UTF-8
    LINE = 64  # bytes of a cache line
    SPARSE = 16  # languages: rows with fewer are kept as a list
    NUMBERS = 1 << 16  # of n-grams, that there may be at most
    SIZE_BITS = 5  # of a locator
    PAIR = 4  # words of two normal variates

cdef double LEAST_WEIGHT = 2e-5, MOST_WEIGHT = 1e-2  # between which the proof holds
cdef double LEAST_ODDS = 1e-6  # from which on it holds
cdef uint64_t SCATTER = 0x9E3779B97F4A7C15  # 2 ** 64 by the golden ratio: spreads keys


cdef struct Entry:
    double probability
    int32_t language


cdef uint8_t[128] _classes


cdef void _fill_classes():
    cdef int c
    for c in range(128):
        if chr(c).isalnum() or chr(c) in "-_":
            _classes[c] = LOCAL | DOMAIN | URL
        elif chr(c) == ".":
            _classes[c] = LOCAL | URL
        else:
            _classes[c] = URL if chr(c) in "?&~;+=/#" else 0


_fill_classes()


cdef inline bint _is(uint32_t c, int what) noexcept nogil:
    return c < 128 and (_classes[c] & what) != 0


cdef Py_ssize_t _find(Unit* text, Py_ssize_t start, Py_ssize_t end, uint8_t c) noexcept nogil:
    """The first place of an ASCII character, or the end."""
    cdef uint8_t* found
    cdef Unit here
    cdef int i
    if Unit is uint8_t:
        found = <uint8_t*>memchr(text + start, c, end - start) if start < end else NULL
        return found - text if found else end
    else:
        while start + BLOCK <= end:
            here = 0
            for i in range(BLOCK):
                here |= text[start + i] == c
            if here:
                break
            start += BLOCK
        while start < end and text[start] != c:
            start += 1
        return start


cdef Py_ssize_t _run(Unit* text, Py_ssize_t start, Py_ssize_t end, Py_ssize_t most, int what) noexcept nogil:
    """Where a run of characters of a class ends that is taken to ``most`` characters."""
    end = min(end, start + most)
    while start < end and _is(text[start], what):
        start += 1
    return start


cdef bint _ends_in(Unit* text, Py_ssize_t start, Py_ssize_t end, const char* word, Py_ssize_t length) noexcept nogil:
    cdef Py_ssize_t i
    if end - start < length:
        return False
    for i in range(length):
        if text[end - length + i] != <uint8_t>word[i]:
            return False
    return True


cdef Py_ssize_t _move(Unit* to, Py_ssize_t used, Unit* text, Py_ssize_t start, Py_ssize_t end) noexcept nogil:
    memmove(to + used, text + start, (end - start) * sizeof(Unit))
    return used + end - start


cdef Py_ssize_t _without_urls(Unit* text, Py_ssize_t length, Unit* to) noexcept nogil:
    cdef Py_ssize_t colon = 0, done = 0, used = 0, start, end
    while True:
        colon = _find(text, colon, length, c":")
        if colon + 3 >= length:
            break
        end = colon + 3
        if text[colon + 1] == c"/" and text[colon + 2] == c"/" and _is(text[end], URL):
            start = -1
            if _ends_in(text, done, colon, b"http", 4):
                start = colon - 4
            elif _ends_in(text, done, colon, b"https", 5):
                start = colon - 5
            if start >= 0:
                used = _move(to, used, text, done, start)
                to[used] = BLANK
                used += 1
                colon = done = _run(text, end, length, LONGEST_URL, URL)
                continue
        colon += 1
    return _move(to, used, text, done, length)


cdef Py_ssize_t _without_mail(Unit* text, Py_ssize_t length) noexcept nogil:
    """In place."""
    cdef Py_ssize_t at = 0, done = 0, used = 0, start, first, end
    while True:
        at = _find(text, at, length, c"@")
        if at >= length:
            break
        start = at
        while start > done and at - start < LONGEST_LOCAL and _is(text[start - 1], LOCAL):
            start -= 1
        first = _run(text, at + 1, length, LONGEST_DOMAIN, DOMAIN)
        end = _run(text, first, length, LONGEST_DOMAIN, LOCAL)
        if start < at and first > at + 1 and end > at + 2:
            used = _move(text, used, text, done, start)
            text[used] = BLANK
            used += 1
            at = done = end
        else:
            at += 1
    return _move(text, used, text, done, length)


cdef bint _has_address(Unit* text, Py_ssize_t length) noexcept nogil:
    """Whether the text may hold one: never wrongly no."""
    cdef Py_ssize_t i, last = length - 1
    cdef Unit found = 0
    if length == 0:
        return False
    if Unit is uint8_t:
        if memchr(text, c"@", length):
            return True
    for i in range(last):
        if Unit is uint8_t:
            found |= (text[i] == c":") & (text[i + 1] == c"/")
        else:
            found |= (text[i] == c"@") | ((text[i] == c":") & (text[i + 1] == c"/"))
    return found != 0 or text[last] == c"@"


cdef bint _has_marks(Unit* text, Py_ssize_t length) noexcept nogil:
    """Whether a character may be a mark: never wrongly no."""
    cdef Py_ssize_t i
    cdef Unit found = 0
    if Unit is not uint8_t:
        for i in range(length):
            found |= (text[i] >= FIRST_MARK) & (text[i] < FIRST_MARK + MARKS)
    return found != 0


cdef bint _outnumbers_latin(Unit* text, Py_ssize_t length) noexcept nogil:
    cdef Py_ssize_t i
    cdef uint16_t latin = 0, other = 0  # MOST_CHARACTERS at most; wider ones are fewer side by side
    if Unit is not uint8_t:
        for i in range(length):
            latin += (text[i] >= c"A") & (text[i] <= c"z")
            other += text[i] >= FIRST_MARK
    return <int>latin * 2 < <int>other


cdef Py_ssize_t _without_latin(Unit* text, Py_ssize_t length, Unit* to) noexcept nogil:
    cdef Py_ssize_t i, used = 0
    for i in range(length):
        to[used] = text[i]
        used += not c"A" <= text[i] <= c"z"
    return used


cdef Total _multiply(double* values, const double* row, double weight, int width) noexcept nogil:
    """Multiply by a row, and sum up from the first to the last."""
    cdef Total total
    cdef int j
    total.sum = total.greatest = 0.0
    for j in range(width):
        values[j] *= weight + row[j]
        total.sum += values[j]
        total.greatest = values[j] if values[j] > total.greatest else total.greatest
    return total


cdef inline int _shift(uint32_t count) noexcept nogil:
    """By how many bits words are shifted for an index below the count."""
    cdef int shift = 31
    while shift > 0 and count >> (32 - shift):
        shift -= 1
    return shift


cdef inline uint64_t _key(uint64_t a, uint64_t b, uint64_t c, int n) noexcept nogil:
    """The last n of three characters as a number."""
    return c | (b << 16 if n > 1 else 0) | (a << 32 if n > 2 else 0)


# An n-gram that was found is noted in 16 bits: where it ends, and n in the last two. Four are written at once, whatever
# the order of bytes is, of which as many stay as there are.
cdef union Lanes:
    uint16_t[4] lanes
    uint64_t all

cdef Lanes[8] _members  # by mask
cdef uint8_t[8] _sizes
cdef Lanes _next  # one character further
cdef uint32_t[8] _taken  # by n, and 4 more if it was asked: what is taken of a window, and what is added, for a place
cdef uint32_t[8] _added


cdef void _fill_sets():
    cdef int mask, n
    for mask in range(8):
        for n in range(1, 4):
            if mask >> (n - 1) & 1:
                _members[mask].lanes[_sizes[mask]] = n
                _sizes[mask] += 1
    for n in range(4):
        _next.lanes[n] = 4
        _taken[n] = (1 << n * BITS) - 1
        _taken[4 + n], _added[4 + n] = ASKED - 1, PLACES + n - 1
    _added[1], _added[2] = PLACES_1, PLACES_2


_fill_sets()


cdef struct Answer:
    uint64_t key  # three characters; 0: none yet
    uint16_t[3] numbers  # by n
    uint16_t mask


cdef _zeros(str kind, count):
    """So many numbers, from the start of a cache line on."""
    size = array(kind).itemsize * count
    cdef uint8_t[::1] memory = bytearray(size + LINE)
    start = -<uintptr_t>&memory[0] % LINE
    return memoryview(memory.base)[start : start + size].cast(kind)


cdef class Detector:
    """What language a text is in.

    An n-gram's key is its characters as 16-bit numbers, the last one in the lowest bits. From ``starts`` of it on
    ``columns`` and ``probabilities`` say which languages have it and how probable it is there. ``words(n)`` gives the
    first n 32-bit words of the generator, as bytes in the machine's order; ``weights(n)`` the weights of a trial that
    begins after n words and of the one that follows it. No vectors are used of more than ``lanes`` 32-bit numbers.
    """

    cdef readonly tuple languages
    cdef object words, weights
    cdef object lock  # one text at a time: asking for weights may let another thread in
    cdef dict names  # of n-grams, by number; None until asked for
    cdef int trials, iterations, width, shift
    cdef bint probable  # no probability is above 1
    cdef Step step
    cdef Near near
    cdef Letters letters
    cdef Py_ssize_t characters, reach, place
    cdef double converged, threshold
    cdef readonly int64_t repeated  # texts for which the near numbers were not enough
    # Probabilities of n-grams: a row of all languages for those that many have, each from the start of a cache line,
    # and a list for the others. A locator is the number of a row, or where a list begins; in the last bits its size.
    cdef double* rows
    cdef double[::1] row_memory
    cdef float[::1] near_row_memory
    cdef uint8_t[::1] list_memory, single_memory
    cdef Entry* lists
    cdef double* spare  # STEP rows for what is in lists, else 0
    cdef uint32_t[::1] locators  # by number: those of n-grams of many languages come first
    cdef uint64_t[::1] keys  # a hash table, with numbers before the keys; 0 is free
    cdef const uint16_t[::1] normal  # what characters are taken for
    cdef const uint8_t[::1] upper  # of those that they are taken for
    cdef uint8_t[::1] common  # numbers of common characters
    cdef uint8_t[::1] masks  # of windows: bit n - 1 for each n-gram that is known
    # Numbers by place: what the last characters of a window are; behind them those of n-grams that were asked for.
    cdef uint16_t[::1] located
    cdef uint16_t[::1] composed  # by mark, then letter; 0: nothing
    cdef uint32_t[::1] stream
    cdef double[::1] first_weight, second_weight  # by the place where a pair of trials begins; NaN: not asked yet
    cdef uint32_t[::1] cut, windows, places, after
    cdef uint16_t[::1] drawn, rare, codes  # codes: of common characters, by number
    cdef uint8_t[::1] numbers
    cdef uint16_t[::1] found
    cdef uint8_t[::1] scratch, answers
    cdef uint8_t[::1] raised  # languages, in a trial by near numbers
    cdef Utf8Room widened
    cdef double[::1] values, sums
    cdef double[::1] before  # what the languages have before the first n-gram

    def __init__(
        self,
        *,
        tuple languages,
        const uint64_t[::1] keys,
        const int32_t[::1] starts,
        const uint8_t[::1] columns,
        const double[::1] probabilities,
        const uint16_t[::1] normal,
        const uint8_t[::1] upper,
        str common,
        dict composed,
        words,
        weights,
        int trials,
        int iterations,
        double converged,
        double threshold,
        Py_ssize_t characters,
        int lanes=16,
    ):
        self.step = step_here() if lanes >= LANES else step_anywhere
        self.languages, self.words, self.weights, self.lock = languages, words, weights, allocate_lock()
        self.trials, self.iterations, self.converged, self.threshold = trials, iterations, converged, threshold
        self.characters, self.normal, self.upper = characters, normal, upper
        self.reach = 2 * characters + LONGEST_LOCAL + 2  # two characters may become one
        self.width = (len(languages) + LANES - 1) // LANES * LANES
        if characters > MOST_CHARACTERS:
            raise ValueError(f"{characters} characters are to be read, but at most {MOST_CHARACTERS} have numbers")
        self._load_keys(keys, self._load_rows(starts, columns, probabilities))
        self._load_windows(keys, common)
        self._load_composed(composed)
        self._lengthen(1 << 12)
        self.cut, self.scratch = _zeros("I", characters + 1), bytearray(1)
        self.windows, self.rare = _zeros("I", characters + LETTER_SLACK), _zeros("H", LINE + characters + LETTER_SLACK)
        self.numbers = _zeros("B", LINE + characters + LETTER_SLACK)
        self.found, self.answers = _zeros("H", 3 * characters + LETTER_SLACK), _zeros("B", ANSWERS * sizeof(Answer))
        padded = max(self.width, NEAR_LANGUAGES)
        self.values, self.sums = _zeros("d", padded), _zeros("d", padded)
        self.before = array("d", [1.0 / len(languages)] * len(languages) + [0.0] * (padded - len(languages)))
        self._load_near(lanes)
        self._load_letters(lanes)

    def best(self, str text not None, double least):
        """The number of the likeliest language; -1: there are no n-grams, -2: no predictions, -3: it has less."""
        with self.lock:
            return self._best(self._find_in(text), least)

    def best_column(self, const int64_t[::1] offsets, const uint8_t[::1] data, double least):
        """What ``best`` says of each text of a column, 32 bits a text."""
        cdef Py_ssize_t count = max(offsets.shape[0] - 1, 0), i
        out = bytearray(count * sizeof(int32_t))
        if count == 0:
            return out
        cdef int32_t[::1] numbers = memoryview(out).cast("i")
        with self.lock:
            for i in range(count):
                numbers[i] = self._best(self._find_in_utf8(&data[0] + offsets[i], offsets[i + 1] - offsets[i]), least)
        return out

    def probabilities(self, str text not None):
        """Languages above the threshold with their probabilities, the likeliest first; None without n-grams."""
        with self.lock:
            if self._detect(self._find_in(text), 0.0):
                return None
            sums = list(self.sums[: self.width])
        # zip: the last sums are no language's
        found = [one for one in zip(self.languages, sums) if one[1] > self.threshold]
        return sorted(found, key=lambda one: one[1], reverse=True)

    def ngrams(self, text not None):
        """The known n-grams of a text or of its UTF-8, in order: what all else is drawn from."""
        with self.lock:
            count = self._find_in_utf8(text, len(text)) if isinstance(text, bytes) else self._find_in(text)
            numbers = [self._number(i) for i in range(count)]
        if self.names is None:
            self.names = {
                key >> KEY_BITS: "".join([chr(key >> bits & 0xFFFF) for bits in (32, 16, 0) if key >> bits & 0xFFFF])
                for key in self.keys
                if key
            }
        return [self.names[number] for number in numbers]

    def __dealloc__(self):
        utf8_free(&self.widened)

    cdef uint32_t _find_in(self, str text) except? 0:
        """Find its known n-grams, and say how many."""
        cdef int kind = PyUnicode_KIND(text)
        if kind == 1:
            return self._collect(<uint8_t*>PyUnicode_DATA(text), PyUnicode_GET_LENGTH(text))
        if kind == 2:
            return self._collect(<uint16_t*>PyUnicode_DATA(text), PyUnicode_GET_LENGTH(text))
        return self._collect(<uint32_t*>PyUnicode_DATA(text), PyUnicode_GET_LENGTH(text))

    cdef uint32_t _find_in_utf8(self, const uint8_t* text, Py_ssize_t size) except? 0:
        cdef Py_ssize_t most = size, looked_at = min(size, LONGEST_CHARACTER * self.reach), bytes_read
        cdef Looks looks = self.letters.looks(text, looked_at)
        cdef int width
        if not looks.odd:
            bytes_read = self.letters.read(&self.letters, text, looked_at, self.characters)
            if bytes_read < looked_at:
                looks = self.letters.looks(text, bytes_read)
            if looks.latin == 0 or looks.latin * 2 >= looks.other:
                return self._scan()
        if size > self.reach and not _has_address(<uint8_t*>text, looked_at):
            most, size = self.reach, looked_at
        width = utf8_width(text, size)
        if width == 1:
            return self._collect(<uint8_t*>text, size)
        size = utf8_widen(text, size, width, most, &self.widened)
        if size < 0:
            raise MemoryError
        if width == 2:
            return self._collect(<uint16_t*>self.widened.units, size)
        return self._collect(<uint32_t*>self.widened.units, size)

    cdef int _best(self, uint32_t count, double least) except FAILED:
        """The number of the likeliest language by the n-grams found, or the outcome."""
        cdef int j, best = 0, outcome = self._nearly_best(count, least)
        if outcome != UNSURE:
            return outcome
        self.repeated += 1
        outcome = self._detect(count, least)
        if outcome:
            return outcome
        for j in range(self.width):
            if self.sums[j] > self.sums[best]:
                best = j
        return best if self.sums[best] > self.threshold else NO_PREDICTIONS

    cdef int _nearly_best(self, uint32_t count, double least) except FAILED:
        """What ``_best`` says, if that can be said without all digits."""
        cdef int t, j, many, drawn = 0, best = 0
        cdef double weight, second = 0.0, most = 0.0, next_most = 0.0, off = 0.0
        cdef Near* near = &self.near
        if count == 0:
            return NO_FEATURES
        near.count, near.shift = count, _shift(count)
        near.place = near.drawn = near.numbered = near.used = 0
        for j in range(self.width):
            self.sums[j] = 0.0
        for t in range(self.trials):
            if t % 2:
                weight = second
            else:
                self.place = near.after[near.used - 1] if near.used else 0
                weight = self._weight(&second)
                while not near_begin_pair(near):
                    self._lengthen(2 * near.end)
            if not (self.probable and LEAST_WEIGHT <= weight <= MOST_WEIGHT and near.odds >= LEAST_ODDS):
                return UNSURE
            many = near_try(near, weight)
            while many == NEAR_NO_WORDS:
                self._lengthen(2 * near.end)
                many = near_try(near, weight)
            if many == NEAR_UNSURE:
                return UNSURE
            drawn += many
            off, most = drawn * NEAR_DRIFT, near.most / self.trials
            if most - off > self.threshold and most + (self.trials - t - 1) / <double>self.trials + off < least:
                return LOW_CONFIDENCE
        if most + off < self.threshold:
            return NO_PREDICTIONS
        if most - off <= self.threshold or most - off <= least:
            return UNSURE
        for j in range(self.width):
            if self.sums[j] > self.sums[best]:
                best = j
        for j in range(self.width):
            if j != best and self.sums[j] > next_most:
                next_most = self.sums[j]
        return best if most - off > next_most / self.trials + off else UNSURE

    cdef int _detect(self, uint32_t count, double least) except FAILED:
        """Sum the trials up. 0: the sums stand; else the outcome."""
        cdef int t, j
        cdef double weight, second = 0.0
        if count == 0:
            return NO_FEATURES
        self.place = 0
        for j in range(self.width):
            self.sums[j] = 0.0
        for t in range(self.trials):
            if t % 2:
                weight = second
            else:
                weight = self._weight(&second)
            self._try(count, weight)
            for j in range(self.width):
                self.sums[j] += self.values[j] / self.trials
            if self._is_low(self.trials - t - 1, least):
                return LOW_CONFIDENCE
        return 0

    cdef bint _is_low(self, int left, double least) noexcept:
        """Whether no language can reach the least in the trials that are left, but one is above the threshold."""
        cdef double most = 0.0
        cdef int j
        for j in range(self.width):
            most = self.sums[j] if self.sums[j] > most else most
        if most <= self.threshold:
            return False
        for j in range(left):
            most += 1.0 / self.trials
        return most < least

    cdef int _try(self, uint32_t count, double weight) except -1:
        """One trial: draw n-grams until one language is nearly sure."""
        cdef double* values = &self.values[0]
        cdef Total total
        cdef const double* rows[STEP]
        cdef uint32_t drawn[STEP]
        cdef int i = 0, j, shift = _shift(count)
        memcpy(values, &self.before[0], self.width * sizeof(double))
        self._draw(drawn, 1, count, shift)
        total = _multiply(values, self._row(drawn[0], 0), weight, self.width)
        self._clear(drawn[0], 0)
        while total.greatest / total.sum <= self.converged and i < self.iterations:
            self._draw(drawn, STEP, count, shift)
            for j in range(STEP):
                rows[j] = self._row(drawn[j], j)
            total = self.step(values, total.sum, rows, weight, self.width)
            for j in range(STEP):
                self._clear(drawn[j], j)
            i += STEP
        for j in range(self.width):
            values[j] /= total.sum
        return 0

    cdef inline int _draw(self, uint32_t* drawn, int many, uint32_t count, int shift) except -1:
        """The locators of random ones of the n-grams found."""
        cdef const uint32_t* stream = &self.stream[0]
        cdef uint32_t indices[STEP]
        cdef Py_ssize_t place = self.place, end = self.stream.shape[0]
        cdef int i = 0
        while i < many:
            if place >= end:
                self._lengthen(2 * place)
                stream, end = &self.stream[0], self.stream.shape[0]
            indices[i] = stream[place] >> shift
            i += indices[i] < count
            place += 1
        self.place = place
        for i in range(many):
            drawn[i] = self.locators[self._number(indices[i])]
        return 0

    cdef inline uint32_t _number(self, Py_ssize_t index) noexcept:
        """The number of one of the n-grams found."""
        cdef uint32_t window = self.windows[self.found[index] >> 2]
        cdef uint32_t n = self.found[index] & 3 | window >> 30 << 2
        return self.located[(window & _taken[n]) + _added[n]]

    cdef inline const double* _row(self, uint32_t locator, int spare) noexcept:
        """Probabilities in all languages."""
        cdef int size = locator & ((1 << SIZE_BITS) - 1), i
        cdef double* row = self.spare + spare * self.width
        cdef Entry* entries = self.lists + (locator >> SIZE_BITS)
        if size == 0:
            return self.rows + <Py_ssize_t>(locator >> SIZE_BITS) * self.width
        for i in range(size):
            row[entries[i].language] = entries[i].probability
        return row

    cdef inline void _clear(self, uint32_t locator, int spare) noexcept:
        cdef int size = locator & ((1 << SIZE_BITS) - 1), i
        cdef double* row = self.spare + spare * self.width
        cdef Entry* entries = self.lists + (locator >> SIZE_BITS)
        for i in range(size):
            row[entries[i].language] = 0.0

    cdef double _weight(self, double* second) except -1:
        """The weights of two trials from here on."""
        cdef Py_ssize_t place = self.place
        if place >= self.stream.shape[0]:
            self._lengthen(2 * place)
        if isnan(self.first_weight[place]):
            self.first_weight[place], self.second_weight[place] = self.weights(place)
        second[0] = self.second_weight[place]
        self.place += PAIR
        return self.first_weight[place]

    cdef int _lengthen(self, Py_ssize_t count) except -1:
        self.first_weight, self.second_weight = array("d", [NAN]) * count, array("d", [NAN]) * count
        self.stream = array("I", self.words(count))  # last: there is a weight for every word, even if memory ends here
        self.near.words, self.near.end = &self.stream[0], self.stream.shape[0]
        return 0

    cdef uint32_t _collect(self, Unit* text, Py_ssize_t length) except? 0:
        cdef Py_ssize_t i
        text = self._cleaned(text, &length)
        for i in range(length):
            if Unit is uint32_t and text[i] >= 1 << 16:
                self.letters.numbers[i], self.letters.rare[i] = RARE, self._code(text[i])
            else:
                self.letters.numbers[i], self.letters.rare[i] = self.common[text[i]], self.normal[text[i]]
        self.letters.length = length
        return self._scan()

    cdef uint32_t _scan(self) noexcept:
        """Note all known n-grams of the letters."""
        cdef Letters* letters = &self.letters
        cdef uint32_t a, b, c, asked = 0
        cdef uint64_t lanes, ahead
        cdef Answer* answer
        letters.place = letters.used = 0
        while True:
            letters.scan(letters)
            if letters.place == letters.length:
                return letters.used
            a, b = self._letter(letters.place - 2), self._letter(letters.place - 1)
            ahead = 0
            while letters.place < letters.length and letters_asks(letters.numbers + letters.place):
                c = self._letter(letters.place)
                ahead = (ahead << 16 | self._letter(letters.place + AHEAD)) << 16 >> 16
                FETCH_EARLY(&self.keys[ahead * SCATTER >> self.shift])
                FETCH_EARLY(&self.keys[(<uint32_t>ahead) * SCATTER >> self.shift])
                answer = self._ask(a, b, c)
                memcpy(&self.located[PLACES + asked], answer.numbers, sizeof(answer.numbers))
                letters.windows[letters.place] = ASKED | asked
                asked += 3
                lanes = letters.place * _next.all + _members[answer.mask].all
                memcpy(letters.found + letters.used, &lanes, sizeof(lanes))
                letters.used += _sizes[answer.mask]
                letters.place += 1
                a, b = b, c

    cdef inline uint32_t _letter(self, Py_ssize_t place) noexcept:
        """What a character is taken for."""
        cdef uint8_t number = self.letters.numbers[place]
        return self.letters.rare[place] if number == RARE else self.codes[number]

    cdef Unit* _cleaned(self, Unit* text, Py_ssize_t* length) except NULL:
        """The text without addresses, with composed characters, cut, and without Latin letters if they are few."""
        cdef Unit* changed = <Unit*>&self.cut[0]
        if _has_address(text, min(length[0], self.reach)):
            if self.scratch.shape[0] < length[0] * <Py_ssize_t>sizeof(Unit):
                self.scratch = bytearray(2 * length[0] * sizeof(Unit))
            length[0] = _without_urls(text, length[0], <Unit*>&self.scratch[0])
            text = <Unit*>&self.scratch[0]
            length[0] = _without_mail(text, length[0])
        if _has_marks(text, min(length[0], self.characters + 1)):
            length[0] = self._compose(text, length[0], changed)
            text = changed
        length[0] = min(length[0], self.characters)
        if _outnumbers_latin(text, length[0]):
            length[0] = _without_latin(text, length[0], changed)
            text = changed
        return text

    cdef Py_ssize_t _compose(self, Unit* text, Py_ssize_t length, Unit* to) noexcept:
        cdef Py_ssize_t i = 0, used = 0
        cdef uint32_t letter, mark
        while i < length and used < self.characters:
            letter = to[used] = text[i]
            i += 1
            if letter < LETTERS and i < length:
                mark = <uint32_t>text[i] - FIRST_MARK  # what comes before the first one is far above
                if mark < MARKS and self.composed[mark * LETTERS + letter]:
                    to[used] = <Unit>self.composed[mark * LETTERS + letter]
                    i += 1
            used += 1
        return used

    cdef inline uint32_t _code(self, uint32_t character) noexcept:
        """What a character is taken for."""
        if character < 1 << 16:
            return self.normal[character]
        return CAPITAL_STRANGER if Py_UNICODE_ISUPPER(character) else PLAIN_STRANGER

    cdef inline Answer* _ask(self, uint32_t a, uint32_t b, uint32_t c) noexcept:
        """Which n-grams that end three characters are known."""
        cdef uint64_t key = _key(a, b, c, 3)
        cdef Answer* answer = <Answer*>&self.answers[(key * SCATTER >> 40) % ANSWERS * sizeof(Answer)]
        cdef uint64_t found
        cdef int n
        if answer.key != key:
            answer.key, answer.mask = key, 0
            for n in range(1, 4):
                if self._is_formed(b, c, n):
                    found = self.keys[self._slot(_key(a, b, c, n))]
                    answer.numbers[n - 1] = found >> KEY_BITS
                    answer.mask |= <uint16_t>(found != 0) << (n - 1)
        return answer

    cdef inline bint _is_formed(self, uint32_t b, uint32_t c, int n) noexcept:
        """Whether there is an n-gram at all that ends in these characters."""
        if self.upper[b] and self.upper[c]:
            return False
        if n == 1:
            return c != BLANK
        return b != BLANK or n == 2 and c != BLANK

    cdef inline Py_ssize_t _slot(self, uint64_t key) noexcept:
        """Where a key is, or may be put."""
        cdef Py_ssize_t slot = key * SCATTER >> self.shift
        while self.keys[slot] and (self.keys[slot] ^ key) << (64 - KEY_BITS):
            slot = (slot + 1) & (self.keys.shape[0] - 1)
        return slot

    cdef _load_rows(self, const int32_t[::1] starts, const uint8_t[::1] columns, const double[::1] probabilities):
        """Keep the probabilities, and give the numbers of rows: those with the most languages come first."""
        cdef Py_ssize_t count = starts.shape[0] - 1, row, i, full = 0, listed = 0
        cdef uint32_t locator
        if count > NUMBERS:
            raise ValueError(f"there are {count} n-grams, but at most {NUMBERS} have numbers")
        sizes = [starts[row + 1] - starts[row] for row in range(count)]
        order = sorted(range(count), key=sizes.__getitem__, reverse=True)
        cdef uint16_t[::1] numbers = _zeros("H", count)
        self.locators, self.near.full = _zeros("I", count), 0
        for i in range(count):
            row = order[i]
            numbers[row] = i
            if starts[row + 1] - starts[row] < SPARSE:
                self.locators[i] = listed << SIZE_BITS | (starts[row + 1] - starts[row])
                listed += starts[row + 1] - starts[row]
            else:
                self.locators[i] = full << SIZE_BITS
                full += 1
            self.near.full += starts[row + 1] - starts[row] > 1
        self.row_memory = _zeros("d", (full + STEP) * self.width)
        self.list_memory = _zeros("B", listed * sizeof(Entry) + 1)
        self.rows, self.lists = &self.row_memory[0], <Entry*>&self.list_memory[0]
        self.spare = self.rows + full * self.width
        self.near.stride = max(self.width, NEAR_LANGUAGES)
        self.near_row_memory = _zeros("f", (self.near.full + STEP) * self.near.stride)
        self.single_memory = _zeros("B", (count - self.near.full) * sizeof(NearSingle) + 1)
        self.near.rows, self.near.singles = &self.near_row_memory[0], <NearSingle*>&self.single_memory[0]
        self.probable = True
        for row in range(count):
            locator = self.locators[numbers[row]]
            for i in range(starts[row], starts[row + 1]):
                if locator & ((1 << SIZE_BITS) - 1):
                    self.lists[(locator >> SIZE_BITS) + i - starts[row]] = Entry(probabilities[i], columns[i])
                else:
                    self.rows[(locator >> SIZE_BITS) * self.width + columns[i]] = probabilities[i]
                near_load(&self.near, numbers[row], columns[i], probabilities[i])
                self.probable &= 0.0 <= probabilities[i] <= 1.0
        return numbers

    cdef _load_near(self, int lanes):
        """What trials by near numbers are made of."""
        cdef Py_ssize_t most = self.trials * (self.iterations + STEP + PAIR) + NEAR_WASTE(self.iterations + STEP)
        cdef Near* near = &self.near
        self.places, self.after, self.drawn = _zeros("I", most), _zeros("I", most), _zeros("H", most)
        self.raised = bytearray(NEAR_LANGUAGES + self.width)
        near.width, near.iterations, near.pair = self.width, self.iterations, PAIR
        near.odds = 1.0 / self.converged - 1.0
        near.before, near.values, near.sums = &self.before[0], &self.values[0], &self.sums[0]
        near.located, near.taken, near.added = &self.located[0], _taken, _added
        near.places, near.after, near.numbers = &self.places[0], &self.after[0], &self.drawn[0]
        near.found, near.windows, near.raised = &self.found[0], &self.windows[0], &self.raised[0]
        near_choose(near, lanes)

    cdef _load_letters(self, int lanes):
        """What texts are read by."""
        cdef Letters* letters = &self.letters
        cdef int i
        letters.common, letters.masks, letters.normal = &self.common[0], &self.masks[0], &self.normal[0]
        for i in range(8):
            letters.members[i], letters.sizes[i] = _members[i].all, _sizes[i]
        letters.next = _next.all
        for i in range(128):
            letters.ascii[i] = self.common[i]
        letters.numbers, letters.rare = &self.numbers[LINE], &self.rare[LINE]  # behind blanks
        letters.windows, letters.found = &self.windows[0], &self.found[0]
        letters_choose(letters, lanes)

    cdef _load_keys(self, const uint64_t[::1] keys, const uint16_t[::1] numbers):
        cdef int bits = (2 * keys.shape[0]).bit_length()
        cdef Py_ssize_t row
        self.shift = 64 - bits
        self.keys = _zeros("Q", 1 << bits)
        for row in range(keys.shape[0]):
            self.keys[self._slot(keys[row])] = <uint64_t>numbers[row] << KEY_BITS | keys[row]

    cdef _load_windows(self, const uint64_t[::1] keys, str common):
        """Note for all windows of common characters what ``_ask`` says, n-gram by n-gram."""
        cdef uint8_t[::1] numbers = array("B", [RARE]) * (1 << 16)
        cdef uint16_t[::1] codes = _zeros("H", COMMON)
        self.codes = codes
        cdef int i, a, b, c, n
        cdef uint32_t window
        if common[0] != " " or len(common) > RARE - 2:
            raise ValueError(f"the common characters must be a blank and at most {RARE - 3} more, not {common!r}")
        for i, character in enumerate((*sorted(common, key=str.isupper), chr(PLAIN_STRANGER), chr(CAPITAL_STRANGER))):
            codes[i] = ord(character)  # small letters together: what is looked up for them shares cache lines
            numbers[codes[i]] = i
        self.common, self.masks = _zeros("B", 1 << 16), _zeros("B", WINDOWS)
        self.located = _zeros("H", PLACES + 3 * self.characters)
        for i in range(1 << 16):
            self.common[i] = numbers[self.normal[i]]
            if i < 128 and self.common[i] == RARE:
                raise ValueError(f"ASCII is read as if it were common, but {chr(i)!r} is not among {common!r}")
        for window in range(<uint32_t>WINDOWS):
            a, b, c = window >> 2 * BITS, window >> BITS & RARE, window & RARE
            if RARE in (a, b, c):
                self.masks[window] = ASK
        for i in range(<int>keys.shape[0]):
            n = 3 if keys[i] >> 32 else 2 if keys[i] >> 16 else 1
            a = numbers[keys[i] >> 32] if n == 3 else 0
            b = numbers[keys[i] >> 16 & 0xFFFF] if n >= 2 else 0
            c = numbers[keys[i] & 0xFFFF]
            if RARE in (a, b, c):
                continue
            window = (a << BITS | b) << BITS | c
            self.located[window + _added[n]] = self.keys[self._slot(keys[i])] >> KEY_BITS
            while window < WINDOWS:
                b = window >> BITS & RARE
                if not self.masks[window] & ASK and self._is_formed(codes[b], codes[c], n):
                    self.masks[window] |= 1 << (n - 1)
                window += 1 << n * BITS

    cdef _load_composed(self, dict composed):
        cdef uint32_t letter, mark
        self.composed = _zeros("H", MARKS * LETTERS)
        for (first, second), one in composed.items():
            letter, mark = ord(first), <uint32_t>ord(second) - FIRST_MARK
            if letter >= LETTERS or mark >= MARKS:
                raise ValueError(f"the letter {first!r} or the mark {second!r} is out of the range that is looked at")
            self.composed[mark * LETTERS + letter] = ord(one)
