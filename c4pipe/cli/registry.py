"""The sub-commands that are registered, by name: ``module:command`` under the group ``c4pipe.commands``.

A clone's own table in ``pyproject.toml`` counts at once, whether the clone is installed or not. What other installed
packages register comes from their metadata.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any, cast

from c4pipe.cli.command import Subcommand

GROUP = "c4pipe.commands"
PROJECT = Path(__file__).resolve().parents[2] / "pyproject.toml"  # of a clone; an installed package has none


class NoCommand(RuntimeError):
    """A sub-command that is registered, but cannot be loaded."""


def registered() -> dict[str, metadata.EntryPoint]:
    """Return the entry points by the sub-command's name, sorted; NoCommand where there are none at all."""
    table = {point.name: point for point in metadata.entry_points(group=GROUP)}
    for name, value in _project().get("entry-points", {}).get(GROUP, {}).items():
        table[name] = metadata.EntryPoint(name, value, GROUP)
    if not table:
        raise NoCommand("no sub-commands are registered; install the package: pip install -e . in a clone")
    return dict(sorted(table.items()))


def load(point: metadata.EntryPoint) -> Subcommand:
    """Import the sub-command; NoCommand says which entry point cannot be loaded, and why."""
    try:
        command = point.load()
    except (ImportError, AttributeError) as error:
        raise NoCommand(
            f"entry point {point.name} = {point.value} cannot be loaded ({error}); install its package again"
        ) from error
    if not all(hasattr(command, name) for name in ("summary", "parser", "main")):
        raise NoCommand(
            f"entry point {point.name} = {point.value} is a {type(command).__name__}, but must be a Command, "
            "as in c4pipe/cli/resources.py"
        )
    return cast(Subcommand, command)


def version() -> str:
    """Return the version of the clone, or of the installed package."""
    return str(_project().get("version") or metadata.version("c4pipe"))


def _project() -> Mapping[str, Any]:
    """Return the table ``[project]`` of the clone; an empty one where the package is installed without a clone."""
    if not PROJECT.is_file():
        return {}
    project = tomllib.loads(PROJECT.read_text("utf-8")).get("project", {})
    return project if project.get("name") == "c4pipe" else {}
