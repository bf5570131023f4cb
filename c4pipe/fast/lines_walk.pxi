"""The lines of a text that need a look.

Why they are those of ``str.splitlines``, and the others are dropped by one row:

- *Lines.* They end where ``str.splitlines`` ends them (``Py_UNICODE_ISLINEBREAK``; CR LF is one end, and an end that
  ends the text begins no line). Places that may be an end are found 64 bytes at a time: those below space, and where
  U+0085, U+2028 or U+2029 begins. All but line feeds are then looked at one by one.
- *The last byte.* A known pattern to delete has a ``[`` in each of its matches, which end with ``]`` or with blanks. So
  a line without ``[`` stays as it is, and a stripped line that does not end in ``]`` keeps its last character. By that
  alone most lines are dropped, where ``no_end_mark`` comes after nothing but such deletions and ``word_longer_than``,
  which never fires for a line that is not longer itself, in bytes even.
- *Without a look.* Where that is so, a line feed behind a byte that ends no mark and no blank, and is no ``]``, ends a
  line that is dropped; so does one behind another line feed, or that begins the text. It is only counted, if it is not
  too far behind the line feed before. Any other end of a line ends with a byte that may end a blank, so a line feed
  behind it, as in CR LF, is looked at. What is looked at knows how many lines were counted before it, for a page that
  is dropped there.
"""

from cpython.unicode cimport Py_UNICODE_ISLINEBREAK, Py_UNICODE_ISSPACE
from libc.string cimport memcpy, memset

cdef extern from "Python.h":
    const Py_ssize_t PY_SSIZE_T_MAX

cdef extern from "line_ends.h":
    int last_bit(uint64_t bits) noexcept
    enum: LINE_STOPS
    ctypedef struct LineEnds:
        uint8_t listed[256]
        Py_ssize_t limit
    ctypedef struct LineStops:
        const uint8_t* at
        const uint8_t* begin
        uint64_t stops
        uint64_t feeds
        Py_ssize_t passed
    ctypedef struct LineScan:
        const uint8_t* next
        const uint8_t* end
        const uint8_t* begin
        Py_ssize_t passed
        int listed
        int count
        LineStops noted[LINE_STOPS]
    void line_ends_prepare(LineEnds* ends, int lanes) noexcept
    void line_scan(LineScan* scan, const LineEnds* ends) noexcept

cdef struct Lines:
    place next  # where the next line begins, or what is before it that needs no look
    place end  # of the text
    LineStops* block  # the one at hand
    uint64_t stops  # of it, that are not taken
    int taken  # of the blocks that are noted

cdef unsigned char BLANK_END[256]  # the bytes that are a blank, or may end one
cdef unsigned int character
cdef bytes encoded
for character in range(0x10000):
    if Py_UNICODE_ISSPACE(character):
        encoded = chr(character).encode()
        BLANK_END[encoded[len(encoded) - 1]] = 1


cdef int prepare_ends(const Step* steps, LineEnds* ends, int lanes) noexcept:
    """The row that fires for a line by its last byte alone, before any that must see more, or -1.

    Of the line's end is said for how many bytes it may do so, and after which of them it may not, or another row may.
    """
    cdef int row = 0
    cdef int mark
    cdef bint early
    ends.limit = PY_SSIZE_T_MAX
    while steps[row].act == WORD_LONGER or steps[row].act == DELETE_BRACKETS:
        if steps[row].act == WORD_LONGER:
            ends.limit = min(ends.limit, steps[row].limit)
        row += 1
    early = steps[row].act == NO_END_MARK and steps[row].effect == DROP_LINE
    memcpy(ends.listed, BLANK_END, sizeof(ends.listed))
    ends.listed[c"]"] = 1
    ends.listed[c"\n"] = 0  # an empty line ends in no mark
    for mark in range(steps[row].marks_count):
        ends.listed[steps[row].marks[mark].at[steps[row].marks[mark].length - 1]] = 1
    if not early or ends.limit < 128:  # all lines need a look
        memset(ends.listed, 1, sizeof(ends.listed))
    line_ends_prepare(ends, lanes)
    return row if early else -1


cdef inline bint dies_early(const LineEnds* ends, place begin, place end) noexcept:
    """The early row fires for the line, stripped at its end."""
    return end - begin <= ends.limit and (begin == end or not ends.listed[(end - 1)[0]])


cdef inline void begin_lines(Lines* lines, const LineEnds* ends, LineScan* scan, place t, Py_ssize_t length) noexcept:
    scan.next = scan.begin = lines.next = t
    scan.end = lines.end = t + length
    scan.passed = scan.count = lines.taken = 0
    scan.listed = ends.listed[c"\n"]  # as if a line had ended before
    lines.stops = 0


cdef inline bint next_line(Lines* lines, const LineEnds* ends, LineScan* scan, place* begin, place* end) noexcept:
    """The next line that needs a look, without its end; False if there is none."""
    cdef uint64_t feeds
    cdef int size
    while True:
        while not lines.stops:
            if lines.taken < scan.count:
                lines.block = &scan.noted[lines.taken]
                lines.stops = lines.block.stops
                lines.taken += 1
            elif scan.next < lines.end:
                line_scan(scan, ends)
                lines.taken = 0
            else:
                begin[0], end[0] = max(lines.next, scan.begin), lines.end
                lines.next = lines.end
                lines.block = &scan.noted[0]  # with no line feed that is before what is left
                lines.block.feeds, lines.block.passed = 0, scan.passed
                return begin[0] < end[0]
        end[0] = lines.block.at + lowest_bit(lines.stops)
        feeds = lines.block.feeds & ((lines.stops & (0 - lines.stops)) - 1)
        lines.stops &= lines.stops - 1
        size = line_end_size(end[0], lines.end)
        if size and end[0] >= lines.next:  # not the second of CR LF
            begin[0] = max(lines.next, lines.block.at + last_bit(feeds) + 1 if feeds else lines.block.begin)
            lines.next = end[0] + size
            return True


cdef inline int line_end_size(place t, place end) noexcept:
    """The bytes of the end of a line that may be here; 0 if it is none."""
    if t[0] == c"\r":
        return 1 + (t + 1 < end and t[1] == c"\n")
    if t[0] < 32:
        return t[0] == c"\n" or Py_UNICODE_ISLINEBREAK(t[0])
    return 2 if t[0] == 0xC2 else 3


cdef Py_ssize_t passed_before(const Lines* lines) noexcept:
    """The lines before the one at hand that needed no look."""
    cdef Py_ssize_t passed = lines.block.passed
    cdef uint64_t feeds = lines.block.feeds & ~lines.block.stops
    while feeds and lines.block.at + lowest_bit(feeds) < lines.next:
        feeds &= feeds - 1
        passed += 1
    return passed
