"""Fuzzing of the compiled count of sentences against Punkt itself, by both of its versions."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from functools import cache
from typing import get_args

import numpy as np

from c4pipe import engine, resources
from c4pipe.text import sentences
from tests.fuzz.mutations import character, mutated
from tests.support.columns import column, encodable, in_each_width

LENGTH = 400  # characters of a text before it is changed: Punkt itself is slow
HEADS = ((), (1,), (9,), (50,), (51,))  # bytes of a text that are tried first: as they are, or few
MARKS = (
    '. . . ? ! .. ... ?! !!! .) ." .\' .] !) ?" -- - , ; : ( [ { " \' ` & # * @ } ) ] .\u201d 1. 3.5 1,000. .5 -1. '
    "No. \u0661. x. A. J. \u00c9. _. a.m."
)


@cache
def favourites(source: str | None) -> list[str]:
    """Marks and what is said to be no end of a sentence, as it is and with its mark."""
    of = sentences._parameters(source)
    words = [*of.abbrev_types, *of.sent_starters, *(word for pair in of.collocations for word in pair)]
    words = sorted({word.replace("##number##", "7") for word in words})
    known = [
        word + mark
        for word in [*words, *map(str.capitalize, words), *map(str.upper, words)]
        for mark in (". ", ".", " ")
    ]
    return [*(MARKS.split() * 10), *[" ", "  ", "\n", "\u00a0", "\u3000", "\t"] * 20, *known]


def inputs(rng: random.Random, lines: Sequence[str]) -> Iterator[str]:
    """Texts of one line, and of several with something between them."""
    words = favourites(resources.source())
    while True:
        count = rng.choice((1, 1, 2, 4))
        parts = [mutated(rng, rng.choice(lines)[: LENGTH // count], words) for _ in range(count)]
        yield rng.choice(("\n", "\n", " ", "", character(rng, words))).join(parts)


def agree(text: str) -> None:
    """Both say the same number, in all and up to any limit."""
    room = engine.twin("sentences")
    assert room is not None
    for punkt in get_args(sentences.Punkt):
        fast = sentences._compiled(room, resources.source(), punkt)
        plain = sum(1 for _ in sentences.spans(text, punkt=punkt))
        found = [fast.count(text, limit) for limit in (len(text), 0, 1, 2, 3, 5)]
        assert found == [min(plain, limit) for limit in (len(text), 0, 1, 2, 3, 5)], (punkt, text, plain, found)
        texts = in_each_width(encodable(text))
        for limit in (0, 1, 2, 3, plain):
            expected = [fast.count(one, limit) == limit for one in texts]
            for head in HEADS:
                enough = np.frombuffer(fast.at_least_column(*column(texts), limit, *head), np.bool_).tolist()
                assert enough == expected, (punkt, text, limit, head, enough)
