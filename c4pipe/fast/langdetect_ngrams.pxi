"""The known n-grams of a text, in order, each by its number.

Why they are those that the plain detector finds:

- *N-grams.* Which of the three that end in a character are known hangs on it, the one before and, if that is no
  blank, the one before that. For windows of common characters the answer is in a table, which was filled by the rule
  that answers for all others; of those the last answers are kept, each with its window.
"""

from libc.string cimport memcpy


cdef extern from "products.h":
    void FETCH_EARLY(const void*) noexcept nogil


cdef enum:
    BITS = LETTER_BITS
    WINDOWS = COMMON * COMMON * COMMON
    ASK = LETTER_ASK
    PLACES_2 = WINDOWS  # where two and one of its characters have their places
    PLACES_1 = WINDOWS + COMMON * COMMON
    PLACES = WINDOWS + COMMON * COMMON + COMMON
    ANSWERS = 1 << 14  # kept, about windows with a rare character
    AHEAD = 6  # characters: what will be asked of them is fetched
    ASKED = 1 << 30  # a window is this and where the numbers of its n-grams are among those asked for
    KEY_BITS = 48  # of an n-gram's key
    NUMBERS = 1 << 16  # of n-grams, that there may be at most

cdef uint64_t SCATTER = 0x9E3779B97F4A7C15  # 2 ** 64 by the golden ratio: spreads keys


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


cdef list _by_languages(const int32_t[::1] starts):
    """The rows of n-grams by number: those with the most languages come first."""
    cdef Py_ssize_t count = starts.shape[0] - 1, row
    if count > NUMBERS:
        raise ValueError(f"there are {count} n-grams, but at most {NUMBERS} have numbers")
    sizes = [starts[row + 1] - starts[row] for row in range(count)]
    return sorted(range(count), key=sizes.__getitem__, reverse=True)


cdef inline uint32_t _letter(const Letters* letters, const uint16_t* codes, Py_ssize_t place) noexcept nogil:
    """What a character is taken for."""
    cdef uint8_t number = letters.numbers[place]
    return letters.rare[place] if number == RARE else codes[number]


