"""WET files that cannot be read: how many a build may leave out, and which they are."""

from __future__ import annotations

from beam_jobs.plan.job import Job
from c4pipe.fs import files


class TooManyBadFiles(ValueError):
    """More WET files cannot be read than the build may leave out."""


def few_bad_files(job: Job) -> bool:
    """No more WET files cannot be read than the build may leave out."""
    return len(unreadable(job)) <= job.max_bad_files


def check_bad_files(job: Job) -> None:
    """Stop a build of which more WET files cannot be read than it may leave out, and name each with its reason."""
    if len(bad := unreadable(job)) > job.max_bad_files:
        raise TooManyBadFiles(
            f"{len(bad)} of {job.parts} WET files cannot be read, but --max_bad_files is {job.max_bad_files}:\n  "
            + "\n  ".join(bad)
            + "\nThe same command tries them again. Raise --max_bad_files to go on without them, or leave them out of "
            "--input, which makes another build with another --output."
        )


def unreadable(job: Job) -> list[str]:
    """The WET files that cannot be read, each with its reason."""
    reports = job.store.reports("clean").values()
    return [f"{found['file']}: {found['unreadable']}" for found in reports if "unreadable" in found]


def forget_unreadable(job: Job) -> None:
    """Have files that could not be read tried again, unless something was decided without them already."""
    if not job.store.done("dedup_urls"):
        for item, found in job.store.reports("clean").items():
            if "unreadable" in found:
                files.remove(job.store.report("clean", item))
