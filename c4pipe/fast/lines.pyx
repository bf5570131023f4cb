"""Judges pages by their lines in one pass: the twin of the stages of rows in c4pipe/cleaning.py.

A table of rows becomes a program of as many steps. A row whose rule and limits are known here has a step of its own;
any other calls what the plain row made, for the lines that reach it. Texts come and go as UTF-8. Why the verdicts are
equal:

UTF-8. All texts are whole characters, and the bytes of one are never found within others or across them: what is looked
for as bytes is where the characters are. Who has a text that cannot be encoded, or gets one from an edit, is told so by
``UnicodeEncodeError``, and the plain room decides.

Lines. They end where ``str.splitlines`` ends them (``Py_UNICODE_ISLINEBREAK``; CR LF is one end, and an end that ends
the text begins no line). Places that may be an end are found 64 bytes at a time: those below space, and where U+0085,
U+2028 or U+2029 begins. All but line feeds are then looked at one by one. ``strip`` and ``split`` take off and part at
``Py_UNICODE_ISSPACE``; between space and U+0085 there is none.

Order. Steps run in the order of the rows, and a line's first one to fire is counted, as plain. A known pattern to
delete has a ``[`` in each of its matches, which end with ``]`` or with blanks. So a line without ``[`` stays as it is,
and a stripped line that does not end in ``]`` keeps its last character. By that alone most lines are dropped, where
``no_end_mark`` comes after nothing but such deletions and ``word_longer_than``, which never fires for a line that is
not longer itself, in bytes even. A line that was changed goes on from the next row as a text of its own.

Lines without a look. Where that is so, a line feed behind a byte that ends no mark and no blank, and is no ``]``, ends
a line that is dropped; so does one behind another line feed, or that begins the text. It is only counted, if it is not
too far behind the line feed before. Any other end of a line ends with a byte that may end a blank, so a line feed
behind it, as in CR LF, is looked at. What is looked at knows how many lines were counted before it, for a page that is
dropped there.

Words. A word of more than so many characters has more bytes, so none is where each run of one byte more has a blank in
it; only where one has none, characters are counted. A character that is no blank begins a word where it is the first or
has an ASCII blank before it, which is sure of those whose first byte begins no blank; where the first bytes of a line
have too few of those, and are not all of it, or not ASCII, all blanks are looked at.

Phrases. They are ASCII without capitals. ``str.lower`` makes ASCII of ASCII capitals and of two characters more, U+0130
and U+212A; lines that may have one of those call the plain rule. In all others a phrase is in the lowered line just
where it is in the line itself, read with ASCII capitals lowered. All phrases are looked for at once: each has a pair of
bytes that is rare in English, and where one of those is found, in either case, the phrases that have it are compared.
Where tables of 7 bits say what may be there, they say so of other characters, too, but never fail to. What is there of
"[", "{" and the two characters comes of the same look: rows that need one of them are passed over without. A
whole word needs what ``\\b`` needs, no word character on either side, and but for U+0130 lowering makes none of another
character nor takes one away.

Text. Kept lines are copied from the page, neighbours in one piece, with a line feed before each piece but the first
that is not empty; then the text is stripped, so none before an empty one is missed.
"""

from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_FromStringAndSize, PyByteArray_Resize
from cpython.mem cimport PyMem_Calloc, PyMem_Free
from cpython.unicode cimport (
    Py_UNICODE_ISALNUM,
    Py_UNICODE_ISLINEBREAK,
    Py_UNICODE_ISSPACE,
    PyUnicode_DecodeUTF8,
)
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memchr, memcmp, memcpy, memmove, memset

cdef extern from "Python.h":
    const Py_ssize_t PY_SSIZE_T_MAX
    const char* PyUnicode_AsUTF8AndSize(str text, Py_ssize_t* size) except NULL

