"""Splits each variant at the two points where it must see other pages, so that variants with equal prefixes share work.

    entry      stages before pages compete for URLs   (MaxLength, InDomains)   counted for every page
    newest     the stage that gives each URL to one page
    listed     InUrlList, if the variant has it                                counted for winners
    cleaning   one-page stages before lines compete   (CleanLines)             counted for winners
    lines      the stage that gives each line to one page, if the variant has one
    judging    one-page stages after that             (English, DropBadwords)  counted for winners

Pages compete in a ``Scope``, lines in a ``LineScope``. Variants with equal scopes share them, with winners and owners.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

from c4pipe.dedup.base import Dedup, KeepOne
from c4pipe.page import PageStage
from c4pipe.stages.clean_lines import CleanLines
from c4pipe.stages.language import English, LabelLanguage
from c4pipe.stages.length import MaxLength, MinParagraphs
from c4pipe.stages.url_filters import InDomains, InUrlList
from c4pipe.variants import CrawlStage, Variant

Stages = tuple[PageStage, ...]  # the stages of one variant, in order
FILTERS = (MaxLength, MinParagraphs, InDomains)  # stages that never change a page, so its text is not stored again
EDITORS = (CleanLines, English, LabelLanguage)  # stages that change a page, its text or its language


@dataclass(frozen=True)
class Crawl:
    """The partitions of one crawl, which are consecutive. Files of no crawl have the name ``""``."""

    name: str
    first: int
    last: int  # one past the last partition


@dataclass(frozen=True)
class Wanted:
    """A variant to build, and the crawls it is made from."""

    variant: Variant
    crawls: tuple[Crawl, ...]

    @property
    def parts(self) -> list[int]:
        """The numbers of its crawls' partitions."""
        return [part for crawl in self.crawls for part in range(crawl.first, crawl.last)]


@dataclass(frozen=True)
class Scope:
    """The pages that compete for URLs, and the list that winners must be in, if any."""

    entry: Stages
    undated: bool  # pages without a timestamp compete, too
    newest: KeepOne
    listed: InUrlList | None
    crawls: tuple[Crawl, ...]


@dataclass(frozen=True)
class LineScope:
    """The winners of a scope that compete for lines; without ``lines`` they keep all."""

    scope: Scope
    cleaning: Stages
    lines: Dedup | None


@dataclass(frozen=True)
class Branch:
    """A variant with the line scope it comes from, and the stages that judge its pages at the end."""

    wanted: Wanted
    origin: LineScope
    judging: Stages


def split_stages(wanted: Wanted) -> Branch:
    """Return a variant with its stages split; raises ``ValueError`` if a build cannot run them."""
    variant, stages = wanted.variant, wanted.variant.stages
    at, after, then = _where_deduped(variant)
    # Without a stage that deduplicates lines, no later stage needs other pages: all judge winners at the end.
    cleaning, judging = (stages[after:then], stages[then + 1 :]) if then < len(stages) else ((), stages[after:])
    for stage in (*stages[:at], *cleaning, *judging):
        if isinstance(stage, CrawlStage) or not hasattr(stage, "judge"):
            raise ValueError(f"variant {variant.name}: no way to build its {type(stage).__name__} at scale")
    if any(isinstance(stage, EDITORS) for stage in stages[:at]):
        raise ValueError(f"variant {variant.name}: {changes_too_early(stages[:at])}")
    scope = Scope(
        cast(Stages, stages[:at]),
        variant.undated,
        cast(KeepOne, stages[at]),
        cast(InUrlList, stages[at + 1]) if after > at + 1 else None,
        wanted.crawls,
    )
    origin = LineScope(scope, cast(Stages, cleaning), cast(Dedup, stages[then]) if then < len(stages) else None)
    return Branch(wanted, origin, cast(Stages, judging))


def _where_deduped(variant: Variant) -> tuple[int, int, int]:
    """Return the position of ``newest``, of the stage after it and ``listed``, and of ``lines`` (or the end)."""
    stages = variant.stages
    newest = [i for i, stage in enumerate(stages) if isinstance(stage, KeepOne)]
    lines = [i for i, stage in enumerate(stages) if isinstance(stage, Dedup)]
    listed = [i for i, stage in enumerate(stages) if isinstance(stage, InUrlList)]
    if len(newest) != 1 or len(lines) > 1 or len(listed) > 1:
        raise ValueError(
            f"variant {variant.name} has {len(newest)} stages that deduplicate URLs, {len(listed)} lists of URLs and "
            f"{len(lines)} stages that deduplicate lines; a build needs one of the first and at most one of the others"
        )
    (at,) = newest
    then = lines[0] if lines else len(stages)
    if then < at or (listed and listed[0] != at + 1):
        raise ValueError(
            f"variant {variant.name}: the order must be URL deduplication, then a list of URLs, then lines"
        )
    return at, at + 1 + len(listed), then


def changes_too_early(stages: Sequence[object]) -> str:
    """Return the error message for stages that change pages before these compete for URLs."""
    names = " > ".join(str(getattr(stage, "name", stage)) for stage in stages)
    return (
        f"one of {names} changes pages before URL deduplication, which needs them as they were crawled; move it after"
    )


def only_filters(stages: Sequence[PageStage]) -> bool:
    """Return True if the stages drop pages but never change them."""
    return all(type(stage) in FILTERS for stage in stages)  # a derived class may change pages


def reachable_from(entry: Sequence[Any]) -> Iterator[int]:
    """Yield the lengths of the beginnings of an entry that URLs alone can complete, the longest first."""
    for length in range(len(entry), -1, -1):
        yield length
        if length and type(entry[length - 1]) is not InDomains:
            return
