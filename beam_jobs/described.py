"""Stages as plain values: for identities, for names in the page store, for a person to read."""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from types import FunctionType


def described(value: object) -> object:
    """A stage, a row or one of their limits as JSON; a function by its name, which is the same in every process.

    What comes from outside the project also has a digest of its source file, so that a changed rule is noticed.

    >>> described((described, 3))
    ['described', 3]
    """
    if is_dataclass(value) and not isinstance(value, type):
        limits = {field.name: described(getattr(value, field.name)) for field in fields(value)}
        return {"type": _named(type(value)), **limits}
    if isinstance(value, tuple | list):
        return [described(member) for member in value]
    if isinstance(value, FunctionType):
        return _named(value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"{value!r} is a {type(value).__name__}, of which no identity can be told; use tuples and numbers")


def _named(thing: type | FunctionType) -> str:
    module = thing.__module__.partition(".")[0]
    if module in ("c4pipe", "beam_jobs"):
        return thing.__name__
    source = inspect.getsourcefile(thing)
    if source is None:
        return f"{thing.__module__}.{thing.__qualname__}"
    with open(source, "rb") as file:
        return f"{thing.__module__}.{thing.__qualname__} {hashlib.sha256(file.read()).hexdigest()[:16]}"


def name_of(stages: Sequence[object]) -> str:
    """A short name for stages, equal for equal ones: ``raw`` for none, which is what they leave of a page."""
    if not stages:
        return "raw"
    text = json.dumps(described(tuple(stages)), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]
