"""Build variants of C4 from Python. These names are stable; ``c4pipe.api`` has those that clean and read."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from beam_jobs import build_c4
from beam_jobs.build_c4 import BadOptions
from beam_jobs.drivers.processes import ProcessLost
from beam_jobs.options import parser
from beam_jobs.plan.identity import AnotherBuild
from beam_jobs.report.bad_files import TooManyBadFiles
from c4pipe.fs import files
from c4pipe.fs.paths import join
from c4pipe.user_variants import resolve

__all__ = ["AnotherBuild", "BadOptions", "BuiltVariant", "ProcessLost", "TooManyBadFiles", "build"]

Value = str | int | bool | os.PathLike[str] | Iterable[str | os.PathLike[str]] | None


@dataclass(frozen=True)
class BuiltVariant:
    """One variant of a build that is whole."""

    name: str
    folder: str  # with its shards, stats.json and manifest.json
    documents: Mapping[str, int]  # by split
    counters: Mapping[str, int]  # the reference's, such as "clean-page/passed"


def build(
    input: Value = None,
    *,
    output: str | os.PathLike[str],
    variant: Value = "en",
    format: Value = "jsonl",
    **more: Value,
) -> dict[str, BuiltVariant]:
    """Build variants over WET files on this machine, and return them by name once they are whole.

    Keywords are the options of ``python -m beam_jobs.build_c4`` without their dashes, such as ``shards=4`` or
    ``keep_raw=True``. A list stands for values separated by commas. None and False leave an option out. Progress goes
    to stderr. The same call goes on with a build that was stopped, and returns at once if the build is whole.

    In a script that other processes import, call it under ``if __name__ == "__main__"``.

    Raises BadOptions (a ValueError) for options that make no build, AnotherBuild if ``output`` holds another one,
    TooManyBadFiles, ProcessLost, and OSError for files that cannot be read or written.
    """
    options = {"input": input, "output": output, "variant": variant, "format": format, **more}
    words = [word for name, value in options.items() for word in _words(name, value)]
    command = parser("beam_jobs.api.build")
    command.error = _refuse  # type: ignore[method-assign]
    arguments = command.parse_args(words)
    if arguments.dry_run or arguments.no_wait:
        raise BadOptions("dry_run and no_wait end before a variant is whole; the command has them")
    build_c4.run_build(arguments, ())
    specs = (spec.partition("@")[0] for spec in arguments.variant.split(",") if spec.strip())
    names = [found.name for spec in specs for found in resolve(spec, arguments.semantics)]
    return {name: _built(name, join(arguments.output, name)) for name in names}


def _refuse(message: str) -> NoReturn:
    raise BadOptions(message)


def _words(name: str, value: Value) -> list[str]:
    """An option as words of a command line."""
    if value is None or value is False:
        return []
    if value is True:
        return [f"--{name}"]
    if isinstance(value, str | int | os.PathLike):
        return [f"--{name}={os.fspath(value) if isinstance(value, os.PathLike) else value}"]
    texts = [os.fspath(member) for member in value]
    if cut := [text for text in texts if "," in text]:
        raise BadOptions(f"{name} {cut[0]!r} holds a comma, which separates values; rename it, or name it by a glob")
    return [f"--{name}={','.join(texts)}"]


def _built(name: str, folder: str) -> BuiltVariant:
    found: Any = files.read_json(join(folder, "stats.json"))
    return BuiltVariant(name, folder, found["documents"], found["counters"])
