"""Runs the steps that exchange through files on workers of a Beam runner."""

from __future__ import annotations

import apache_beam as beam

from beam_jobs.drivers.files import STEPS, Item, Step, remaining
from beam_jobs.plan.job import Job


class OneAfterAnother(beam.PTransform):
    """Run all steps in turn, each when the one before is through; the items of a step run in parallel."""

    def __init__(self, job: Job) -> None:
        super().__init__()
        self.job = job

    def expand(self, begin: beam.pvalue.PCollection) -> beam.pvalue.PCollection:
        """Return one element when the last step is through."""
        done = begin
        for before, step in zip((None, *STEPS), STEPS, strict=False):
            done = (
                done
                | f"Items of {step.name}" >> beam.FlatMap(_remaining, before, step, self.job)
                | f"Spread {step.name}" >> beam.Reshuffle()
                | f"Do {step.name}" >> beam.Map(_do_item, step, self.job)
                | f"Await {step.name}" >> beam.combiners.Count.Globally()
            )
        return done


def _remaining(_: object, before: Step | None, step: Step, job: Job) -> list[Item]:
    return list(remaining(before, step, job))


def _do_item(item: Item, step: Step, job: Job) -> str:
    name, arguments = item
    step.run(job, *arguments)
    return name
