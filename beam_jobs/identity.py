"""What a build is, so that one which was stopped goes on only as the same build."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from types import FunctionType
from typing import Any

from beam_jobs import phases, report
from beam_jobs.plan import Job
from c4pipe import files, resources, sentences


class AnotherBuild(ValueError):
    """The output folder holds a build with other inputs, options, resources or versions."""


def inputs_of(paths: Sequence[str]) -> list[dict[str, Any]]:
    """Number the WET files in the order of their paths."""
    return [{"part": part, "path": path, "size": files.size(path)} for part, path in enumerate(sorted(paths))]


def identity(job: Job, inputs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Everything that the bytes of a build depend on, and the names of its inputs."""
    job.begin()
    return {
        "inputs": [{"path": source["path"], "bytes": source["size"]} for source in inputs],
        "options": {
            "variant": job.variant.name,
            "semantics": job.variant.semantics,
            "stages": [described(stage) for stage in job.variant.stages],
            "formats": sorted(job.formats),
            "shards": job.shards,
            "seed": job.seed,
        },
        "resources": resources.used(job.variant.resources()),
        "versions": report.versions() | {"punkt": sentences.algorithm(), "store": str(phases.SCHEMA_NUMBER)},
    }


def described(value: object) -> object:
    """A stage, a row or one of their limits as JSON; a function by its name, which is the same in every process.

    >>> described((described, 3))
    ['described', 3]
    """
    if is_dataclass(value) and not isinstance(value, type):
        limits = {field.name: described(getattr(value, field.name)) for field in fields(value)}
        return {"type": type(value).__name__, **limits}
    if isinstance(value, tuple | list):
        return [described(member) for member in value]
    if isinstance(value, FunctionType):
        return value.__name__
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"{value!r} is a {type(value).__name__}, of which no identity can be told; use tuples and numbers")


def claim_folder(job: Job, inputs: Sequence[Mapping[str, Any]]) -> bool:
    """Take the output folder for this build; True if an earlier run of the same build began there."""
    wanted = identity(job, inputs)
    if not files.exists(job.store.identity):
        files.write_json(job.store.inputs, list(inputs))
        files.write_json(job.store.identity, wanted)
        return False
    begun: Any = files.read_json(job.store.identity)
    if changes := list(differences(begun, wanted)):
        raise AnotherBuild(
            f"{job.output} holds another build:\n  " + "\n  ".join(changes) + "\n"
            "Give the options with which it was begun to go on with it, or another --output for a new one."
        )
    return True


def differences(begun: Any, wanted: Any, where: str = "") -> Iterator[str]:
    """Name what two identities disagree on, most of it once.

    >>> list(differences({"a": {"b": 1}}, {"a": {"b": 2}}))
    ['a.b: begun with 1, now 2']
    """
    if begun == wanted:
        return
    if where == "inputs":
        yield from _input_differences(begun, wanted)
    elif isinstance(begun, dict) and isinstance(wanted, dict):
        for name in sorted({*begun, *wanted}):
            yield from differences(begun.get(name), wanted.get(name), f"{where}.{name}".lstrip("."))
    elif isinstance(begun, list) and isinstance(wanted, list) and len(begun) == len(wanted):
        for number, pair in enumerate(zip(begun, wanted, strict=True)):
            yield from differences(*pair, f"{where}.{number}")
    else:
        yield f"{where}: begun with {begun!r}, now {wanted!r}"


def _input_differences(begun: list[dict[str, Any]], wanted: list[dict[str, Any]]) -> Iterator[str]:
    before = {source["path"]: source["bytes"] for source in begun}
    after = {source["path"]: source["bytes"] for source in wanted}
    for path in sorted({*before, *after}):
        if path not in after:
            yield f"inputs: {path} is no longer among them"
        elif path not in before:
            yield f"inputs: {path} is new"
        elif before[path] != after[path]:
            yield f"inputs: {path} had {before[path]:,} bytes, now {after[path]:,}"
