"""Describe a variant as data, the same in every process, and digest it.

Builds and page stores are known by these digests. Functions and classes have published names, so code can move.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from types import BuiltinFunctionType, FunctionType, MethodDescriptorType

from c4pipe import source_digest, twins
from c4pipe.fs import files
from c4pipe.variants import Variant

OURS = "c4pipe"  # manifests name its version
PLAIN = (bool, int, float, str)
# The rooms that every variant uses: to read, to resolve duplicates, to split and to write.
ALWAYS = {room for twin in ("records", "claims", "documents", "urls") for room in twins.PLAIN[twin]}
NEUTRAL = {"page", "rules", "variants"}  # without stages; data and rules have digests of their own
NAMED = (type, FunctionType, BuiltinFunctionType, MethodDescriptorType)


def described(value: object) -> object:
    """Return a stage, a row or a limit as JSON, with functions and classes by name (``published_name``).

    Raises TypeError for what is neither data, dataclass, function nor class.

    >>> described((described, 3))
    ['c4pipe:described', 3]
    """
    if is_dataclass(value) and not isinstance(value, type):
        limits = {field.name: described(getattr(value, field.name)) for field in fields(value)}
        return {"type": published_name(type(value)), **limits}
    if isinstance(value, NAMED):
        return published_name(value)
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


def published_name(value: object) -> str:
    """Return the name of a function or class: published for this package, else its import path.

    A published name does not contain the module, so the code can move.

    >>> published_name(published_name)
    'c4pipe:published_name'
    """
    module = getattr(value, "__module__", None) or getattr(value, "__objclass__", type(None)).__module__
    name = getattr(value, "__qualname__", "")
    return f"{OURS}:{name}" if _is_ours(module) else f"{module}.{name}"


def fingerprint(variant: Variant) -> str:
    """Return the SHA-256, in hexadecimal, of all that decides what a variant does, except the version of this package.

    It covers the data of the variant, the code of foreign files that define its functions and classes, and edited code
    of this package that the variant uses. It does not cover what foreign files import.
    """
    content = {"variant": described(variant), "sources": sources(variant)}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode("utf-8")).hexdigest()


def sources(value: object) -> dict[str, str]:
    """Return digests of all code that a variant or stage uses, except code of this package as published.

    That is each foreign module that defines a part of the value, and each used room and rule of this package that was
    edited or is new. Modules of Python do not count: manifests name its version.
    """
    modules = set(modules_of(value))
    elsewhere = {name for name in modules if not _is_ours(name) and _top(name) not in sys.stdlib_module_names}
    paths = {name: getattr(sys.modules.get(name), "__file__", None) for name in sorted(elsewhere)}
    return {name: _file_digest(path) for name, path in paths.items() if path} | _changed_here(value, modules)


def _changed_here(value: object, modules: set[str]) -> dict[str, str]:
    """The rooms and rules of this package that a value uses and that differ from ``fast/twins.json``."""
    rooms = {name.removeprefix(f"{OURS}.") for name in modules if _is_ours(name)} - NEUTRAL
    new = {room for room in rooms if room not in twins.DECIDING and twins.path(room).exists()}
    found = {room: source_digest.digest(twins.path(room).read_text("utf-8")) for room in new}
    before, now = twins.held()["code"], twins.digests()
    changed = {name for name in now if before.get(name) != now[name]}
    if changed:
        changed &= _reached(rooms | ALWAYS) | set(rules_of(value))
    return {f"{OURS}:{name}": (found | now)[name] for name in sorted(new | changed)}


def _reached(rooms: set[str]) -> set[str]:
    """Return rooms with the deciding rooms that they import, directly or not."""
    reached: set[str] = set()
    wanted = sorted(rooms)
    while wanted:
        if (room := wanted.pop()) not in reached and twins.path(room).exists():
            reached.add(room)
            imported = source_digest.imports(twins.path(room).read_text("utf-8"))
            wanted += [name for name in twins.DECIDING if f"{OURS}.{name}" in imported]
    return reached


def _file_digest(path: str) -> str:
    """The digest of the code of a Python file; of any other file, such as an extension module, of its bytes."""
    content = files.read_bytes(path)
    return (
        source_digest.digest(content.decode("utf-8")) if path.endswith(".py") else hashlib.sha256(content).hexdigest()
    )


def _is_ours(module: str) -> bool:
    return _top(module) == OURS


def _top(module: str) -> str:
    return module.partition(".")[0]


def rules_of(value: object) -> Iterator[str]:
    """Yield the rules of this package that a value names, such as ``rules.contains``."""
    for part in parts_of(value):
        if isinstance(part, FunctionType) and part.__module__ == f"{OURS}.{twins.RULES}":
            yield f"{twins.RULES}.{part.__name__}"


def modules_of(value: object) -> Iterator[str]:
    """Yield the modules that define the classes, their bases, and the functions in a value."""
    for part in parts_of(value):
        if isinstance(part, type):
            yield from (base.__module__ for base in part.__mro__)
        else:
            yield from filter(None, [getattr(part, "__module__", None)])


def parts_of(value: object) -> Iterator[object]:
    """Yield the classes and functions in a value."""
    if isinstance(value, NAMED):
        yield value
    elif is_dataclass(value):
        yield type(value)
        for field in fields(value):
            yield from parts_of(getattr(value, field.name))
    elif isinstance(value, Mapping):
        yield from parts_of(tuple(value.values()))
    elif isinstance(value, tuple | list | frozenset | set):
        for member in value:
            yield from parts_of(member)
