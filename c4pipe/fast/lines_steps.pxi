"""What steps ask of a line.

Why they fire where their rows do:

- *Order.* Steps run in the order of the rows, and a line's first one to fire is counted, as plain. A line that was
  changed goes on from the next row as a text of its own.
- *Words.* A word of more than so many characters has more bytes, so none is where each run of one byte more has a blank
  in it; only where one has none, characters are counted. A character that is no blank begins a word where it is the
  first or has an ASCII blank before it, which is sure of those whose first byte begins no blank; where the first bytes
  of a line have too few of those, and are not all of it, or not ASCII, all blanks are looked at.
"""

from libc.string cimport memchr, memcmp


cdef int run(Program program, place begin, place end, int row, list edited) except -1:
    """The first row from ``row`` on that fires for the line, else their number; ``edited`` takes an edited line."""
    cdef Step* step
    cdef bint looked = False
    cdef bint quiet = False
    cdef Seen seen = Seen(0, False, 0, False, False)
    cdef str changed
    cdef Py_ssize_t size = 0
    for row in range(row, program.rows):
        step = &program.steps[row]
        if not looked and step.act >= DELETE_BRACKETS:
            looked = True
            look_at(&program.phrases, begin, end, &seen)
            quiet = not (seen.braces or seen.phrases or seen.odd)
        if quiet and step.quiet:
            continue
        if step.effect == EDIT:
            changed = edited_line(program, row, begin, end)
            if changed is not None:
                edited[:] = [changed]
                begin = <place>PyUnicode_AsUTF8AndSize(changed, &size)
                return run(program, begin, begin + size, row + 1, edited)
        elif step.act == CALL or (step.act == PHRASES and seen.odd):
            if program.acts[row](decoded(begin, end)):
                return row
        elif fires(step, begin, end, &seen):
            return row
    return program.rows


cdef str edited_line(Program program, int row, place begin, place end):
    """What the row makes of the line; None if it leaves it as it is."""
    cdef str line, changed
    if program.steps[row].act == DELETE_BRACKETS and not may_have_brackets(begin, end):
        return None
    line = decoded(begin, end)
    result = program.acts[row](line)
    if not isinstance(result, str):
        raise TypeError(f"a rule that edits lines returned {result!r}, but must return a str")
    changed = "".join((result, ""))  # the very type, of a subclass too
    return None if changed == line else changed


cdef inline bint fires(const Step* step, place begin, place end, const Seen* seen) noexcept:
    if step.act == NO_END_MARK:
        return no_end_mark(step, begin, end)
    if step.act == FEWER_WORDS:
        return fewer_words(begin, end, seen, step.limit)
    if step.act == WORD_LONGER:
        return end - begin > step.limit and word_longer(begin, end, step.limit)
    if step.act == PHRASES:
        return seen.phrases & step.phrases != 0
    return contains(begin, end, &step.substring)


cdef inline bint no_end_mark(const Step* step, place begin, place end) noexcept:
    cdef int mark
    for mark in range(step.marks_count):
        if ends_with(begin, end, &step.marks[mark]):
            return step.ellipsis.length != 0 and ends_with(begin, end, &step.ellipsis)
    return True


cdef inline bint ends_with(place begin, place end, const Letters* letters) noexcept:
    cdef Py_ssize_t length = letters.length
    if end - begin < length:
        return False
    while length and end[length - letters.length - 1] == letters.at[length - 1]:
        length -= 1
    return length == 0


cdef inline bint fewer_words(place begin, place end, const Seen* seen, Py_ssize_t words) noexcept:
    cdef uint64_t heads = seen.words
    cdef Py_ssize_t count = 0
    while heads and count < words:
        heads &= heads - 1
        count += 1
    if count >= words or seen.all_words:
        return count < words
    count = 0
    while count < words:
        begin = skip_blanks(begin, end)
        if begin == end:
            return True
        count += 1
        while begin < end and not blank_at(begin):
            begin += 1
    return False


cdef bint word_longer(place begin, place end, Py_ssize_t characters) noexcept:
    cdef Py_ssize_t count = 0
    cdef place at
    while end - begin > characters:
        at = begin + characters
        while at >= begin and not blank_at(at):
            at -= 1
        if at < begin:
            break
        begin = at + 1
    if end - begin <= characters:
        return False
    while begin < end:
        if blank_at(begin):
            count = 0
            begin += blank_at(begin)
            continue
        count += begin[0] & 0xC0 != 0x80
        if count > characters:
            return True
        begin += 1
    return False


cdef bint may_have_brackets(place begin, place end) noexcept:
    """There is a "[" before a "]", before digits and a "]", or before "ed" or "ci", in either case.

    What is not ASCII may be any letter or digit.
    """
    cdef place t = begin
    cdef uint8_t first, second
    while begin < end:
        begin = <place>memchr(begin, c"[", end - begin)
        if begin is NULL:
            return False
        begin += 1
        t = begin
        while t < end and c"0" <= t[0] <= c"9":
            t += 1
        if t == end:
            return False
        if t[0] == c"]" or t[0] >= 0x80:
            return True
        if t == begin and t + 1 < end:
            first, second = t[0] | 0x20, (t + 1)[0]
            if first == c"e" and second | 0x20 == c"d" or first == c"c" and (second | 0x20 == c"i" or second >= 0x80):
                return True
    return False


cdef inline bint contains(place begin, place end, const Letters* substring) noexcept:
    while end - begin >= substring.length:
        begin = <place>memchr(begin, substring.at[0], end - begin - substring.length + 1)
        if begin is NULL:
            return False
        if memcmp(begin, substring.at, substring.length) == 0:
            return True
        begin += 1
    return False
