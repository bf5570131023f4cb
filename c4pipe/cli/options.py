"""Options that several sub-commands share."""

from __future__ import annotations

import argparse

from c4pipe.variants import SEMANTICS


def add_resources_option(parser: argparse.ArgumentParser) -> None:
    """Add the option that says where the pinned lists are."""
    parser.add_argument(
        "--resources",
        metavar="DIR",
        help="folder of the pinned lists, or 'builtin' for small stand-ins "
        "(default: C4PIPE_RESOURCES, then the user's cache, then a download)",
    )


def add_semantics_option(parser: argparse.ArgumentParser, default: str | None, otherwise: str) -> None:
    """Add the option that names the version of the rules."""
    parser.add_argument(
        "--semantics",
        default=default,
        metavar="VERSION",
        help=f"version of the reference's rules: {', '.join(SEMANTICS)} (default: {otherwise})",
    )


DEFAULT = "3.1.0"
VARIANT_HELP = "a published variant, or your own as module:NAME or path/to/file.py:NAME"
