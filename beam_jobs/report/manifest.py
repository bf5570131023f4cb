"""Writes statistics and manifest beside the shards of each variant."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from beam_jobs.plan.job import Job
from beam_jobs.plan.scopes import Branch
from beam_jobs.report.bad_files import check_bad_files
from beam_jobs.store.column_names import name_of
from c4pipe.fs import files, paths
from c4pipe.shards import read_write

TFDS_VERSION = "3.1.0"  # of the features in the shards, whatever the semantics
FAULTS_LISTED_MAX = 10_000  # in a manifest; all are counted


def split_sizes(job: Job) -> dict[tuple[str, str], int]:
    """Return the bytes of documents by variant and split, of all finalized partitions."""
    sizes: Counter[tuple[str, str]] = Counter()
    for report in job.store.reports("finalize").values():
        for split in report["splits"]:
            sizes[split["variant"], split["split"]] += split["bytes"]
    return dict(sizes)


def publish(job: Job) -> None:
    """Write each variant's ``stats.json``, the files for TFDS, and last the manifest, which marks it as whole."""
    check_bad_files(job)
    reports = {step: job.store.reports(step) for step in ("clean", "dedup_urls", "finalize", "write")}
    identity: Any = files.read_json(job.store.identity)
    for branch in job.branches:
        _publish_variant(job, branch, reports, identity)


Reports = Mapping[str, Mapping[str, dict[str, Any]]]


def _publish_variant(job: Job, branch: Branch, reports: Reports, identity: Mapping[str, Any]) -> None:
    variant = branch.wanted.variant
    folder = job.folder(variant)
    written = [report for report in reports["write"].values() if report["variant"] == variant.name]
    infos = [read_write.ShardInfo(**info) for report in written for info in report["shards"]]
    for name, data in read_write.files_beside(infos, variant=variant.name, version=TFDS_VERSION).items():
        files.write_bytes(paths.join(folder, name), data)
    parts = [reports["clean"][f"{part:05d}"] for part in branch.wanted.parts]
    faults: Counter[str] = Counter()
    for part in parts:
        faults.update(part["fault_counts"])
    listed = list(itertools.islice((fault for part in parts for fault in part["faults"]), FAULTS_LISTED_MAX))
    documents = _count_documents(branch, reports)
    counters = dict(sorted(_sum_counters(job, branch, reports).items()))
    files.write_json(
        paths.join(folder, "stats.json"), {"counters": counters, "documents": documents, "faults": dict(faults)}
    )
    manifest = {
        **{name: value for name, value in identity.items() if name not in ("holds", "variants", "inputs")},
        **identity["variants"][variant.name],
        "inputs": [identity["inputs"][part] for part in branch.wanted.parts],
        "documents": documents,
        "shards": [asdict(info) for info in sorted(infos, key=lambda info: (info.format, info.split, info.name))],
        "unreadable": sorted(part["file"] for part in parts if "unreadable" in part),
        "faults": listed,
        "faults_not_listed": faults.total() - len(listed),
    }
    files.write_json(job.manifest(variant), manifest)


def _count_documents(branch: Branch, reports: Reports) -> dict[str, int]:
    """Return the number of documents by split. Train and validation are there even without any."""
    name = branch.wanted.variant.name
    totals: Counter[str] = Counter({"train": 0, "validation": 0} if not branch.wanted.variant.by_language else {})
    for report in reports["finalize"].values():
        totals.update({split["split"]: split["documents"] for split in report["splits"] if split["variant"] == name})
    return dict(sorted(totals.items()))


def _sum_counters(job: Job, branch: Branch, reports: Reports) -> Counter[str]:
    """Return the counts of the reader and of all stages of a variant, under the reference's names."""
    total: Counter[str] = Counter()
    for counted in _list_counters(job, branch, reports):
        total.update(counted)
    return total


def _list_counters(job: Job, branch: Branch, reports: Reports) -> Iterator[Mapping[str, int]]:
    variant, scope = branch.wanted.variant, branch.origin.scope
    entry, number = name_of(scope.entry), str(job.scopes.index(scope))
    for part in branch.wanted.parts:
        cleaned = reports["clean"][f"{part:05d}"]
        if "unreadable" not in cleaned:
            yield cleaned["wet"]["undated" if scope.undated else "dated"]
            yield cleaned["entries"][entry]["dated"]
            if scope.undated:
                yield cleaned["entries"][entry]["undated"]
    for deduplicated in reports["dedup_urls"].values():
        yield deduplicated["counters"].get(number, {})
    for finalized in reports["finalize"].values():
        yield finalized["counters"].get(variant.name, {})
