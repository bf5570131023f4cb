"""A build by a plain pool of processes, in place of Beam's local runner: the same steps on the same items.

    python benchmarks/bare_pool.py --input 'wet/*.gz' --output c4 --variant en --workers 2

Takes the options of beam_jobs.build_c4 that say what is built, and leaves the same shards. It knows no progress, no
disk that is too small and no second start: what it costs is what the steps cost.
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
    """In each process of the pool, once."""
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
