"""A build in a few lines, for whoever has waited for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from beam_jobs.plan.job import Job
from beam_jobs.report.bad_files import unreadable
from c4pipe import terminal
from c4pipe.fs import files, paths

LEFT_OUT_TOLD_MAX = 20  # in a summary; a manifest has all


def summary(job: Job) -> Iterator[str]:
    """A build in a few lines: where it is, how many documents, what was dropped where; last what could not be read."""
    for branch in job.branches:
        folder = job.folder(branch.wanted.variant)
        found: Any = files.read_json(paths.join(folder, "stats.json"))
        kept = ", ".join(f"{n:,} {split}" for split, n in found["documents"].items())
        documents = terminal.counted(sum(found["documents"].values()), "document")
        yield ": ".join(filter(None, (folder, documents, kept)))
        dropped = {name: n for name, n in found["counters"].items() if "/filtered" in name and n}
        yield from (f"  dropped {n:>12,}  {name}" for name, n in sorted(dropped.items(), key=lambda item: -item[1]))
        yield from (f"  fault   {n:>12,}  {kind}" for kind, n in found["faults"].items())
    bad = unreadable(job) if job.max_bad_files else []  # else there can be none, and all reports would be read again
    yield from (f"left out: {one}" for one in bad[:LEFT_OUT_TOLD_MAX])
    if len(bad) > LEFT_OUT_TOLD_MAX:
        yield f"left out: {len(bad) - LEFT_OUT_TOLD_MAX:,} more, which manifest.json names"
