"""A build on this machine: runs the steps one after another, which exchange through files of the store.

Processes of this machine take the items of each step (``processes.py``). Beam is not imported. Memory is that of the
items at work, whatever the size of the crawl. ``files_on_beam.py`` gives the same steps to a runner of Beam.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from beam_jobs.drivers.processes import Processes
from beam_jobs.exchange import files as through_files
from beam_jobs.plan.job import Job
from beam_jobs.report import bad_files, manifest
from beam_jobs.steps import sharding, tasks
from c4pipe.fs import files, parallel

Item = tuple[str, tuple[Any, ...]]  # its name, and the arguments of the step after the job


def _always(job: Job) -> bool:
    return True


@dataclass(frozen=True)
class Step:
    """A step with all its items.

    ``leaves`` returns the path of an item's file for the next step or the user. An item with a report but without that
    file is done again: a run through Beam's shuffle leaves only reports, and files may have been removed.
    ``may_begin`` is asked when the step before is through. If it returns False, the build ends there.
    """

    name: str
    run: Callable[..., None]  # takes the job and an item's arguments
    items: Callable[[Job], Iterable[Item]]
    leaves: Callable[..., str]  # takes the job and an item's arguments
    may_begin: Callable[[Job], bool] = _always

    def remaining(self, job: Job) -> list[Item]:
        """Return the items that lack their report or their file."""
        items, done = list(self.items(job)), set(job.store.done(self.name))
        paths = {name: self.leaves(job, *arguments) for name, arguments in items if name in done}
        has_file = dict(zip(paths, parallel.each(files.exists, list(paths.values())), strict=True))
        return [item for item in items if not has_file.get(item[0])]


def _parts(job: Job) -> Iterator[Item]:
    return ((tasks.item(part), (part,)) for part in range(job.parts))


def _buckets(job: Job) -> Iterator[Item]:
    return ((tasks.item(bucket), (bucket,)) for bucket in range(job.buckets))


def _deduped_line_scopes(job: Job) -> list[int]:
    return [number for number, origin in enumerate(job.line_scopes) if origin.lines is not None]


def _line_parts(job: Job) -> Iterator[Item]:
    return ((tasks.item(n, part), (n, part)) for n in _deduped_line_scopes(job) for part in range(job.parts))


def _line_buckets(job: Job) -> Iterator[Item]:
    return ((tasks.item(n, bucket), (n, bucket)) for n in _deduped_line_scopes(job) for bucket in range(job.buckets))


def _urls(job: Job, part: int) -> str:
    return job.store.urls(part)


def _last_winners(job: Job, bucket: int) -> str:
    return job.store.winners(len(job.scopes) - 1, bucket)


def _claims(job: Job, number: int, part: int) -> str:
    return job.store.claims(number, part)


def _owners(job: Job, number: int, bucket: int) -> str:
    return job.store.owners(number, bucket)


def _documents(job: Job, part: int) -> str:
    return job.store.documents(part)


def _last_file(job: Job, shard: sharding.Shard, size: int) -> str:
    return tasks.shard_path(job, shard, job.formats[-1])


def _shards(job: Job) -> Iterator[Item]:
    sizes = manifest.split_sizes(job)
    for shard in sharding.list_shards(job, sizes):
        yield shard.item, (shard, sizes[shard.variant, shard.split] // shard.count)


PHASES = {
    "clean": (Step("clean", through_files.send_url_claims, _parts, _urls),),
    "dedup": (
        Step("dedup_urls", through_files.send_winners, _buckets, _last_winners, bad_files.few_bad_files),
        Step("claim_lines", through_files.send_line_claims, _line_parts, _claims),
        Step("dedup_lines", through_files.send_owners, _line_buckets, _owners),
    ),
    "publish": (
        Step("finalize", through_files.send_documents, _parts, _documents),
        Step("write", through_files.write_from_files, _shards, _last_file),
    ),
}


STEPS = tuple(step for phase in PHASES.values() for step in phase)


def run(job: Job, processes: Processes) -> None:
    """Run all items that remain; raise the error of an item that fails.

    A build without remaining items costs one look at its reports.
    """
    if all(
        not step.remaining(job) for step in STEPS
    ):  # stops at the first step with items: those of the next follow from it
        return
    for before, step in zip((None, *STEPS), STEPS, strict=False):
        processes.each(step.run, job, (arguments for _, arguments in remaining(before, step, job)))


def remaining(before: Step | None, step: Step, job: Job) -> Iterator[Item]:
    """Yield the remaining items of a step; none unless the step before is through and this one may begin.

    It looks for them when the first is asked for, so that an error is raised where items are run.
    """
    ended = before is not None and before.remaining(job)
    if not ended and step.may_begin(job):
        yield from step.remaining(job)
