"""What every command of ``c4pipe`` is made with."""

from __future__ import annotations

import argparse
from typing import TypeAlias

from c4pipe.variants import SEMANTICS

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


class WrongUsage(ValueError):
    """Words of a command line that do not go together; as with those that argparse refuses, the exit code is 2."""


def command(commands: Commands, name: str, summary: str, examples: str) -> argparse.ArgumentParser:
    """A new command with its summary and its examples in the help."""
    return commands.add_parser(
        name,
        help=summary,
        description=summary,
        epilog="examples:\n" + "\n".join(f"  {line}" for line in examples.strip().splitlines()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def add_resources_option(parser: argparse.ArgumentParser) -> None:
    """The option that says where the pinned lists are."""
    parser.add_argument(
        "--resources",
        metavar="DIR",
        help="folder of the pinned lists, or 'builtin' for small stand-ins "
        "(default: C4PIPE_RESOURCES, then the user's cache, then a download)",
    )


def add_semantics_option(parser: argparse.ArgumentParser, default: str | None, otherwise: str) -> None:
    """The option that says which version of the rules is meant."""
    parser.add_argument(
        "--semantics",
        default=default,
        metavar="VERSION",
        help=f"version of the reference's rules: {', '.join(SEMANTICS)} (default: {otherwise})",
    )


DEFAULT = "3.1.0"
VARIANT_HELP = "a published variant, or your own as module:NAME or path/to/file.py:NAME"
