"""Variants of your own: load one from a Python file or module, and check it before a build begins."""

from __future__ import annotations

import importlib
import importlib.util
import os
import pickle
import re
import sys
import sysconfig
import traceback
from collections import Counter
from types import ModuleType

from c4pipe.fingerprint import described, fingerprint
from c4pipe.fs import paths
from c4pipe.variants import SEMANTICS, VARIANTS, Variant, variant

__all__ = ["BadVariant", "described", "fingerprint", "load", "named", "resolve"]

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")  # valid as a folder on every disk and object store
RESERVED = frozenset({"store"})  # the folder beside those of the variants
# Mistakes of a module that is being written. Any other error keeps its traceback.
MISTAKES = (AttributeError, ImportError, LookupError, NameError, SyntaxError, TypeError, ValueError)


class BadVariant(ValueError):
    """The name leads to no variant that can be built. The message has the reason and the remedy."""


def resolve(names: str, semantics: str = "3.1.0") -> tuple[Variant, ...]:
    """Return the variants that a comma-separated list names, published ones at that version of the semantics.

    >>> [variant.name for variant in resolve("en,en.noblocklist")]
    ['en', 'en.noblocklist']
    """
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    if not wanted:
        raise BadVariant("no variant named; `c4pipe variants` lists them")
    found = tuple(named(name, semantics) for name in wanted)
    folders = Counter(one.name.lower() for one in found)
    if twice := sorted(folder for folder, count in folders.items() if count > 1):
        raise BadVariant(f"two variants are named {', '.join(twice)}, and would share a folder; name each once")
    return found


def named(name: str, semantics: str) -> Variant:
    """Return the published variant of that name, or your own."""
    if ":" not in name and name.endswith(".py"):
        raise BadVariant(f"{name} is a Python file; say which variant in it is meant: {name}:NAME")
    return load(name) if ":" in name else variant(name, semantics)


def load(name: str) -> Variant:
    """Return the variant that ``module:NAME`` or ``path/to/file.py:NAME`` names. BadVariant if there is none.

    This process and its children can then import the module by its name.
    """
    place, _, attribute = name.rpartition(":")
    if not (place and attribute):
        raise BadVariant(f"{name!r} names no variant; write module:NAME or path/to/file.py:NAME")
    module = _file(place) if place.endswith(".py") or os.sep in place else _module(place)
    if not hasattr(module, attribute):
        there = sorted(key for key, value in vars(module).items() if isinstance(value, Variant))
        raise BadVariant(f"{place} has no {attribute}; the variants in it are: {', '.join(there) or 'none'}")
    value = getattr(module, attribute)
    if not isinstance(value, Variant):
        raise BadVariant(f"{name} is a {type(value).__name__}, but must be a Variant of c4pipe.variants")
    check(value)
    return value


def _file(path: str) -> ModuleType:
    """Import a file as a module, under its own name, from its own folder."""
    if paths.is_remote(path) or not (path.endswith(".py") and os.path.isfile(path)):
        raise BadVariant(f"{path} is no Python file (.py) on this machine")
    folder, file = os.path.split(os.path.abspath(path))
    name = file.removesuffix(".py")
    if not name.isidentifier():
        raise BadVariant(f"{path} cannot be imported by workers: rename it to letters, digits and underscores")
    _make_importable(folder)
    module = _imported(name, path)
    if not (module.__file__ and os.path.samefile(module.__file__, path)):
        raise BadVariant(f"{path} hides behind another module {name} ({module.__file__ or 'built in'}); rename it")
    return module


def _module(name: str) -> ModuleType:
    """Import a module by name: installed, on Python's path, or in the working folder."""
    top = name.partition(".")[0]
    if not all(part.isidentifier() for part in name.split(".")):
        raise BadVariant(f"{name!r} is no module's name; a file is named with its ending, such as ./{top}.py:NAME")
    if importlib.util.find_spec(top) is None:
        if os.path.exists(f"{top}.py") or os.path.isdir(top):
            _make_importable(os.getcwd())
        else:
            raise BadVariant(
                f"no module {top} is installed, nor in {os.getcwd()}; a file is named as path/{top}.py:NAME"
            )
    return _imported(name, name)


def _make_importable(folder: str) -> None:
    """Let this process and its children import from the folder, as a script can from its own."""
    stems = {entry.partition(".")[0] for entry in os.listdir(folder) if entry.endswith(".py")}
    if hiding := sorted(stems & sys.stdlib_module_names):
        raise BadVariant(
            f"{folder} holds {', '.join(f'{stem}.py' for stem in hiding)}, which would hide Python's own from workers; "
            "keep the variant in a folder of its own"
        )
    if folder not in sys.path:
        sys.path.append(folder)
    inherited = [part for part in os.environ.get("PYTHONPATH", "").split(os.pathsep) if part]
    if folder not in inherited:
        os.environ["PYTHONPATH"] = os.pathsep.join((*inherited, folder))
    importlib.invalidate_caches()


def _imported(name: str, place: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except MISTAKES as error:
        raise BadVariant(f"{place}: {type(error).__name__}: {error}{_where(error)}") from error


def _where(error: BaseException) -> str:
    """The innermost line of an error that is neither in this package nor in Python."""
    elsewhere = (os.path.dirname(os.path.abspath(__file__)), sysconfig.get_paths()["stdlib"], "<")
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if not frame.filename.startswith(elsewhere):
            return f" ({frame.filename}, line {frame.lineno})"
    return ""


def check(own: Variant) -> None:
    """Raise BadVariant if the variant would fail on a worker, or pass for another one."""
    published = {name for name, _ in VARIANTS}
    if not NAME.fullmatch(own.name):
        raise BadVariant(
            f"variant name {own.name!r} makes no folder; use letters, digits, '.', '_' and '-', at most 100"
        )
    if own.name.lower() in {*(name.lower() for name in published), *RESERVED}:
        raise BadVariant(f"the name {own.name!r} is taken; give your own variant another: name='{own.name}.mine'")
    if own.semantics not in SEMANTICS:
        raise BadVariant(f"{own.name} has semantics {own.semantics!r}; there are {', '.join(SEMANTICS)}")
    if not (isinstance(own.stages, tuple) and own.stages):
        raise BadVariant(f"{own.name} has stages {own.stages!r}, but must have a tuple of one or more")
    for stage in own.stages:
        _check_stage(own, stage)
    try:
        fingerprint(own)
        there_and_back = pickle.loads(pickle.dumps(own))
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise BadVariant(
            f"{own.name} cannot be sent to workers: {error}; let its rules and stages be functions and frozen "
            "dataclasses that stand at the top of a module, and its limits numbers, texts and tuples"
        ) from error
    if there_and_back != own:
        raise BadVariant(f"{own.name} comes to workers changed; do its stages compare as dataclasses do?")


def _check_stage(own: Variant, stage: object) -> None:
    what = f"{own.name}: stage {type(stage).__name__}"
    if not (callable(getattr(stage, "judge", None)) or callable(getattr(stage, "judge_all", None))):
        raise BadVariant(f"{what} has neither judge (of a page) nor judge_all (of all pages)")
    params = getattr(type(stage), "__dataclass_params__", None)
    if params is None or not params.frozen:
        raise BadVariant(f"{what} must be a frozen dataclass, so that it can be compared, told and sent to workers")
    name = getattr(stage, "name", None)
    if not (isinstance(name, str) and name and "/" not in name):
        raise BadVariant(f"{what} has the name {name!r}, but its counters need one without a slash")
