"""What a variant is, as data that is the same in every process, and a digest of it."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from types import BuiltinFunctionType, FunctionType, MethodDescriptorType

from c4pipe import files, twins
from c4pipe.variants import Variant

OURS = "c4pipe"  # whose version stands in every manifest
PLAIN = (bool, int, float, str)
NAMED = (type, FunctionType, BuiltinFunctionType, MethodDescriptorType)


def described(value: object) -> object:
    """A stage, a row or one of their limits as JSON; a function or class by its module and name.

    >>> described((described, 3))
    ['c4pipe.fingerprint.described', 3]
    """
    if is_dataclass(value) and not isinstance(value, type):
        limits = {field.name: described(getattr(value, field.name)) for field in fields(value)}
        return {"type": named(type(value)), **limits}
    if isinstance(value, NAMED):
        return named(value)
    if isinstance(value, tuple | list):
        return [described(member) for member in value]
    if isinstance(value, frozenset | set):
        return sorted((described(member) for member in value), key=json.dumps)
    if isinstance(value, Mapping):
        return {str(key): described(value[key]) for key in sorted(value, key=str)}
    if isinstance(value, bytes):
        return value.hex()
    if value is None or isinstance(value, PLAIN):
        return value
    raise TypeError(f"{value!r} is a {type(value).__name__}, which cannot be told as data; use tuples and numbers")


def named(value: object) -> str:
    """Where a function or class can be imported from, such as ``c4pipe.rules.contains``."""
    module = getattr(value, "__module__", None) or getattr(value, "__objclass__", type(None)).__module__
    return f"{module}.{getattr(value, '__qualname__', '')}"


def fingerprint(variant: Variant) -> str:
    """SHA-256, in hexadecimal, of all that decides what the variant does, short of this package's own version.

    That is its data, the source files of the functions and classes from elsewhere that are in it, and rules of this
    package that were changed in place. What those files import is not looked at.
    """
    told = {"variant": described(variant), "sources": sources(variant)}
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode("utf-8")).hexdigest()


def sources(value: object) -> dict[str, str]:
    """SHA-256 of the source file of each module outside this package that defines a part of a variant or of stages.

    Of this package only rooms and rules are told that have changed since they were published (``twins``).
    """
    modules = {name for name in modules_of(value) if name.partition(".")[0] != OURS}
    paths = {name: getattr(sys.modules.get(name), "__file__", None) for name in sorted(modules)}
    elsewhere = {name: hashlib.sha256(files.read_bytes(path)).hexdigest() for name, path in paths.items() if path}
    return elsewhere | {f"{OURS}.{name}": digest for name, digest in twins.changes().items()}


def modules_of(value: object) -> Iterator[str]:
    """The modules that define the classes and functions in a value; of a class also its bases."""
    if isinstance(value, type):
        yield from (base.__module__ for base in value.__mro__)
    elif isinstance(value, NAMED):
        yield from filter(None, [getattr(value, "__module__", None)])
    elif is_dataclass(value):
        yield from modules_of(type(value))
        for field in fields(value):
            yield from modules_of(getattr(value, field.name))
    elif isinstance(value, Mapping):
        yield from modules_of(tuple(value.values()))
    elif isinstance(value, tuple | list | frozenset | set):
        for member in value:
            yield from modules_of(member)
