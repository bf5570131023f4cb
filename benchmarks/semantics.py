"""Count the pages in which the versions of the rules differ, rule by rule.

    python benchmarks/semantics.py --resources DIR --urls LIST.txt *.warc.wet.gz >tables.md

Each rule in which a version differs from 3.1.0 is put into 3.1.0 alone. The resulting documents are compared with those
of 3.1.0. A page differs if only one side has it, or if its text, timestamp or language differs. A rule that changes
only counts gives 0. The multilingual variant needs gcld3.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeGuard

from c4pipe import resources
from c4pipe.dedup.lines import DedupLines
from c4pipe.dedup.spans import DedupSpans
from c4pipe.dedup.urls import KeepLargestText, KeepNewest
from c4pipe.oracle import Oracle, Outcome
from c4pipe.page import Page
from c4pipe.rows import C4_ROWS, PAPER_PAGE_ROWS, PAPER_ROWS
from c4pipe.stages.clean_lines import CleanLines, DropPages
from c4pipe.stages.rule_rows import Row
from c4pipe.variants import SEMANTICS, V310, Stage, Variant, variant
from c4pipe.warc.wet import WetReader

Change = Callable[[Variant], Variant]

BY_COUNTER: Mapping[str, Row] = {row.counter: row for row in PAPER_ROWS}


def limits(stage: str, **changed: object) -> Change:
    """Return a change of limits in one stage, where the variant has the stage and the stage has the limits."""

    def change(this: Variant) -> Variant:
        return swap_stages(this, lambda s: replace(s, **changed) if s.name == stage and has_limits(s, changed) else s)  # type: ignore[type-var]

    return change


def has_limits(stage: Stage, changed: Mapping[str, object]) -> bool:
    return all(hasattr(stage, name) for name in changed)


def swap_stages(this: Variant, swap: Callable[[Stage], Stage | None]) -> Variant:
    """Return the variant with each stage replaced by ``swap(stage)``; None removes the stage."""
    swapped = (swap(stage) for stage in this.stages)
    return replace(this, stages=tuple(stage for stage in swapped if stage is not None))


def without(stage: str) -> Change:
    return lambda this: swap_stages(this, lambda s: None if s.name == stage else s)


def undated(this: Variant) -> Variant:
    return replace(this, undated=True)


def largest_text(this: Variant) -> Variant:
    return swap_stages(this, lambda s: KeepLargestText() if isinstance(s, KeepNewest) else s)


def counts_sentences(stage: Stage) -> TypeGuard[CleanLines | DedupLines]:
    return isinstance(stage, CleanLines | DedupLines) and stage.min_sentences > 0


def punkt(this: Variant) -> Variant:
    return swap_stages(this, lambda s: replace(s, punkt="3.6.5") if counts_sentences(s) else s)


def rows(change: Callable[[Row], Row | None]) -> Change:
    """Return a change of the rows of C4's table; None removes a row."""
    changed = tuple(row for row in map(change, C4_ROWS) if row is not None)
    return limits("clean-page", rows=changed)


def row_of_paper(counter: str) -> Change:
    return rows(
        lambda row: BY_COUNTER[counter] if row.counter == counter and row.effect == BY_COUNTER[counter].effect else row
    )


def end_marks(**changed: object) -> Change:
    def change(row: Row) -> Row:
        return replace(row, limits=tuple((dict(row.limits) | changed).items())) if row.counter == "no_endmark" else row

    return rows(change)


def anywhere(counter: str) -> Change:
    """Return a change that applies a row to the whole page as it was crawled, not to its lines."""
    (row,) = (row for row in PAPER_PAGE_ROWS if row.counter == counter)

    def change(this: Variant) -> Variant:
        if not any(isinstance(stage, CleanLines) for stage in this.stages):
            return this
        after = [stage.name for stage in this.stages].index("duplicate-url-filter") + 1
        without_it = rows(lambda own: None if own.counter == counter else own)(this)
        return replace(without_it, stages=(*without_it.stages[:after], DropPages((row,)), *without_it.stages[after:]))

    return change


def words_anywhere(this: Variant) -> Variant:
    """Look for English bad words on the page as it was crawled."""
    bad_words = [stage for stage in this.stages if stage.name == "badwords-filter"]
    if not bad_words or this.by_language:
        return this
    without_it = without("badwords-filter")(this)
    after = [stage.name for stage in without_it.stages].index("duplicate-url-filter") + 1
    stage = replace(bad_words[0], language="en")  # type: ignore[type-var]
    return replace(without_it, stages=(*without_it.stages[:after], stage, *without_it.stages[after:]))


def spans(this: Variant) -> Variant:
    swap = DedupSpans(span_sentences=3, min_sentences=3)
    return swap_stages(this, lambda s: swap if isinstance(s, DedupLines) and s.min_sentences else s)


def last(stage: str) -> Change:
    """Return a change that moves a stage to the end, as a filter of finished documents."""

    def change(this: Variant) -> Variant:
        return replace(this, stages=tuple(sorted(this.stages, key=lambda own: own.name == stage)))

    return change


