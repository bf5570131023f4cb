"""Chooses who decides: a compiled room of ``c4pipe/fast``, or its plain twin.

Plain rooms define the rules, and run everywhere. A stage asks here for its compiled twin. There is none where it was
not built, where ``plain`` was chosen, or where the plain room was edited since tests held both equal.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import os
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Literal, cast, get_args

from c4pipe import twins

Engine = Literal["fast", "plain"]
SETTING = "C4PIPE_ENGINE"  # the environment variable that chooses where no option does
ROOMS = tuple(sorted(path.stem for path in (Path(__file__).parent / "fast").glob("*.pyx")))

_chosen: Engine | None = None


class EngineError(RuntimeError):
    """The requested engine is not available."""


def use(engine: str | None) -> None:
    """Choose the engine of this process. None means ``C4PIPE_ENGINE``, else ``fast`` wherever a room was built.

    Raises EngineError for an unknown engine, and for ``fast`` where compiled code cannot judge every page.
    """
    global _chosen
    asked = engine or os.environ.get(SETTING)
    if asked is not None and asked not in get_args(Engine):
        raise EngineError(f"engine is {asked!r}, but must be one of {', '.join(get_args(Engine))}")
    if asked == "fast" and (lacks := _lacks()):
        raise EngineError(f"--engine fast: no compiled code for {' and '.join(lacks)}; or use --engine plain")
    _chosen = cast(Engine, asked or "fast")


def chosen() -> Engine:
    """The engine of this process."""
    if _chosen is None:
        use(None)
    assert _chosen is not None
    return _chosen


@contextlib.contextmanager
def using(engine: str | None) -> Iterator[None]:
    """Choose the engine for a ``with`` block, as ``use`` does."""
    global _chosen
    before = _chosen
    use(engine)
    try:
        yield
    finally:
        _chosen = before


def twin(room: str) -> ModuleType | None:
    """The compiled twin of a room; None where plain code decides."""
    if chosen() == "plain" or any(map(twins.changed, twins.PLAIN.get(room, ()))):
        return None
    return _load(room)


def missing() -> tuple[str, ...]:
    """The compiled rooms that are not built here."""
    return tuple(room for room in ROOMS if _load(room) is None)


def message() -> str:
    """Say in a line for the user what judges pages."""
    if chosen() == "plain":
        return "plain Python judges pages, as chosen: the same decisions, some sixty times slower"
    if lacks := _lacks():
        return f"compiled code judges pages, but is not there for {' and '.join(lacks)}; plain Python does that, slower"
    return "compiled code judges pages"


def _lacks() -> list[str]:
    """What lacks compiled code, with the reason and the remedy."""
    lacks = []
    if absent := missing():
        lacks.append(f"{', '.join(absent)} (not built: {_remedy()})")
    if replaced := twins.replaced():
        edited = ", ".join(f"c4pipe.{name}" for name in replaced)
        lacks.append(f"{edited} (edited; run `make twins` once both twins are equal)")
    return lacks


def _remedy() -> str:
    clone = Path(__file__).parent.parent
    if (clone / "setup.py").exists():  # Python run in a clone imports the clone, not an installation
        return f"run `pip install -e .` in {clone}; it needs a C compiler or the package ziglang"
    return "install c4pipe again, with a C compiler or the package ziglang"


@functools.cache
def _load(room: str) -> ModuleType | None:
    name = f"{__package__}.fast.{room}"
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        return None
