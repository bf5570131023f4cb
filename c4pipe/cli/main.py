"""The ``c4pipe`` command: it finds its sub-commands by entry points, and imports the one that is asked for."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from c4pipe.cli.command import FAILED
from c4pipe.cli.registry import NoCommand, load, registered, version
from c4pipe.terminal import say

EXIT_CODES = "exit codes: 0 done, 1 failed, 2 wrong usage, 3 something differs (conform, verify), 130 interrupted"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one sub-command; return its exit code, or 1 with a line on stderr where it cannot be loaded."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        points = registered()
        if not words or words[0] not in points:
            overview().parse_args(words)
            return FAILED  # not reached: the parser has said what is wrong, or shown its help
        command = load(points[words[0]])
    except NoCommand as error:
        say(f"c4pipe: {error}", sys.stderr)
        return FAILED
    return command.main(words[1:], f"c4pipe {words[0]}")


def overview() -> argparse.ArgumentParser:
    """Return the parser of ``c4pipe`` alone: its help lists each sub-command with its summary."""
    parser = argparse.ArgumentParser(prog="c4pipe", description="Builds C4 from Common Crawl.", epilog=EXIT_CODES)
    parser.add_argument("--version", action="version", version=f"c4pipe {version()}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, point in registered().items():
        try:
            summary = load(point).summary
        except NoCommand as error:
            summary = str(error)
        commands.add_parser(name, help=summary.replace("%", "%%"))
    return parser
