"""The report on two corpora: their differences by document, rule, counter and option."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from c4pipe.conform.blame import Finding, Side, blame
from c4pipe.conform.compare import Difference, Kind, compare
from c4pipe.fs import files

FETCHING = "download_wet_url/"  # counters of the reference's own fetching; they count no pages
NOT_OPTIONS = frozenset({"documents", "faults", "inputs", "shards", "unreadable"})  # in a manifest


@dataclass(frozen=True)
class Deviation:
    """A page that is known to differ from a golden file, and the values that it may have."""

    name: str
    why: str
    url: str
    values: Mapping[str, str]  # fact -> its value in the other corpus

    def allows(self, difference: Difference) -> bool:
        """Return whether each differing fact has the value that this deviation gives."""
        right = difference.right
        return difference.kind == "different" and all(
            right is not None and name in self.values and right.facts.get(name) == self.values[name]
            for name in difference.fields
        )


@dataclass(frozen=True)
class Report:
    """The differences of two corpora, and their reasons."""

    left: str
    right: str
    documents: tuple[int, int]
    compared: tuple[str, ...]
    counts: Mapping[Kind, int]  # differences by kind, without the allowed ones
    urls: int  # number of URLs with a difference that is not allowed
    findings: tuple[Finding, ...]  # of the examined URLs
    allowed: tuple[Deviation, ...]
    counters: tuple[tuple[str, int, int], ...]  # (name, left, right) of those that differ
    options: tuple[tuple[str, object, object], ...]  # those that differ; they are a reason, not a difference
    notes: tuple[str, ...]

    @property
    def same(self) -> bool:
        """Return whether no document and no counter differs."""
        return not (any(self.counts.values()) or self.counters)


def compare_corpora(left: Side, right: Side, *, deviations: Sequence[Deviation] = (), examine: int) -> Report:
    """Compare two corpora, and find reasons for the differences of ``examine`` URLs."""
    allowances = {deviation.url: deviation for deviation in deviations}
    compared = compare(left.corpus, right.corpus, examine=examine, always=tuple(allowances))
    allowed = [
        difference
        for difference in compared.differences
        if difference.url in allowances and allowances[difference.url].allows(difference)
    ]
    findings = blame([difference for difference in compared.differences if difference not in allowed], left, right)
    counts = {**compared.counts, "different": compared.counts["different"] - len(allowed)}
    return Report(
        left=left.corpus.name,
        right=right.corpus.name,
        documents=compared.documents,
        compared=compared.compared,
        counts=cast("Mapping[Kind, int]", counts),
        urls=compared.urls - len({difference.url for difference in allowed}),
        findings=tuple(findings),
        allowed=tuple(allowances[difference.url] for difference in allowed),
        counters=tuple(differing_counters(left.corpus.counters, right.corpus.counters)),
        options=tuple(differing_options(left.corpus.manifest, right.corpus.manifest)),
        notes=tuple(report_notes(left, right, compared.compared, differ=bool(findings))),
    )


def differing_counters(
    left: Mapping[str, int] | None, right: Mapping[str, int] | None
) -> Iterator[tuple[str, int, int]]:
    """Yield the counters that differ. A counter that a side lacks is 0; a side without counters is not compared."""
    if left is None or right is None:
        return
    for name in sorted({*left, *right}):
        counts = left.get(name, 0), right.get(name, 0)
        if counts[0] != counts[1] and not name.startswith(FETCHING):
            yield name, *counts


def differing_options(left: Mapping[str, Any], right: Mapping[str, Any]) -> Iterator[tuple[str, object, object]]:
    """Yield the options, versions and resources in which two manifests differ."""
    if not (left and right):
        return
    lefts, rights = (dict(_leaves({k: v for k, v in side.items() if k not in NOT_OPTIONS})) for side in (left, right))
    for name in sorted({*lefts, *rights}):
        if lefts.get(name) != rights.get(name):
            yield name, lefts.get(name), rights.get(name)


def _leaves(value: object, name: str = "") -> Iterator[tuple[str, object]]:
    if isinstance(value, dict):
        for key, member in value.items():
            yield from _leaves(member, f"{name}.{key}".lstrip("."))
    elif isinstance(value, list):
        for number, member in enumerate(value):
            yield from _leaves(member, f"{name}.{number}")
    else:
        yield name, value


def report_notes(left: Side, right: Side, compared: Sequence[str], *, differ: bool) -> Iterator[str]:
    """Yield what could not be compared, and which rules could not be asked."""
    for side, other in ((left, right), (right, left)):
        yield from side.corpus.notes
        if unmet := sorted(name.removesuffix("_sha256") for name in side.corpus.facts - set(compared)):
            yield f"not compared, since {other.corpus.name} lacks it: {', '.join(unmet)}"
        if side.corpus.counters is None:
            yield f"{side.corpus.name} has no counters, so none are compared"
        if side.cannot_judge:
            yield f"the rules of {side.corpus.name} cannot be asked: {side.cannot_judge}"
        if side.variant is None and differ:
            yield f"the rules of {side.corpus.name} are not known, so they cannot be asked"


def read_deviations(path: str) -> list[Deviation]:
    """Return the known deviations in a JSON file: rows with ``name``, ``why`` and ``golden_pages``, URL -> values.

    ValueError where the file is no such table.
    """
    rows = files.read_json(path)
    if not isinstance(rows, list) or not all(isinstance(row, dict) and {"name", "why"} <= row.keys() for row in rows):
        raise ValueError(f"{path} is no table of deviations: a list of rows, each with 'name' and 'why', is expected")
    return [
        Deviation(row["name"], row["why"], url, values)
        for row in rows
        for url, values in row.get("golden_pages", {}).items()
    ]
