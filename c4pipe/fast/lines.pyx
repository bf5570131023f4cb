"""Judges pages by their lines in one pass: the twin of the stages of rows in c4pipe/stages/clean_lines.py.

A table of rows becomes a program of as many steps. A row whose rule and limits are known here has a step of its own;
any other calls what the plain row made, for the lines that reach it. Texts come and go as UTF-8.

It is written in parts that are one module for C, each with the reason why verdicts are equal:

- ``lines_phrases.pxi``: the phrases that a line mentions, and what else is seen in the same look;
- ``lines_rows.pxi``: rows as steps;
- ``lines_walk.pxi``: the lines of a text that need a look;
- ``lines_steps.pxi``: what steps ask of a line;
- ``lines_texts.pxi``: what is said of a text, and what is kept of it.

All texts are whole characters, and the bytes of one are never found within others or across them: what is looked for as
bytes is where the characters are. ``strip`` and ``split`` take off and part at ``Py_UNICODE_ISSPACE`` (``blanks.h``);
between space and U+0085 there is none. Who has a text that cannot be encoded, or gets one from an edit, is told so by
``UnicodeEncodeError``, and the plain room decides.
"""

from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_Resize
from cpython.mem cimport PyMem_Calloc, PyMem_Free
from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memchr

cdef extern from "Python.h":
    const char* PyUnicode_AsUTF8AndSize(str text, Py_ssize_t* size) except NULL

cdef extern from "blanks.h":
    int blank_at(const uint8_t* at) noexcept
    const uint8_t* skip_blanks(const uint8_t* begin, const uint8_t* end) noexcept
    const uint8_t* before_blanks(const uint8_t* begin, const uint8_t* end) noexcept

ctypedef const uint8_t* place

cdef enum:
    ALL_LANES = 64  # as many bytes side by side as any processor can

cdef struct Letters:
    place at
    Py_ssize_t length


cdef inline str decoded(place begin, place end):
    return PyUnicode_DecodeUTF8(<const char*>begin, end - begin, NULL)


include "lines_phrases.pxi"
include "lines_rows.pxi"
include "lines_walk.pxi"


