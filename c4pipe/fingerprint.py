"""What a variant is, as data that is the same in every process, and a digest of it."""

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

OURS = "c4pipe"  # whose version stands in every manifest
PLAIN = (bool, int, float, str)
# What every build reads, resolves, splits and writes by, whatever its variant.
ALWAYS = {room for twin in ("records", "claims", "documents", "urls") for room in twins.PLAIN[twin]}
NEUTRAL = {"page", "rules", "variants"}  # no stage is in them; what they hold is told as data, or by the rule
NAMED = (type, FunctionType, BuiltinFunctionType, MethodDescriptorType)


def described(value: object) -> object:
    """A stage, a row or one of their limits as JSON; a function or class by its name (``named``).

    >>> described((described, 3))
    ['c4pipe:described', 3]
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
    """What a function or class is called: of this package by its published name, else where it can be imported from.

    A published name does not say in which room the function or class is, so that it can be moved.

    >>> named(named)
    'c4pipe:named'
    """
    module = getattr(value, "__module__", None) or getattr(value, "__objclass__", type(None)).__module__
    name = getattr(value, "__qualname__", "")
    return f"{OURS}:{name}" if _is_ours(module) else f"{module}.{name}"


def fingerprint(variant: Variant) -> str:
    """SHA-256, in hexadecimal, of all that decides what the variant does, short of this package's own version.

    That is its data, the code of the files from elsewhere that define the functions and classes in it, and of this
    package what was changed in place and decides about the variant. What files from elsewhere import is not looked at.
    """
    told = {"variant": described(variant), "sources": sources(variant)}
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode("utf-8")).hexdigest()


def sources(value: object) -> dict[str, str]:
    """Digests of the code that decides about a variant or stages and is not that of this package as published.

    Of each module from elsewhere that defines a part of the value, and of each room and rule of this package that the
    value uses and that has changed or is new. Python's own modules do not count: its version is told elsewhere.
    """
    modules = set(modules_of(value))
    elsewhere = {name for name in modules if not _is_ours(name) and _top(name) not in sys.stdlib_module_names}
    paths = {name: getattr(sys.modules.get(name), "__file__", None) for name in sorted(elsewhere)}
    return {name: _file_digest(path) for name, path in paths.items() if path} | _changed_here(value, modules)


def _changed_here(value: object, modules: set[str]) -> dict[str, str]:
    """The rooms and rules of this package that a value uses and that are not as they were written down (``twins``)."""
    rooms = {name.removeprefix(f"{OURS}.") for name in modules if _is_ours(name)} - NEUTRAL
    new = {room for room in rooms if room not in twins.DECIDING and twins.path(room).exists()}
    found = {room: source_digest.digest(twins.path(room).read_text("utf-8")) for room in new}
    before, now = twins.held()["code"], twins.digests()
    changed = {name for name in now if before.get(name) != now[name]}
    if changed:
        changed &= _reached(rooms | ALWAYS) | set(rules_of(value))
    return {f"{OURS}:{name}": (found | now)[name] for name in sorted(new | changed)}


def _reached(rooms: set[str]) -> set[str]:
    """Rooms and the rooms that decide for them, as their files import them."""
    reached: set[str] = set()
    wanted = sorted(rooms)
    while wanted:
        if (room := wanted.pop()) not in reached and twins.path(room).exists():
            reached.add(room)
            imported = source_digest.imports(twins.path(room).read_text("utf-8"))
            wanted += [name for name in twins.DECIDING if f"{OURS}.{name}" in imported]
    return reached


def _file_digest(path: str) -> str:
    """Of Python source that of its code; of anything else, such as an extension module, that of the file."""
    content = files.read_bytes(path)
    return (
        source_digest.digest(content.decode("utf-8")) if path.endswith(".py") else hashlib.sha256(content).hexdigest()
    )


def _is_ours(module: str) -> bool:
    return _top(module) == OURS


def _top(module: str) -> str:
    return module.partition(".")[0]


def rules_of(value: object) -> Iterator[str]:
    """The rules of this package that a value names, such as ``rules.contains``."""
    for part in parts_of(value):
        if isinstance(part, FunctionType) and part.__module__ == f"{OURS}.{twins.RULES}":
            yield f"{twins.RULES}.{part.__name__}"


def modules_of(value: object) -> Iterator[str]:
    """The modules that define the classes and functions in a value; of a class also its bases."""
    for part in parts_of(value):
        if isinstance(part, type):
            yield from (base.__module__ for base in part.__mro__)
        else:
            yield from filter(None, [getattr(part, "__module__", None)])


def parts_of(value: object) -> Iterator[object]:
    """The classes and functions in a value."""
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
