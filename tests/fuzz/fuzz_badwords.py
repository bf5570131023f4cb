"""Fuzzing of the compiled search for bad words against the regular expressions that it stands for."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple

from c4pipe import engine, resources
from c4pipe.stages import badwords
from c4pipe.stages.badwords import LANGUAGES, finder
from tests.fuzz.mutations import mutated
from tests.support.columns import column, encodable, in_each_width

LENGTH = 200  # characters of a text before it is changed
APART = (
    *(" ", " ", " ", "", "_", "1", "-", ".", "\n", "'", "é", "\u00a0", "\u0301", "\u2019", "ß", "中", "\u0130", "Σ"),
    *("\U0001f600", "\U00020000"),
)
WORDS = (  # made up: short ones, odd ones, and some that are patterns
    *(
        "a",
        "ab",
        "abc",
        "abcd",
        "ab cd",
        "K",
        "k",
        "å",
        "\u0307",
        "i\u0307",
        "σ",
        "ς",
        "σς",
        "-x",
        "x-",
        "_",
        "é",
        "中",
    ),
    *("\U0001f595", "\n", "\ud800", "\U0001d7d8", "ⓐ", "a.b", "13.", ".x", "..", "x..y", "."),
)


class Case(NamedTuple):
    """Words, how they are looked for, and a text."""

    words: tuple[str, ...]
    whole: bool
    escaped: bool
    text: str


@cache
def lists(source: str | None) -> list[tuple[str, ...]]:
    """The pinned lists, as they are and in lower case."""
    languages = ("en",) if source == resources.BUILTIN else LANGUAGES
    found = [badwords.pinned_words(language, source) for language in languages]
    return found * 3 + [tuple(map(str.lower, words)) for words in found]


@cache
def made_up(seed: int) -> tuple[str, ...]:
    rng = random.Random(seed)
    return tuple(rng.choices(WORDS, k=rng.choice((1, 2, 3, 9))))


def inputs(rng: random.Random, lines: Sequence[str]) -> Iterator[Case]:
    """Real lines, changed, in which words of the list stand, and some that are nearly words."""
    while True:
        words = rng.choice(lists(resources.source())) if rng.randrange(4) else made_up(rng.randrange(300))
        text = rng.choice(lines)
        if rng.randrange(3):
            begin = rng.randrange(len(text) + 1)
            text = text[begin : begin + rng.choice((0, 5, 61, 64, 65, LENGTH))]
        for _ in range(rng.choice((0, 1, 1, 2))):
            at = rng.choice((0, len(text), rng.randrange(len(text) + 1)))
            text = text[:at] + rng.choice(APART) + _nearly(rng, rng.choice(words)) + rng.choice(APART) + text[at:]
        if not rng.randrange(3):
            text = mutated(rng, text, (*APART, *words[:20]))
        yield Case(words, bool(rng.randrange(4)), bool(rng.randrange(3)), text)


def _nearly(rng: random.Random, word: str) -> str:
    """The word, often with a character more, less or of another case."""
    at = rng.randrange(len(word))
    ways = (
        *(word, word, word, word.upper(), word.title(), word.swapcase(), word[:at], word[:at] + word[at + 1 :]),
        *(word[:at] + rng.choice(APART) + word[at + more :] for more in (0, 1)),
        word.replace("k", "\u212a").replace("å", "\u212b").replace("i", "\u0130").replace("s", "ſ"),
    )
    return rng.choice(ways)


@cache
def _finders(words: tuple[str, ...], whole: bool, escaped: bool) -> tuple[Callable[[str], bool], Any]:
    room = engine.twin("badwords")
    assert room is not None
    plain = finder(words, whole=whole, escaped=escaped)
    fast = finder(words, whole=whole, escaped=escaped, fast=room)
    assert type(fast) is room.Words, words
    return plain, fast


def agree(case: Case) -> None:
    """Both find one, or none."""
    plain, fast = _finders(*case[:3])
    expected, found = plain(case.text), fast(case.text)
    assert expected is found, (case[1:], [w for w in case.words if finder((w,), whole=False)(case.text)], expected)
    texts = in_each_width(encodable(case.text))
    assert list(fast.column(*column(texts))) == list(map(fast, texts)), case[1:]
