"""Whether a corpus is what it should be: two compared, by document, rule, counter and option."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from c4pipe.conform.blame import Finding, Side, blame
from c4pipe.conform.compare import Difference, Kind, compare
from c4pipe.fs import files

FETCHING = "download_wet_url/"  # counters of the reference's own fetching: no pages are counted there
NOT_OPTIONS = frozenset({"documents", "faults", "inputs", "shards", "unreadable"})  # of a manifest


@dataclass(frozen=True)
class Deviation:
    """A page that is known to differ from a golden file, and how."""

    name: str
    why: str
    url: str
    values: Mapping[str, str]  # what the other corpus may say of it

    def allows(self, difference: Difference) -> bool:
        """The difference is this one and no other."""
        right = difference.right
        return difference.kind == "different" and all(
            right is not None and name in self.values and right.facts.get(name) == self.values[name]
            for name in difference.fields
        )


@dataclass(frozen=True)
class Report:
    """How the right corpus stands to the left one."""

    left: str
    right: str
    documents: tuple[int, int]
    compared: tuple[str, ...]
    counts: Mapping[Kind, int]  # without those that are allowed
    urls: int  # with a difference
    findings: tuple[Finding, ...]  # of the URLs that were looked at
    allowed: tuple[Deviation, ...]
    counters: tuple[tuple[str, int, int], ...]  # those that differ
    options: tuple[tuple[str, object, object], ...]  # of the manifests, those that differ: a reason, no difference
    notes: tuple[str, ...]

    @property
    def same(self) -> bool:
        """Nothing differs."""
        return not (any(self.counts.values()) or self.counters)


def compare_corpora(left: Side, right: Side, *, deviations: Sequence[Deviation] = (), examine: int) -> Report:
    """Compare two corpora; of ``examine`` URLs that differ say why."""
    allowances = {deviation.url: deviation for deviation in deviations}
    compared = compare(left.corpus, right.corpus, examine=examine, always=tuple(allowances))
    allowed = [one for one in compared.differences if one.url in allowances and allowances[one.url].allows(one)]
    findings = blame([one for one in compared.differences if one not in allowed], left, right)
    counts = {**compared.counts, "different": compared.counts["different"] - len(allowed)}
    return Report(
        left=left.corpus.name,
        right=right.corpus.name,
        documents=compared.documents,
        compared=compared.compared,
        counts=cast("Mapping[Kind, int]", counts),
        urls=compared.urls - len({one.url for one in allowed}),
        findings=tuple(findings),
        allowed=tuple(allowances[one.url] for one in allowed),
        counters=tuple(differing_counters(left.corpus.counters, right.corpus.counters)),
        options=tuple(differing_options(left.corpus.manifest, right.corpus.manifest)),
        notes=tuple(report_notes(left, right, compared.compared, differ=bool(findings))),
    )


def differing_counters(
    left: Mapping[str, int] | None, right: Mapping[str, int] | None
) -> Iterator[tuple[str, int, int]]:
    """The counters that differ; one that a side does not have is 0."""
    if left is None or right is None:
        return
    for name in sorted({*left, *right}):
        one, other = left.get(name, 0), right.get(name, 0)
        if one != other and not name.startswith(FETCHING):
            yield name, one, other


def differing_options(left: Mapping[str, Any], right: Mapping[str, Any]) -> Iterator[tuple[str, object, object]]:
    """What two manifests tell differently of how they were made."""
    if not (left and right):
        return
    one, other = (dict(_leaves({k: v for k, v in side.items() if k not in NOT_OPTIONS})) for side in (left, right))
    for name in sorted({*one, *other}):
        if one.get(name) != other.get(name):
            yield name, one.get(name), other.get(name)


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
    """What the reader of a report must know of what was not compared, or not told."""
    for side, other in ((left, right), (right, left)):
        yield from side.corpus.notes
        if unmet := sorted(name.removesuffix("_sha256") for name in side.corpus.facts - set(compared)):
            yield f"not compared, since {other.corpus.name} does not tell it: {', '.join(unmet)}"
        if side.corpus.counters is None:
            yield f"{side.corpus.name} has no counters, so none are compared"
        if side.cannot_judge:
            yield f"pages are not shown to the rules of {side.corpus.name}: {side.cannot_judge}"
        if side.variant is None and differ:
            yield f"the rules of {side.corpus.name} are not known, so it is not told what they took"


def read_deviations(path: str) -> list[Deviation]:
    """The table of known deviations in a JSON file: rows with ``name``, ``why`` and ``golden_pages``, URL -> values."""
    rows = files.read_json(path)
    if not isinstance(rows, list) or not all(isinstance(row, dict) and {"name", "why"} <= row.keys() for row in rows):
        raise ValueError(f"{path} is no table of deviations: a list of rows, each with 'name' and 'why', is expected")
    return [
        Deviation(row["name"], row["why"], url, values)
        for row in rows
        for url, values in row.get("golden_pages", {}).items()
    ]
