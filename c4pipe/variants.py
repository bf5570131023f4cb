"""The table: what C4's variants are, as data. Two interpreters run it, ``local.py`` here and the Beam job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

from c4pipe import urls
from c4pipe.badwords import LANGUAGES, DropBadwords
from c4pipe.cleaning import CleanLines, MaxLength, MinParagraphs, drop_line, drop_page, edit
from c4pipe.dedup import DedupLines, KeepNewest
from c4pipe.langid import English, LabelLanguage
from c4pipe.page import Page, PageStage, Verdict
from c4pipe.rules import contains, fewer_words_than, mentions, no_end_mark, without, word_longer_than
from c4pipe.urls import InDomains, InUrlList

C4_ROWS = (  # TFDS c4 3.1.0; the same from 2.2.0 on
    drop_line("too_long_word", word_longer_than, characters=1000),
    # Before no_endmark and not followed by a strip: "fact. [3]" loses its line, "fact.[3]" does not.
    edit(without, pattern=r"\[\d*\]|\[edit\]|\[citation needed\]"),
    drop_line("no_endmark", no_end_mark, marks=(".", "?", "!", '"'), ellipsis="..."),
    drop_line("too_short", fewer_words_than, words=5),
    # After no_endmark: a "lorem ipsum" heading without a full stop spares its page.
    drop_page("loremipsum", mentions, phrases=("lorem ipsum",)),
    # Before squigglybracket: a bracket in a line about JavaScript spares its page.
    drop_line("javascript", mentions, phrases=("javascript",)),
    drop_page("squigglybracket", contains, substring="{"),
    drop_line(
        "policy",
        mentions,
        phrases=("terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies", "use cookies"),
    ),
)


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
    semantics: str  # the version of TFDS's c4 whose decisions these are
    stages: tuple[Stage, ...]
    crawls: tuple[str, ...]  # what the published corpus was made from
    by_language: bool = False  # a pair of splits for each language
    undated: bool = False  # pages without a timestamp take part

    def __post_init__(self) -> None:
        names = [stage.name for stage in self.stages]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"{self.name} has two stages named {', '.join(twice)}; their counts would mix")

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
        split = urls.split(page.url)
        if not self.by_language:
            return split
        return page.language if split == "train" else f"{page.language}-{split}"


def _crawls(years: str) -> tuple[str, ...]:
    """Names of crawls from ``"2018-51; 2019-04 09"``."""
    return tuple(
        f"CC-MAIN-{year}-{week}"
        for year, _, weeks in (part.strip().partition("-") for part in years.split(";"))
        for week in weeks.split()
    )


def flat(stage: str, tally: Mapping[str, int]) -> dict[str, int]:
    """The tally under the reference's names; a name with a slash has its namespace already.

    >>> flat("badwords-filter", {"passed": 1, "badwords-filter-en/passed": 1})
    {'badwords-filter/passed': 1, 'badwords-filter-en/passed': 1}
    """
    return {name if "/" in name else f"{stage}/{name}": count for name, count in tally.items()}


APRIL_2019 = ("CC-MAIN-2019-18",)  # TFDS c4, the crawl of the English variants
WEBTEXT_CRAWLS = _crawls("2018-34 39 43 47 51; 2019-04 09 13 18 22 26 30")  # TFDS c4, August 2018 to July 2019
MC4_CRAWLS = _crawls(  # TFDS c4 3.1.0, "as of 1 Aug 2022"
    "2013-20 48; 2014-10 15 23 35 41 42 49 52; 2015-06 11 14 18 22 27 32 35 40 48; 2016-07 18 22 26 30 36 40 44 50;"
    "2017-04 09 13 17 22 26 30 34 39 43 47 51; 2018-05 09 13 17 22 26 30 34 39 43 47 51;"
    "2019-04 09 13 18 22 26 30 35 39 43 47 51; 2020-05 10 16 24 29 34 40 45 50; 2021-04 10 17 21 25 31 39 43 49;"
    "2022-05 21 27"
)
_CODES = (  # TFDS c4 3.1.0: cld3's without bs and hr
    "af am ar az be bg bg-Latn bn ca ceb co cs cy da de el el-Latn en eo es et eu fa fi fil fr fy ga gd gl gu ha haw "
    "hi hi-Latn hmn ht hu hy id ig is it iw ja ja-Latn jv ka kk km kn ko ku ky la lb lo lt lv mg mi mk ml mn mr ms mt "
    "my ne nl no ny pa pl ps pt ro ru ru-Latn sd si sk sl sm sn so sq sr st su sv sw ta te tg th tr uk ur uz vi xh yi "
    "yo zh zh-Latn zu"
)
MC4_LANGUAGES = tuple(_CODES.split())

LENGTH = MaxLength(characters=190_000)  # TFDS c4, 1.9e5
CLEAN = (CleanLines(C4_ROWS, min_sentences=3), DedupLines(min_sentences=3))
ENGLISH = English(min_probability=0.99)
ENGLISH_WORDS = DropBadwords(languages=("en",))
MC4_WORDS = DropBadwords(
    fraction=0.999,
    # Lists in codes that cld3 never gives, such as Klingon's, are not read.
    languages=tuple(sorted({code.partition("-")[0] for code in MC4_LANGUAGES} & set(LANGUAGES))),
)

VARIANTS: Mapping[tuple[str, str], Variant] = {
    (variant.name, variant.semantics): variant
    for variant in (
        Variant("en", "3.1.0", (LENGTH, KeepNewest(), *CLEAN, ENGLISH, ENGLISH_WORDS), APRIL_2019),
        Variant("en.noclean", "3.1.0", (LENGTH, KeepNewest(), ENGLISH), APRIL_2019),
        # No variant of TFDS: the one that allenai/c4 publishes.
        Variant("en.noblocklist", "3.1.0", (LENGTH, KeepNewest(), *CLEAN, ENGLISH), APRIL_2019),
        Variant(
            "realnewslike", "3.1.0", (LENGTH, InDomains(), KeepNewest(), *CLEAN, ENGLISH, ENGLISH_WORDS), APRIL_2019
        ),
        Variant(
            "webtextlike",
            "3.1.0",
            (LENGTH, KeepNewest(), InUrlList(), *CLEAN, ENGLISH, ENGLISH_WORDS),
            WEBTEXT_CRAWLS,
        ),
        Variant(
            "multilingual",
            "3.1.0",
            (
                LENGTH,
                KeepNewest(),
                MinParagraphs(paragraphs=3, characters=200),
                DedupLines(min_sentences=0),
                LabelLanguage(MC4_LANGUAGES, min_probability=0.95),
                MC4_WORDS,
            ),
            MC4_CRAWLS,
            by_language=True,
        ),
    )
}


def variant(name: str, semantics: str = "3.1.0") -> Variant:
    """The variant of that name at that version of the semantics."""
    if (name, semantics) not in VARIANTS:
        known = ", ".join(f"{n} at {s}" for n, s in sorted(VARIANTS))
        raise ValueError(f"no variant {name!r} at semantics {semantics!r}; there are: {known}")
    return VARIANTS[name, semantics]
