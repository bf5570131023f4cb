# cython: initializedcheck=False, auto_pickle=False
"""langdetect's detector, compiled: the twin of the plain one in ``c4pipe/text/language_detector.py``, digit for digit.

It is written in parts that are one module for C, each with the reason why it gives what the plain detector gives:

- ``langdetect_texts.pxi``: what of a text is looked at;
- ``langdetect_letters.pxi``: that by numbers;
- ``langdetect_ngrams.pxi``: the known n-grams in it;
- ``langdetect_trials.pxi``: the chance by which they are drawn, and what is summed up;
- ``langdetect_exact.pxi``: trials digit for digit;
- ``langdetect_near.pxi``: trials by nearly the same numbers, which mostly are enough.
"""

from _thread import allocate_lock
from array import array

cimport cython
from libc.stddef cimport ptrdiff_t
from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t, uintptr_t


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


cdef enum:
    NO_FEATURES = -1  # outcomes that are no language
    NO_PREDICTIONS = -2
    LOW_CONFIDENCE = -3
    FAILED = -4
    UNSURE = -5  # ask for the digits
    LINE = 64  # bytes of a cache line


cdef _zeros(str kind, count):
    """So many numbers, from the start of a cache line on."""
    size = array(kind).itemsize * count
    cdef uint8_t[::1] memory = bytearray(size + LINE)
    start = -<uintptr_t>&memory[0] % LINE
    return memoryview(memory.base)[start : start + size].cast(kind)


include "langdetect_texts.pxi"
include "langdetect_letters.pxi"
include "langdetect_ngrams.pxi"
include "langdetect_trials.pxi"
include "langdetect_exact.pxi"
include "langdetect_near.pxi"


cdef class Detector:
    """What language a text is in.

    An n-gram's key is its characters as 16-bit numbers, the last one in the lowest bits. From ``starts`` of it on
    ``columns`` and ``probabilities`` say which languages have it and how probable it is there. ``words(n)`` gives the
    first n 32-bit words of the generator, as bytes in the machine's order; ``weights(n)`` the weights of a trial that
    begins after n words and of the one that follows it. No vectors are used of more than ``lanes`` 32-bit numbers.
    """

    cdef readonly tuple languages
    cdef object lock  # one text at a time: asking for weights may let another thread in
    cdef Finder finder
    cdef ExactTrials exact
    cdef NearTrials near
    cdef readonly int64_t repeated  # texts for which the near numbers were not enough

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
        cdef list order
        self.languages, self.lock = languages, allocate_lock()
        reader = Reader(Cleaner(characters, composed), normal, common, lanes)
        order = _by_languages(starts)
        self.finder = Finder(reader, upper, keys, order)
        rules = (self.finder, Chance(words, weights), len(languages), trials, iterations, converged, threshold)
        self.exact, self.near = ExactTrials(*rules), NearTrials(*rules)
        self.exact.load(order, starts, columns, probabilities, lanes)
        self.near.load(order, starts, columns, probabilities, lanes)

    def best(self, str text not None, double least):
        """The number of the likeliest language; -1: there are no n-grams, -2: no predictions, -3: it has less."""
        with self.lock:
            return self._best(self.finder.find(text), least)

    def best_column(self, const int64_t[::1] offsets, const uint8_t[::1] data, double least):
        """What ``best`` says of each text of a column, 32 bits a text."""
        cdef Py_ssize_t count = max(offsets.shape[0] - 1, 0), i
        cdef uint32_t found
        out = bytearray(count * sizeof(int32_t))
        if count == 0:
            return out
        cdef int32_t[::1] numbers = memoryview(out).cast("i")
        with self.lock:
            for i in range(count):
                found = self.finder.find_in_utf8(&data[0] + offsets[i], offsets[i + 1] - offsets[i])
                numbers[i] = self._best(found, least)
        return out

    def probabilities(self, str text not None):
        """Languages above the threshold with their probabilities, the likeliest first; None without n-grams."""
        cdef uint32_t count
        with self.lock:
            count = self.finder.find(text)
            if count == 0:
                return None
            self.exact.sum_up(count, 0.0)
            sums = list(self.exact.sums[: self.exact.width])
        # zip: the last sums are no language's
        found = [one for one in zip(self.languages, sums) if one[1] > self.exact.threshold]
        return sorted(found, key=lambda one: one[1], reverse=True)

    def ngrams(self, text not None):
        """The known n-grams of a text or of its UTF-8, in order: what all else is drawn from."""
        cdef Finder finder = self.finder
        with self.lock:
            count = finder.find_in_utf8(text, len(text)) if isinstance(text, bytes) else finder.find(text)
            numbers = [finder.number(i) for i in range(count)]
        return finder.spelled(numbers)

    cdef int _best(self, uint32_t count, double least) except FAILED:
        """The number of the likeliest language by the n-grams found, or the outcome."""
        cdef int outcome = NO_FEATURES
        if count:
            outcome = self.near.best(count, least)
        if outcome == UNSURE:
            self.repeated += 1
            outcome = self.exact.best(count, least)
        return outcome
