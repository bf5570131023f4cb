"""What is said of a text, and what is kept of it.

Why the text is the plain one: kept lines are copied from the page, neighbours in one piece, with a line feed before
each piece but the first that is not empty; then it is stripped, so none before an empty one is missed.
"""

from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_FromStringAndSize, PyByteArray_Resize
from cpython.mem cimport PyMem_Calloc, PyMem_Free
from libc.string cimport memcpy, memmove


cdef class Judge:
    """What judging one text after another needs and leaves."""

    cdef Program program
    cdef Py_ssize_t min_sentences
    cdef object counter
    cdef object count  # what it gives, once it was asked
    cdef list edited  # the line at hand as the edits left it, if one did
    cdef Py_ssize_t* counted  # of the text at hand, as the program's counters
    cdef bytearray texts
    cdef uint8_t* written
    cdef Py_ssize_t size  # bytes written
    cdef Py_ssize_t room  # for as many
    cdef Py_ssize_t begun  # where what is written of the text at hand begins
    cdef place piece  # of its lines, which is not written yet; NULL: there is none
    cdef place piece_end
    cdef LineScan scan  # of the text at hand

    def __cinit__(self, Program program, Py_ssize_t min_sentences, counter, Py_ssize_t room):
        self.program, self.min_sentences, self.counter, self.edited = program, min_sentences, counter, []
        self.counted = <Py_ssize_t*>PyMem_Calloc(program.rows + 3, sizeof(Py_ssize_t))
        if self.counted is NULL:
            raise MemoryError
        self.room = room + 1
        self.texts = PyByteArray_FromStringAndSize(NULL, self.room)
        self.written = <uint8_t*>PyByteArray_AS_STRING(self.texts)

    def __dealloc__(self):
        PyMem_Free(self.counted)

cdef bint judge_text(Judge judge, place t, Py_ssize_t length) except -1:
    """Go through the lines, in their order, until one drops the page; whether it passes, and then has been written."""
    cdef Program program = judge.program
    cdef Lines lines
    cdef Py_ssize_t found = 0
    cdef place begin, end
    cdef int row
    cdef str edited
    judge.begun, judge.piece = judge.size, NULL
    begin_lines(&lines, &program.ends, &judge.scan, t, length)
    while next_line(&lines, &program.ends, &judge.scan, &begin, &end):
        end = before_blanks(begin, end)
        if program.early >= 0 and dies_early(&program.ends, begin, end):
            judge.counted[program.early] += 1
            continue
        begin = skip_blanks(begin, end)
        row = run(program, begin, end, 0, judge.edited)
        judge.counted[row] += 1
        edited = judge.edited.pop() if judge.edited else None
        if row == program.rows:
            if found < judge.min_sentences:
                found += sentences(judge, begin, end, edited, judge.min_sentences - found)
            keep(judge, begin, end, edited)
        elif program.steps[row].effect == DROP_PAGE:
            count_passed(judge, passed_before(&lines))
            judge.size = judge.begun
            return False
    count_passed(judge, judge.scan.passed)
    return end_text(judge, found >= judge.min_sentences)


cdef inline void count_passed(Judge judge, Py_ssize_t passed) noexcept:
    """Count the lines that needed no look."""
    if passed:
        judge.counted[judge.program.early] += passed


cdef Py_ssize_t sentences(Judge judge, place begin, place end, str edited, Py_ssize_t limit) except? -1:
    if judge.count is None:
        judge.count = judge.counter()
    return judge.count(decoded(begin, end) if edited is None else edited, limit)


cdef inline int keep(Judge judge, place begin, place end, str edited) except -1:
    """Take a line into the piece that ends before it, or begin another; one that was edited is written."""
    cdef Py_ssize_t size = 0
    if judge.piece is not NULL and begin == judge.piece_end + 1 and judge.piece_end[0] == c"\n" and edited is None:
        judge.piece_end = end
        return 0
    write_piece(judge)
    if edited is None:
        judge.piece, judge.piece_end = begin, end
    else:
        begin = <place>PyUnicode_AsUTF8AndSize(edited, &size)
        write(judge, begin, size)
    return 0


cdef int write_piece(Judge judge) except -1:
    if judge.piece is not NULL:
        write(judge, judge.piece, judge.piece_end - judge.piece)
        judge.piece = NULL
    return 0


cdef inline int write(Judge judge, place t, Py_ssize_t length) except -1:
    if judge.size + 1 + length > judge.room:
        judge.room = 2 * (judge.room + length)
        PyByteArray_Resize(judge.texts, judge.room)
        judge.written = <uint8_t*>PyByteArray_AS_STRING(judge.texts)
    if judge.size > judge.begun:
        judge.written[judge.size] = c"\n"
        judge.size += 1
    memcpy(judge.written + judge.size, t, length)
    judge.size += length
    return 0


cdef bint end_text(Judge judge, bint enough) except -1:
    """Write what is left of the text, without blanks at its ends, or take it back if it has too few sentences."""
    cdef uint8_t* begun
    cdef place begin, end
    judge.counted[judge.program.rows + 1 + enough] += 1
    if not enough:
        judge.size = judge.begun
        return False
    write_piece(judge)
    begun = judge.written + judge.begun
    end = before_blanks(begun, judge.written + judge.size)
    begin = skip_blanks(begun, end)
    if begin > begun:
        memmove(begun, begin, end - begin)
    judge.size = judge.begun + (end - begin)
    return True


cdef int add_counts(Judge judge, Py_ssize_t text, Py_ssize_t texts, dict tallies) except -1:
    """Move the counts of a text to its place in the tallies."""
    cdef bytearray numbers
    cdef int row
    for row in range(judge.program.rows + 3):
        if judge.counted[row]:
            numbers = tallies.get(judge.program.counters[row])
            if numbers is None:
                tallies[judge.program.counters[row]] = numbers = bytearray(sizeof(uint32_t) * texts)
            (<uint32_t*>PyByteArray_AS_STRING(numbers))[text] += <uint32_t>judge.counted[row]
            judge.counted[row] = 0
    return 0
