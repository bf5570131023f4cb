"""The command line of a build: our options; whatever else is for Beam (``beam_options.py``)."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any, get_args

from beam_jobs import memory_budget
from beam_jobs.store.tables import COMPRESSIONS
from c4pipe import engine
from c4pipe.commoncrawl.listing import BASE_URL
from c4pipe.fs import paths
from c4pipe.shards import read_write
from c4pipe.shards.documents import SEEDS
from c4pipe.variants import SEMANTICS

FN_API_RUNNERS = ("FnApiRunner", "DirectRunner", "BundleBasedDirectRunner")  # names of one runner here
LOCAL_RUNNERS = (*FN_API_RUNNERS, "PrismRunner")  # of Beam, on this machine

EXAMPLES = """
examples:
  On this machine, all cores:
    python -m beam_jobs.build_c4 --input 'wet/**/*.warc.wet.gz' --output build --variant en --format parquet

  Several variants in one pass, and a further one later from what that left on disk:
    python -m beam_jobs.build_c4 --input 'wet/**/*.gz' --output build --variant en,realnewslike --keep_raw
    python -m beam_jobs.build_c4 --from_store build --output build2 --variant en.noclean,multilingual

  On Dataflow (see the README for the container image):
    python -m beam_jobs.build_c4 --input 'gs://bucket/wet/**.gz' --output gs://bucket/c4 --runner DataflowRunner \\
        --project PROJECT --region REGION --temp_location gs://bucket/tmp --sdk_container_image IMAGE

A build that was stopped goes on when the same command is given again. With --runner, options that are not listed here
are those of Beam.
"""


def formats(text: str) -> tuple[str, ...]:
    """Parse a list of shard formats.

    >>> formats("parquet,jsonl")
    ('parquet', 'jsonl')
    """
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    if not names or not set(names) <= set(read_write.FORMATS):
        raise argparse.ArgumentTypeError(
            f"{text!r} must be any of {', '.join(read_write.FORMATS)}, separated by commas"
        )
    return names


def named(text: str) -> str:
    """Parse what must not be empty, as it is where a script's variable is not set.

    >>> named("wet/*.gz,")
    'wet/*.gz,'
    """
    if not text.strip(", "):
        raise argparse.ArgumentTypeError(f"{text!r} names nothing; give a value, or leave the option out")
    return text


def positive(text: str) -> int:
    """Parse a number of at least 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} must be a whole number of at least 1")
    return int(text)


