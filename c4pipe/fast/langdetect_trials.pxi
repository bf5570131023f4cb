"""What all trials have in common: the chance that they draw by, and what they are summed up to.

Why their chance is that of the plain detector:

- *Chance.* The seed is fixed, so the 32-bit words of the generator are a constant and come in a table. A trial in two
  draws a pair of normal variates, as many words (4) wherever it begins: what follows from them is asked of Python, once
  for each place. An index below n is the top bits of the next word that is small enough.
"""

from libc.math cimport NAN, isnan


cdef extern from "products.h":
    enum: LANES
    enum: STEP


cdef extern from "near.h":
    enum: NEAR_LANGUAGES


cdef enum:
    PAIR = 4  # words of two normal variates


cdef inline int _shift(uint32_t count) noexcept nogil:
    """By how many bits words are shifted for an index below the count."""
    cdef int shift = 31
    while shift > 0 and count >> (32 - shift):
        shift -= 1
    return shift


@cython.final
@cython.internal
cdef class Chance:
    """The words of the generator, as many as were needed until now, and the weights of trials."""

    cdef object words, weights
    cdef uint32_t[::1] stream
    cdef double[::1] first_weight, second_weight  # by the place where a pair of trials begins; NaN: not asked yet
    cdef Py_ssize_t place

    def __init__(self, words, weights):
        self.words, self.weights = words, weights
        self.lengthen(1 << 12)

    cdef double weight(self, double* second) except -1:
        """The weights of two trials from here on."""
        cdef Py_ssize_t place = self.place
        if place >= self.stream.shape[0]:
            self.lengthen(2 * place)
        if isnan(self.first_weight[place]):
            self.first_weight[place], self.second_weight[place] = self.weights(place)
        second[0] = self.second_weight[place]
        self.place += PAIR
        return self.first_weight[place]

    cdef int lengthen(self, Py_ssize_t count) except -1:
        self.first_weight, self.second_weight = array("d", [NAN]) * count, array("d", [NAN]) * count
        self.stream = array("I", self.words(count))  # last: there is a weight for every word, even if memory ends here
        return 0


@cython.internal
cdef class Trials:
    """Trials, each by some of the n-grams found: until a language is nearly sure, or ``iterations`` were drawn."""

    cdef Finder finder
    cdef Chance chance
    cdef int trials, iterations, width
    cdef double converged, threshold
    cdef double[::1] values, sums
    cdef double[::1] before  # what the languages have before the first n-gram

    def __init__(
        self,
        Finder finder,
        Chance chance,
        int languages,
        int trials,
        int iterations,
        double converged,
        double threshold,
    ):
        cdef int padded
        self.finder, self.chance = finder, chance
        self.trials, self.iterations, self.converged, self.threshold = trials, iterations, converged, threshold
        self.width = (languages + LANES - 1) // LANES * LANES
        padded = max(self.width, NEAR_LANGUAGES)
        self.values, self.sums = _zeros("d", padded), _zeros("d", padded)
        self.before = array("d", [1.0 / languages] * languages + [0.0] * (padded - languages))

    cdef void clear(self) noexcept:
        cdef int j
        for j in range(self.width):
            self.sums[j] = 0.0

    cdef int likeliest(self) noexcept:
        """The number of the language with the greatest sum; of several the first."""
        cdef int j, best = 0
        for j in range(self.width):
            if self.sums[j] > self.sums[best]:
                best = j
        return best