cdef extern from "lines.h":
    int lowest_bit(uint64_t bits) noexcept
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
    ctypedef struct BytePair:
        uint8_t first[16]
        uint8_t second[16]
    ctypedef struct LinePairs:
        BytePair pairs[64]
        int count
    ctypedef struct LineLook:
        const uint8_t* next
        const uint8_t* end
        uint64_t words
        bint all_words
        uint64_t blocks
        uint64_t pairs[64]
        bint odd
        bint braces
    ctypedef struct LineWays:
        void (*scan)(LineScan* scan, const LineEnds* ends) noexcept
        void (*look)(LineLook* look, const LinePairs* pairs) noexcept
    void lines_choose(LineWays* ways, int lanes) noexcept
    void line_ends_prepare(LineEnds* ends) noexcept
    void line_pairs_prepare(LinePairs* pairs) noexcept
    void line_pairs_add(LinePairs* pairs, int pair, const uint8_t* letters, int bytes) noexcept

cdef extern from "utf8.h":
    int utf8_decode(const uint8_t* at, uint32_t* character) noexcept

ctypedef const uint8_t* place

cdef enum Act:
    CALL  # what the plain row made
    WORD_LONGER
    DELETE_BRACKETS
    NO_END_MARK
    FEWER_WORDS
    PHRASES  # mentions, has_word
    CONTAINS

cdef enum Effect:
    DROP_LINE
    DROP_PAGE
    EDIT

cdef enum:
    MOST_PHRASES = 64
    MOST_MARKS = 16
    ALL_LANES = 64  # as many bytes side by side as any processor can

cdef struct Letters:
    place at
    Py_ssize_t length

cdef struct Step:
    Act act
    Effect effect
    Py_ssize_t limit  # characters of WORD_LONGER, words of FEWER_WORDS
    int marks_count
    Letters marks[MOST_MARKS]
    Letters ellipsis  # of length 0: none
    Letters substring
    uint64_t phrases
    bint quiet  # it cannot fire for a line that has no bracket, brace, phrase or letter of an odd case

cdef struct Phrase:
    Letters letters
    Py_ssize_t pair_at  # which of its letters are looked for
    bint whole  # a word of its own

cdef struct Lines:
    place next  # where the next line begins, or what is before it that needs no look
    place end  # of the text
    LineStops* block  # the one at hand
    uint64_t stops  # of it, that are not taken
    int taken  # of the blocks that are noted

cdef struct Seen:
    uint64_t words  # places in the first 64 bytes of a line where surely one begins
    bint all_words  # none begins elsewhere
    uint64_t phrases  # that it mentions, unless something in it may be of an odd case
    bint odd
    bint braces  # there may be "[" or "{"

# The patterns of c4pipe/rows.py: every match ends with a "]" or with blanks, and has what ``may_have_brackets`` sees.
cdef BRACKETS = frozenset({
    r"\[\d*\]|\[edit\]|\[citation needed\]",
    r"(?i)^(?:\[(?:\d+|edit|citation needed)\]\s*)+|(?<!\s)\s*\[(?:\d+|edit|citation needed)\]",
})

cdef str BY_FREQUENCY = " etaoinshrdlcumwfgypbvkxjqz"  # what an English text is made of


cdef unsigned char BLANK[256]  # the bytes that are a blank, or may begin one
cdef unsigned char BLANK_END[256]  # the bytes that are a blank, or may end one
cdef unsigned int character
cdef bytes spelled
for character in range(0x10000):
    if Py_UNICODE_ISSPACE(character):
        spelled = chr(character).encode()
        BLANK[spelled[0]] = BLANK_END[spelled[len(spelled) - 1]] = 1
for character in range(0xF0, 0x100):
    BLANK[character] = 1