RULES_301: Mapping[str, Change] = {
    "a line stays with the smallest MD5 of the normalized URL, not of the full one": limits(
        "dedupe-lines", owner="normalized_url"
    ),
    "of a URL the page of the largest MD5 of the text stays, not the newest": largest_text,
    "pages without a timestamp take part": undated,
    "Punkt as it was up to NLTK 3.6.5": punkt,
    "RealNews looks at the full URL": limits("realnews-domain-filter", full_url=True),
    "cld3 from 0.7, not 0.95": limits("language-filter", min_probability=0.7),
    "bad words are patterns": limits("badwords-filter", escaped=False),
    "Japanese bad words are whole words": limits("badwords-filter", spaceless=("th", "zh")),
    "no bad word is allowed": limits("badwords-filter", allowed=()),
    "all pages with bad words go, not 999 in 1,000": limits("badwords-filter", fraction=1.0),
}
RULES_PAPER: Mapping[str, Change] = {
    "all but one of any three-sentence span go, not of any line": spans,
    "a bad word anywhere on the page as it was crawled": words_anywhere,
    "bad words that the list has with capitals": limits("badwords-filter", folded=True),
    "`lorem ipsum` anywhere on the page": anywhere("loremipsum"),
    "`{` anywhere on the page": anywhere("squigglybracket"),
    "a line may end in a curly quotation mark": end_marks(marks=(".", "?", "!", '"', "\u201d")),
    "a line may end in an ellipsis": end_marks(ellipsis=None),
    "`Javascript` is a word, not a part of one": row_of_paper("javascript"),
    "citation markers go with their blanks, with capitals or not": rows(
        lambda row: PAPER_ROWS[0] if row.effect == "edit" else row
    ),
    "no limit to a word's length": rows(lambda row: None if row.counter == "too_long_word" else row),
    "no limit to a page's length": without("too-long-filter"),
    "pages without a timestamp take part": undated,
    "Punkt as it was up to NLTK 3.6.5": punkt,
    "RealNews is a filter of what C4 holds": last("realnews-domain-filter"),
    "pages below 0.7 of cld3 go, all others keep their language": limits(
        "language-filter", min_probability=0.7, keep_unsure=False
    ),
    "no bad word is allowed": limits("badwords-filter", allowed=()),
    "all pages with bad words go, not 999 in 1,000": limits("badwords-filter", fraction=1.0),
}


@dataclass(frozen=True)
class Difference:
    """Counts of pages that only the first corpus has, only the second has, or that differ."""

    gone: int
    come: int
    other: int

    def __str__(self) -> str:
        signed_counts = ((self.gone, "-"), (self.come, "+"), (self.other, "\u2260"))
        return " ".join(f"{sign}{count:,}" for count, sign in signed_counts if count) or "0"


def difference(before: Outcome, after: Outcome) -> Difference:
    """Compare documents by URL."""
    old, new = ({page.url: page for page in outcome.pages} for outcome in (before, after))
    both = old.keys() & new.keys()
    return Difference(
        len(old) - len(both),
        len(new) - len(both),
        sum(compared_fields(old[url]) != compared_fields(new[url]) for url in both),
    )


def compared_fields(page: Page) -> tuple[str, str, str]:
    return page.text, page.timestamp, page.language


def main(argv: Sequence[str] | None = None) -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wet", nargs="+", metavar="WET", help="WET files")
    parser.add_argument("--resources", metavar="DIR", help="folder of the pinned lists")
    parser.add_argument(
        "--urls", metavar="FILE", help="list of URLs for webtextlike; without it, the variant is left out"
    )
    arguments = parser.parse_args(argv)
    resources.use(arguments.resources)
    oracle = Oracle(page for path in arguments.wet for page in read_pages(path))
    names = [name for name in V310 if name != "webtextlike" or arguments.urls]
    for line in tables(oracle, names, arguments.urls):
        print(line, flush=True)
    return 0


def read_pages(path: str) -> Iterator[Page]:
    """Yield the pages of a WET file, with and without a timestamp."""
    with open(path, "rb") as stream:
        yield from WetReader(stream, name=path, undated=True)


def tables(oracle: Oracle, names: Sequence[str], listed: str | None) -> Iterator[str]:
    """Yield the lines of all tables, in Markdown."""
    by_name = {
        (name, semantics): variant(name, semantics).with_url_list(listed)
        if listed and name == "webtextlike"
        else variant(name, semantics)
        for name in names
        for semantics in SEMANTICS
    }
    yield f"{len(oracle.pages):,} pages"
    yield from table(("documents", *names), documents(oracle, names, by_name))
    for semantics, rules in (("3.0.1", RULES_301), ("paper", RULES_PAPER)):
        print(f"rules of {semantics}", file=sys.stderr)
        yield from table((f"3.1.0, but as in {semantics}", *names), by_rule(oracle, names, by_name, rules))


def documents(
    oracle: Oracle, names: Sequence[str], by_name: Mapping[tuple[str, str], Variant]
) -> Iterator[tuple[str, ...]]:
    """Yield the number of documents of each version, then their differences from 3.1.0."""
    outcomes = {key: oracle.run(this) for key, this in by_name.items()}
    for semantics in SEMANTICS:
        yield semantics, *(f"{len(outcomes[name, semantics].pages):,}" for name in names)
    for semantics in SEMANTICS[1:]:
        differences = (difference(outcomes[name, "3.1.0"], outcomes[name, semantics]) for name in names)
        yield f"3.1.0 to {semantics}", *map(str, differences)


def by_rule(
    oracle: Oracle,
    names: Sequence[str],
    by_name: Mapping[tuple[str, str], Variant],
    rules: Mapping[str, Change],
) -> Iterator[tuple[str, ...]]:
    """Yield for each rule how it alone changes the documents of 3.1.0; empty cells where a variant lacks the rule."""
    for rule, change in rules.items():
        cells = [rule]
        for name in names:
            base = by_name[name, "3.1.0"]
            changed = change(base)
            cells.append("" if changed == base else str(difference(oracle.run(base), oracle.run(changed))))
        yield tuple(cells)


def table(head: Sequence[str], body: Iterator[tuple[str, ...]]) -> Iterator[str]:
    """Yield the lines of a table in Markdown."""
    yield ""
    yield f"| {' | '.join(head)} |"
    yield f"|---|{'---:|' * (len(head) - 1)}"
    for cells in body:
        yield f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    sys.exit(main())
