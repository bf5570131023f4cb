"""Build C4 from WET files: ``python -m beam_jobs.build_c4 --help``."""

from __future__ import annotations

import argparse
import glob
import logging
import sys
from collections.abc import Sequence
from typing import Any

import apache_beam as beam
from apache_beam.options.pipeline_options import GoogleCloudOptions, PipelineOptions, TestOptions

from beam_jobs import files_driver, graph_driver, identity, report
from beam_jobs.lock import held
from beam_jobs.options import exchange, is_local, parser, pipeline_options
from beam_jobs.plan import Job, default_buckets, default_shards, legs
from c4pipe import files, resources
from c4pipe.variants import variant

# What a build writes for a byte of input (gzipped WET), measured on real pages: store and exchanges, then each format.
STORE_SHARE, FORMAT_SHARE = 0.6, 0.15


class BadOptions(ValueError):
    """Options that do not make a build."""


# What a user can mend, told without a traceback.
EXPECTED = (OSError, BadOptions, identity.AnotherBuild, report.TooManyBadFiles, resources.ResourceError)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a build; 0 if it stands whole, 1 with the reason if not."""
    logging.basicConfig(level=logging.WARNING)
    logging.getLogger("apache_beam").setLevel(logging.ERROR)  # its local workers warn of what does not concern them
    arguments, rest = parser().parse_known_args(argv)
    try:
        run(arguments, rest)
    except EXPECTED as error:
        print(f"build_c4: {error}", file=sys.stderr)
        return 1
    return 0


def run(arguments: argparse.Namespace, rest: Sequence[str]) -> None:
    """Plan, take the folder, build, say what came out."""
    try:
        inputs = identity.inputs_of(files.expand(arguments.input))
        job = plan(arguments, inputs)
        options = pipeline_options(arguments, rest)
    except ValueError as error:
        raise BadOptions(str(error)) from error
    say(
        f"{job.variant.name} {job.variant.semantics} from {len(inputs)} WET files, "
        f"{sum(source['size'] for source in inputs):,} bytes, into {job.folder}: "
        f"{job.shards_of('train')} + {job.shards_of('validation')} shards as {', '.join(job.formats)}"
    )
    if arguments.dry_run:
        dry_run(job, arguments, options)
        return
    with held(job.output):
        check_disk(job, inputs)
        if identity.claim_folder(job, inputs):
            say("going on with the build that was begun there")
        build(job, arguments, options)


def plan(arguments: argparse.Namespace, inputs: Sequence[dict[str, Any]]) -> Job:
    """The job that the options ask for."""
    size = sum(source["size"] for source in inputs)
    if arguments.runner == "DataflowRunner" and not arguments.dry_run:
        local = [
            path for path in (arguments.output, *(source["path"] for source in inputs)) if not files.is_remote(path)
        ]
        if local:
            raise ValueError(f"Dataflow's workers cannot reach {local[0]!r}; give gs:// paths")
    planned = variant(arguments.variant, arguments.semantics)
    legs(planned)  # a variant that cannot be built fails here, not on a worker
    return Job(
        output=arguments.output,
        variant=planned,
        formats=arguments.format,
        shards=arguments.shards or default_shards(size),
        seed=arguments.seed,
        parts=len(inputs),
        buckets=default_buckets(size),
        resources=arguments.resources or resources.source(),
        max_bad_files=arguments.max_bad_files,
    )


def build(job: Job, arguments: argparse.Namespace, options: PipelineOptions) -> None:
    """Run the job with the driver that fits the runner."""
    files.sweep(job.output)
    report.forget_unreadable(job)
    if files.exists(files.join(job.folder, "manifest.json")):
        say(f"nothing to do: the build is whole, as {job.folder}/manifest.json says")
        job.store.forget_exchanges()  # in case it was killed just before that
    elif exchange(arguments) == "files":
        build_through_files(job, options)
    else:
        pipeline = graph(job, options)
        result = pipeline.run()
        if not arguments.no_wait:
            result.wait_until_finish()
    if is_local(arguments):
        say(report.summary(job))


def build_through_files(job: Job, options: PipelineOptions) -> None:
    """Three runs of Beam, and what may be removed after the last."""
    for phase, steps in files_driver.phases_of(job).items():
        with report.Progress(job, phase, [step.name for step in steps]):
            files_driver.run_phase(job, steps, options)
        if phase == "clean":
            report.check_bad_files(job)
    report.publish(job)
    job.store.forget_exchanges()


def graph(job: Job, options: PipelineOptions) -> beam.Pipeline:
    """The whole build as one graph."""
    pipeline = beam.Pipeline(options=options)
    _ = pipeline | "Begin" >> beam.Create([0]) | "Build" >> graph_driver.Build(job)
    return pipeline


def dry_run(job: Job, arguments: argparse.Namespace, options: PipelineOptions) -> None:
    """Say what each phase would do, and build the graph; Dataflow's own checks see it, but no job starts."""
    for phase, steps in files_driver.phases_of(job).items():
        say(f"{phase}: {', '.join(step.name for step in steps)}")
    if arguments.runner == "DataflowRunner":
        options.view_as(TestOptions).dry_run = True
        options.view_as(GoogleCloudOptions).no_auth = True  # nothing is sent, so nobody need log in
    pipeline = graph(job, options)
    if arguments.runner == "DataflowRunner":
        pipeline.run()
    say(f"graph of {len(pipeline.to_runner_api().components.transforms)} transforms built, nothing run")


def check_disk(job: Job, inputs: Sequence[dict[str, Any]]) -> None:
    """Stop before a build that the disk cannot hold; what an earlier run has written is no longer needed."""
    free = files.free_bytes(job.output)
    if free is None:
        return
    size = sum(source["size"] for source in inputs)
    written = sum(map(files.size, files.matches(files.join(glob.escape(job.output), "**"))))
    needed = int(size * (STORE_SHARE + FORMAT_SHARE * len(job.formats))) - written
    if free < needed:
        raise OSError(
            f"{job.output} has {free:,} bytes free, but the build of {size:,} bytes of WET needs about {needed:,} "
            "more; free some, name an --output on a larger disk, or build fewer files"
        )


def say(text: str) -> None:
    """Talk to the user, not into the data."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