def not_negative(text: str) -> int:
    """Parse a number of at least 0."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} must be a whole number of at least 0")
    return int(text)


def seed(text: str) -> int:
    """Parse a seed of 64 bits.

    >>> seed("18446744073709551615") == 2**64 - 1
    True
    """
    if not text.isdecimal() or int(text) >= SEEDS:
        raise argparse.ArgumentTypeError(f"{text!r} must be a whole number from 0 to 2**64 - 1")
    return int(text)


OPTIONS: tuple[tuple[str, dict[str, Any]], ...] = (
    (
        "--input",
        {"type": named, "metavar": "PATHS", "help": "WET files: paths and globs, separated by commas"},
    ),
    (
        "--crawl",
        {
            "type": named,
            "metavar": "NAMES",
            "help": "crawls such as CC-MAIN-2019-18, separated by commas, or the reference's by the names en, webtext, "
            "multilingual: with --input, its files of these crawls; without, all files of them, each fetched when it "
            "is read",
        },
    ),
    (
        "--first",
        {"type": positive, "metavar": "N", "help": "with --crawl and no --input: the first N files of each crawl"},
    ),
    ("--base_url", {"default": BASE_URL, "help": "where crawls are fetched from (default: %(default)s)"}),
    (
        "--from_store",
        {
            "type": named,
            "action": "append",
            "metavar": "DIR",
            "help": "the --output of an earlier build, whose pages are taken instead of reading WET files again; with "
            "--input, besides those; may be given several times",
        },
    ),
    (
        "--keep_raw",
        {
            "action": "store_true",
            "help": "keep the text of pages before cleaning in the page store: any variant can be made from it later",
        },
    ),
    (
        "--urls",
        {
            "type": named,
            "metavar": "PATHS",
            "help": "for webtextlike: lists of URLs, one a line; files and globs, .gz, .xz or .zip",
        },
    ),
    (
        "--output",
        {
            "type": named,
            "required": True,
            "metavar": "DIR",
            "help": "folder of the build; DIR/<variant> will hold the shards",
        },
    ),
    (
        "--variant",
        {
            "type": named,
            "default": "en",
            "metavar": "V,...",
            "help": "what to build, separated by commas: published variants, or your own as module:NAME or "
            "file.py:NAME; name@CRAWL+CRAWL takes these crawls alone (default: %(default)s)",
        },
    ),
    (
        "--semantics",
        {
            "default": "3.1.0",
            "metavar": "VERSION",
            "help": f"version of the reference's rules: {', '.join(SEMANTICS)} (default: %(default)s)",
        },
    ),
    (
        "--format",
        {
            "default": ("jsonl",),
            "type": formats,
            "metavar": "F,...",
            "help": f"any of {', '.join(read_write.FORMATS)} (default: jsonl)",
        },
    ),
    (
        "--shards",
        {"type": positive, "metavar": "N", "help": "shards of a train split (default: by its size, as the reference)"},
    ),
    (
        "--seed",
        {"type": seed, "default": 0, "metavar": "N", "help": "of the order of documents (default: %(default)s)"},
    ),
    (
        "--resources",
        {
            "metavar": "DIR",
            "help": "folder of the pinned lists, or 'builtin' for small stand-ins "
            "(default: C4PIPE_RESOURCES, then the user's cache, then a download)",
        },
    ),
    (
        "--max_bad_files",
        {
            "type": not_negative,
            "default": 0,
            "metavar": "N",
            "help": "how many unreadable WET files may be named and left out (default: %(default)s)",
        },
    ),
    (
        "--workers",
        {
            "type": positive,
            "metavar": "N",
            "help": "processes on this machine (default: one a core, or as many as --memory is enough for)",
        },
    ),
    (
        "--memory",
        {
            "type": memory_budget.parse_size,
            "metavar": "SIZE",
            "help": "what all processes on this machine may take together, such as 8G (default: four fifths of it)",
        },
    ),
    (
        "--engine",
        {
            "choices": get_args(engine.Engine),
            "help": "what judges pages: compiled code, or the plain Python that it is held equal to (default: fast)",
        },
    ),
    (
        "--store_compression",
        {
            "choices": COMPRESSIONS,
            "help": "of the page store: none is a tenth of a build faster, zstd leaves half as much on the disk, lz4 "
            "two thirds (default: none on this machine, zstd where the store is remote)",
        },
    ),
    (
        "--exchange",
        {
            "choices": ("files", "shuffle"),
            "help": "how steps exchange: through files of the output folder (default without --runner), "
            "or by the shuffle of Beam in one graph (default with --runner)",
        },
    ),
    (
        "--runner",
        {
            "metavar": "NAME",
            "help": "a runner of Beam, such as DataflowRunner, or FnApiRunner on this machine (default: none, "
            "processes of this machine do the work)",
        },
    ),
    (
        "--no_wait",
        {"action": "store_true", "help": "on a cluster: submit the job and return, as a template launcher must"},
    ),
    ("--dry_run", {"action": "store_true", "help": "say what would be built, build the graph and stop"}),
)


def parser() -> argparse.ArgumentParser:
    """The options of ``python -m beam_jobs.build_c4``."""
    options = argparse.ArgumentParser(
        prog="python -m beam_jobs.build_c4",
        description="Build variants of C4 from WET files: clean, deduplicate, write shards.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    for names, settings in OPTIONS:
        options.add_argument(names, **settings)
    # As `c4pipe fetch` spells it, whose options are otherwise like these.
    options.add_argument("--base-url", dest="base_url", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    return options


def require_whole(arguments: argparse.Namespace, rest: Sequence[str]) -> None:
    """Raise ValueError where options lack the runner that they are for, or where ``rest`` cannot be one's."""
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
    """The build runs on this machine."""
    return arguments.runner is None or arguments.runner in LOCAL_RUNNERS


def store_compression(arguments: argparse.Namespace) -> str:
    """How the page store is compressed: not at all on a disk at hand, but what goes through a network is."""
    near = is_local(arguments) and not paths.is_remote(arguments.output)
    return str(arguments.store_compression or ("none" if near else "zstd"))


def exchange(arguments: argparse.Namespace) -> str:
    """How the steps exchange."""
    return str(arguments.exchange or ("shuffle" if arguments.runner else "files"))
