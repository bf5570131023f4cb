"""The table: what C4's variants are, as data. Two interpreters run it, ``oracle.py`` here and the Beam job."""

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

__all__ = [  # with what it is made of
    "APRIL_2019", "C4_ROWS", "MC4_CRAWLS", "MC4_LANGUAGES", "SEMANTICS", "VARIANTS", "WEBTEXT_CRAWLS",
    "CrawlStage", "Stage", "Variant", "flat", "variant",
]  # fmt: skip


@runtime_checkable
class CrawlStage(Protocol):
    """A step that looks at all pages before it can judge one."""

    @property
    def name(self) -> str:
        """The stage's counter namespace, unique in a variant."""
        ...

    def judge_all(self, pages: Sequence[Page]) -> list[Verdict]:
        """Return a verdict for each page, in their order."""
        ...

    def extra(self, pages: Sequence[Page]) -> Mapping[str, int]:
        """Return the counts that belong to no page."""
        ...


Stage = PageStage | CrawlStage


@dataclass(frozen=True)
class Variant:
    """One of C4's corpora: the stages that a page goes through, in order."""

    name: str
    semantics: str  # whose decisions these are: one of SEMANTICS
    stages: tuple[Stage, ...]
    crawls: tuple[str, ...]  # what the published corpus was made from
    by_language: bool = False  # a pair of splits for each language
    undated: bool = False  # pages without a timestamp take part

    def __post_init__(self) -> None:
        names = [stage.name for stage in self.stages]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"{self.name} has two stages named {', '.join(twice)}; their counts would mix")
        for number, stage in enumerate(self.stages):
            _require_language(self.name, stage, self.stages[:number])

    def resources(self) -> Mapping[str, bytes | None]:
        """The pinned files that its stages read, each with its built-in stand-in or None."""
        found: dict[str, bytes | None] = {}
        for stage in self.stages:
            if hasattr(stage, "resources"):
                found.update(stage.resources())
        return found

    def with_url_list(self, *paths: str) -> Variant:
        """The variant with the files that its URLs must be listed in."""
        if not any(isinstance(stage, InUrlList) for stage in self.stages):
            raise ValueError(f"{self.name} keeps pages of any URL: it takes no list of URLs")
        stages = (stage.with_paths(*paths) if isinstance(stage, InUrlList) else stage for stage in self.stages)
        return replace(self, stages=tuple(stages))

    def takes(self, page: Page) -> bool:
        """Whether the page takes part at all; one that does not is no page, and nothing counts it."""
        return self.undated or bool(page.timestamp)

    def split(self, page: Page) -> str:
        """The split of a page that went through all stages: ``train``, ``validation``, or those of its language."""
        return self.split_of(page.url, page.language)

    def split_of(self, url: str, language: str) -> str:
        """``split`` of a page with this URL, in this language: what a variant with other splits overrides."""
        return self._named(urls.split(url), language)

    def splits(self, batch: Batch) -> npt.NDArray[np.str_]:
        """``split_of`` each page of a batch."""
        if type(self).split_of is not Variant.split_of:
            told = zip(batch.url.to_pylist(), batch.language.to_pylist(), strict=True)
            return np.array([self.split_of(url, language) for url, language in told], np.str_)
        splits = np.where(urls.in_validation(batch.url), "validation", "train")
        if not self.by_language:
            return splits
        told = zip(splits.tolist(), batch.language.to_pylist(), strict=True)
        return np.array([self._named(split, language) for split, language in told], np.str_)

    def _named(self, split: str, language: str) -> str:
        """What a split of pages in this language is called."""
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
    """The tally under the reference's names; a name with a slash has its namespace already.

    >>> flat("badwords-filter", {"passed": 1, "badwords-filter-en/passed": 1})
    {'badwords-filter/passed': 1, 'badwords-filter-en/passed': 1}
    """
    return {name if "/" in name else f"{stage}/{name}": count for name, count in tally.items()}


SEMANTICS = ("3.1.0", "3.0.1", "paper")  # TFDS c4's versions, and the published text taken at its word

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

# docs/semantics.md says how the texts are read. Neither names a limit of length nor says which page of a URL stays.
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
    """The variant of that name at that version of the semantics."""
    if (name, semantics) not in VARIANTS:
        known = f"{', '.join(V310)}, each at {', '.join(SEMANTICS)}"
        raise ValueError(f"no variant {name!r} at semantics {semantics!r}; there are {known}")
    return VARIANTS[name, semantics]