@cython.final
@cython.internal
cdef class Finder:
    """Finds the n-grams of ``keys``, which have their numbers by ``order``."""

    cdef Reader reader
    cdef Letters* letters  # the reader's
    cdef dict names  # of n-grams, by number; None until asked for
    cdef int shift
    cdef uint64_t[::1] keys  # a hash table, with numbers before the keys; 0 is free
    cdef uint16_t[::1] codes  # of common characters, by number
    cdef const uint8_t[::1] upper  # of what characters are taken for
    cdef uint8_t[::1] masks  # of windows: bit n - 1 for each n-gram that is known
    # Numbers by place: what the last characters of a window are; behind them those of n-grams that were asked for.
    cdef uint16_t[::1] located
    cdef uint8_t[::1] answers
    cdef uint32_t[::1] windows
    cdef uint16_t[::1] found

    def __init__(self, Reader reader, const uint8_t[::1] upper, const uint64_t[::1] keys, list order):
        cdef Py_ssize_t characters = reader.cleaner.characters
        self.reader, self.letters, self.codes, self.upper = reader, &reader.letters, reader.codes, upper
        self.windows, self.found = _zeros("I", characters + LETTER_SLACK), _zeros("H", 3 * characters + LETTER_SLACK)
        self.located, self.masks = _zeros("H", PLACES + 3 * characters), _zeros("B", WINDOWS)
        self.answers = _zeros("B", ANSWERS * sizeof(Answer))
        self._load_keys(keys, order)
        self._load_windows(keys)
        self._load_letters()

    cdef _load_keys(self, const uint64_t[::1] keys, list order):
        cdef int bits = (2 * keys.shape[0]).bit_length()
        cdef Py_ssize_t row
        cdef uint64_t number
        cdef uint16_t[::1] numbers = _zeros("H", len(order))
        for number, row in enumerate(order):
            numbers[row] = number
        self.shift = 64 - bits
        self.keys = _zeros("Q", 1 << bits)
        for row in range(keys.shape[0]):
            self.keys[self._slot(keys[row])] = <uint64_t>numbers[row] << KEY_BITS | keys[row]

    cdef _load_windows(self, const uint64_t[::1] keys):
        """Note for all windows of common characters what ``_ask`` says, n-gram by n-gram."""
        cdef const uint8_t[::1] numbers = self.reader.numbers_by_code
        cdef int i, a, b, c, n
        cdef uint32_t window
        for window in range(<uint32_t>WINDOWS):
            a, b, c = window >> 2 * BITS, window >> BITS & RARE, window & RARE
            if RARE in (a, b, c):
                self.masks[window] = ASK
        for i in range(<int>keys.shape[0]):
            n = 3 if keys[i] >> 32 else 2 if keys[i] >> 16 else 1
            a = numbers[keys[i] >> 32] if n == 3 else 0
            b = numbers[keys[i] >> 16 & 0xFFFF] if n >= 2 else 0
            c = numbers[keys[i] & 0xFFFF]
            if RARE not in (a, b, c):
                window = (a << BITS | b) << BITS | c
                self.located[window + _added[n]] = self.keys[self._slot(keys[i])] >> KEY_BITS
                self._note(window, n)

    cdef void _note(self, uint32_t window, int n) noexcept:
        """An n-gram is known in all windows that end in it, of which this is the first."""
        cdef int b, c = window & RARE
        while window < WINDOWS:
            b = window >> BITS & RARE
            if not self.masks[window] & ASK and self._is_formed(self.codes[b], self.codes[c], n):
                self.masks[window] |= 1 << (n - 1)
            window += 1 << n * BITS

    cdef _load_letters(self):
        """By what the n-grams of letters are found."""
        cdef Letters* letters = self.letters
        cdef int i
        letters.masks, letters.windows, letters.found = &self.masks[0], &self.windows[0], &self.found[0]
        for i in range(8):
            letters.members[i], letters.sizes[i] = _members[i].all, _sizes[i]
        letters.next = _next.all

    cdef uint32_t find(self, str text) except? 0:
        """Find the known n-grams of a text, and say how many."""
        self.reader.read(text)
        return self._scan()

    cdef uint32_t find_in_utf8(self, const uint8_t* text, Py_ssize_t size) except? 0:
        self.reader.read_utf8(text, size)
        return self._scan()

    cdef inline uint32_t number(self, Py_ssize_t index) noexcept:
        """The number of one of the n-grams found."""
        cdef uint32_t window = self.windows[self.found[index] >> 2]
        cdef uint32_t n = self.found[index] & 3 | window >> 30 << 2
        return self.located[(window & _taken[n]) + _added[n]]

    cdef list spelled(self, list numbers):
        """N-grams by their characters."""
        if self.names is None:
            self.names = {
                key >> KEY_BITS: "".join([chr(key >> bits & 0xFFFF) for bits in (32, 16, 0) if key >> bits & 0xFFFF])
                for key in self.keys
                if key
            }
        return [self.names[number] for number in numbers]

    cdef uint32_t _scan(self) noexcept:
        """Note all known n-grams of the letters."""
        cdef Letters* letters = self.letters
        cdef const uint16_t* codes = &self.codes[0]
        cdef uint32_t a, b, c, asked = 0
        cdef uint64_t lanes, ahead
        cdef Answer* answer
        letters.place = letters.used = 0
        while True:
            letters.scan(letters)
            if letters.place == letters.length:
                return letters.used
            a, b = _letter(letters, codes, letters.place - 2), _letter(letters, codes, letters.place - 1)
            ahead = 0
            while letters.place < letters.length and letters_asks(letters.numbers + letters.place):
                c = _letter(letters, codes, letters.place)
                ahead = (ahead << 16 | _letter(letters, codes, letters.place + AHEAD)) << 16 >> 16
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