cdef class Program:
    """Rows, each as ``(effect, counter, name of its rule or "", limits, what the rule made of them)``.

    Texts are looked at by vectors of no more than so many bytes.
    """

    cdef Step* steps
    cdef int rows
    cdef list acts
    cdef list counters  # of the rows; then of lines that pass, of too few sentences, of pages that pass
    cdef list spelled  # keeps letters alive
    cdef Phrase phrases[MOST_PHRASES]
    cdef int phrases_count
    cdef LinePairs pairs  # of all phrases, each once
    cdef uint64_t with_pair[MOST_PHRASES]  # the phrases that have it
    cdef int early  # the row that fires for a line by its last byte alone, before any that must see more; or -1
    cdef Py_ssize_t early_limit  # for lines of no more bytes
    cdef LineEnds ends  # with the last bytes for which it may not, or only after another row
    cdef LineWays ways

    def __cinit__(self, rows, int lanes=ALL_LANES):
        self.rows = len(rows)
        self.steps = <Step*>PyMem_Calloc(self.rows + 1, sizeof(Step))
        if self.steps is NULL:
            raise MemoryError

    def __dealloc__(self):
        PyMem_Free(self.steps)

    def __init__(self, rows, int lanes=ALL_LANES):
        self.acts, self.counters, self.spelled = [], [], []
        self.phrases_count = 0
        line_pairs_prepare(&self.pairs)
        lines_choose(&self.ways, lanes)
        cdef int row
        for row, (effect, counter, rule, limits, act) in enumerate(rows):
            self.steps[row].effect = {"drop_line": DROP_LINE, "drop_page": DROP_PAGE, "edit": EDIT}[effect]
            self.steps[row].act = compiled(self, &self.steps[row], rule, limits)
            self.steps[row].quiet = is_quiet(&self.steps[row])
            self.acts.append(act)
            self.counters.append(f"line-filtered:{counter}" if effect == "drop_line" else f"filtered:{counter}")
        self.counters += ["line-passed", "filtered:too_few_sentences", "passed"]
        prepare_ends(self)

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


cdef Act compiled(Program program, Step* step, str rule, dict limits) except *:
    """The act of a rule, with its limits in the step; CALL if one of them is not known here."""
    if (step.effect == EDIT) != (rule == "without"):
        return CALL
    if rule == "word_longer_than" and is_size(limits["characters"]):
        step.limit = limits["characters"]
        return WORD_LONGER
    if rule == "fewer_words_than" and is_size(limits["words"]):
        step.limit = limits["words"]
        return FEWER_WORDS
    if rule == "without" and limits["pattern"] in BRACKETS:
        return DELETE_BRACKETS
    if rule == "no_end_mark" and add_marks(program, step, limits["marks"]):
        if limits.get("ellipsis") is None or spell(program, &step.ellipsis, limits["ellipsis"]):
            return NO_END_MARK
    if rule == "contains" and spell(program, &step.substring, limits["substring"]):
        return CONTAINS
    if rule == "mentions" or rule == "has_word":
        step.phrases = add_phrases(
            program, limits["phrases"] if rule == "mentions" else (limits["word"],), rule == "has_word"
        )
        if step.phrases:
            return PHRASES
    return CALL


cdef bint is_quiet(const Step* step):
    return step.act == DELETE_BRACKETS or step.act == PHRASES or step.act == CONTAINS and is_brace(step.substring.at[0])


cdef inline bint is_brace(uint8_t byte) noexcept:
    return byte | 0x20 == c"{"  # "[", too


cdef bint is_size(value):
    return type(value) is int and abs(value) < 1 << 31


cdef bint spell(Program program, Letters* letters, text) except *:
    """Put the text into the letters; False if it is none, empty or not to be encoded."""
    cdef bytes encoded
    if type(text) is not str or not text:
        return False
    try:
        encoded = text.encode()
    except UnicodeEncodeError:
        return False
    program.spelled.append(encoded)
    letters.at, letters.length = <place>encoded, len(encoded)
    return True


cdef bint add_marks(Program program, Step* step, marks) except *:
    """Put the marks into the step; False if they are not some characters."""
    if type(marks) is not tuple or not 0 < len(marks) <= MOST_MARKS:
        return False
    for at, mark in enumerate(marks):
        if type(mark) is not str or len(mark) != 1 or not spell(program, &step.marks[<int>at], mark):
            return False
    step.marks_count = len(marks)
    return True


