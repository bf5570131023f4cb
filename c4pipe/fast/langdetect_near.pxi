"""Trials by nearly the same numbers (``near.h``), in less time: they say what the exact ones would, or are unsure.

Why what they say is the same:

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
"""

cdef extern from "near.h":
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


cdef double LEAST_WEIGHT = 2e-5, MOST_WEIGHT = 1e-2  # between which the proof holds
cdef double LEAST_ODDS = 1e-6  # from which on it holds


@cython.final
@cython.internal
cdef class NearTrials(Trials):
    """Trials that are compared by more than they may be off."""

    cdef Near near
    cdef bint probable  # no probability is above 1
    cdef float[::1] row_memory
    cdef uint8_t[::1] single_memory
    cdef uint32_t[::1] places, after
    cdef uint16_t[::1] drawn
    cdef uint8_t[::1] raised  # languages

    cdef load(
        self,
        list order,
        const int32_t[::1] starts,
        const uint8_t[::1] columns,
        const double[::1] probabilities,
        int lanes,
    ):
        """Keep the probabilities of n-grams, and what trials are made of."""
        cdef Py_ssize_t most = self.trials * (self.iterations + STEP + PAIR) + NEAR_WASTE(self.iterations + STEP)
        cdef Near* near = &self.near
        cdef Finder finder = self.finder
        self._load_rows(order, starts, columns, probabilities)
        self.places, self.after, self.drawn = _zeros("I", most), _zeros("I", most), _zeros("H", most)
        self.raised = bytearray(NEAR_LANGUAGES + self.width)
        near.width, near.iterations, near.pair = self.width, self.iterations, PAIR
        near.odds = 1.0 / self.converged - 1.0
        near.before, near.values, near.sums = &self.before[0], &self.values[0], &self.sums[0]
        near.located, near.taken, near.added = &finder.located[0], _taken, _added
        near.places, near.after, near.numbers = &self.places[0], &self.after[0], &self.drawn[0]
        near.found, near.windows, near.raised = &finder.found[0], &finder.windows[0], &self.raised[0]
        near_choose(near, lanes)

    cdef _load_rows(
        self, list order, const int32_t[::1] starts, const uint8_t[::1] columns, const double[::1] probabilities
    ):
        cdef Near* near = &self.near
        cdef Py_ssize_t number, row, i
        near.full, near.stride = 0, max(self.width, NEAR_LANGUAGES)
        for row in order:
            near.full += starts[row + 1] - starts[row] > 1
        self.row_memory = _zeros("f", (near.full + STEP) * near.stride)
        self.single_memory = _zeros("B", (len(order) - near.full) * sizeof(NearSingle) + 1)
        near.rows, near.singles = &self.row_memory[0], <NearSingle*>&self.single_memory[0]
        self.probable = True
        for number, row in enumerate(order):
            for i in range(starts[row], starts[row + 1]):
                near_load(near, number, columns[i], probabilities[i])
                self.probable &= 0.0 <= probabilities[i] <= 1.0

    cdef int best(self, uint32_t count, double least) except FAILED:
        """The number of the likeliest language or the outcome; UNSURE: that takes the digits."""
        cdef int t, many, drawn = 0
        cdef double weight, second = 0.0, most = 0.0, off = 0.0
        cdef Near* near = &self.near
        self.clear()
        near.count, near.shift = count, _shift(count)
        near.place = near.drawn = near.numbered = near.used = 0
        for t in range(self.trials):
            weight = second if t % 2 else self._begin_pair(&second)
            if not (self.probable and LEAST_WEIGHT <= weight <= MOST_WEIGHT and near.odds >= LEAST_ODDS):
                return UNSURE
            many = near_try(near, weight)
            while many == NEAR_NO_WORDS:
                self._lengthen()
                many = near_try(near, weight)
            if many == NEAR_UNSURE:
                return UNSURE
            drawn += many
            off, most = drawn * NEAR_DRIFT, near.most / self.trials
            if most - off > self.threshold and most + (self.trials - t - 1) / <double>self.trials + off < least:
                return LOW_CONFIDENCE
        return self._outcome(most, off, least)

    cdef double _begin_pair(self, double* second) except -1:
        """The weights of the next two trials."""
        cdef Near* near = &self.near
        cdef double first
        self.chance.place = near.after[near.used - 1] if near.used else 0
        first = self.chance.weight(second)
        self._take_words()
        while not near_begin_pair(near):
            self._lengthen()
        return first

    cdef int _lengthen(self) except -1:
        self.chance.lengthen(2 * self.near.end)
        self._take_words()
        return 0

    cdef void _take_words(self) noexcept:
        """Those that there are now: they move when there are more."""
        self.near.words, self.near.end = &self.chance.stream[0], self.chance.stream.shape[0]

    cdef int _outcome(self, double most, double off, double least) noexcept:
        """What the sums say, of which the greatest comes to ``most``, and each may be ``off`` by that much."""
        cdef int j, best = self.likeliest()
        cdef double next_most = 0.0
        if most + off < self.threshold:
            return NO_PREDICTIONS
        if most - off <= self.threshold or most - off <= least:
            return UNSURE
        for j in range(self.width):
            if j != best and self.sums[j] > next_most:
                next_most = self.sums[j]
        return best if most - off > next_most / self.trials + off else UNSURE
