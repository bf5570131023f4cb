"""By which rule two corpora differ, where that can be told: what one lacks is shown to its rules."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from c4pipe.conform.compare import Difference
from c4pipe.conform.corpus import Corpus, read_trace
from c4pipe.conform.documents import TEXT_HASH, Document
from c4pipe.conform.line_diff import LineDiff, describe_change, line_diff
from c4pipe.dedup.base import Dedup, KeepOne
from c4pipe.dedup.lines import line_key
from c4pipe.explain.explanation import counter, explain
from c4pipe.page import Page
from c4pipe.resources import ResourceError
from c4pipe.stages.clean_lines import CleanLines
from c4pipe.stages.rule_rows import bind_rules, first_to_fire
from c4pipe.text import urls
from c4pipe.variants import Variant

NO_KNOWN_RULE = "no known rule"
COPY = "the same document more than once"
NEVER_READ = "not a page of the golden crawl"
URL_STAGE, LINE_STAGE = "duplicate-url-filter", "dedupe-lines"  # where a variant is not known: TFDS's names


@dataclass
class Side:
    """One of the two corpora, with what is known of its rules and of the rest of its documents."""

    corpus: Corpus
    variant: Variant | None
    trace: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    rivals: dict[bytes, str] = field(default_factory=dict)  # normalized URL's digest -> the URL that is there
    owners: dict[bytes, str] = field(default_factory=dict)  # line's key -> the URL of the page that has it
    cannot_judge: str = ""  # why pages are not shown to the variant

    def find_holders(self, missed: Iterable[Document], lines: Iterable[str]) -> None:
        """Find, in one pass, which pages hold the URLs of missed documents, and which the lines."""
        wanted_urls = {urls.url_digest(document.url) for document in missed}
        wanted_lines = {line_key(line) for line in lines}
        if not (wanted_urls or wanted_lines):
            return
        for document in self.corpus.documents():
            if (digest := urls.url_digest(document.url)) in wanted_urls:
                self.rivals[digest] = document.url
            for line in document.text.split("\n") if wanted_lines and document.text else ():
                if (key := line_key(line)) in wanted_lines:
                    self.owners.setdefault(key, document.url)

    @property
    def cleaning(self) -> tuple[CleanLines, ...]:
        """The stages whose rows take lines."""
        stages = self.variant.stages if self.variant else ()
        return tuple(stage for stage in stages if isinstance(stage, CleanLines))

    @property
    def url_stage(self) -> str:
        """The name of the stage that keeps one page a URL."""
        stages = self.variant.stages if self.variant else ()
        return next((stage.name for stage in stages if isinstance(stage, KeepOne)), URL_STAGE)

    @property
    def line_stage(self) -> str:
        """The name of the stage that deduplicates lines."""
        stages = self.variant.stages if self.variant else ()
        return next((stage.name for stage in stages if isinstance(stage, Dedup)), LINE_STAGE)


@dataclass(frozen=True)
class Finding:
    """A difference with what tells of it."""

    difference: Difference
    rules: Mapping[str, int]  # which rules, and how many lines of theirs (1 for a document)
    details: tuple[str, ...]  # what can be shown, a line each


def blame(differences: Sequence[Difference], left: Side, right: Side) -> list[Finding]:
    """What tells of each difference."""
    diffs = [_line_diff(difference) for difference in differences]
    missing = [one.left for one in differences if one.kind == "missing" and one.left]
    extra = [one.right for one in differences if one.kind == "extra" and one.right]
    left.find_holders(extra, (line for diff in diffs for line in diff.right))
    right.find_holders(missing, (line for diff in diffs for line in diff.left))
    for side, lacked in ((left, extra), (right, missing)):
        if side.corpus.trace and lacked:
            side.trace = read_trace(side.corpus.trace, frozenset(document.url for document in lacked))
    return [
        _explain_difference(difference, diff, left, right) for difference, diff in zip(differences, diffs, strict=True)
    ]


def _line_diff(difference: Difference) -> LineDiff:
    texts = [document.text for document in (difference.left, difference.right) if document]
    same_page = TEXT_HASH in difference.fields and "timestamp" not in difference.fields
    if same_page and all(text is not None for text in texts):
        return line_diff(texts[0] or "", texts[1] or "")
    return LineDiff((), (), ())


def _explain_difference(difference: Difference, diff: LineDiff, left: Side, right: Side) -> Finding:
    if difference.left is None or difference.right is None:
        document, side = (difference.left, right) if difference.left else (difference.right, left)
        assert document is not None
        rule, detail = (COPY, "") if difference.copy else why_document_missing(document, side)
        return Finding(difference, {rule: 1}, (detail,) if detail else ())
    return _explain_change(difference, diff, left, right)


def why_document_missing(document: Document, side: Side) -> tuple[str, str]:
    """By which rule the side lacks the document, and what can be said of it."""
    if side.corpus.trace:
        rows = side.trace.get(document.url, ())
        same = [row for row in rows if row["timestamp"] == document.facts.get("timestamp", row["timestamp"])]
        if not same:
            return NEVER_READ, "at this time" if rows else ""
        if reasons := [row["reason"] for row in same if not row["kept"]]:
            return str(reasons[0]), "so says the trace"
    rival = side.rivals.get(urls.url_digest(document.url))
    if rival is not None:
        return side.url_stage, f"{rival} is there"
    if document.text is None or side.variant is None or side.cannot_judge:
        return NO_KNOWN_RULE, ""
    page = Page(document.url, document.text, document.facts.get("timestamp", ""))
    try:
        stage = explain(side.variant, page).dropped_by
    except (ResourceError, ImportError) as error:
        side.cannot_judge = str(error)
        return NO_KNOWN_RULE, ""
    if stage is None:
        return NO_KNOWN_RULE, f"{side.variant.name} keeps this text"
    reasons = [name for name in stage.tally if "filtered" in name and "line-filtered" not in name]
    return (reasons[0] if reasons else stage.name), "if its text had come so far"


def _explain_change(difference: Difference, diff: LineDiff, left: Side, right: Side) -> Finding:
    assert difference.left is not None
    assert difference.right is not None
    rules, details = _explain_facts(difference.left, difference.right, difference.fields, right.url_stage)
    same_page = "timestamp" not in difference.fields
    if same_page and TEXT_HASH in difference.fields and not (diff.left or diff.right or diff.changed):
        rules["text"] += 1
        details.append("text: one side has its digest alone, so its lines cannot be compared")
    if "split" in difference.fields:
        details.append(f"split: the URL's hash says {urls.split(difference.url)!r}")
    for sign, lines, lacking, there in (
        ("-", diff.left, right, difference.right),
        ("+", diff.right, left, difference.left),
    ):
        for line in lines:
            rule, detail = why_line_missing(line, there, lacking)
            rules[rule] += 1
            details.append(f"{sign} [{rule}] {line}" + (f"  ({detail})" if detail else ""))
    for one, other in diff.changed:
        rule = describe_change(one, other, left.cleaning or right.cleaning)
        rules[rule] += 1
        details += [f"- [{rule}] {one}", f"+ [{rule}] {other}"]
    return Finding(difference, dict(rules), tuple(details))


def _explain_facts(
    left: Document, right: Document, names: Iterable[str], url_stage: str
) -> tuple[Counter[str], list[str]]:
    """The rules and details of what is told of a page beside its text: of another time it is another page."""
    rules: Counter[str] = Counter()
    details = []
    for name in names:
        if name != TEXT_HASH:
            rules[name] += 1
            details.append(f"{name}: {left.facts.get(name, '')!r} -> {right.facts.get(name, '')!r}")
    if rules.pop("timestamp", 0):
        rules[f"{url_stage}: another page of the URL"] += 1
    return rules, details


def why_line_missing(line: str, there: Document, side: Side) -> tuple[str, str]:
    """By which rule the side's text of the page lacks a line of the other's, and what can be said of it."""
    for stage in side.cleaning:
        _, row = first_to_fire(bind_rules(stage.rows), line)
        if row is not None:
            return f"{stage.name}/{counter(row)}{_odd_end_mark(line)}", ""
    key = line_key(line)
    if key in {line_key(one) for one in (there.text or "").split("\n")}:
        return f"{side.line_stage}/line-filtered:local_duplicate", ""
    if key in side.owners:
        return f"{side.line_stage}/line-filtered:global_duplicate", f"it is in {side.owners[key]}"
    deduplicated = side.variant is not None and any(isinstance(stage, Dedup) for stage in side.variant.stages)
    return NO_KNOWN_RULE, "perhaps it belongs to a page that was dropped later" if deduplicated else ""


def _odd_end_mark(line: str) -> str:
    """How the line ends, where it ends in a mark beyond ASCII, such as a curly quote.

    >>> _odd_end_mark("“Yes.”"), _odd_end_mark("Home")
    (', ends in RIGHT DOUBLE QUOTATION MARK', '')
    """
    last = line.rstrip()[-1:]
    if last <= "\x7f" or last.isalnum():
        return ""
    return f", ends in {unicodedata.name(last, f'U+{ord(last):04X}')}"