cdef uint64_t add_phrases(Program program, phrases, bint whole) except *:
    """The bits of the phrases, after they were added; 0 if one of them is not of a kind that is searched for here."""
    cdef uint64_t bits = 0
    if type(phrases) is not tuple or program.phrases_count + len(phrases) > MOST_PHRASES:
        return 0
    for phrase in phrases:
        if type(phrase) is not str or len(phrase) < 2 or not phrase.isascii() or phrase != phrase.lower():
            return 0
        if whole and not (phrase[0].isalnum() and phrase[len(phrase) - 1].isalnum()):
            return 0
    for phrase in phrases:
        spell(program, &program.phrases[program.phrases_count].letters, phrase)
        program.phrases[program.phrases_count].whole = whole
        program.phrases[program.phrases_count].pair_at = rarest_pair(phrase)
        bits |= <uint64_t>1 << program.phrases_count
        add_pair(program, program.phrases_count)
        program.phrases_count += 1
    return bits


cdef Py_ssize_t rarest_pair(str phrase):
    """Where the two letters begin that are rarest in English, each by itself, and have one more behind them."""
    rarity = [(BY_FREQUENCY + letter).index(letter) for letter in phrase]  # others are the rarest
    return max(range(max(1, len(phrase) - 2)), key=lambda at: rarity[at] + rarity[at + 1])


cdef void add_pair(Program program, int phrase) noexcept:
    """Have the phrase compared where its pair is found."""
    cdef Letters* all = &program.phrases[phrase].letters
    cdef Py_ssize_t at = program.phrases[phrase].pair_at
    cdef place letters = all.at + at
    cdef int pair = 0
    while pair < program.pairs.count and not is_pair(&program.pairs.pairs[pair], letters):
        pair += 1
    if pair == program.pairs.count:
        memset(program.pairs.pairs[pair].first, letters[0] | 0x20, 16)
        memset(program.pairs.pairs[pair].second, letters[1] | 0x20, 16)
        program.with_pair[pair] = 0
        program.pairs.count += 1
    line_pairs_add(&program.pairs, pair, letters, <int>min(all.length - at, 3))
    program.with_pair[pair] |= <uint64_t>1 << phrase


cdef inline bint is_pair(const BytePair* pair, place t) noexcept:
    return pair.first[0] == t[0] | 0x20 and pair.second[0] == t[1] | 0x20


cdef void prepare_ends(Program program) noexcept:
    """The first rows as one look at the last byte, if they are of the kinds for which that is enough."""
    cdef int row = 0
    cdef int mark
    program.early_limit = PY_SSIZE_T_MAX
    while program.steps[row].act == WORD_LONGER or program.steps[row].act == DELETE_BRACKETS:
        if program.steps[row].act == WORD_LONGER:
            program.early_limit = min(program.early_limit, program.steps[row].limit)
        row += 1
    program.early = -1
    if program.steps[row].act == NO_END_MARK and program.steps[row].effect == DROP_LINE:
        program.early = row
    memcpy(program.ends.listed, BLANK_END, sizeof(program.ends.listed))
    program.ends.listed[c"]"] = 1
    program.ends.listed[c"\n"] = 0  # an empty line ends in no mark
    for mark in range(program.steps[row].marks_count):
        program.ends.listed[program.steps[row].marks[mark].at[program.steps[row].marks[mark].length - 1]] = 1
    if program.early < 0 or program.early_limit < 128:  # all lines need a look
        memset(program.ends.listed, 1, sizeof(program.ends.listed))
    program.ends.limit = program.early_limit
    line_ends_prepare(&program.ends)


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


