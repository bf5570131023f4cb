"""The options of a build by group, a function each: name, type, default, help."""

from __future__ import annotations

import argparse
from typing import get_args

from beam_jobs import memory_budget
from beam_jobs.option_types import formats, not_empty, not_negative, positive, seed_64
from beam_jobs.store.tables import COMPRESSIONS
from c4pipe import engine
from c4pipe.commoncrawl.listing import BASE_URL
from c4pipe.shards import read_write
from c4pipe.variants import SEMANTICS


def add_input(group: argparse._ArgumentGroup) -> None:
    """Add the options that name the pages of a build."""
    group.add_argument(
        "--input", type=not_empty, metavar="PATHS", help="WET files: paths and globs, separated by commas"
    )
    _add_crawls(group)
    _add_beside(group)


def _add_crawls(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--crawl",
        type=not_empty,
        metavar="NAMES",
        help="crawls such as CC-MAIN-2019-18, separated by commas, or the reference's by the names en, webtext, "
        "multilingual. With --input: only its files of these crawls. Without: all files of them, each fetched when "
        "it is read",
    )
    group.add_argument(
        "--first", type=positive, metavar="N", help="with --crawl and no --input: the first N files of each crawl"
    )
    group.add_argument(
        "--base_url", default=BASE_URL, metavar="URL", help="address to fetch crawls from (default: %(default)s)"
    )
    # As `c4pipe fetch` spells it, whose options are otherwise like these.
    group.add_argument("--base-url", dest="base_url", default=argparse.SUPPRESS, help=argparse.SUPPRESS)


def _add_beside(group: argparse._ArgumentGroup) -> None:
    """Add the page stores and lists that a build reads beside WET files, and its patience with files."""
    group.add_argument(
        "--from_store",
        type=not_empty,
        action="append",
        metavar="DIR",
        help="the --output of an earlier build: take its pages, and read no WET file of it again; with --input, "
        "take both; may be given several times",
    )
    group.add_argument(
        "--urls",
        type=not_empty,
        metavar="PATHS",
        help="for webtextlike: lists of URLs, one a line; files and globs, .gz, .xz or .zip",
    )
    group.add_argument(
        "--max_bad_files",
        type=not_negative,
        default=0,
        metavar="N",
        help="leave out and name up to N unreadable WET files (default: %(default)s)",
    )


def add_output(group: argparse._ArgumentGroup) -> None:
    """Add the options of the output folder: formats, shards, page store."""
    group.add_argument(
        "--output",
        type=not_empty,
        required=True,
        metavar="DIR",
        help="folder of the build, made if missing; DIR/<variant> will hold the shards",
    )
    group.add_argument(
        "--format",
        default=("jsonl",),
        type=formats,
        metavar="F,...",
        help=f"any of {', '.join(read_write.FORMATS)} (default: jsonl)",
    )
    group.add_argument(
        "--shards", type=positive, metavar="N", help="shards of a train split (default: by its size, as the reference)"
    )
    group.add_argument(
        "--seed", type=seed_64, default=0, metavar="N", help="seed of the order of documents (default: %(default)s)"
    )
    _add_store(group)


def _add_store(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--keep_raw",
        action="store_true",
        help="keep the text of pages before cleaning in the page store: any variant can be made from it later",
    )
    group.add_argument(
        "--store_compression",
        choices=COMPRESSIONS,
        help="compression of the page store: none is a tenth of a build faster, zstd leaves half as much on the disk, "
        "lz4 two thirds (default: none on this machine, zstd where the store is remote)",
    )


def add_build(group: argparse._ArgumentGroup) -> None:
    """Add the options of the variants and their rules."""
    group.add_argument(
        "--variant",
        type=not_empty,
        default="en",
        metavar="V,...",
        help="published variants, separated by commas, or your own as module:NAME or file.py:NAME; "
        "name@CRAWL+CRAWL takes only these crawls (default: %(default)s)",
    )
    group.add_argument(
        "--semantics",
        default="3.1.0",
        metavar="VERSION",
        help=f"version of the reference's rules: {', '.join(SEMANTICS)} (default: %(default)s)",
    )
    group.add_argument(
        "--resources",
        metavar="DIR",
        help="folder of the pinned lists, or 'builtin' for small stand-ins "
        "(default: C4PIPE_RESOURCES, then the user's cache, then a download)",
    )
    group.add_argument("--dry_run", action="store_true", help="print what would be built, build the graph and stop")


def add_machine(group: argparse._ArgumentGroup) -> None:
    """Add the options of this machine: processes, memory, engine."""
    group.add_argument(
        "--workers",
        type=positive,
        metavar="N",
        help="processes on this machine (default: one a core, or as many as --memory is enough for)",
    )
    group.add_argument(
        "--memory",
        type=memory_budget.parse_size,
        metavar="SIZE",
        help="limit for all processes on this machine together, such as 8G (default: four fifths of its memory)",
    )
    group.add_argument(
        "--engine",
        choices=get_args(engine.Engine),
        help="compiled code, or the plain Python that it is held equal to (default: fast)",
    )


def add_runner(group: argparse._ArgumentGroup) -> None:
    """Add the options of a runner of Beam."""
    group.add_argument(
        "--runner",
        metavar="NAME",
        help="a runner of Beam, such as DataflowRunner, or FnApiRunner on this machine (default: none, "
        "processes of this machine do the work)",
    )
    group.add_argument(
        "--exchange",
        choices=("files", "shuffle"),
        help="how steps exchange: through files of the output folder (default without --runner), "
        "or by the shuffle of Beam in one graph (default with --runner)",
    )
    group.add_argument(
        "--no_wait", action="store_true", help="on a cluster: submit the job and return, as a template launcher must"
    )
