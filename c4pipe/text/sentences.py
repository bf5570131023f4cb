"""Counts sentences by Punkt of NLTK, with the pre-trained English parameters. The door to nltk.

The parameters have stayed the same, the algorithm has not: up to NLTK 3.6.5 it found the words that may end a sentence
in another way than from 3.8.1 on. Both are here, and a caller says which one counts.
"""

from __future__ import annotations

import functools
import itertools
import re
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Literal, get_args

import nltk
import numpy as np
import numpy.typing as npt
import pyarrow as pa
from nltk.tokenize.punkt import PunktParameters, PunktSentenceTokenizer

from c4pipe import engine, resources
from c4pipe.columns import utf8

_FOLDER = "nltk_data/tokenizers/punkt_tab/english"

# Our own list, without abbreviations that are words ("sun", "sat"). It replaces the abbreviations of Punkt where the
# built-in resources are chosen.
_ABBREVIATIONS = """
mr mrs ms dr prof rev hon st sr jr gen col maj capt lt sgt adm gov sen pres
jan feb apr jun jul aug sep sept oct nov dec tue thu fri
inc ltd co corp bros dept univ assn ave blvd rd
vs etc e.g i.e cf al eds vol vols pp figs approx
a.m p.m u.s u.k u.n d.c ph.d m.d b.a m.a ft lb oz mt
"""

# The pinned files with their stand-ins: abbreviations only, no collocations, starters or contexts.
RESOURCES: Mapping[str, bytes | None] = MappingProxyType(
    {
        f"{_FOLDER}/abbrev_types.txt": "\n".join(_ABBREVIATIONS.split()).encode("utf-8"),
        f"{_FOLDER}/collocations.tab": b"",
        f"{_FOLDER}/ortho_context.tab": b"",
        f"{_FOLDER}/sent_starters.txt": b"",
    }
)


Punkt = Literal["3.6.5", "3.9.1"]  # releases of NLTK: 3.4.5 to 3.6.5 give equal counts, and so do 3.8.1 and 3.9.1
CURRENT: Punkt = "3.9.1"


def algorithm(punkt: Punkt = CURRENT) -> str:
    """Return the algorithm with its version, for a manifest: releases of NLTK count sentences differently.

    >>> algorithm(), algorithm("3.6.5")
    ('Punkt of NLTK 3.9.1', 'Punkt of NLTK 3.6.5 on NLTK 3.9.1')
    """
    here = f"NLTK {nltk.__version__}"
    return f"Punkt of {here}" if punkt == CURRENT else f"Punkt of NLTK {punkt} on {here}"


def require_known(punkt: str) -> None:
    """Raise ValueError unless ``punkt`` is a version of the algorithm."""
    if punkt not in get_args(Punkt):
        raise ValueError(f"punkt is {punkt!r}, but must be one of {', '.join(get_args(Punkt))}")


Count = Callable[[str, int], int]  # the number of sentences, or the limit if there are more; 0 for a limit below


def count(text: str, *, punkt: Punkt = CURRENT) -> int:
    """Return the number of sentences. White space alone has none."""
    return counter(punkt)(text, len(text))


def at_least(text: str, *, sentences: int, punkt: Punkt = CURRENT) -> bool:
    """Return whether ``count(text) >= sentences``, reading no more of the text than needed."""
    return sentences < 1 or counter(punkt)(text, sentences) == sentences


def at_least_each(texts: pa.Array, sentences: int, punkt: Punkt = CURRENT) -> npt.NDArray[np.bool_]:
    """Return ``at_least`` for each text of a column."""
    if sentences < 1:
        return np.ones(len(texts), np.bool_)
    if (room := engine.twin("sentences")) is None:
        return np.array([at_least(text, sentences=sentences, punkt=punkt) for text in texts.to_pylist()], np.bool_)
    compiled = _compiled(room, resources.source(), punkt)
    return np.frombuffer(compiled.at_least_column(*utf8(texts), sentences), np.bool_)


def counter(punkt: Punkt = CURRENT) -> Count:
    """Return a function that counts the sentences of a text up to a limit."""
    if (room := engine.twin("sentences")) is not None:
        count: Count = _compiled(room, resources.source(), punkt).count
        return count
    return lambda text, limit: sum(1 for _ in itertools.islice(spans(text, punkt=punkt), max(limit, 0)))


def spans(text: str, *, punkt: Punkt = CURRENT) -> Iterator[tuple[int, int]]:
    """Return the start and end of each sentence."""
    found: Iterator[tuple[int, int]] = _tokenizer(resources.source(), punkt).span_tokenize(text)
    return found


_WORD = re.compile(r"\S+")


class _Until365(PunktSentenceTokenizer):  # type: ignore[misc]
    """Punkt as in NLTK up to 3.6.5: any white space separates words, and each word is examined once.

    Of the marks in a word that may end a sentence the last one counts, so that a detached "!!" is one mark. That
    release searched for words and marks in one expression, in the square of a word's length; here it is linear.
    """

    def _match_potential_end_contexts(self, text: str) -> Iterator[tuple[re.Match[str], str]]:
        words = [word.start() for word in _WORD.finditer(text)]
        marks = self._lang_vars.period_context_re().finditer(text)
        for word, of_word in itertools.groupby(marks, lambda mark: words[bisect_right(words, mark.start()) - 1]):
            (last,) = deque(of_word, maxlen=1)
            yield last, text[word : last.end()] + last["after_tok"]


class _Contexts(dict[str, int]):
    """The contexts of words in Punkt. Unlike the mapping of NLTK, it does not grow with each look-up."""

    def __missing__(self, word: str) -> int:
        return 0


@functools.lru_cache(maxsize=4)
def _parameters(source: str | None) -> PunktParameters:
    """The parameters of Punkt from one source of resources."""
    lines = {name.rpartition("/")[2]: _entries(name, source) for name in RESOURCES}
    contexts = (line.split("\t") for line in lines["ortho_context.tab"])
    parameters = PunktParameters()
    parameters.abbrev_types = set(lines["abbrev_types.txt"])
    parameters.collocations = {tuple(line.split("\t")) for line in lines["collocations.tab"]}
    parameters.ortho_context = _Contexts({word: int(flags) for word, flags in contexts})
    parameters.sent_starters = set(lines["sent_starters.txt"])
    return parameters


@functools.lru_cache(maxsize=4)
def _tokenizer(source: str | None, punkt: Punkt = CURRENT) -> Any:
    """The tokenizer of NLTK with these parameters."""
    return (_Until365 if punkt == "3.6.5" else PunktSentenceTokenizer)(_parameters(source))


@functools.lru_cache(maxsize=4)
def _compiled(room: Any, source: str | None, punkt: Punkt) -> Any:
    """The compiled twin with the same parameters."""
    of = _parameters(source)
    whole_words = punkt == "3.6.5"
    return room.Punkt(of.abbrev_types, of.collocations, of.sent_starters, of.ortho_context, whole_words=whole_words)


def _entries(name: str, source: str | None) -> list[str]:
    data = RESOURCES[name] if source == resources.BUILTIN else resources.read(name)
    assert data is not None, name  # every file of this room has a stand-in
    return [line for line in data.decode("utf-8").split("\n") if line]
