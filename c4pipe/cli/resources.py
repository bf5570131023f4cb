"""``c4pipe resources``: the pinned lists and their paths."""

from __future__ import annotations

import argparse

from c4pipe import resource_pins, resources
from c4pipe.cli.command import Command
from c4pipe.fs import files, paths


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``c4pipe resources``."""
    parser.add_argument("--resources", metavar="DIR", help="folder to search first (default: C4PIPE_RESOURCES)")
    parser.add_argument("--fetch", action="store_true", help="fetch missing files into the cache")
    parser.add_argument("--output", metavar="DIR", help="copy all files into this folder, with a SHA256SUMS")


def show_resources(arguments: argparse.Namespace) -> None:
    """Print ``SHA-256  name  path`` of each pinned file; with --fetch or --output fetch or copy them first."""
    if arguments.resources:
        resources.use(arguments.resources)
    for name in resource_pins.PINNED:
        if arguments.output:
            files.write_bytes(paths.join(arguments.output, *name.split("/")), resources.read(name))
        elif arguments.fetch:
            resources.read(name)
    if arguments.output:
        sums = "".join(f"{resource.sha256}  ./{name}\n" for name, resource in resource_pins.PINNED.items())
        files.write_text(paths.join(arguments.output, "SHA256SUMS"), sums)
        resources.use(arguments.output)
    for name, resource in resource_pins.PINNED.items():
        print(resource.sha256, name, resources.locate(name) or f"not here; {resource.address}", sep="  ")


command = Command(
    summary="Show the SHA-256 and the path of each pinned file, or fetch all of them for use without a network.",
    examples="""
c4pipe resources
c4pipe resources --fetch
c4pipe resources --output resources
""",
    add_options=add_options,
    run=show_resources,
)
