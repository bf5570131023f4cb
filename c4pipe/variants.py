"""The table of variants, as data. Two interpreters run it: ``oracle.py`` in memory, ``beam_jobs`` at scale."""

# Longer than 200 lines: the table of all variants stands in one place.
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from c4pipe.batch import Batch
from c4pipe.dedup.lines import DedupLines
from c4pipe.dedup.spans import DedupSpans
from c4pipe.dedup.urls import KeepLargestText, KeepNewest
from c4pipe.page import Page, PageStage, Verdict
from c4pipe.published_corpora import APRIL_2019, MC4_CRAWLS, MC4_CRAWLS_2020, MC4_LANGUAGES, WEBTEXT_CRAWLS
from c4pipe.rows import C4_ROWS, PAPER_PAGE_ROWS, PAPER_ROWS
from c4pipe.stages.badwords import LANGUAGES, DropBadwords
from c4pipe.stages.clean_lines import CleanLines, DropPages
from c4pipe.stages.language import English, LabelLanguage
from c4pipe.stages.length import MaxLength, MinParagraphs
from c4pipe.stages.url_filters import InDomains, InUrlList
from c4pipe.text import urls

__all__ = [  # with the parts of variants
    "APRIL_2019", "C4_ROWS", "MC4_CRAWLS", "MC4_LANGUAGES", "SEMANTICS", "VARIANTS", "WEBTEXT_CRAWLS",
    "CrawlStage", "Stage", "Variant", "flat", "variant",
]  # fmt: skip


@runtime_checkable
class CrawlStage(Protocol):
    """A stage that must see all pages before it can judge one."""

    @property
    def name(self) -> str:
        """The stage's counter namespace, unique in a variant."""
        ...

    def judge_all(self, pages: Sequence[Page]) -> list[Verdict]:
        """Return a verdict for each page, in the order of the pages."""
        ...

    def extra(self, pages: Sequence[Page]) -> Mapping[str, int]:
        """Return the counts that belong to no page."""
        ...


Stage = PageStage | CrawlStage


@dataclass(frozen=True)
class Variant:
    """A variant of C4: the stages that every page goes through, in order.

    Raises ValueError for two stages of one name, and for bad words by language where no stage sets the language.
    """

    name: str
    semantics: str  # the version of the rules, one of SEMANTICS
    stages: tuple[Stage, ...]
    crawls: tuple[str, ...]  # the input of the published corpus
    by_language: bool = False  # two splits for each language
    undated: bool = False  # pages without a timestamp take part

    def __post_init__(self) -> None:
        names = [stage.name for stage in self.stages]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"{self.name} has two stages named {', '.join(twice)}; their counts would mix")
        for number, stage in enumerate(self.stages):
            _require_language(self.name, stage, self.stages[:number])

    def resources(self) -> Mapping[str, bytes | None]:
        """Return the pinned files that the stages read, each with its built-in stand-in or None."""
        found: dict[str, bytes | None] = {}
        for stage in self.stages:
            if hasattr(stage, "resources"):
                found.update(stage.resources())
        return found

    def with_url_list(self, *paths: str) -> Variant:
        """Return the variant with these files as its list of URLs. ValueError if it takes none."""
        if not any(isinstance(stage, InUrlList) for stage in self.stages):
            raise ValueError(f"{self.name} keeps pages of any URL: it takes no list of URLs")
        stages = (stage.with_paths(*paths) if isinstance(stage, InUrlList) else stage for stage in self.stages)
        return replace(self, stages=tuple(stages))

    def takes(self, page: Page) -> bool:
        """True if the page takes part. No counter counts a page that does not."""
        return self.undated or bool(page.timestamp)

    def split(self, page: Page) -> str:
        """Return the split of a page that passed all stages: ``train``, ``validation``, or a split of its language."""
        return self.split_of(page.url, page.language)

    def split_of(self, url: str, language: str) -> str:
        """Return the split of a page with this URL and language. A variant with other splits overrides this."""
        return self._name_split(urls.split(url), language)

    def splits(self, batch: Batch) -> npt.NDArray[np.str_]:
        """Return ``split_of`` for each page of a batch."""
        if type(self).split_of is not Variant.split_of:
            pairs = zip(batch.url.to_pylist(), batch.language.to_pylist(), strict=True)
            return np.array([self.split_of(url, language) for url, language in pairs], np.str_)
        splits = np.where(urls.in_validation(batch.url), "validation", "train")
        if not self.by_language:
            return splits
        pairs = zip(splits.tolist(), batch.language.to_pylist(), strict=True)
        return np.array([self._name_split(split, language) for split, language in pairs], np.str_)

    def _name_split(self, split: str, language: str) -> str:
        """The name of a split of pages in this language."""
        if not self.by_language:
            return split
        return language if split == "train" else f"{language}-{split}"