cdef bint judge_text(Judge judge, place t, Py_ssize_t length) except -1:
    """Go through the lines, in their order, until one drops the page; whether it passes, and then has been written."""
    cdef Program program = judge.program
    cdef Lines lines
    cdef Py_ssize_t text = judge.size  # where what is written begins
    cdef Py_ssize_t found = 0
    cdef place piece = NULL  # where the piece that is open begins
    cdef place piece_end = NULL
    cdef place begin, end
    cdef int row
    cdef str edited
    begin_lines(&lines, program, &judge.scan, t, length)
    while next_line(&lines, program, &judge.scan, &begin, &end):
        while begin < end and blank_before(end):
            end -= blank_before(end)
        if program.early >= 0 and dies_early(program, begin, end):
            judge.counted[program.early] += 1
            continue
        while begin < end and blank_at(begin):
            begin += blank_at(begin)
        row = run(program, begin, end, 0, judge.edited)
        judge.counted[row] += 1
        edited = judge.edited.pop() if judge.edited else None
        if row < program.rows:
            if program.steps[row].effect == DROP_PAGE:
                count_passed(judge, passed_before(&lines))
                judge.size = text
                return False
            continue
        if found < judge.min_sentences:
            found += sentences(judge, decoded(begin, end) if edited is None else edited, judge.min_sentences - found)
        if piece is not NULL and begin == piece_end + 1 and piece_end[0] == c"\n" and edited is None:
            piece_end = end
            continue
        if piece is not NULL:
            write(judge, text, piece, piece_end - piece)
        piece, piece_end = begin, end
        if edited is not None:
            write_str(judge, text, edited)
            piece = NULL
    if piece is not NULL:
        write(judge, text, piece, piece_end - piece)
    count_passed(judge, judge.scan.passed)
    judge.counted[program.rows + 1 + (found >= judge.min_sentences)] += 1
    if found < judge.min_sentences:
        judge.size = text
        return False
    strip(judge, text)
    return True


cdef Py_ssize_t sentences(Judge judge, str line, Py_ssize_t limit) except? -1:
    if judge.count is None:
        judge.count = judge.counter()
    return judge.count(line, limit)


cdef inline str decoded(place begin, place end):
    return PyUnicode_DecodeUTF8(<const char*>begin, end - begin, NULL)


cdef inline int write(Judge judge, Py_ssize_t text, place t, Py_ssize_t length) except -1:
    """Add a piece to the text that begins there."""
    if judge.size + 1 + length > judge.room:
        judge.room = 2 * (judge.room + length)
        PyByteArray_Resize(judge.texts, judge.room)
        judge.written = <uint8_t*>PyByteArray_AS_STRING(judge.texts)
    if judge.size > text:
        judge.written[judge.size] = c"\n"
        judge.size += 1
    memcpy(judge.written + judge.size, t, length)
    judge.size += length
    return 0


cdef int write_str(Judge judge, Py_ssize_t text, str line) except -1:
    cdef Py_ssize_t size = 0
    cdef place t = <place>PyUnicode_AsUTF8AndSize(line, &size)
    return write(judge, text, t, size)


cdef void strip(Judge judge, Py_ssize_t text) noexcept:
    """Take blanks off both ends of the text that begins there."""
    cdef Py_ssize_t begin = text
    while judge.size > text and blank_before(judge.written + judge.size):
        judge.size -= blank_before(judge.written + judge.size)
    while begin < judge.size and blank_at(judge.written + begin):
        begin += blank_at(judge.written + begin)
    if begin > text:
        memmove(judge.written + text, judge.written + begin, judge.size - begin)
        judge.size -= begin - text


cdef inline void begin_lines(Lines* lines, Program program, LineScan* scan, place t, Py_ssize_t length) noexcept:
    scan.next = scan.begin = lines.next = t
    scan.end = lines.end = t + length
    scan.passed = scan.count = lines.taken = 0
    scan.listed = program.ends.listed[c"\n"]  # as if a line had ended before
    lines.stops = 0


cdef inline bint next_line(Lines* lines, Program program, LineScan* scan, place* begin, place* end) noexcept:
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
                program.ways.scan(scan, &program.ends)
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


