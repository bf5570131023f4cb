"""The ``c4pipe`` command: data to stdout, talk to stderr."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Callable, Sequence

from tqdm.contrib.logging import logging_redirect_tqdm

from c4pipe import resources
from c4pipe.cli.conform import add_conform
from c4pipe.cli.explain import add_explain
from c4pipe.cli.fetch import add_fetch
from c4pipe.cli.options import WrongUsage
from c4pipe.cli.resources import add_resources
from c4pipe.cli.variants import add_variants
from c4pipe.commoncrawl import listing
from c4pipe.terminal import say

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


COMMANDS = (add_fetch, add_resources, add_variants, add_explain, add_conform)