# Stages that leave the language of a page as it is; a stage of one's own may set it.
_LANGUAGE_KEPT = frozenset(
    {MaxLength, MinParagraphs, InDomains, InUrlList, KeepNewest, KeepLargestText, CleanLines, DropPages, DedupLines}
) | {DedupSpans, DropBadwords}


def _require_language(variant: str, stage: Stage, before: Sequence[Stage]) -> None:
    """Raise if a stage looks up bad words by language where no stage before has set one: it would pass every page."""
    looks_up = isinstance(stage, DropBadwords) and stage.language is None
    if looks_up and all(type(earlier) in _LANGUAGE_KEPT for earlier in before):
        raise ValueError(
            f"{variant}: {stage.name} looks up the bad words of a page's language, but no stage before it sets the "
            "language, so every page would pass; put English or LabelLanguage before it, or set language='en'"
        )


def flat(stage: str, tally: Mapping[str, int]) -> dict[str, int]:
    """Return a tally under the names of the reference. A name with a slash already has its namespace.

    >>> flat("badwords-filter", {"passed": 1, "badwords-filter-en/passed": 1})
    {'badwords-filter/passed': 1, 'badwords-filter-en/passed': 1}
    """
    return {name if "/" in name else f"{stage}/{name}": count for name, count in tally.items()}


SEMANTICS = ("3.1.0", "3.0.1", "paper")  # versions of TFDS c4, and the paper taken at its word

LENGTH = MaxLength(characters=190_000)  # TFDS c4, 1.9e5
LONG_LINES = MinParagraphs(paragraphs=3, characters=200)  # TFDS c4, and the mT5 paper
ENGLISH = English(min_probability=0.99)  # TFDS c4, and the T5 paper

NEWEST = KeepNewest()
CLEAN = (CleanLines(C4_ROWS, min_sentences=3), DedupLines(min_sentences=3))
ENGLISH_WORDS = DropBadwords(languages=("en",))
MC4_WORDS = DropBadwords(
    fraction=0.999,
    # Lists in codes that cld3 never gives, such as Klingon's, are not read.
    languages=tuple(sorted({code.partition("-")[0] for code in MC4_LANGUAGES} & set(LANGUAGES))),
)
V310: Mapping[str, tuple[Stage, ...]] = {
    "en": (LENGTH, NEWEST, *CLEAN, ENGLISH, ENGLISH_WORDS),
    "en.noclean": (LENGTH, NEWEST, ENGLISH),
    "en.noblocklist": (LENGTH, NEWEST, *CLEAN, ENGLISH),  # no variant of TFDS: the one that allenai/c4 publishes
    "realnewslike": (LENGTH, InDomains(), NEWEST, *CLEAN, ENGLISH, ENGLISH_WORDS),
    "webtextlike": (LENGTH, NEWEST, InUrlList(), *CLEAN, ENGLISH, ENGLISH_WORDS),
    "multilingual": (
        LENGTH,
        NEWEST,
        LONG_LINES,
        DedupLines(min_sentences=0),
        LabelLanguage(MC4_LANGUAGES, min_probability=0.95),
        MC4_WORDS,
    ),
}

