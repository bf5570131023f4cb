"""How two texts differ, by lines: which are in one alone, and which are in both but changed."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

from c4pipe.stages.clean_lines import CleanLines
from c4pipe.stages.rule_rows import bind_rules, first_to_fire

ALIKE = 0.8  # of the characters in common: the same line, changed
COMPARED_CHARACTERS = 500  # of a line, for likeness
BLANKS, WORDS = re.compile(r"\s+"), re.compile(r"\W+")


@dataclass(frozen=True)
class LineDiff:
    """The lines that two texts do not have in common."""

    left: tuple[str, ...]  # in the left one alone
    right: tuple[str, ...]
    changed: tuple[tuple[str, str], ...]  # the same line in both, but for some characters


def line_diff(left: str, right: str) -> LineDiff:
    """Compare two texts line by line."""
    lefts, rights = left.split("\n"), right.split("\n")
    only_left: list[str] = []
    only_right: list[str] = []
    changed: list[tuple[str, str]] = []
    for tag, i, j, k, n in difflib.SequenceMatcher(None, lefts, rights, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        for one, other in zip_longest(lefts[i:j], rights[k:n]):
            if one is not None and other is not None and alike(one, other):
                changed.append((one, other))
            else:
                only_left += [one] if one is not None else []
                only_right += [other] if other is not None else []
    return LineDiff(tuple(only_left), tuple(only_right), tuple(changed))


def alike(one: str, other: str) -> bool:
    """The lines are one and the same, changed."""
    matcher = difflib.SequenceMatcher(None, one[:COMPARED_CHARACTERS], other[:COMPARED_CHARACTERS], autojunk=False)
    bounds = (matcher.real_quick_ratio, matcher.quick_ratio, matcher.ratio)  # each lower and dearer than the last
    return all(bound() >= ALIKE for bound in bounds)


def describe_change(one: str, other: str, stages: Sequence[CleanLines]) -> str:
    """What makes the two of one line, the narrowest that does.

    >>> [describe_change("A fact.", line, ()) for line in (" A fact.", "A fact!", "A fiction.")]
    ['line changed: blanks at its ends', 'line changed: punctuation', 'line changed']
    """
    for stage in stages:
        rules = bind_rules(tuple(row for row in stage.rows if row.effect == "edit"))
        edited = other == first_to_fire(rules, one)[0] or one == first_to_fire(rules, other)[0]
        if edited and one.strip() != other.strip():
            return f"{stage.name}: edits made in one alone"
    for what, normal in (
        ("blanks at its ends", str.strip),
        ("blanks", lambda line: BLANKS.sub("", line)),
        ("Unicode normalization", lambda line: unicodedata.normalize("NFKC", line)),
        ("capitals", str.casefold),
        ("punctuation", lambda line: WORDS.sub("", line)),
    ):
        if normal(one) == normal(other):
            return f"line changed: {what}"
    return "line changed"