cdef Py_ssize_t passed_before(const Lines* lines) noexcept:
    """The lines before the one at hand that needed no look."""
    cdef Py_ssize_t passed = lines.block.passed
    cdef uint64_t feeds = lines.block.feeds & ~lines.block.stops
    while feeds and lines.block.at + lowest_bit(feeds) < lines.next:
        feeds &= feeds - 1
        passed += 1
    return passed


cdef inline void count_passed(Judge judge, Py_ssize_t passed) noexcept:
    """Count the lines that needed no look."""
    if passed:
        judge.counted[judge.program.early] += passed


cdef inline int line_end_size(place t, place end) noexcept:
    """The bytes of the end of a line that may be here; 0 if it is none."""
    if t[0] == c"\r":
        return 1 + (t + 1 < end and t[1] == c"\n")
    if t[0] < 32:
        return t[0] == c"\n" or Py_UNICODE_ISLINEBREAK(t[0])
    return 2 if t[0] == 0xC2 else 3


cdef inline unsigned int character_at(place t) noexcept:
    cdef uint32_t character = 0
    utf8_decode(t, &character)
    return character


cdef inline place before(place t) noexcept:
    """Where the character that ends here begins."""
    t -= 1
    while t[0] & 0xC0 == 0x80:
        t -= 1
    return t


cdef inline int blank_at(place t) noexcept:
    """The bytes of the blank that is here; 0 if there is none, or if this is not where a character begins."""
    if not BLANK[t[0]]:
        return 0
    if t[0] < 0x80:
        return 1
    return 2 + (t[0] >= 0xE0) + (t[0] >= 0xF0) if Py_UNICODE_ISSPACE(character_at(t)) else 0


cdef inline int blank_before(place t) noexcept:
    """The bytes of the blank that ends here; 0 if there is none."""
    return BLANK[(t - 1)[0]] if (t - 1)[0] < 0x80 else blank_at(before(t))


cdef int run(Program program, place begin, place end, int row, list edited) except -1:
    """The first row from ``row`` on that fires for the line, else their number; ``edited`` takes an edited line."""
    cdef Step* step
    cdef bint fires
    cdef bint looked = False
    cdef bint quiet = False
    cdef Seen seen = Seen(0, False, 0, False, False)
    cdef str line, changed
    cdef Py_ssize_t size = 0
    for row in range(row, program.rows):
        step = &program.steps[row]
        if not looked and step.act >= DELETE_BRACKETS:
            looked = True
            look_at(program, begin, end, &seen)
            quiet = not (seen.braces or seen.phrases or seen.odd)
        if quiet and step.quiet:
            continue
        if step.act == DELETE_BRACKETS and not may_have_brackets(begin, end):
            continue
        if step.act == CALL or step.act == DELETE_BRACKETS or (step.act == PHRASES and seen.odd):
            line = decoded(begin, end)
            result = program.acts[row](line)
            if step.effect != EDIT:
                if result:
                    return row
                continue
            if not isinstance(result, str):
                raise TypeError(f"a rule that edits lines returned {result!r}, but must return a str")
            changed = "".join((result, ""))  # the very type, of a subclass too
            if changed == line:
                continue
            edited.clear()
            edited.append(changed)
            begin = <place>PyUnicode_AsUTF8AndSize(changed, &size)
            return run(program, begin, begin + size, row + 1, edited)
        if step.act == NO_END_MARK:
            fires = no_end_mark(step, begin, end)
        elif step.act == FEWER_WORDS:
            fires = fewer_words(begin, end, &seen, step.limit)
        elif step.act == WORD_LONGER:
            fires = end - begin > step.limit and word_longer(begin, end, step.limit)
        elif step.act == PHRASES:
            fires = seen.phrases & step.phrases != 0
        else:
            fires = contains(begin, end, &step.substring)
        if fires:
            return row
    return program.rows