cdef class Program:
    """Rows, each as ``(effect, counter, name of its rule or "", limits, what the rule made of them)``.

    Texts are looked at by vectors of no more than so many bytes.
    """

    cdef Step* steps
    cdef int rows
    cdef list acts
    cdef list counters  # of the rows; then of lines that pass, of too few sentences, of pages that pass
    cdef list spelled  # keeps letters alive
    cdef Phrases phrases
    cdef int early  # the row that fires for a line by its last byte alone, before any that must see more; or -1
    cdef LineEnds ends  # with the last bytes for which it may not, or only after another row

    def __cinit__(self, rows, int lanes=ALL_LANES):
        self.rows = len(rows)
        self.steps = <Step*>PyMem_Calloc(self.rows + 1, sizeof(Step))
        if self.steps is NULL:
            raise MemoryError

    def __dealloc__(self):
        PyMem_Free(self.steps)

    def __init__(self, rows, int lanes=ALL_LANES):
        self.acts, self.counters, self.spelled = [], [], []
        self.phrases.count = 0
        line_pairs_prepare(&self.phrases.pairs, lanes)
        cdef int row
        for row, (effect, counter, rule, limits, act) in enumerate(rows):
            self.steps[row].effect = {"drop_line": DROP_LINE, "drop_page": DROP_PAGE, "edit": EDIT}[effect]
            self.steps[row].act = compiled(&self.steps[row], &self.phrases, self.spelled, rule, limits)
            self.steps[row].quiet = is_quiet(&self.steps[row])
            self.acts.append(act)
            self.counters.append(f"line-filtered:{counter}" if effect == "drop_line" else f"filtered:{counter}")
        self.counters += ["line-passed", "filtered:too_few_sentences", "passed"]
        self.early = prepare_ends(self.steps, &self.ends, lanes)

    @property
    def calls(self):
        """How many of the rows call the plain rule."""
        return sum(self.steps[row].act == CALL for row in range(self.rows))

    def judge(self, str text not None, Py_ssize_t min_sentences, counter):
        """What ``CleanLines`` makes of the text: the new one or None, and the tally. ``counter`` gives what counts."""
        cdef Py_ssize_t size = 0
        cdef place t = <place>PyUnicode_AsUTF8AndSize(text, &size)
        cdef Judge judge = Judge(self, min_sentences, counter, size)
        cdef bint passed = judge_text(judge, t, size)
        cdef int row
        tally = {self.counters[row]: judge.counted[row] for row in range(self.rows + 3) if judge.counted[row]}
        return PyUnicode_DecodeUTF8(<char*>judge.written, judge.size, NULL) if passed else None, tally

    def judge_column(self, const int64_t[::1] offsets, const uint8_t[::1] data, Py_ssize_t min_sentences, counter):
        """The same for texts one behind the other.

        A byte a text, 1 if it is kept; where each that is kept begins and the last ends, in 64 bits, and their UTF-8;
        counter -> a number a text, in 32 bits, for those that are not 0 everywhere.
        """
        cdef Py_ssize_t count = offsets.shape[0] - 1
        cdef Judge judge = Judge(self, min_sentences, counter, (offsets[count] - offsets[0]) // 2)
        cdef bytearray kept = bytearray(count)
        cdef bytearray bounds = bytearray(sizeof(int64_t) * (count + 1))
        cdef dict tallies = {}
        cdef Py_ssize_t text
        cdef Py_ssize_t passed = 0
        for text in range(count):
            if judge_text(judge, &data[0] + offsets[text], offsets[text + 1] - offsets[text]):
                kept[text] = 1
                passed += 1
                (<int64_t*>PyByteArray_AS_STRING(bounds))[passed] = judge.size
            add_counts(judge, text, count, tallies)
        PyByteArray_Resize(bounds, sizeof(int64_t) * (passed + 1))
        PyByteArray_Resize(judge.texts, judge.size)
        return kept, bounds, judge.texts, tallies

    def fires(self, str text not None):
        """The counter of the first row that fires for the text as a whole, or None."""
        cdef Py_ssize_t size = 0
        cdef place t = <place>PyUnicode_AsUTF8AndSize(text, &size)
        cdef int row = run(self, t, t + size, 0, [])
        return None if row == self.rows else self.counters[row]

    def fires_column(self, const int64_t[::1] offsets, const uint8_t[::1] data):
        """What ``DropPages`` makes of texts one behind the other: a byte a text, 1 if none fires; tallies as above."""
        cdef Judge judge = Judge(self, 0, None, 0)
        cdef Py_ssize_t count = offsets.shape[0] - 1
        cdef bytearray kept = bytearray(count)
        cdef dict tallies = {}
        cdef Py_ssize_t text
        cdef int row
        for text in range(count):
            row = run(self, &data[0] + offsets[text], &data[0] + offsets[text + 1], 0, judge.edited)
            if row == self.rows:
                kept[text] = 1
                row += 2
            judge.counted[row] = 1
            add_counts(judge, text, count, tallies)
        return kept, tallies


include "lines_steps.pxi"
include "lines_texts.pxi"


def have_paragraphs(
    const int64_t[::1] offsets, const uint8_t[::1] data, Py_ssize_t paragraphs, Py_ssize_t characters
):
    """What ``MinParagraphs`` makes of texts one behind the other: a byte a text, 1 if it is kept."""
    cdef bytearray kept = bytearray(offsets.shape[0] - 1)
    cdef Py_ssize_t text
    for text in range(len(kept)):
        kept[text] = has_paragraphs(&data[0] + offsets[text], &data[0] + offsets[text + 1], paragraphs, characters)
    return kept


cdef bint has_paragraphs(place begin, place end, Py_ssize_t paragraphs, Py_ssize_t characters) noexcept:
    cdef place feed
    while True:
        feed = <place>memchr(begin, c"\n", end - begin) if begin < end else NULL
        paragraphs -= characters_in(begin, end if feed is NULL else feed) >= characters
        if feed is NULL or paragraphs <= 0:
            return paragraphs <= 0
        begin = feed + 1


cdef inline Py_ssize_t characters_in(place begin, place end) noexcept:
    cdef Py_ssize_t count = 0
    cdef Py_ssize_t at
    for at in range(end - begin):
        count += begin[at] & 0xC0 != 0x80
    return count
