"""A report of ``c4pipe conform`` as lines of text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from c4pipe.conform.blame import Finding
from c4pipe.conform.report import Report
from c4pipe.terminal import shortened, visible

KINDS = {"missing": "in the first alone", "extra": "in the second alone", "different": "in both, but not the same"}
DETAILS = 12  # lines shown of an example
VALUE = 60  # characters shown of an option


def report_lines(report: Report, *, show: int) -> Iterator[str]:
    """Yield the report line by line, with ``show`` examples of each rule."""
    yield f"first:  {report.left}: {report.documents[0]:,} documents"
    yield f"second: {report.right}: {report.documents[1]:,} documents"
    yield f"compared by URL: {', '.join(name.removesuffix('_sha256') for name in report.compared)}"
    yield from report.notes
    for deviation in report.allowed:
        yield f"allowed, {deviation.name}: {visible(deviation.url)}: {deviation.why}"
    for kind, meaning in KINDS.items():
        yield from _kind_lines(report, kind, meaning, show)
    yield from _counter_lines(report)
    if report.options:
        yield ""
        yield "made with other options:"
        yield from (f"  {name}: {_shown_value(left)} -> {_shown_value(right)}" for name, left, right in report.options)
    yield ""
    yield verdict(report)


def verdict(report: Report) -> str:
    """Return the report in one line."""
    if report.same:
        return "no difference"
    counts = ", ".join(f"{count:,} {kind}" for kind, count in report.counts.items())
    return f"documents: {counts}; counters: {len(report.counters)} differ"


def findings_by_rule(report: Report, kind: str) -> dict[str, list[Finding]]:
    """Return the findings of a kind under each of their rules, the most frequent rule first."""
    by_rule: dict[str, list[Finding]] = {}
    for finding in report.findings:
        if finding.difference.kind == kind:
            for rule in finding.rules:
                by_rule.setdefault(rule, []).append(finding)
    return dict(sorted(by_rule.items(), key=lambda item: (-len(item[1]), item[0])))


def _kind_lines(report: Report, kind: str, meaning: str, show: int) -> Iterator[str]:
    rules = findings_by_rule(report, kind)
    count = report.counts[kind]  # type: ignore[index]
    if not count:
        return
    examined = sum(finding.difference.kind == kind for finding in report.findings)
    part = "" if examined == count else f"; {examined:,} of them were examined"
    yield ""
    yield f"{kind}: {count:,} documents, {meaning}{part}"
    for rule, findings in rules.items():
        lines = sum(finding.rules[rule] for finding in findings)
        yield f"  {len(findings):,} by {visible(rule)}" + (f", {lines:,} lines" if lines > len(findings) else "")
        for finding in findings[:show]:
            yield f"      {visible(finding.difference.url)}"
            details = [line for line in finding.details if f"[{rule}]" in line or not line.startswith(("- [", "+ ["))]
            yield from (f"        {shortened(line)}" for line in details[:DETAILS])
            if details[DETAILS:]:
                yield f"        and {len(details) - DETAILS:,} lines more"


def _counter_lines(report: Report) -> Iterator[str]:
    if not report.counters:
        return
    yield ""
    yield f"counters: {len(report.counters)} differ"
    names = max(len(visible(name)) for name, _, _ in report.counters)
    for name, left, right in report.counters:
        yield f"  {visible(name):<{names}} {left:>13,} -> {right:>13,}  ({right - left:+,})"


def _shown_value(value: object) -> str:
    return "nothing" if value is None else shortened(str(value), VALUE)


def report_data(report: Report, *, show: int) -> dict[str, Any]:
    """Return the report as a JSON object, with ``show`` examples of each rule."""
    return {
        "same": report.same,
        "first": {"name": report.left, "documents": report.documents[0]},
        "second": {"name": report.right, "documents": report.documents[1]},
        "compared": list(report.compared),
        "notes": list(report.notes),
        "allowed": [{"name": known.name, "why": known.why, "url": known.url} for known in report.allowed],
        "counts": dict(report.counts),
        "urls": report.urls,
        "looked_at": len({finding.difference.url for finding in report.findings}),
        "rules": {
            kind: {rule: _rule_data(rule, findings, show) for rule, findings in findings_by_rule(report, kind).items()}
            for kind in KINDS
        },
        "counters": [{"name": name, "first": left, "second": right} for name, left, right in report.counters],
        "options": [{"name": name, "first": left, "second": right} for name, left, right in report.options],
    }


def _rule_data(rule: str, findings: list[Finding], show: int) -> dict[str, Any]:
    return {
        "documents": len(findings),
        "lines": sum(finding.rules[rule] for finding in findings),
        "examples": [{"url": finding.difference.url, "details": list(finding.details)} for finding in findings[:show]],
    }
