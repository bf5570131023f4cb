"""Trials digit for digit.

Why their digits are those of the plain detector, and why they may end early:

- *Digits.* A language's probability is multiplied in the order in which n-grams are drawn, divided by the sum from the
  first language to the last, and no operation is fused with another. Languages may be taken side by side, and what is
  missing in the last lanes is 0; how many at once hangs on the machine. The greatest number stays the greatest when
  all are divided by the same one.
- *An early end.* No probability is above 1, as a sum is not below any of its terms, and rounding never turns an
  order round. So a language ends at most where it would if it got 1 in all trials that are left, added in the same
  manner; and what it has, it keeps. If no language can reach the least that is asked and one is above the threshold
  of predictions already, the outcome is known.
"""

from libc.string cimport memcpy


cdef extern from "products.h":
    ctypedef struct Total:
        double sum, greatest
    ctypedef Total (*Step)(double*, double, const double**, double, int) noexcept nogil
    Step step_here() noexcept nogil
    Total step_anywhere(double*, double, const double**, double, int) noexcept nogil


cdef enum:
    SPARSE = 16  # languages: rows with fewer are kept as a list
    SIZE_BITS = 5  # of a locator


cdef struct Entry:
    double probability
    int32_t language


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


@cython.final
@cython.internal
cdef class ExactTrials(Trials):
    """Trials that are multiplied, divided and summed up as the plain detector does."""

    cdef Step step
    # Probabilities of n-grams: a row of all languages for those that many have, each from the start of a cache line,
    # and a list for the others. A locator is the number of a row, or where a list begins; in the last bits its size.
    cdef double* rows
    cdef double[::1] row_memory
    cdef uint8_t[::1] list_memory
    cdef Entry* lists
    cdef double* spare  # STEP rows for what is in lists, else 0
    cdef uint32_t[::1] locators  # by number: those of n-grams of many languages come first

    cdef load(
        self,
        list order,
        const int32_t[::1] starts,
        const uint8_t[::1] columns,
        const double[::1] probabilities,
        int lanes,
    ):
        """Keep the probabilities of n-grams, and how products are made here."""
        cdef Py_ssize_t number, row, i
        cdef uint32_t locator
        self.step = step_here() if lanes >= LANES else step_anywhere
        self._locate(order, starts)
        for number, row in enumerate(order):
            locator = self.locators[number]
            for i in range(starts[row], starts[row + 1]):
                if locator & ((1 << SIZE_BITS) - 1):
                    self.lists[(locator >> SIZE_BITS) + i - starts[row]] = Entry(probabilities[i], columns[i])
                else:
                    self.rows[(locator >> SIZE_BITS) * self.width + columns[i]] = probabilities[i]

    cdef _locate(self, list order, const int32_t[::1] starts):
        """Make space for the probabilities."""
        cdef Py_ssize_t number, row, full = 0, listed = 0
        cdef int32_t size
        self.locators = _zeros("I", len(order))
        for number, row in enumerate(order):
            size = starts[row + 1] - starts[row]
            if size < SPARSE:
                self.locators[number] = listed << SIZE_BITS | size
                listed += size
            else:
                self.locators[number] = full << SIZE_BITS
                full += 1
        self.row_memory = _zeros("d", (full + STEP) * self.width)
        self.list_memory = _zeros("B", listed * sizeof(Entry) + 1)
        self.rows, self.lists = &self.row_memory[0], <Entry*>&self.list_memory[0]
        self.spare = self.rows + full * self.width

    cdef int best(self, uint32_t count, double least) except FAILED:
        """The number of the likeliest language by the n-grams found, or the outcome."""
        cdef int best, outcome = self.sum_up(count, least)
        if outcome:
            return outcome
        best = self.likeliest()
        return best if self.sums[best] > self.threshold else NO_PREDICTIONS

    cdef int sum_up(self, uint32_t count, double least) except FAILED:
        """Sum the trials up. 0: the sums stand; else the outcome."""
        cdef int t, j
        cdef double weight, second = 0.0
        self.clear()
        self.chance.place = 0
        for t in range(self.trials):
            weight = second if t % 2 else self.chance.weight(&second)
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
        cdef const uint32_t* stream = &self.chance.stream[0]
        cdef uint32_t indices[STEP]
        cdef Py_ssize_t place = self.chance.place, end = self.chance.stream.shape[0]
        cdef int i = 0
        while i < many:
            if place >= end:
                self.chance.lengthen(2 * place)
                stream, end = &self.chance.stream[0], self.chance.stream.shape[0]
            indices[i] = stream[place] >> shift
            i += indices[i] < count
            place += 1
        self.chance.place = place
        for i in range(many):
            drawn[i] = self.locators[self.finder.number(indices[i])]
        return 0

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
