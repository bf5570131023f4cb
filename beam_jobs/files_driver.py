"""One machine: three map-only runs of Beam, one a phase, whose steps exchange through files of the store.

Beam's local runner keeps what it shuffles in memory, so nothing is shuffled here but the numbers of items:
memory is that of the items at work, whatever the size of the crawl.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

from beam_jobs import phases, steps
from beam_jobs.plan import Job
from beam_jobs.store import Store
from c4pipe import files


@dataclass(frozen=True)
class Step:
    """A step over all its items; an item is a number, and for ``clean`` the WET file that it numbers.

    ``leaves`` names a file that the next step reads. A run through Beam's shuffle leaves the report without it.
    """

    name: str
    run: Callable[[Job, Any], None]
    items: Callable[[Job], Iterable[tuple[int, Any]]]
    leaves: Callable[[Store, int], str] | None = None

    def remaining(self, job: Job) -> list[tuple[int, Any]]:
        """The items whose report does not stand yet, or whose file."""
        done = job.store.done(self.name)
        if self.leaves is not None:
            done = {number for number in done if files.exists(self.leaves(job.store, number))}
        return [item for item in self.items(job) if item[0] not in done]


def _wet_files(job: Job) -> Iterable[tuple[int, Any]]:
    sources: Any = files.read_json(job.store.inputs)
    return [(source["part"], source) for source in sources]


def _parts(job: Job) -> Iterable[tuple[int, int]]:
    return [(part, part) for part in range(job.parts)]


def _buckets(job: Job) -> Iterable[tuple[int, int]]:
    return [(bucket, bucket) for bucket in range(job.buckets)]


def _shards(job: Job) -> Iterable[tuple[int, int]]:
    """All shards of the splits that have documents: a split without any has no files."""
    dealt = {int(number) for report in job.store.reports("judge", range(job.parts)) for number in report["documents"]}
    splits = {phases.shard_place(job, number)[0] for number in dealt}
    every = (phases.shard_number(job, split, index) for split in splits for index in range(job.shards_of(split)))
    return [(number, number) for number in sorted(every)]


CLEAN = Step("clean", steps.clean_part, _wet_files, Store.urls)
SETTLE_URLS = Step("settle_urls", steps.settle_url_bucket, _buckets)
CLAIM_LINES = Step("claim_lines", steps.claim_part, _parts)
SETTLE_LINES = Step("settle_lines", steps.settle_line_bucket, _buckets)
JUDGE = Step("judge", steps.judge_into_file, _parts, Store.documents)
WRITE = Step("write", steps.write_from_files, _shards)


def phases_of(job: Job) -> dict[str, tuple[Step, ...]]:
    """The three phases of a build; a variant that keeps duplicate lines settles URLs alone."""
    lines = (CLAIM_LINES, SETTLE_LINES) if job.legs.lines else ()
    return {"clean": (CLEAN,), "settle": (SETTLE_URLS, *lines), "publish": (JUDGE, WRITE)}


class OneAfterAnother(beam.PTransform):
    """Run steps in turn, the items of each in parallel; a step begins when the one before is through."""

    def __init__(self, job: Job, steps: tuple[Step, ...]) -> None:
        super().__init__()
        self.job, self.steps = job, steps

    def expand(self, begin: beam.pvalue.PCollection) -> beam.pvalue.PCollection:
        """Return the number of items that the last step did."""
        done = begin
        for step in self.steps:
            done = (
                done
                | f"Items of {step.name}" >> beam.FlatMap(_remaining, step, self.job)
                | f"Deal {step.name}" >> beam.Reshuffle()
                | f"Do {step.name}" >> beam.Map(_do, step, self.job)
                | f"Await {step.name}" >> beam.combiners.Count.Globally()
            )
        return done


def _remaining(_: object, step: Step, job: Job) -> list[tuple[int, Any]]:
    return step.remaining(job)


def _do(item: tuple[int, Any], step: Step, job: Job) -> int:
    number, payload = item
    step.run(job, payload)
    return number


def run_phase(job: Job, steps: tuple[Step, ...], options: PipelineOptions) -> None:
    """Do what remains of a phase; one that is done costs a look at its reports."""
    if any(step.remaining(job) for step in steps):  # stops at the first, on whose reports the next one's items depend
        with beam.Pipeline(options=options) as pipeline:
            _ = pipeline | "Begin" >> beam.Create([0]) | OneAfterAnother(job, steps)
