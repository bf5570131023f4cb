"""Phrases in lines, and what else is seen in the same look.

Why those are found that ``mentions`` and ``has_word`` find:

- *Case.* They are ASCII without capitals. ``str.lower`` makes ASCII of ASCII capitals and of two characters more,
  U+0130 and U+212A; lines that may have one of those call the plain rule. In all others a phrase is in the lowered line
  just where it is in the line itself, read with ASCII capitals lowered.
- *All at once.* Each phrase has a pair of bytes that is rare in English, and where one of those is found, in either
  case, the phrases that have it are compared. Where tables of 7 bits say what may be there, they say so of other
  characters, too, but never fail to. What is there of "[", "{" and the two characters comes of the same look.
- *Words.* A whole word needs what ``\\b`` needs, no word character on either side, and but for U+0130 lowering makes
  none of another character nor takes one away.
"""

from cpython.unicode cimport Py_UNICODE_ISALNUM
from libc.stdint cimport uint32_t
from libc.string cimport memset

cdef extern from "line_looks.h":
    int lowest_bit(uint64_t bits) noexcept
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
        uint64_t pairs[32]
        bint odd
        bint braces
    void line_pairs_prepare(LinePairs* pairs, int lanes) noexcept
    void line_pairs_add(LinePairs* pairs, int pair, const uint8_t* letters, int bytes) noexcept
    void line_look(LineLook* look, const LinePairs* pairs) noexcept

cdef extern from "utf8.h":
    int utf8_decode(const uint8_t* at, uint32_t* character) noexcept
    const uint8_t* utf8_before(const uint8_t* at) noexcept

cdef enum:
    MOST_PHRASES = 64

cdef struct Phrase:
    Letters letters
    Py_ssize_t pair_at  # which of its letters are looked for
    bint whole  # a word of its own

cdef struct Phrases:
    Phrase each[MOST_PHRASES]
    int count
    LinePairs pairs  # of all phrases, each once
    uint64_t with_pair[MOST_PHRASES]  # the phrases that have it

cdef struct Seen:
    uint64_t words  # places in the first 64 bytes of a line where surely one begins
    bint all_words  # none begins elsewhere
    uint64_t phrases  # that it mentions, unless something in it may be of an odd case
    bint odd
    bint braces  # there may be "[" or "{"

cdef str BY_FREQUENCY = " etaoinshrdlcumwfgypbvkxjqz"  # what an English text is made of


cdef uint64_t add_phrases(Phrases* phrases, list spelled, texts, bint whole) except *:
    """The bits of the phrases, after they were added; 0 if one of them is not of a kind that is searched for here."""
    cdef uint64_t bits = 0
    if type(texts) is not tuple or phrases.count + len(texts) > MOST_PHRASES:
        return 0
    for phrase in texts:
        if type(phrase) is not str or len(phrase) < 2 or not phrase.isascii() or phrase != phrase.lower():
            return 0
        if whole and not (phrase[0].isalnum() and phrase[len(phrase) - 1].isalnum()):
            return 0
    for phrase in texts:
        spell(&phrases.each[phrases.count].letters, spelled, phrase)
        phrases.each[phrases.count].whole = whole
        phrases.each[phrases.count].pair_at = rarest_pair(phrase)
        bits |= <uint64_t>1 << phrases.count
        add_pair(phrases, phrases.count)
        phrases.count += 1
    return bits


cdef Py_ssize_t rarest_pair(str phrase):
    """Where the two letters begin that are rarest in English, each by itself, and have one more behind them."""
    rarity = [(BY_FREQUENCY + letter).index(letter) for letter in phrase]  # others are the rarest
    return max(range(max(1, len(phrase) - 2)), key=lambda at: rarity[at] + rarity[at + 1])


cdef void add_pair(Phrases* phrases, int phrase) noexcept:
    """Have the phrase compared where its pair is found."""
    cdef Letters* all = &phrases.each[phrase].letters
    cdef Py_ssize_t at = phrases.each[phrase].pair_at
    cdef place letters = all.at + at
    cdef int pair = 0
    while pair < phrases.pairs.count and not is_pair(&phrases.pairs.pairs[pair], letters):
        pair += 1
    if pair == phrases.pairs.count:
        memset(phrases.pairs.pairs[pair].first, letters[0] | 0x20, 16)
        memset(phrases.pairs.pairs[pair].second, letters[1] | 0x20, 16)
        phrases.with_pair[pair] = 0
        phrases.pairs.count += 1
    line_pairs_add(&phrases.pairs, pair, letters, <int>min(all.length - at, 3))
    phrases.with_pair[pair] |= <uint64_t>1 << phrase


cdef inline bint is_pair(const BytePair* pair, place t) noexcept:
    return pair.first[0] == t[0] | 0x20 and pair.second[0] == t[1] | 0x20


cdef inline void look_at(const Phrases* phrases, place begin, place end, Seen* seen) noexcept:
    """All that steps ask of a line, in one go."""
    cdef LineLook look
    cdef uint64_t places
    cdef place at, found
    seen.phrases = seen.odd = seen.braces = 0
    look.next, look.end = begin, end
    line_look(&look, &phrases.pairs)
    seen.words, seen.all_words = look.words, look.all_words
    at = begin
    while True:
        seen.odd |= look.odd
        seen.braces |= look.braces
        while look.blocks:
            places = look.pairs[lowest_bit(look.blocks)]
            while places:
                found = at + 64 * lowest_bit(look.blocks) + lowest_bit(places)
                seen.phrases |= found_at(phrases, found, begin, end)
                places &= places - 1
            look.blocks &= look.blocks - 1
        if look.next == end:
            break
        at = look.next
        line_look(&look, &phrases.pairs)
    seen.odd = seen.odd and may_have_odd_case(begin, end)


cdef inline bint may_have_odd_case(place begin, place end) noexcept:
    """Two bytes are as in U+0130 or U+212A; without a branch in the loop, so that compilers take many at a time."""
    cdef Py_ssize_t at
    cdef uint8_t found = 0
    for at in range(1, end - begin):
        found |= (begin[at - 1] == 0xC4) & (begin[at] == 0xB0) | (begin[at - 1] == 0x84) & (begin[at] == 0xAA)
    return found != 0


cdef uint64_t found_at(const Phrases* phrases, place at, place begin, place end) noexcept:
    """The phrases that are where one of their pairs is."""
    cdef uint64_t found = 0
    cdef uint64_t possible = 0
    cdef const Phrase* phrase
    cdef int pair
    for pair in range(phrases.pairs.count):
        if is_pair(&phrases.pairs.pairs[pair], at):
            possible = phrases.with_pair[pair]
    while possible:
        phrase = &phrases.each[lowest_bit(possible)]
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
    if at > begin and is_word_character(character_at(utf8_before(at))):
        return False
    return at + length == end or not is_word_character(character_at(at + length))


cdef inline bint is_word_character(unsigned int c) noexcept:
    return Py_UNICODE_ISALNUM(c) or c == c"_"


cdef inline unsigned int character_at(place t) noexcept:
    cdef uint32_t character = 0
    utf8_decode(t, &character)
    return character
