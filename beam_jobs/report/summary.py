"""A summary of a finished build, in a few lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from beam_jobs.plan.job import Job
from beam_jobs.report.bad_files import unreadable
from c4pipe import terminal
from c4pipe.fs import files, paths

LEFT_OUT_SHOWN_MAX = 20  # in a summary; the manifest has all


def summary(job: Job) -> Iterator[str]:
    """Yield for each variant its folder, documents, dropped pages by stage, and faults; last the unreadable files."""
    for branch in job.branches:
        folder = job.folder(branch.wanted.variant)
        stats: Any = files.read_json(paths.join(folder, "stats.json"))
        kept = ", ".join(f"{n:,} {split}" for split, n in stats["documents"].items())
        documents = terminal.counted(sum(stats["documents"].values()), "document")
        yield ": ".join(filter(None, (folder, documents, kept)))
        dropped = {name: n for name, n in stats["counters"].items() if "/filtered" in name and n}
        yield from (f"  dropped {n:>12,}  {name}" for name, n in sorted(dropped.items(), key=lambda item: -item[1]))
        yield from (f"  fault   {n:>12,}  {kind}" for kind, n in stats["faults"].items())
    bad = (
        unreadable(job) if job.max_bad_files else []
    )  # without it there can be none, so the reports are not read again
    yield from (f"left out: {path_and_reason}" for path_and_reason in bad[:LEFT_OUT_SHOWN_MAX])
    if len(bad) > LEFT_OUT_SHOWN_MAX:
        yield f"left out: {len(bad) - LEFT_OUT_SHOWN_MAX:,} more, which manifest.json names"
