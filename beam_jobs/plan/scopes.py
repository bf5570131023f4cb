"""How a variant's stages are parted, where other pages come in, for what variants share.

    entry      before pages compete for their URL   (MaxLength, InDomains)   counted for every page
    newest     the stage that gives each URL to one page
    listed     InUrlList, where a variant has one                            counted for winners
    cleaning   what sees a page alone, before lines (CleanLines)             counted for winners
    lines      the stage that gives each line to one page, if any
    judging    what sees a page alone, after it     (English, DropBadwords)

Pages compete in a ``Scope``, their lines in a ``LineScope``: variants with equal ones share them, and what they decide.
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
FILTERS = (MaxLength, MinParagraphs, InDomains)  # stages that never change a page: what they pass on needs no copy
EDITORS = (CleanLines, English, LabelLanguage)  # stages that change the page, if only its language


@dataclass(frozen=True)
class Crawl:
    """WET files of one crawl, which have part numbers in a row; files of no crawl have the name ``""``."""

    name: str
    first: int
    last: int  # one past the last part


@dataclass(frozen=True)
class Wanted:
    """A variant to build, and the crawls that it is made from."""

    variant: Variant
    crawls: tuple[Crawl, ...]

    @property
    def parts(self) -> list[int]:
        """The parts of its crawls."""
        return [part for crawl in self.crawls for part in range(crawl.first, crawl.last)]


@dataclass(frozen=True)
class Scope:
    """Pages that compete for their URLs, and those of the winners that are listed."""

    entry: Stages
    undated: bool  # pages without a timestamp take part
    newest: KeepOne
    listed: InUrlList | None
    crawls: tuple[Crawl, ...]


@dataclass(frozen=True)
class LineScope:
    """Winners of a scope that compete for their lines, or keep them all."""

    scope: Scope
    cleaning: Stages
    lines: Dedup | None


@dataclass(frozen=True)
class Branch:
    """Where a variant comes from, and what becomes of its pages at the end."""

    wanted: Wanted
    origin: LineScope
    judging: Stages


def split_stages(wanted: Wanted) -> Branch:
    """Part the stages of a variant."""
    variant, stages = wanted.variant, wanted.variant.stages
    at, after, then = _where_deduped(variant)
    # Without a stage that settles lines nothing needs the other pages any more, so all that follows judges winners.
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
    """Where URLs are settled, where that and the join of a list are through, and where lines are, if not at the end."""
    stages = variant.stages
    newest = [i for i, stage in enumerate(stages) if isinstance(stage, KeepOne)]
    lines = [i for i, stage in enumerate(stages) if isinstance(stage, Dedup)]
    listed = [i for i, stage in enumerate(stages) if isinstance(stage, InUrlList)]
    if len(newest) != 1 or len(lines) > 1 or len(listed) > 1:
        raise ValueError(
            f"variant {variant.name} has {len(newest)} stages that settle URLs, {len(listed)} lists of URLs and "
            f"{len(lines)} stages that settle lines; a build needs one of the first and at most one of the others"
        )
    (at,) = newest
    then = lines[0] if lines else len(stages)
    if then < at or (listed and listed[0] != at + 1):
        raise ValueError(f"variant {variant.name}: first URLs are settled, then a list of URLs is joined, then lines")
    return at, at + 1 + len(listed), then


def changes_too_early(stages: Sequence[object]) -> str:
    """What is wrong with stages that change pages before these compete for their URLs."""
    names = " > ".join(str(getattr(stage, "name", stage)) for stage in stages)
    return f"one of {names} changes pages before their URLs are settled, but then they must be as they were crawled"


def only_filters(stages: Sequence[PageStage]) -> bool:
    """The stages pass pages on as they are."""
    return all(type(stage) in FILTERS for stage in stages)  # one that is derived from these may do more


def reachable_from(entry: Sequence[Any]) -> Iterator[int]:
    """Yield the lengths of beginnings of an entry from which the rest can be done by the URL alone, the whole first."""
    for length in range(len(entry), -1, -1):
        yield length
        if length and type(entry[length - 1]) is not InDomains:
            return
