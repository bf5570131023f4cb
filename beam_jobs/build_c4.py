"""Build C4 from WET files: ``python -m beam_jobs.build_c4 --help``."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from types import ModuleType
from typing import TYPE_CHECKING

from beam_jobs.drivers import files as files_driver
from beam_jobs.drivers import processes
from beam_jobs.drivers.processes import Processes
from beam_jobs.drivers.progress import Progress
from beam_jobs.options import CALLED, check_runner, exchange, is_local, parser
from beam_jobs.plan import identity
from beam_jobs.plan.job import Job, describe
from beam_jobs.plan.planner import check_disk, planned, rehearse
from beam_jobs.report import bad_files, manifest
from beam_jobs.report.summary import summary
from beam_jobs.steps import tasks
from beam_jobs.store.lock import held
from c4pipe import engine, resources, terminal
from c4pipe.cli.errors import error_line
from c4pipe.commoncrawl import listing
from c4pipe.fs import download, files, paths

if TYPE_CHECKING:
    from apache_beam.options.pipeline_options import PipelineOptions


class BadOptions(ValueError):
    """Options that do not describe a build."""


# Errors that a user can mend: one line, no traceback.
EXPECTED = (
    OSError,
    ImportError,  # a library for gs:// or s3:// that is not installed, say
    BadOptions,
    identity.AnotherBuild,
    processes.ProcessLost,
    bad_files.TooManyBadFiles,
    resources.ResourceError,
    engine.EngineError,
    listing.CrawlError,
    download.DownloadError,
)
INTERRUPTED = 128 + signal.SIGINT  # the exit code that a shell gives


def main(argv: Sequence[str] | None = None, *, called: str = CALLED) -> int:
    """Run a build; return 0 if it is whole, 1 with the reason on stderr if not, 130 if Ctrl-C stopped it.

    ``called`` is how the user calls it.
    """
    logging.basicConfig(level=logging.WARNING, force=True)
    command = parser(called)
    arguments, rest = command.parse_known_args(argv)
    name = "build_c4" if called == CALLED else called
    try:
        run_build(arguments, rest)
    except EXPECTED as error:
        say(f"{name}: {error_line(error, command, arguments)}")
        return 1
    except KeyboardInterrupt:
        say(f"{name}: stopped; the same command goes on from what is done")
        return INTERRUPTED
    return 0


def run_build(arguments: argparse.Namespace, rest: Sequence[str]) -> None:
    """Plan the build, claim its folder, build, and print a summary to stderr."""
    try:
        check_runner(arguments, rest)
        paths.require_known(arguments.output)
        paths.require_utf8(arguments.output)
        files.require_folder(arguments.output, "name a folder as --output; it is made where there is none")
        job, selection = planned(arguments)
        options = on_beam().pipeline_options(arguments, rest, job.workers) if arguments.runner else None
    except ValueError as error:
        raise BadOptions(str(error)) from error
    size = f"{terminal.counted(job.parts, 'part')}, {selection.bytes:,} bytes of gzipped WET"
    say(f"{size}, into {job.output} as {', '.join(job.formats)}")
    for line in describe(job):
        say(f"  {line}")
    if arguments.dry_run:
        say("nothing run" if options is None else on_beam().dry_run(job, arguments, options))
        return
    if is_local(arguments):
        rehearse(job)
        say(f"  {engine.message()}")
    with local_processes(job, arguments) as workers, held(job.output):
        if not is_whole(job):
            check_disk(job, selection, arguments)
        if identity.claim_folder(job, selection):
            say("going on with the build that was begun there")
        build(job, arguments, options, workers)


def on_beam() -> ModuleType:
    """Return the module that hands a build to Beam. It is imported here, since importing Beam takes a second."""
    from beam_jobs.drivers import on_beam

    return on_beam


def local_processes(job: Job, arguments: argparse.Namespace) -> AbstractContextManager[Processes | None]:
    """Return the processes that run the items of the steps; None if workers of a runner do."""
    return nullcontext() if arguments.runner else processes.ready(job)


def build(job: Job, arguments: argparse.Namespace, options: PipelineOptions | None, workers: Processes | None) -> None:
    """Run the job with the named runner, or with processes of this machine."""
    for folder in (job.store.folder, *(job.folder(wanted.variant) for wanted in job.wanted)):
        files.sweep(folder)  # only these: another build or a fetch may be at work in a folder beside them
    bad_files.forget_unreadable(job)
    if is_whole(job):
        folders = " and ".join(job.folder(wanted.variant) for wanted in job.wanted)
        say(f"nothing to do: the build is whole, as manifest.json in {folders} says")
        job.store.forget_exchanges()  # in case it was killed just before that
    else:
        tasks.list_urls(job)
        if exchange(arguments) == "files":
            build_through_files(job, arguments, options, workers)
        else:
            on_beam().run(job, arguments, options)
    if is_local(arguments):
        for line in summary(job):
            say(line)


def build_through_files(
    job: Job, arguments: argparse.Namespace, options: PipelineOptions | None, workers: Processes | None
) -> None:
    """Run the steps one after another, write the manifests, then remove the files that the steps exchanged."""
    with Progress(job, files_driver.PHASES):
        if workers is None:
            on_beam().run(job, arguments, options)
        else:
            files_driver.run(job, workers)
    bad_files.check_bad_files(job)
    manifest.publish(job)
    job.store.forget_exchanges()


def is_whole(job: Job) -> bool:
    """Return whether each variant has its manifest, which is written last."""
    return all(files.exists(job.manifest(wanted.variant)) for wanted in job.wanted)


def say(text: str) -> None:
    """Print a line for the user to stderr."""
    terminal.say(text, sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
