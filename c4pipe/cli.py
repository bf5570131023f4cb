"""The ``c4pipe`` command: data to stdout, talk to stderr."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Callable, Sequence

from tqdm.contrib.logging import logging_redirect_tqdm

from c4pipe import pinned, resources
from c4pipe.command import Commands, WrongUsage, command
from c4pipe.commoncrawl import fetch, listing
from c4pipe.conform_command import add_conform
from c4pipe.fs import files, paths
from c4pipe.terminal import say
from c4pipe.variant_commands import add_explain, add_variants

FAILED, WRONG_USAGE, INTERRUPTED = 1, 2, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns 0, what the command says, or 1 with a message on stderr, 2 for wrong usage."""
    arguments = parser().parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    run: Callable[[argparse.Namespace], int | None] = arguments.run
    try:
        with logging_redirect_tqdm():
            return run(arguments) or 0
    except BrokenPipeError:  # who reads the output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except (listing.CrawlError, resources.ResourceError, OSError, ImportError, ValueError) as error:
        say(f"c4pipe {arguments.command}: {error}", sys.stderr)
        return WRONG_USAGE if isinstance(error, WrongUsage) else FAILED
    except KeyboardInterrupt:
        print("interrupted; the same command again goes on where this one stopped", file=sys.stderr)
        return INTERRUPTED


def parser() -> argparse.ArgumentParser:
    """The parser of all commands: each is one function in ``COMMANDS``."""
    root = argparse.ArgumentParser(prog="c4pipe", description="Builds C4 from Common Crawl.")
    commands = root.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for add in COMMANDS:
        add(commands)
    return root


def add_fetch(commands: Commands) -> None:
    """``c4pipe fetch``: local copies of a crawl's WET files."""
    parser = command(
        commands,
        "fetch",
        "Bring WET files of a crawl to this machine and print where they are.",
        """
c4pipe fetch CC-MAIN-2024-22 --output wet
c4pipe fetch CC-MAIN-2019-18 --output wet --range 100-199
c4pipe fetch CC-MAIN-2019-18 --output wet --sample 64 --seed 1
c4pipe fetch CC-MAIN-2019-18 --output wet --paths wet.paths.gz
""",
    )
    parser.add_argument("crawl", metavar="CRAWL", help="crawl id, such as CC-MAIN-2019-18")
    parser.add_argument(
        "--output", required=True, metavar="DIR", help="folder for the files, below which their paths are kept"
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--first", type=int, metavar="N", help="the first N files of the listing (without a choice: 1)")
    which.add_argument("--range", type=ends, metavar="A-B", help="files A to B, counted from 0, both included")
    which.add_argument("--sample", type=int, metavar="N", help="N files by chance, the same for the same --seed")
    which.add_argument("--paths", metavar="FILE", help="the files that FILE lists, a path a line, gzipped or not")
    parser.add_argument("--seed", type=int, default=0, help="of --sample (default: %(default)s)")
    parser.add_argument(
        "--connections", type=int, default=fetch.CONNECTIONS, metavar="N", help="at once (default: %(default)s)"
    )
    parser.add_argument(
        "--base-url",
        "--base_url",
        default=listing.BASE_URL,
        metavar="URL",
        help="also s3://commoncrawl (default: %(default)s)",
    )
    parser.set_defaults(run=fetch_files)


def ends(text: str) -> tuple[int, int]:
    """The ends of a range.

    >>> ends("100-199")
    (100, 199)
    """
    start, dash, end = text.partition("-")
    if not (dash and start.isdecimal() and end.isdecimal()):
        raise argparse.ArgumentTypeError(f"{text!r} is no range like 100-199")
    return int(start), int(end)


def fetch_files(arguments: argparse.Namespace) -> None:
    """Fetch the files that the arguments choose, and print their paths."""
    files.require_folder(arguments.output, "name a folder as --output; it is made where there is none")
    for path in fetch.fetch(
        chosen(arguments), arguments.output, base_url=arguments.base_url, connections=arguments.connections
    ):
        print(path)


def chosen(arguments: argparse.Namespace) -> list[str]:
    """The paths in the crawl that the arguments choose."""
    if arguments.paths is not None:
        listing.check_crawl(arguments.crawl)
        return listing.parse_listing(files.read_bytes(arguments.paths), arguments.crawl, arguments.paths)
    paths = listing.listing(arguments.crawl, arguments.base_url)
    if arguments.range is not None:
        return listing.span(paths, *arguments.range)
    if arguments.sample is not None:
        return listing.sample(paths, arguments.sample, arguments.seed)
    return listing.first(paths, 1 if arguments.first is None else arguments.first)


def add_resources(commands: Commands) -> None:
    """``c4pipe resources``: the pinned lists and where they are."""
    parser = command(
        commands,
        "resources",
        "Show each pinned file, its SHA-256 and where it is, or fetch them all for use without network.",
        """
c4pipe resources
c4pipe resources --fetch
c4pipe resources --output resources
""",
    )
    parser.add_argument("--resources", metavar="DIR", help="a folder to look in first (default: C4PIPE_RESOURCES)")
    parser.add_argument("--fetch", action="store_true", help="fetch what is missing into the cache")
    parser.add_argument("--output", metavar="DIR", help="put all files into this folder, with their SHA256SUMS")
    parser.set_defaults(run=show_resources)


def show_resources(arguments: argparse.Namespace) -> None:
    """Print ``SHA-256  name  place`` of each pinned file, after fetching or copying them if that is asked for."""
    if arguments.resources:
        resources.use(arguments.resources)
    for name in pinned.PINNED:
        if arguments.output:
            files.write_bytes(paths.join(arguments.output, *name.split("/")), resources.read(name))
        elif arguments.fetch:
            resources.read(name)
    if arguments.output:
        sums = "".join(f"{resource.sha256}  ./{name}\n" for name, resource in pinned.PINNED.items())
        files.write_text(paths.join(arguments.output, "SHA256SUMS"), sums)
        resources.use(arguments.output)
    for name, resource in pinned.PINNED.items():
        print(resource.sha256, name, resources.locate(name) or f"not here; {resource.address}", sep="  ")


COMMANDS = (add_fetch, add_resources, add_variants, add_explain, add_conform)
