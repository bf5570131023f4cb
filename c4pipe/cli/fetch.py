"""``c4pipe fetch``: local copies of a crawl's WET files."""

from __future__ import annotations

import argparse

from c4pipe.cli.command import Command
from c4pipe.commoncrawl import fetch, listing
from c4pipe.fs import files


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``c4pipe fetch``."""
    parser.add_argument("crawl", metavar="CRAWL", help="crawl id, such as CC-MAIN-2019-18")
    parser.add_argument(
        "--output",
        required=True,
        metavar="DIR",
        help="folder for the files, made if missing; below it they keep their paths",
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--first", type=int, metavar="N", help="the first N files of the listing (default: 1)")
    which.add_argument("--range", type=parse_range, metavar="A-B", help="files A to B, counted from 0, both included")
    which.add_argument("--sample", type=int, metavar="N", help="N random files, the same for the same --seed")
    which.add_argument("--paths", metavar="FILE", help="the files listed in FILE, one path a line, gzipped or not")
    parser.add_argument("--seed", type=int, default=0, help="seed of --sample (default: %(default)s)")
    parser.add_argument(
        "--connections",
        type=int,
        default=fetch.CONNECTIONS,
        metavar="N",
        help="downloads at once (default: %(default)s)",
    )
    parser.add_argument(
        "--base-url",
        "--base_url",
        default=listing.BASE_URL,
        metavar="URL",
        help="address to fetch from, such as s3://commoncrawl (default: %(default)s)",
    )


def parse_range(text: str) -> tuple[int, int]:
    """Return the first and last number of a range.

    >>> parse_range("100-199")
    (100, 199)
    """
    start, dash, end = text.partition("-")
    if not (dash and start.isdecimal() and end.isdecimal()):
        raise argparse.ArgumentTypeError(f"{text!r} is no range like 100-199")
    return int(start), int(end)


def fetch_files(arguments: argparse.Namespace) -> None:
    """Fetch the chosen files and print their local paths."""
    files.require_folder(arguments.output, "name a folder as --output; it is made where there is none")
    for path in fetch.fetch(
        chosen_paths(arguments), arguments.output, base_url=arguments.base_url, connections=arguments.connections
    ):
        print(path)


def chosen_paths(arguments: argparse.Namespace) -> list[str]:
    """Return the paths in the crawl of the chosen files."""
    if arguments.paths is not None:
        listing.check_crawl(arguments.crawl)
        return listing.parse_listing(files.read_bytes(arguments.paths), arguments.crawl, arguments.paths)
    paths = listing.listing(arguments.crawl, arguments.base_url)
    if arguments.range is not None:
        return listing.span(paths, *arguments.range)
    if arguments.sample is not None:
        return listing.sample(paths, arguments.sample, arguments.seed)
    return listing.first(paths, 1 if arguments.first is None else arguments.first)


command = Command(
    summary="Download WET files of a crawl and print their paths.",
    examples="""
c4pipe fetch CC-MAIN-2024-22 --output wet
c4pipe fetch CC-MAIN-2019-18 --output wet --range 100-199
c4pipe fetch CC-MAIN-2019-18 --output wet --sample 64 --seed 1
c4pipe fetch CC-MAIN-2019-18 --output wet --paths wet.paths.gz
""",
    add_options=add_options,
    run=fetch_files,
)
