"""Runs a build on a runner of Beam. Only ``--runner`` imports this room, since importing Beam costs a second."""

from __future__ import annotations

import argparse
import logging
from contextlib import nullcontext

# Before Beam is imported: its import warns of missing parts.
logging.getLogger().addHandler(logging.NullHandler())

import apache_beam as beam
from apache_beam.options.pipeline_options import GoogleCloudOptions, PipelineOptions, TestOptions

from beam_jobs.beam_options import pipeline_options
from beam_jobs.drivers import files_on_beam
from beam_jobs.drivers import shuffle as shuffle_driver
from beam_jobs.drivers.beam_runner import ended_with_a_worker, pipeline
from beam_jobs.options import exchange, is_local
from beam_jobs.plan.job import Job

__all__ = ["dry_run", "graph", "pipeline_options", "run"]

logging.getLogger("apache_beam").setLevel(logging.ERROR)  # its local workers log needless warnings


def graph(job: Job, arguments: argparse.Namespace, options: PipelineOptions) -> beam.Pipeline:
    """Return the pipeline of the whole build; its steps exchange through Beam's shuffle or through files."""
    build = pipeline(options)
    transform = files_on_beam.OneAfterAnother(job) if exchange(arguments) == "files" else shuffle_driver.Build(job)
    _ = build | "Begin" >> beam.Create([0]) | "Build" >> transform
    return build


def run(job: Job, arguments: argparse.Namespace, options: PipelineOptions) -> None:
    """Run the graph, and wait for its end unless ``--no_wait`` is given."""
    with ended_with_a_worker() if is_local(arguments) else nullcontext():
        result = graph(job, arguments, options).run()
        if not arguments.no_wait:
            result.wait_until_finish()


def dry_run(job: Job, arguments: argparse.Namespace, options: PipelineOptions) -> str:
    """Build the graph and return a message with its size. Dataflow's own checks run on it, but no job starts."""
    if arguments.runner == "DataflowRunner":
        options.view_as(TestOptions).dry_run = True
        options.view_as(GoogleCloudOptions).no_auth = True  # nothing is sent, so no login is needed
    build = graph(job, arguments, options)
    if arguments.runner == "DataflowRunner":
        build.run()
    return f"graph of {len(build.to_runner_api().components.transforms)} transforms built, nothing run"
