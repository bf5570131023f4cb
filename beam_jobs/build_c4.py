"""Build C4 from WET files: ``python -m beam_jobs.build_c4 --help``."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext

# Before Beam is imported: it warns of parts that are not installed.
logging.getLogger().addHandler(logging.NullHandler())

import apache_beam as beam
from apache_beam.options.pipeline_options import DirectOptions, GoogleCloudOptions, PipelineOptions, TestOptions

from beam_jobs import files_driver, graph_driver, identity, processes, report, steps
from beam_jobs.beam_options import pipeline_options
from beam_jobs.lock import held
from beam_jobs.options import exchange, is_local, parser
from beam_jobs.plan import Job, describe
from beam_jobs.planning import check_disk, planned, rehearse
from beam_jobs.processes import Processes
from beam_jobs.progress import Progress
from beam_jobs.runner import ended_with_a_worker, pipeline
from c4pipe import crawl, download, engine, files, location, resources, terminal


class BadOptions(ValueError):
    """Options that do not make a build."""


# What a user can mend, told without a traceback.
EXPECTED = (
    OSError,
    ImportError,  # a library for gs:// or s3:// that is not installed, say
    BadOptions,
    identity.AnotherBuild,
    processes.ProcessLost,
    report.TooManyBadFiles,
    resources.ResourceError,
    engine.EngineError,
    crawl.CrawlError,
    download.DownloadError,
)
INTERRUPTED = 128 + signal.SIGINT  # as a shell has it


def main(argv: Sequence[str] | None = None) -> int:
    """Run a build; 0 if it stands whole, 1 with the reason if not, 130 if Ctrl-C stopped it."""
    logging.basicConfig(level=logging.WARNING, force=True)
    logging.getLogger("apache_beam").setLevel(logging.ERROR)  # its local workers warn of what does not concern them
    arguments, rest = parser().parse_known_args(argv)
    try:
        run(arguments, rest)
    except EXPECTED as error:
        say(f"build_c4: {error}")
        return 1
    except KeyboardInterrupt:
        say("build_c4: stopped; the same command goes on from what is done")
        return INTERRUPTED
    return 0


def run(arguments: argparse.Namespace, rest: Sequence[str]) -> None:
    """Plan, take the folder, build, say what came out."""
    try:
        location.require_known(arguments.output)
        location.require_utf8(arguments.output)
        files.require_folder(arguments.output, "name a folder as --output; it is made where there is none")
        job, selection = planned(arguments)
        options = beam_options(arguments, rest, job.workers)
    except ValueError as error:
        raise BadOptions(str(error)) from error
    size = f"{terminal.counted(job.parts, 'part')}, {selection.bytes:,} bytes of gzipped WET"
    say(f"{size}, into {job.output} as {', '.join(job.formats)}")
    for line in describe(job):
        say(f"  {line}")
    if arguments.dry_run:
        dry_run(job, arguments, options)
        return
    if is_local(arguments):
        rehearse(job)
        say(f"  {engine.told()}")
    with shared_by(job, arguments) as workers, held(job.output):
        if not is_whole(job):
            check_disk(job, selection, arguments)
        if identity.claim_folder(job, selection):
            say("going on with the build that was begun there")
        build(job, arguments, options, workers)


def beam_options(arguments: argparse.Namespace, rest: Sequence[str], workers: int) -> PipelineOptions:
    """Beam's options; of its own workers it gets as many only where no processes of ours do the work."""
    if not has_processes(arguments):
        return pipeline_options(arguments, rest, workers)
    options = pipeline_options(arguments, rest)
    options.view_as(DirectOptions).direct_running_mode = "in_memory"
    return options


def has_processes(arguments: argparse.Namespace) -> bool:
    """Processes of our own do the items of the steps; otherwise workers of the runner do."""
    return is_local(arguments) and exchange(arguments) == "files"


def shared_by(job: Job, arguments: argparse.Namespace) -> AbstractContextManager[Processes | None]:
    """The processes that do the items of the steps, if they are our own."""
    return processes.ready(job) if has_processes(arguments) else nullcontext()


def build(job: Job, arguments: argparse.Namespace, options: PipelineOptions, workers: Processes | None) -> None:
    """Run the job with the driver that fits the runner."""
    for folder in (job.store.folder, *(job.folder(wanted.variant) for wanted in job.wanted)):
        files.sweep(folder)  # no other: another build, or a fetch, may be at work in one beside it
    report.forget_unreadable(job)
    if is_whole(job):
        folders = " and ".join(job.folder(wanted.variant) for wanted in job.wanted)
        say(f"nothing to do: the build is whole, as manifest.json in {folders} says")
        job.store.forget_exchanges()  # in case it was killed just before that
    else:
        steps.list_urls(job)
        if exchange(arguments) == "files":
            build_through_files(job, options, workers)
        else:
            with ended_with_a_worker() if is_local(arguments) else nullcontext():
                result = graph(job, options).run()
                if not arguments.no_wait:
                    result.wait_until_finish()
    if is_local(arguments):
        for line in report.summary(job):
            say(line)


def is_whole(job: Job) -> bool:
    """Each variant has its manifest, which is written last."""
    return all(files.exists(job.manifest(wanted.variant)) for wanted in job.wanted)


def build_through_files(job: Job, options: PipelineOptions, workers: Processes | None) -> None:
    """A run of Beam, and what may be removed after it."""
    with Progress(job, files_driver.PHASES):
        files_driver.run(job, options, workers)
    report.check_bad_files(job)
    report.publish(job)
    job.store.forget_exchanges()


def graph(job: Job, options: PipelineOptions) -> beam.Pipeline:
    """The whole build as one graph."""
    whole = pipeline(options)
    _ = whole | "Begin" >> beam.Create([0]) | "Build" >> graph_driver.Build(job)
    return whole


def dry_run(job: Job, arguments: argparse.Namespace, options: PipelineOptions) -> None:
    """Build the graph; Dataflow's own checks see it, but no job starts."""
    if arguments.runner == "DataflowRunner":
        options.view_as(TestOptions).dry_run = True
        options.view_as(GoogleCloudOptions).no_auth = True  # nothing is sent, so nobody need log in
    whole = graph(job, options)
    if arguments.runner == "DataflowRunner":
        whole.run()
    say(f"graph of {len(whole.to_runner_api().components.transforms)} transforms built, nothing run")


def say(text: str) -> None:
    """Talk to the user, not into the data."""
    terminal.say(text, sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
