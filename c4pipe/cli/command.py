"""A sub-command of ``c4pipe``: its help, its options and the function that runs."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from tqdm.contrib.logging import logging_redirect_tqdm

from c4pipe import resources
from c4pipe.cli.errors import error_line
from c4pipe.commoncrawl import listing
from c4pipe.terminal import say

FAILED, WRONG_USAGE, DIFFERENT, INTERRUPTED = 1, 2, 3, 130


class WrongUsage(ValueError):
    """Options that exclude each other, or lack another. The exit code is 2, as for errors of argparse."""


class Subcommand(Protocol):
    """The interface of the object ``command`` in a sub-command's file."""

    @property
    def summary(self) -> str:
        """One line for ``c4pipe --help``."""

    def parser(self, called: str) -> argparse.ArgumentParser:
        """Return the parser of its options; ``called`` is how a user calls it, such as ``c4pipe fetch``."""

    def main(self, argv: Sequence[str], called: str) -> int:
        """Run it with the words after its name; return the exit code."""


@dataclass(frozen=True, kw_only=True)
class Command:
    """A sub-command with a summary, examples, options and one function."""

    summary: str  # of ``c4pipe --help``, and the first line of its own
    examples: str  # a line each
    add_options: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int | None]  # returns the exit code; None is 0

    def parser(self, called: str) -> argparse.ArgumentParser:
        """Return the parser, whose help ends with the examples."""
        parser = argparse.ArgumentParser(
            prog=called,
            description=self.summary,
            epilog="examples:\n" + "\n".join(f"  {line}" for line in self.examples.strip().splitlines()),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        self.add_options(parser)
        return parser

    def main(self, argv: Sequence[str], called: str) -> int:
        """Run it; return its exit code, or 1 with a line on stderr, 2 for wrong usage, 130 after Ctrl-C."""
        parser = self.parser(called)
        arguments = parser.parse_args(argv)
        logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
        try:
            with logging_redirect_tqdm():
                return self.run(arguments) or 0
        except BrokenPipeError:  # the reader of the output, such as head, has ended
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return FAILED
        except (listing.CrawlError, resources.ResourceError, OSError, ImportError, ValueError) as error:
            say(f"{called}: {error_line(error, parser, arguments)}", sys.stderr)
            return WRONG_USAGE if isinstance(error, WrongUsage) else FAILED
        except KeyboardInterrupt:
            say("interrupted; the same command again goes on where this one stopped", sys.stderr)
            return INTERRUPTED
