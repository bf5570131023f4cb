"""``c4pipe resources``: the pinned lists and where they are."""

from __future__ import annotations

import argparse

from c4pipe import resource_pins, resources
from c4pipe.cli.command import Command
from c4pipe.fs import files, paths


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``c4pipe resources``."""
    parser.add_argument("--resources", metavar="DIR", help="a folder to look in first (default: C4PIPE_RESOURCES)")
    parser.add_argument("--fetch", action="store_true", help="fetch what is missing into the cache")
    parser.add_argument("--output", metavar="DIR", help="put all files into this folder, with their SHA256SUMS")


def show_resources(arguments: argparse.Namespace) -> None:
    """Print ``SHA-256  name  place`` of each pinned file, after fetching or copying them if that is asked for."""
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
    summary="Show each pinned file, its SHA-256 and where it is, or fetch them all for use without network.",
    examples="""
c4pipe resources
c4pipe resources --fetch
c4pipe resources --output resources
""",
    add_options=add_options,
    run=show_resources,
)
