"""C4's `en`, calmer: longer lines, pages of five sentences or more, and no line that shouts."""

from dataclasses import replace

from c4pipe.api import C4_ROWS, CleanLines, Test, drop_line, fewer_words_than, variant


def mostly_capitals(*, letters: int) -> Test:
    """The line has ``letters`` letters or more, and capitals make up more than half of it."""
    return lambda line: sum(map(str.isalpha, line)) >= letters and 2 * sum(map(str.isupper, line)) > len(line)


LONGER = drop_line("too_short", fewer_words_than, words=8)  # C4 has 5
ROWS = tuple(LONGER if row.counter == "too_short" else row for row in C4_ROWS)
CLEAN = CleanLines((*ROWS, drop_line("shouting", mostly_capitals, letters=20)), min_sentences=5)  # C4 has 3
STAGES = tuple(CLEAN if isinstance(stage, CleanLines) else stage for stage in variant("en").stages)
MY_VARIANT = replace(variant("en"), name="en.calm", stages=STAGES)