LARGEST = KeepLargestText()
CLEAN_301 = (
    CleanLines(C4_ROWS, min_sentences=3, punkt="3.6.5"),
    DedupLines(min_sentences=3, owner="normalized_url", punkt="3.6.5"),
)
ENGLISH_WORDS_301 = replace(ENGLISH_WORDS, allowed=(), spaceless=("th", "zh"), escaped=False)
V301: Mapping[str, tuple[Stage, ...]] = {
    "en": (LENGTH, LARGEST, *CLEAN_301, ENGLISH, ENGLISH_WORDS_301),
    "en.noclean": (LENGTH, LARGEST, ENGLISH),
    "en.noblocklist": (LENGTH, LARGEST, *CLEAN_301, ENGLISH),
    "realnewslike": (LENGTH, InDomains(full_url=True), LARGEST, *CLEAN_301, ENGLISH, ENGLISH_WORDS_301),
    "webtextlike": (LENGTH, LARGEST, InUrlList(), *CLEAN_301, ENGLISH, ENGLISH_WORDS_301),
    "multilingual": (
        LENGTH,
        LARGEST,
        LONG_LINES,
        DedupLines(min_sentences=0, owner="normalized_url"),
        LabelLanguage(MC4_LANGUAGES, min_probability=0.7),
        replace(ENGLISH_WORDS_301, languages=MC4_WORDS.languages),
    ),
}

# docs/semantics.md says how the papers are read. Neither limits the length, nor says which page of a URL stays.
PAPER_PAGES = DropPages(PAPER_PAGE_ROWS)
PAPER_WORDS = replace(ENGLISH_WORDS, folded=True, language="en")
PAPER_CLEAN = (
    CleanLines(PAPER_ROWS, min_sentences=3, punkt="3.6.5"),
    DedupSpans(span_sentences=3, min_sentences=3, punkt="3.6.5"),
)
PAPER_EN = (NEWEST, PAPER_PAGES, PAPER_WORDS, *PAPER_CLEAN, ENGLISH)
PAPER: Mapping[str, tuple[Stage, ...]] = {
    "en": PAPER_EN,
    "en.noclean": (NEWEST, ENGLISH),
    "en.noblocklist": (NEWEST, PAPER_PAGES, *PAPER_CLEAN, ENGLISH),
    "realnewslike": (*PAPER_EN, InDomains()),
    "webtextlike": (NEWEST, InUrlList(), *PAPER_EN[1:]),
    "multilingual": (
        NEWEST,
        LONG_LINES,
        DedupLines(min_sentences=0),
        LabelLanguage(MC4_LANGUAGES, min_probability=0.7, keep_unsure=False),
        replace(MC4_WORDS, fraction=1.0, allowed=(), folded=True),
    ),
}


def _crawls(name: str, semantics: str) -> tuple[str, ...]:
    if name == "multilingual":
        return MC4_CRAWLS if semantics == "3.1.0" else MC4_CRAWLS_2020
    return WEBTEXT_CRAWLS if name == "webtextlike" else APRIL_2019


VARIANTS: Mapping[tuple[str, str], Variant] = {
    (name, semantics): Variant(
        name,
        semantics,
        stages,
        _crawls(name, semantics),
        by_language=name == "multilingual",
        undated=semantics != "3.1.0",
    )
    for semantics, table in zip(SEMANTICS, (V310, V301, PAPER), strict=True)
    for name, stages in table.items()
}


def variant(name: str, semantics: str = "3.1.0") -> Variant:
    """Return the published variant of that name and version. ValueError names those that exist."""
    if (name, semantics) not in VARIANTS:
        known = f"{', '.join(V310)}, each at {', '.join(SEMANTICS)}"
        raise ValueError(f"no variant {name!r} at semantics {semantics!r}; there are {known}")
    return VARIANTS[name, semantics]