cdef inline bint dies_early(Program program, place begin, place end) noexcept:
    """The early row fires for the line, stripped at its end."""
    return end - begin <= program.early_limit and (begin == end or not program.ends.listed[(end - 1)[0]])


cdef inline bint ends_with(place begin, place end, const Letters* letters) noexcept:
    cdef Py_ssize_t length = letters.length
    if end - begin < length:
        return False
    while length and end[length - letters.length - 1] == letters.at[length - 1]:
        length -= 1
    return length == 0


cdef inline bint no_end_mark(const Step* step, place begin, place end) noexcept:
    cdef int mark
    for mark in range(step.marks_count):
        if ends_with(begin, end, &step.marks[mark]):
            return step.ellipsis.length != 0 and ends_with(begin, end, &step.ellipsis)
    return True


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
        while begin < end and blank_at(begin):
            begin += blank_at(begin)
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


cdef inline bint may_have_odd_case(place begin, place end) noexcept:
    """Two bytes are as in U+0130 or U+212A; without a branch in the loop, so that compilers take many at a time."""
    cdef Py_ssize_t at
    cdef uint8_t found = 0
    for at in range(1, end - begin):
        found |= (begin[at - 1] == 0xC4) & (begin[at] == 0xB0) | (begin[at - 1] == 0x84) & (begin[at] == 0xAA)
    return found != 0


cdef inline bint contains(place begin, place end, const Letters* substring) noexcept:
    while end - begin >= substring.length:
        begin = <place>memchr(begin, substring.at[0], end - begin - substring.length + 1)
        if begin is NULL:
            return False
        if memcmp(begin, substring.at, substring.length) == 0:
            return True
        begin += 1
    return False


cdef void look_at(Program program, place begin, place end, Seen* seen) noexcept:
    """All that steps ask of a line, in one go."""
    cdef LineLook look
    cdef uint64_t places
    cdef place at
    seen.phrases = seen.odd = seen.braces = 0
    look.next, look.end = begin, end
    program.ways.look(&look, &program.pairs)
    seen.words, seen.all_words = look.words, look.all_words
    at = begin
    while True:
        seen.odd |= look.odd
        seen.braces |= look.braces
        while look.blocks:
            places = look.pairs[lowest_bit(look.blocks)]
            while places:
                seen.phrases |= found_at(
                    program, at + 64 * lowest_bit(look.blocks) + lowest_bit(places), begin, end
                )
                places &= places - 1
            look.blocks &= look.blocks - 1
        if look.next == end:
            break
        at = look.next
        program.ways.look(&look, &program.pairs)
    seen.odd = seen.odd and may_have_odd_case(begin, end)


cdef uint64_t found_at(Program program, place at, place begin, place end) noexcept:
    """The phrases that are where one of their pairs is."""
    cdef uint64_t found = 0
    cdef uint64_t possible = 0
    cdef Phrase* phrase
    cdef int pair
    for pair in range(program.pairs.count):
        if is_pair(&program.pairs.pairs[pair], at):
            possible = program.with_pair[pair]
    while possible:
        phrase = &program.phrases[lowest_bit(possible)]
        if phrase.pair_at <= at - begin and is_here(phrase, at - phrase.pair_at, begin, end):
            found |= possible & -possible
        possible &= possible - 1
    return found


cdef inline bint is_here(const Phrase* phrase, place at, place begin, place end) noexcept:
    """The phrase is at this place, and is a word of its own if it is to be one."""
    cdef Py_ssize_t index
    cdef Py_ssize_t length = phrase.letters.length
    cdef uint8_t c
    if end - at < length:
        return False
    for index in range(length):
        c = at[index]
        if c"A" <= c <= c"Z":
            c |= 32
        if c != phrase.letters.at[index]:
            return False
    if not phrase.whole:
        return True
    if at > begin and is_word_character(character_at(before(at))):
        return False
    return at + length == end or not is_word_character(character_at(at + length))


cdef inline bint is_word_character(unsigned int c) noexcept:
    return Py_UNICODE_ISALNUM(c) or c == c"_"
