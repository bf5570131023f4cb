"""``c4pipe variants``: the rules of each variant."""

from __future__ import annotations

import argparse
import json

from c4pipe import variant_listing
from c4pipe.cli.command import Command
from c4pipe.cli.options import DEFAULT, VARIANT_HELP, add_semantics_option
from c4pipe.terminal import say
from c4pipe.user_variants import resolve
from c4pipe.variants import SEMANTICS, VARIANTS, Variant


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``c4pipe variants``."""
    parser.add_argument("names", nargs="?", metavar="V,...", help=f"show these in full: {VARIANT_HELP}")
    add_semantics_option(parser, None, f"all in the list, {DEFAULT} for those that are named")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")


def show_variants(arguments: argparse.Namespace) -> None:
    """Print the chosen variants."""
    chosen = (
        resolve(arguments.names, arguments.semantics or DEFAULT) if arguments.names else published(arguments.semantics)
    )
    if arguments.json:
        say(json.dumps([variant_listing.as_data(variant) for variant in chosen], indent=2))
        return
    for line in (
        (line for variant in chosen for line in (*variant_listing.full_listing(variant), ""))
        if arguments.names
        else variant_listing.listing(chosen)
    ):
        say(line)


def published(semantics: str | None) -> tuple[Variant, ...]:
    """Return the published variants of one version of the semantics, or of all; ValueError for an unknown version."""
    chosen = tuple(variant for (_, version), variant in VARIANTS.items() if semantics in (None, version))
    if not chosen:
        raise ValueError(f"no variants at semantics {semantics!r}; there are {', '.join(SEMANTICS)}")
    return chosen


command = Command(
    summary="List the variants with their stages, rules and limits, or show named variants in full.",
    examples="""
c4pipe variants
c4pipe variants en --semantics 3.1.0
c4pipe variants path/to/my_variant.py:MY_VARIANT
c4pipe variants --json
""",
    add_options=add_options,
    run=show_variants,
)
