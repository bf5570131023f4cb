"""The rule behind each difference of two corpora: the rules of the side that lacks a document or line are asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from c4pipe.conform.compare import Difference
from c4pipe.conform.corpus import Corpus, read_trace
from c4pipe.conform.documents import TEXT_HASH, Document
from c4pipe.conform.line_diff import LineDiff, describe_change, line_diff, odd_end_mark
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
    """One of the two corpora, its rules, and which of its pages hold a URL or a line."""

    corpus: Corpus
    variant: Variant | None
    trace: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    rivals: dict[bytes, str] = field(default_factory=dict)  # digest of a normalized URL -> the URL that has it
    owners: dict[bytes, str] = field(default_factory=dict)  # key of a line -> the URL of a page that has it
    cannot_judge: str = ""  # why the variant cannot be asked

    def find_holders(self, missing: Iterable[Document], lines: Iterable[str]) -> None:
        """Find the pages that hold the URLs of missing documents, and those that hold the lines, in one pass."""
        wanted_urls = {urls.url_digest(document.url) for document in missing}
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
        """Return the stages whose rows drop lines."""
        stages = self.variant.stages if self.variant else ()
        return tuple(stage for stage in stages if isinstance(stage, CleanLines))

    @property
    def url_stage(self) -> str:
        """Return the name of the stage that keeps one page for each URL."""
        stages = self.variant.stages if self.variant else ()
        return next((stage.name for stage in stages if isinstance(stage, KeepOne)), URL_STAGE)

    @property
    def line_stage(self) -> str:
        """Return the name of the stage that deduplicates lines."""
        stages = self.variant.stages if self.variant else ()
        return next((stage.name for stage in stages if isinstance(stage, Dedup)), LINE_STAGE)


@dataclass(frozen=True)
class Finding:
    """A difference and its reasons."""

    difference: Difference
    rules: Mapping[str, int]  # rule -> how many lines it dropped; 1 for a document
    details: tuple[str, ...]  # lines to show


def blame(differences: Sequence[Difference], left: Side, right: Side) -> list[Finding]:
    """Return each difference with its reasons. Each side is read once more for them."""
    diffs = [_line_diff(difference) for difference in differences]
    missing = [difference.left for difference in differences if difference.kind == "missing" and difference.left]
    extra = [difference.right for difference in differences if difference.kind == "extra" and difference.right]
    left.find_holders(extra, (line for diff in diffs for line in diff.right))
    right.find_holders(missing, (line for diff in diffs for line in diff.left))
    for side, lacked in ((left, extra), (right, missing)):
        if side.corpus.trace and lacked:
            side.trace = read_trace(side.corpus.trace, frozenset(document.url for document in lacked))
    pairs = zip(differences, diffs, strict=True)
    return [_explain_difference(difference, diff, left, right) for difference, diff in pairs]


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
    """Return the rule by which the side lacks the document, and a detail."""
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
    for sign, lines, side, document in (
        ("-", diff.left, right, difference.right),
        ("+", diff.right, left, difference.left),
    ):
        for line in lines:
            rule, detail = why_line_missing(line, document, side)
            rules[rule] += 1
            details.append(f"{sign} [{rule}] {line}" + (f"  ({detail})" if detail else ""))
    for left_line, right_line in diff.changed:
        rule = describe_change(left_line, right_line, left.cleaning or right.cleaning)
        rules[rule] += 1
        details += [f"- [{rule}] {left_line}", f"+ [{rule}] {right_line}"]
    return Finding(difference, dict(rules), tuple(details))


def _explain_facts(
    left: Document, right: Document, names: Iterable[str], url_stage: str
) -> tuple[Counter[str], list[str]]:
    """Return rules and details for the facts that differ beside the text. Another timestamp means another page."""
    rules: Counter[str] = Counter()
    details = []
    for name in names:
        if name != TEXT_HASH:
            rules[name] += 1
            details.append(f"{name}: {left.facts.get(name, '')!r} -> {right.facts.get(name, '')!r}")
    if rules.pop("timestamp", 0):
        rules[f"{url_stage}: another page of the URL"] += 1
    return rules, details


def why_line_missing(line: str, document: Document, side: Side) -> tuple[str, str]:
    """Return the rule by which the side's document lacks a line of the other side's, and a detail."""
    for stage in side.cleaning:
        _, row = first_to_fire(bind_rules(stage.rows), line)
        if row is not None:
            return f"{stage.name}/{counter(row)}{odd_end_mark(line)}", ""
    key = line_key(line)
    if key in {line_key(kept) for kept in (document.text or "").split("\n")}:
        return f"{side.line_stage}/line-filtered:local_duplicate", ""
    if key in side.owners:
        return f"{side.line_stage}/line-filtered:global_duplicate", f"it is in {side.owners[key]}"
    deduplicated = side.variant is not None and any(isinstance(stage, Dedup) for stage in side.variant.stages)
    return NO_KNOWN_RULE, "perhaps it belongs to a page that was dropped later" if deduplicated else ""
