"""The table: what C4's variants are, as data. Two interpreters run it, ``local.py`` here and the Beam job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from c4pipe.badwords import DropBadwords
from c4pipe.cleaning import CleanLines, MaxLength, drop_line, drop_page, edit
from c4pipe.dedup import DedupLines, KeepNewest
from c4pipe.langid import English
from c4pipe.page import Page, PageStage, Verdict
from c4pipe.rules import contains, fewer_words_than, mentions, no_end_mark, without, word_longer_than

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


class CrawlStage(Protocol):
    """A step that looks at all pages before it can judge one."""

    @property
    def name(self) -> str:
        """The stage's counter namespace, unique in a variant."""
        ...

    def judge_all(self, pages: Sequence[Page]) -> list[Verdict]:
        """Return a verdict for each page, in their order."""
        ...


Stage = PageStage | CrawlStage


@dataclass(frozen=True)
class Variant:
    """One of C4's corpora: the stages that a page goes through, in order."""

    name: str
    semantics: str  # the version of TFDS's c4 whose decisions these are
    stages: tuple[Stage, ...]
    crawls: tuple[str, ...]  # what the published corpus was made from

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


def flat(stage: str, tally: Mapping[str, int]) -> dict[str, int]:
    """The tally under the reference's names; a name with a slash has its namespace already.

    >>> flat("badwords-filter", {"passed": 1, "badwords-filter-en/passed": 1})
    {'badwords-filter/passed': 1, 'badwords-filter-en/passed': 1}
    """
    return {name if "/" in name else f"{stage}/{name}": count for name, count in tally.items()}


APRIL_2019 = ("CC-MAIN-2019-18",)  # TFDS c4, the crawl of the English variants

_EN = Variant(
    "en",
    "3.1.0",
    (
        MaxLength(characters=190_000),  # TFDS c4, 1.9e5
        KeepNewest(),
        CleanLines(C4_ROWS, min_sentences=3),
        DedupLines(min_sentences=3),
        English(min_probability=0.99),
        DropBadwords(),
    ),
    APRIL_2019,
)

VARIANTS: Mapping[tuple[str, str], Variant] = {(v.name, v.semantics): v for v in (_EN,)}


def variant(name: str, semantics: str = "3.1.0") -> Variant:
    """The variant of that name at that version of the semantics."""
    if (name, semantics) not in VARIANTS:
        known = ", ".join(f"{n} at {s}" for n, s in sorted(VARIANTS))
        raise ValueError(f"no variant {name!r} at semantics {semantics!r}; there are: {known}")
    return VARIANTS[name, semantics]
