"""Rows as steps.

Why a step fires where its row does:

- *Limits.* A row has a step of its own only if its rule and all of its limits are of a kind that is known here, and of
  a size that numbers of C have. What is looked for in texts is UTF-8, as they are.
- *Quiet.* A row that deletes brackets, looks for phrases or for what begins with a bracket or brace can only fire for a
  line in which there may be a bracket or brace, a phrase or a letter of an odd case. All other lines pass it over.
"""

cdef enum Act:
    CALL  # what the plain row made
    WORD_LONGER
    DELETE_BRACKETS  # from here on they ask what is seen in a line
    NO_END_MARK
    FEWER_WORDS
    PHRASES  # mentions, has_word
    CONTAINS

cdef enum Effect:
    DROP_LINE
    DROP_PAGE
    EDIT

cdef enum:
    MOST_MARKS = 16

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

# The patterns of c4pipe/rows.py: every match ends with a "]" or with blanks, and has what ``may_have_brackets`` sees.
cdef BRACKETS = frozenset({
    r"\[\d*\]|\[edit\]|\[citation needed\]",
    r"(?i)^(?:\[(?:\d+|edit|citation needed)\]\s*)+|(?<!\s)\s*\[(?:\d+|edit|citation needed)\]",
})


cdef Act compiled(Step* step, Phrases* phrases, list spelled, str rule, dict limits) except *:
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
    if rule == "no_end_mark" and add_marks(step, spelled, limits["marks"]):
        if limits.get("ellipsis") is None or spell(&step.ellipsis, spelled, limits["ellipsis"]):
            return NO_END_MARK
    if rule == "contains" and spell(&step.substring, spelled, limits["substring"]):
        return CONTAINS
    if rule == "mentions" or rule == "has_word":
        texts = limits["phrases"] if rule == "mentions" else (limits["word"],)
        step.phrases = add_phrases(phrases, spelled, texts, rule == "has_word")
        if step.phrases:
            return PHRASES
    return CALL


cdef bint is_quiet(const Step* step):
    return step.act == DELETE_BRACKETS or step.act == PHRASES or step.act == CONTAINS and is_brace(step.substring.at[0])


cdef inline bint is_brace(uint8_t byte) noexcept:
    return byte | 0x20 == c"{"  # "[", too


cdef bint is_size(value):
    return type(value) is int and abs(value) < 1 << 31


cdef bint add_marks(Step* step, list spelled, marks) except *:
    """Put the marks into the step; False if they are not some characters."""
    if type(marks) is not tuple or not 0 < len(marks) <= MOST_MARKS:
        return False
    for at, mark in enumerate(marks):
        if type(mark) is not str or len(mark) != 1 or not spell(&step.marks[<int>at], spelled, mark):
            return False
    step.marks_count = len(marks)
    return True


cdef bint spell(Letters* letters, list spelled, text) except *:
    """Put the text into the letters, kept alive there; False if it is none, empty or not to be encoded."""
    cdef bytes encoded
    if type(text) is not str or not text:
        return False
    try:
        encoded = text.encode()
    except UnicodeEncodeError:
        return False
    spelled.append(encoded)
    letters.at, letters.length = <place>encoded, len(encoded)
    return True
