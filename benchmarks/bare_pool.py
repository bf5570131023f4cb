"""Build with a plain pool of processes instead of a driver: the same steps on the same items.

    python benchmarks/bare_pool.py --input 'wet/*.gz' --output c4 --variant en --workers 2

The script takes the options of beam_jobs.build_c4 that say what is built, and writes the same shards. It shows no
progress, does not check for a full disk and cannot continue. So it costs what the steps cost.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any

from beam_jobs.drivers import files as files_driver
from beam_jobs.options import parser
from beam_jobs.plan import identity
from beam_jobs.plan.job import Job
from beam_jobs.plan.planner import planned
from beam_jobs.report import manifest
from beam_jobs.steps import tasks

_job: Job


def begin(job: Job) -> None:
    """Prepare one process of the pool for the job."""
    global _job
    _job = job
    job.begin()


def do(step: files_driver.Step, arguments: tuple[Any, ...]) -> None:
    step.run(_job, *arguments)


def main(argv: Sequence[str] | None = None) -> int:
    job, selection = planned(parser().parse_args(argv))
    identity.claim_folder(job, selection)
    tasks.list_urls(job)
    with ProcessPoolExecutor(job.workers, initializer=begin, initargs=(job,)) as pool:
        for step in files_driver.STEPS:
            items = [arguments for _, arguments in step.remaining(job)]
            for done in [pool.submit(do, step, arguments) for arguments in items]:
                done.result()
    manifest.publish(job)
    job.store.forget_exchanges()
    return 0


if __name__ == "__main__":
    sys.exit(main())
