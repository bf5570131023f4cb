"""The rules: functions that take limits and return a test or an edit of one line.

A rule knows no page, no counter and no variant. ``rows.py`` gives each rule its limits and its counter.
"""

from __future__ import annotations

import re
from collections.abc import Callable

Test = Callable[[str], bool]
Edit = Callable[[str], str]


def word_longer_than(*, characters: int) -> Test:
    """Some whitespace-separated word of the line has more than ``characters`` code points.

    >>> word_longer_than(characters=4)("a short list")
    True
    >>> word_longer_than(characters=5)("a short list")
    False
    """
    return lambda line: len(line) > characters and any(len(word) > characters for word in line.split())


def no_end_mark(*, marks: tuple[str, ...], ellipsis: str | None = None) -> Test:
    """The line ends in none of ``marks``, or it ends in ``ellipsis``, if there is one.

    >>> fires = no_end_mark(marks=(".", "?"), ellipsis="...")
    >>> [fires(line) for line in ("Home", "Is it?", "Read more...")]
    [True, False, True]
    """
    if ellipsis is None:
        return lambda line: not line.endswith(marks)
    return lambda line: not line.endswith(marks) or line.endswith(ellipsis)


def fewer_words_than(*, words: int) -> Test:
    """The line has fewer than ``words`` whitespace-separated words.

    >>> fewer_words_than(words=5)("Too few words.")
    True
    """
    return lambda line: len(line.split()) < words


def mentions(*, phrases: tuple[str, ...]) -> Test:
    """The lower-cased line contains one of ``phrases``, inside a word too.

    >>> mentions(phrases=("javascript",))("Please enable JavaScripts.")
    True
    """

    def fires(line: str) -> bool:
        lowered = line.lower()
        return any(phrase in lowered for phrase in phrases)

    return fires


def has_word(*, word: str) -> Test:
    """The lower-cased line contains ``word``, and not inside another word.

    >>> fires = has_word(word="javascript")
    >>> fires("Please enable JavaScript."), fires("We write Javascripts.")
    (True, False)
    """
    found = re.compile(rf"\b{re.escape(word)}\b")
    return lambda line: found.search(line.lower()) is not None


def contains(*, substring: str) -> Test:
    """The line contains ``substring`` as it is written.

    >>> contains(substring="{")("if (x) { y(); }")
    True
    """
    return lambda line: substring in line


def without(*, pattern: str) -> Edit:
    r"""Delete every match of ``pattern``, and nothing around it.

    >>> without(pattern=r"\[\d*\]")("A fact [3] of note.[12]")
    'A fact  of note.'
    """
    compiled = re.compile(pattern)
    return lambda line: compiled.sub("", line)
