"""How two texts differ by lines: those that only one has, and those that both have with some change."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

from c4pipe.stages.clean_lines import CleanLines
from c4pipe.stages.rule_rows import bind_rules, first_to_fire

ALIKE = 0.8  # two lines with this share of their characters in common are one line, changed
COMPARED_CHARACTERS = 500  # at the beginning of a line
BLANKS, WORDS = re.compile(r"\s+"), re.compile(r"\W+")


@dataclass(frozen=True)
class LineDiff:
    """The lines that two texts do not have in common."""

    left: tuple[str, ...]  # only the left text has them
    right: tuple[str, ...]
    changed: tuple[tuple[str, str], ...]  # (left, right): one line, of which some characters differ


def line_diff(left: str, right: str) -> LineDiff:
    """Compare two texts line by line."""
    lefts, rights = left.split("\n"), right.split("\n")
    only_left: list[str] = []
    only_right: list[str] = []
    changed: list[tuple[str, str]] = []
    for tag, i, j, k, n in difflib.SequenceMatcher(None, lefts, rights, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        for left_line, right_line in zip_longest(lefts[i:j], rights[k:n]):
            if left_line is not None and right_line is not None and alike(left_line, right_line):
                changed.append((left_line, right_line))
            else:
                only_left += [left_line] if left_line is not None else []
                only_right += [right_line] if right_line is not None else []
    return LineDiff(tuple(only_left), tuple(only_right), tuple(changed))


def alike(left: str, right: str) -> bool:
    """Return whether two lines share ``ALIKE`` of their first ``COMPARED_CHARACTERS``."""
    matcher = difflib.SequenceMatcher(None, left[:COMPARED_CHARACTERS], right[:COMPARED_CHARACTERS], autojunk=False)
    bounds = (
        matcher.real_quick_ratio,
        matcher.quick_ratio,
        matcher.ratio,
    )  # each is lower, and costs more
    return all(bound() >= ALIKE for bound in bounds)


def describe_change(left: str, right: str, stages: Sequence[CleanLines]) -> str:
    """Return what changed between two forms of a line: the narrowest description that fits.

    >>> [describe_change("A fact.", line, ()) for line in (" A fact.", "A fact!", "A fiction.")]
    ['line changed: blanks at its ends', 'line changed: punctuation', 'line changed']
    """
    for stage in stages:
        rules = bind_rules(tuple(row for row in stage.rows if row.effect == "edit"))
        edited = right == first_to_fire(rules, left)[0] or left == first_to_fire(rules, right)[0]
        if edited and left.strip() != right.strip():
            return f"{stage.name}: edits made in one alone"
    for what, normal in (
        ("blanks at its ends", str.strip),
        ("blanks", lambda line: BLANKS.sub("", line)),
        ("Unicode normalization", lambda line: unicodedata.normalize("NFKC", line)),
        ("capitals", str.casefold),
        ("punctuation", lambda line: WORDS.sub("", line)),
    ):
        if normal(left) == normal(right):
            return f"line changed: {what}"
    return "line changed"


def odd_end_mark(line: str) -> str:
    """Return the name of the mark that ends the line, if it is beyond ASCII, such as a curly quote; else "".

    >>> odd_end_mark("“Yes.”"), odd_end_mark("Home")
    (', ends in RIGHT DOUBLE QUOTATION MARK', '')
    """
    last = line.rstrip()[-1:]
    if last <= "\x7f" or last.isalnum():
        return ""
    return f", ends in {unicodedata.name(last, f'U+{ord(last):04X}')}"
