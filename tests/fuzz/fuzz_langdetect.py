"""Texts on which the compiled detector and the plain one might differ."""

from __future__ import annotations

import functools
import random
from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np

from c4pipe import engine
from c4pipe.text import language_detector
from tests.support.columns import column, encodable, in_each_width

LEAST = 0.99  # TFDS c4
LIMIT = 10_000  # characters, langdetect
NARROWER = (8, 1)  # numbers of 32 bits side by side, where a processor has 16
SEPARATORS = (
    "",
    " ",
    "  ",
    "\n",
    "\t",
    "\x0b",
    "\x1c",
    "\x85",
    "\xa0",
    "\u2028",
    "\u200b",
    "\u3000",
    "-",
    "'",
    "\u2019",
)
ADDRESSES = (
    "http://a.bc/d", "https://x", "http://", "https:/", "hhttp://q", "://", "@", "a@b.c", "a@bc", "a@b", "@b.c",
    "a@b@c.de", "first.last@mail.example.org", "mailto:x_y-z@a-b.co.uk", "http://user@host.de/x",
    "x@http://a.bc", "http://a.bc,d@e.fg",
)  # fmt: skip
MARKS = "\u0300\u0301\u0303\u0309\u0323\u0302\u031b\u0310"
ODD = (
    "\0\x7f\xad\u0130\u0131\u0218\u0219\u021a\u021b\u06cc\u1e00\u1ea0\u1ef9\u3105\u31a0\uac00\ud7ff\ud800\udc00\ufeff"
    "\ufffe\uffff"
)
SCRIPTS = (
    (0x00, 0x250), (0x250, 0x370), (0x370, 0x530), (0x530, 0x700), (0x700, 0x1100), (0x1100, 0x2000), (0x2000, 0x2E80),
    (0x2E80, 0x3400), (0x3400, 0xA000), (0xA000, 0x10000), (0x10000, 0x20000), (0x20000, 0x110000),
)  # fmt: skip


def inputs(rng: random.Random, lines: Sequence[str]) -> Iterator[tuple[str, bool]]:
    """Texts without end: real lines cut, joined, recased, and what may come between; and whether to compare digits.

    Plain digits take a hundred times as long as n-grams, and hang on nothing else.
    """
    while True:
        text = rng.choice(SEPARATORS).join(_piece(rng, lines) for _ in range(rng.choice((1, 1, 2, 3, 5, 8))))
        if rng.random() < 0.02:
            text = _long(rng, text or "x")
        yield text, rng.random() < 0.1


def _piece(rng: random.Random, lines: Sequence[str]) -> str:
    kind = rng.random()
    if kind < 0.7:
        line = rng.choice(lines)
        start = rng.randrange(len(line) + 1)
        piece = rng.choice((line, line[start:], line[:start], line[start : start + rng.randrange(40)]))
        return rng.choice((str, str, str, str.upper, str.title, str.swapcase, str.casefold, _marked, _sprinkled))(piece)
    if kind < 0.8:
        return rng.choice(ADDRESSES) + rng.choice(("", "a" * rng.choice((1, 63, 64, 65, 254, 255, 256, 2076))))
    if kind < 0.9:
        return "".join(chr(rng.randrange(*rng.choice(SCRIPTS))) for _ in range(rng.randrange(12)))
    return rng.choice(ODD) * rng.randrange(4)


def _marked(text: str) -> str:
    """Marks after its letters, as many as its length says."""
    return "".join(c + MARKS[i % len(MARKS)] if i % (2 + len(text) % 5) == 0 else c for i, c in enumerate(text))


def _sprinkled(text: str) -> str:
    return "".join(c + ODD[i % len(ODD)] if i % (3 + len(text) % 7) == 0 else c for i, c in enumerate(text))


def _long(rng: random.Random, text: str) -> str:
    """About as long as is read, or about twice that."""
    length = rng.choice((LIMIT, 2 * LIMIT)) + rng.randrange(-70, 70)
    tail = rng.choice((text, rng.choice(ADDRESSES), rng.choice(MARKS) * 3))
    return (text * (length // len(text) + 1))[:length] + tail


def agree(one: tuple[str, bool]) -> None:
    """Both engines find the same n-grams, and the same digits where they are to be compared."""
    text, digits = one
    agree_in_ngrams(text)
    agree_in_column(in_each_width(encodable(text)))
    if digits:
        agree_in_digits(text)


@functools.cache
def of_each_width() -> tuple[Any, ...]:
    """The compiled detector by vectors as wide as the processor has, and by narrower ones."""
    room = engine._load("langdetect")
    assert room is not None
    made = (SimpleNamespace(Detector=functools.partial(room.Detector, lanes=lanes)) for lanes in NARROWER)
    return language_detector._compiled(room), *map(language_detector._compiled.__wrapped__, made)


def agree_in_column(texts: Sequence[str], least: float = LEAST) -> None:
    """The compiled detector says the same of texts and of their UTF-8."""
    expected = [of_each_width()[0].best(text, least) for text in texts]
    for ours in of_each_width():
        for text in texts:
            ngrams, found = of_each_width()[0].ngrams(text), ours.ngrams(text.encode("utf-8"))
            assert found == ngrams, f"{text!r}: it finds {found} in UTF-8, {ngrams} in the string"
        numbers = np.frombuffer(ours.best_column(*column(texts), least), np.int32).tolist()
        assert numbers == [ours.best(text, least) for text in texts] == expected, texts


def agree_in_ngrams(text: str) -> None:
    plain = language_detector._factory().create()
    plain.append(text)
    plain.cleaning_text()
    expected = plain._extract_ngrams()
    room = engine._load("langdetect")
    assert room is not None
    found = language_detector._compiled(room).ngrams(text)
    assert found == expected, f"{text!r}: the compiled detector finds {found}, the plain one {expected}"


def agree_in_digits(text: str, least: float = LEAST) -> None:
    """And so the same outcome."""
    with engine.using("plain"):
        expected = _probabilities(text)
    with engine.using("fast"):
        found, outcome = _probabilities(text), language_detector.likeliest(text, least)
    assert found == expected, f"{text!r}: the compiled detector finds {found}, the plain one {expected}"
    told = (None, language_detector.DOUBTS[0]) if expected is None else language_detector.outcome(expected, least)
    assert outcome == told, f"{text!r}: the compiled detector says {outcome}, the plain one {told}"


def _probabilities(text: str) -> list[tuple[str, float]] | None:
    try:
        return language_detector.probabilities(text)
    except language_detector.LangDetectException:
        return None
