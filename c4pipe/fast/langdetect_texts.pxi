"""What of a text is looked at: its addresses go, it is cut, and Latin letters go if they are few.

Why that is what the plain detector looks at:

- *Addresses.* A page without ``@`` and ``://`` where it counts has none. Else ``://`` is part of a match exactly if
  ``http`` or ``https`` stands before it, not yet matched, and a URL character follows; at most 2,076 are taken. A
  match of the other pattern begins in the run of local characters (64 at most) that ends in ``@``, so the leftmost
  one belongs to the first ``@`` that has any; a domain needs two characters, and the greedy parts of the pattern take
  255 without dots and then 255 with them.
- *Cut and marks.* A letter and its mark become one character, and none of what comes out is looked at again; the
  10,000 characters are counted after that. Blanks that follow a blank need not be removed: no n-gram knows of them.
"""

from libc.string cimport memchr, memmove

ctypedef fused Unit:  # of text, as Python keeps it
    uint8_t
    uint16_t
    uint32_t


cdef enum:
    BLANK = 0x20
    BLOCK = 32  # characters that are looked at together
    LOCAL = 1  # classes of characters in addresses
    DOMAIN = 2
    URL = 4
    LONGEST_URL = 2076  # after the slashes
    LONGEST_LOCAL = 64
    LONGEST_DOMAIN = 255  # its first part, and as much again
    FIRST_MARK = 0x300
    MARKS = 0x24
    LETTERS = 0x200  # those that take a mark come before
    MOST_CHARACTERS = (1 << 14) - 1


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


@cython.final
@cython.internal
cdef class Cleaner:
    """Leaves of texts what is looked at: ``characters`` at most, in which ``composed`` says what two become one."""

    cdef Py_ssize_t characters, reach
    cdef uint16_t[::1] composed  # by mark, then letter; 0: nothing
    cdef uint32_t[::1] cut
    cdef uint8_t[::1] scratch

    def __init__(self, Py_ssize_t characters, dict composed):
        cdef uint32_t letter, mark
        if characters > MOST_CHARACTERS:
            raise ValueError(f"{characters} characters are to be read, but at most {MOST_CHARACTERS} have numbers")
        self.characters = characters
        self.reach = 2 * characters + LONGEST_LOCAL + 2  # two characters may become one
        self.cut, self.scratch = _zeros("I", characters + 1), bytearray(1)
        self.composed = _zeros("H", MARKS * LETTERS)
        for (first, second), one in composed.items():
            letter, mark = ord(first), <uint32_t>ord(second) - FIRST_MARK
            if letter >= LETTERS or mark >= MARKS:
                raise ValueError(f"the letter {first!r} or the mark {second!r} is out of the range that is looked at")
            self.composed[mark * LETTERS + letter] = ord(one)

    cdef Unit* cleaned(self, Unit* text, Py_ssize_t* length) except NULL:
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
