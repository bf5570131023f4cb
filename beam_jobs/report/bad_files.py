"""WET files that cannot be read: a build names them, and may leave out ``--max_bad_files`` of them."""

from __future__ import annotations

from beam_jobs.plan.job import Job
from c4pipe.fs import files


class TooManyBadFiles(ValueError):
    """More WET files cannot be read than the build may leave out."""


def few_bad_files(job: Job) -> bool:
    """Return True if the build may leave out all WET files that cannot be read."""
    return len(unreadable(job)) <= job.max_bad_files


def check_bad_files(job: Job) -> None:
    """Raise ``TooManyBadFiles``, with each file and its reason, if the build may not leave out all of them."""
    if len(bad := unreadable(job)) > job.max_bad_files:
        raise TooManyBadFiles(
            f"{len(bad)} of {job.parts} WET files cannot be read, but --max_bad_files is {job.max_bad_files}:\n  "
            + "\n  ".join(bad)
            + "\nThe same command tries them again. Raise --max_bad_files to go on without them, or leave them out of "
            "--input, which makes another build with another --output."
        )


def unreadable(job: Job) -> list[str]:
    """Return the WET files that cannot be read, each with its reason."""
    reports = job.store.reports("clean").values()
    return [f"{report['file']}: {report['unreadable']}" for report in reports if "unreadable" in report]


def forget_unreadable(job: Job) -> None:
    """Remove the reports of unreadable files, to try them again, unless URLs were deduplicated without them."""
    if not job.store.done("dedup_urls"):
        for item, report in job.store.reports("clean").items():
            if "unreadable" in report:
                files.remove(job.store.report("clean", item))
