"""How many sentences a text has, by NLTK's Punkt with the pre-trained English parameters. The door to nltk."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

import nltk
from nltk.tokenize.punkt import PunktParameters, PunktSentenceTokenizer

from c4pipe import resources

_FOLDER = "nltk_data/tokenizers/punkt_tab/english"

# Our own, written by hand, without any that is a word too ("sun", "sat"): what stands in for Punkt's abbreviations
# where the built-in resources are asked for.
_ABBREVIATIONS = """
mr mrs ms dr prof rev hon st sr jr gen col maj capt lt sgt adm gov sen pres
jan feb apr jun jul aug sep sept oct nov dec tue thu fri
inc ltd co corp bros dept univ assn ave blvd rd
vs etc e.g i.e cf al eds vol vols pp figs approx
a.m p.m u.s u.k u.n d.c ph.d m.d b.a m.a ft lb oz mt
"""

# The pinned files, and what stands in for them: only abbreviations are built in, no collocation, starter or context.
RESOURCES: Mapping[str, bytes | None] = MappingProxyType(
    {
        f"{_FOLDER}/abbrev_types.txt": "\n".join(_ABBREVIATIONS.split()).encode("utf-8"),
        f"{_FOLDER}/collocations.tab": b"",
        f"{_FOLDER}/ortho_context.tab": b"",
        f"{_FOLDER}/sent_starters.txt": b"",
    }
)


def algorithm() -> str:
    """The algorithm and its version, for a manifest: releases of NLTK count sentences differently.

    >>> algorithm()
    'Punkt of NLTK 3.9.1'
    """
    return f"Punkt of NLTK {nltk.__version__}"


def count(text: str) -> int:
    """The number of sentences; white space alone has none."""
    return sum(1 for _ in spans(text))


def at_least(text: str, *, sentences: int) -> bool:
    """Whether ``count(text) >= sentences``, looking no further than needed."""
    return sum(1 for _ in itertools.islice(spans(text), sentences)) == sentences


def spans(text: str) -> Iterator[tuple[int, int]]:
    """Where each sentence begins and ends."""
    found: Iterator[tuple[int, int]] = _tokenizer(resources.source()).span_tokenize(text)
    return found


class _Contexts(dict[str, int]):
    """How Punkt has seen words used. Unlike NLTK's own mapping it does not grow by every word that it is asked."""

    def __missing__(self, word: str) -> int:
        return 0


@functools.lru_cache(maxsize=2)
def _tokenizer(source: str | None) -> Any:
    """The tokenizer with the parameters of one source of resources."""
    lines = {name.rpartition("/")[2]: _entries(name, source) for name in RESOURCES}
    contexts = (line.split("\t") for line in lines["ortho_context.tab"])
    parameters = PunktParameters()
    parameters.abbrev_types = set(lines["abbrev_types.txt"])
    parameters.collocations = {tuple(line.split("\t")) for line in lines["collocations.tab"]}
    parameters.ortho_context = _Contexts({word: int(flags) for word, flags in contexts})
    parameters.sent_starters = set(lines["sent_starters.txt"])
    return PunktSentenceTokenizer(parameters)


def _entries(name: str, source: str | None) -> list[str]:
    data = RESOURCES[name] if source == resources.BUILTIN else resources.read(name)
    assert data is not None, name  # every file of this room has a stand-in
    return [line for line in data.decode("utf-8").split("\n") if line]
