"""The stage that drops pages with a bad word or phrase of their language."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType, ModuleType

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from c4pipe import engine, resource_pins, resources
from c4pipe.batch import Batch, BatchVerdict
from c4pipe.columns import utf8
from c4pipe.page import Page, Verdict
from c4pipe.text import urls

WordLists = tuple[tuple[str, tuple[str, ...]], ...]  # a language code, and the words of that language

SPACELESS = ("ja", "th", "zh")  # TFDS c4 3.1.0: written without blanks, so a word also counts inside another
ALLOWED: WordLists = (("ja", ("sm", "グロ", "女の子")), ("zh", ("性",)))  # TFDS c4 3.1.0

# Our own short list. It replaces the English one where the built-in resources are chosen.
_BUILTIN_ENGLISH = (
    "bastard\nbullshit\ncunt\nfuck\nfucked\nfucking\nmotherfucker\nporn\nporno\nshit\nshitty\nslut\nwhore\n"
)

# Language -> the files with its words. TFDS merges Canadian French into French.
_FILES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "en": (f"ldnoobw/{resource_pins.ENGLISH_COMMIT}/en",),
        **{
            language: tuple(
                f"ldnoobw/{resource_pins.MULTILINGUAL_COMMIT}/{file}"
                for file in sorted(resource_pins.MULTILINGUAL)
                if file.partition("-")[0] == language
            )
            for language in sorted({file.partition("-")[0] for file in resource_pins.MULTILINGUAL} - {"en"})
        },
    }
)
LANGUAGES = tuple(_FILES)  # the languages with a pinned list


def pinned_files(*languages: str) -> dict[str, bytes | None]:
    """Return the pinned files of these languages. Only English has a built-in stand-in."""
    stand_in = {"en": _BUILTIN_ENGLISH.encode("utf-8")}
    return {name: stand_in.get(language) for language in languages for name in _FILES[language]}


@functools.lru_cache(maxsize=2 * len(_FILES))
def pinned_words(language: str, source: str | None) -> tuple[str, ...]:
    """Return the words of a pinned list. ``source``, the present source of resources, keys the cache."""
    contents = (
        stand_in if source == resources.BUILTIN and stand_in is not None else resources.read(name)
        for name, stand_in in pinned_files(language).items()
    )
    words = [line.strip() for data in contents for line in data.decode("utf-8").split("\n")]
    return tuple(filter(None, words))


@functools.lru_cache(maxsize=4 * len(_FILES))
def matcher(words: tuple[str, ...], *, whole: bool = True, escaped: bool = True) -> re.Pattern[str]:
    """Return a pattern for any of ``words``, as ``whole`` words or anywhere. Without ``escaped`` they are patterns.

    >>> bool(matcher(("rude word",)).search("a rude word!")), bool(matcher(("rude",)).search("rudely"))
    (True, False)
    """
    choice = "|".join(map(re.escape, words) if escaped else words)
    return re.compile(rf"(?:\W|^)(?:{choice})(?:\W|$)" if whole else choice)


def finder(
    words: tuple[str, ...], *, whole: bool, escaped: bool = True, fast: ModuleType | None = None
) -> Callable[[str], bool]:
    """Return a test for any of ``words`` in a lower-cased text, compiled by ``fast`` where it can."""
    syntax = () if escaped else tuple("^$*+?{}[]\\|()")  # characters of patterns, except the full stop
    if fast and words and all(0 < len(word) <= fast.WORD_MAX and not any(c in word for c in syntax) for word in words):
        compiled: Callable[[str], bool] = fast.Words(words, whole=whole, any_character=None if escaped else ".")
        return compiled
    pattern = matcher(words, whole=whole, escaped=escaped)
    return lambda text: pattern.search(text.lower()) is not None


@dataclass(frozen=True)
class DropBadwords:
    """Drop ``fraction`` of the pages with a bad word of their language. A hash of the URL chooses which.

    As in TFDS, the text is lower-cased but the words are not, so a word with a capital never matches unless ``folded``.
    """

    fraction: float = 1.0
    languages: tuple[str, ...] = LANGUAGES  # the languages whose pinned lists count
    lists: WordLists | None = None  # lists in place of the pinned ones
    allowed: WordLists = ALLOWED  # words of the pinned lists that do not count
    spaceless: tuple[str, ...] = SPACELESS  # languages where a word counts inside another
    escaped: bool = True  # False: words are patterns, as in TFDS c4 before 3.1.0; a full stop matches any character
    folded: bool = False  # lower-case the words, too
    language: str | None = None  # of every page; None: the language that a stage has set
    name: str = "badwords-filter"  # counter namespace of TFDS, with "badwords-filter-en" and so on for languages

    def __post_init__(self) -> None:
        if not 0 <= self.fraction <= 1:
            raise ValueError(
                f"badword fraction is {self.fraction}, but must lie in [0, 1]; 0.999 keeps one page in a thousand"
            )
        if unlisted := sorted(set(self.languages) - set(LANGUAGES)):
            raise ValueError(
                f"no pinned list of bad words for {', '.join(unlisted)}; there are: {', '.join(LANGUAGES)}"
            )

    def resources(self) -> Mapping[str, bytes | None]:
        """Return the pinned files that the stage reads, with their built-in stand-ins."""
        return pinned_files(*self.languages) if self.lists is None else {}

    def words(self, language: str) -> tuple[str, ...] | None:
        """Return the words to look for in a language, or None if it has no list."""
        if self.lists is not None:
            words = dict(self.lists).get(language)
        elif language in self.languages:
            allowed = dict(self.allowed).get(language, ())
            words = tuple(word for word in pinned_words(language, resources.source()) if word not in allowed)
        else:
            words = None
        return tuple(map(str.lower, words)) if words is not None and self.folded else words

    def judge(self, page: Page) -> Verdict:
        """Keep the page unless it has a bad word. A language with a list has counters of its own, too."""
        language = (self.language or page.language).partition("-")[0]
        uses_one = _finder(self, language, resources.source(), engine.twin("badwords"))
        if uses_one is None:
            return Verdict(page, {"passed": 1})
        outcome = "passed"
        if uses_one(page.text):
            outcome = "soft-passed" if self.spares(page.url) else "filtered"
        kept = None if outcome == "filtered" else page
        return Verdict(kept, {outcome: 1, f"{self.name}-{language}/{outcome}": 1})

    def judge_batch(self, batch: Batch) -> BatchVerdict | None:
        """Return the verdicts of ``judge`` for a batch; None where plain code decides."""
        if (twin := engine.twin("badwords")) is None:
            return None
        kept = np.ones(len(batch), np.bool_)
        tallies: dict[str, npt.NDArray[np.uint32]] = {}
        for language, rows in self._by_language(batch):
            uses_one = _finder(self, language, resources.source(), twin)
            outcomes = {"passed": rows}
            if uses_one is not None:
                whole = len(rows) == len(batch)
                found = rows[_each(uses_one, batch.text if whole else batch.text.take(pa.array(rows)))]
                spared = np.array([self.spares(url) for url in batch.url.take(pa.array(found)).to_pylist()], np.bool_)
                clean = np.setdiff1d(rows, found, assume_unique=True)
                outcomes = {"passed": clean, "soft-passed": found[spared], "filtered": found[~spared]}
                kept[found[~spared]] = False
            for outcome, of in outcomes.items():
                counters = (outcome,) if uses_one is None else (outcome, f"{self.name}-{language}/{outcome}")
                for counter in counters if len(of) else ():
                    tallies.setdefault(counter, np.zeros(len(batch), np.uint32))[of] = 1
        return BatchVerdict(kept, batch.where(kept), tallies)

    def _by_language(self, batch: Batch) -> Iterator[tuple[str, npt.NDArray[np.int64]]]:
        """Yield each language with the rows of its pages."""
        column = pa.repeat(self.language, len(batch)) if self.language else batch.language
        column = column.dictionary_encode()
        numbers = column.indices.to_numpy()
        tags = [tag.partition("-")[0] for tag in column.dictionary.to_pylist()]
        for language in dict.fromkeys(tags):
            yield language, np.flatnonzero(np.isin(numbers, [i for i, tag in enumerate(tags) if tag == language]))

    def spares(self, url: str) -> bool:
        """True if a page with a bad word stays, by the hash of its normalized URL."""
        numerator, denominator = self.fraction.as_integer_ratio()
        return urls.url_hash(url) % denominator >= numerator


def _each(uses_one: Callable[[str], bool], texts: pa.Array) -> npt.NDArray[np.bool_]:
    """Return for each text whether it has a bad word, by columns where compiled code can."""
    if (column := getattr(uses_one, "column", None)) is None:
        return np.array([uses_one(text) for text in texts.to_pylist()], np.bool_)
    return np.frombuffer(column(*utf8(texts)), np.bool_)


@functools.lru_cache(maxsize=4 * len(_FILES))
def _finder(
    stage: DropBadwords, language: str, source: str | None, fast: ModuleType | None
) -> Callable[[str], bool] | None:
    """Return the test for bad words of a language, or None without a list. ``source`` keys the cache."""
    words = stage.words(language)
    if words is None:
        return None
    return finder(words, whole=language not in stage.spaceless, escaped=stage.escaped, fast=fast)
