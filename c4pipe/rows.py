"""The rules of C4 as rows: of the code that made it (``C4_ROWS``), and of the paper (``PAPER_ROWS``)."""

from __future__ import annotations

from c4pipe.rules import contains, fewer_words_than, has_word, mentions, no_end_mark, without, word_longer_than
from c4pipe.stages.rule_rows import drop_line, drop_page, edit

POLICY = ("terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies", "use cookies")

C4_ROWS = (  # TFDS c4 3.1.0; the same from 2.2.0 on
    drop_line("too_long_word", word_longer_than, characters=1000),
    # Before no_endmark and not followed by a strip: "fact. [3]" loses its line, "fact.[3]" does not.
    edit(without, pattern=r"\[\d*\]|\[edit\]|\[citation needed\]"),
    drop_line("no_endmark", no_end_mark, marks=(".", "?", "!", '"'), ellipsis="..."),
    drop_line("too_short", fewer_words_than, words=5),
    # After no_endmark: a "lorem ipsum" heading without a full stop spares its page.
    drop_page("loremipsum", mentions, phrases=("lorem ipsum",)),
    # Before squigglybracket: a bracket in a line about JavaScript spares its page.
    drop_line("javascript", mentions, phrases=("javascript",)),
    drop_page("squigglybracket", contains, substring="{"),
    drop_line("policy", mentions, phrases=POLICY),
)

_MARKER = r"\[(?:\d+|edit|citation needed)\]"

# The T5 paper, section 2.2, taken at its word; docs/semantics.md says how it is read where it leaves a choice.
PAPER_PAGE_ROWS = (
    drop_page("loremipsum", mentions, phrases=("lorem ipsum",)),
    drop_page("squigglybracket", contains, substring="{"),
)
PAPER_ROWS = (
    # With the blanks before a marker, or behind it where it begins the line: what is left is a line without markers.
    edit(without, pattern=rf"(?i)^(?:{_MARKER}\s*)+|(?<!\s)\s*{_MARKER}"),
    drop_line("no_endmark", no_end_mark, marks=(".", "!", "?", '"', "\u201d")),
    drop_line("too_short", fewer_words_than, words=5),
    drop_line("javascript", has_word, word="javascript"),
    drop_line("policy", mentions, phrases=POLICY),
)
