"""The command line of a build: our options; all others go to Beam (``beam_options.py``)."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from beam_jobs import option_groups
from c4pipe.fs import paths

FN_API_RUNNERS = ("FnApiRunner", "DirectRunner", "BundleBasedDirectRunner")  # names of one runner here
LOCAL_RUNNERS = (*FN_API_RUNNERS, "PrismRunner")  # of Beam, on this machine

CALLED = "python -m beam_jobs.build_c4"
SUMMARY = "Build variants of C4 from WET files: clean, deduplicate, write shards."
EXAMPLES = """
examples:
  On this machine, all cores:
    {called} --input 'wet/**/*.warc.wet.gz' --output build --variant en --format parquet

  Several variants in one pass, and a further one later from the page store of the first build:
    {called} --input 'wet/**/*.gz' --output build --variant en,realnewslike --keep_raw
    {called} --from_store build --output build2 --variant en.noclean,multilingual

  On Dataflow (see the README for the container image):
    {called} --input 'gs://bucket/wet/**.gz' --output gs://bucket/c4 --runner DataflowRunner \\
        --project PROJECT --region REGION --temp_location gs://bucket/tmp --sdk_container_image IMAGE

A build that was stopped goes on when the same command is given again. With --runner, options that are not listed here
go to Beam. Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted.
"""


def parser(called: str = CALLED) -> argparse.ArgumentParser:
    """Return the parser of a build's options; ``called`` is how a user calls it."""
    options = argparse.ArgumentParser(
        prog=called,
        description=SUMMARY,
        epilog=EXAMPLES.format(called=called),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    option_groups.add_input(options.add_argument_group("input"))
    option_groups.add_output(options.add_argument_group("output"))
    option_groups.add_build(options.add_argument_group("what to build"))
    option_groups.add_machine(options.add_argument_group("machine"))
    option_groups.add_runner(options.add_argument_group("runner"))
    return options


def check_runner(arguments: argparse.Namespace, rest: Sequence[str]) -> None:
    """Raise ValueError where an option needs a runner, or where words in ``rest`` are no option at all."""
    if arguments.runner:
        if arguments.no_wait and exchange(arguments) == "files":
            raise ValueError("--no_wait is for --exchange shuffle: through files the command itself ends the build")
        return
    if arguments.exchange == "shuffle":
        raise ValueError(
            "--exchange shuffle is the shuffle of Beam, and needs a runner: add --runner FnApiRunner for this machine, "
            "or leave --exchange out"
        )
    if arguments.no_wait:
        raise ValueError("--no_wait is for a runner on a cluster; name it with --runner")
    if rest:
        raise ValueError(
            f"unknown: {' '.join(rest)}; --help lists the options, those of Beam go with --runner, and a glob is put "
            "in quotes so that the shell leaves it as it is"
        )


def is_local(arguments: argparse.Namespace) -> bool:
    """Return whether the build runs on this machine."""
    return arguments.runner is None or arguments.runner in LOCAL_RUNNERS


def store_compression(arguments: argparse.Namespace) -> str:
    """Return the compression of the page store: none on a local disk, zstd where bytes cross a network."""
    near = is_local(arguments) and not paths.is_remote(arguments.output)
    return str(arguments.store_compression or ("none" if near else "zstd"))


def exchange(arguments: argparse.Namespace) -> str:
    """Return how the steps exchange: through files without a runner, by the shuffle with one."""
    return str(arguments.exchange or ("shuffle" if arguments.runner else "files"))
