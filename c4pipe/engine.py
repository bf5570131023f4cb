"""Which twin decides: the compiled room of ``c4pipe/fast``, or the plain one that it is held equal to.

The plain rooms say what the rules are, and run everywhere. A stage that has a compiled twin asks here for it; there is
none for a plain room that has changed since both were held equal.
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
SETTING = "C4PIPE_ENGINE"  # an environment variable, for those who set nothing else
ROOMS = tuple(sorted(path.stem for path in (Path(__file__).parent / "fast").glob("*.pyx")))

_chosen: Engine | None = None


class EngineError(RuntimeError):
    """The engine that was asked for is not there."""


def use(engine: str | None) -> None:
    """Choose for this process; None: by ``C4PIPE_ENGINE``, else each room the fast one where it was built."""
    global _chosen
    asked = engine or os.environ.get(SETTING)
    if asked is not None and asked not in get_args(Engine):
        raise EngineError(f"engine is {asked!r}, but must be one of {', '.join(get_args(Engine))}")
    if asked == "fast" and (lacks := _lacks()):
        raise EngineError(f"compiled code cannot judge all of a page, not {' and not '.join(lacks)}; or ask for plain")
    _chosen = cast(Engine, asked or "fast")


def chosen() -> Engine:
    """The engine that decides in this process, where its rooms were built."""
    if _chosen is None:
        use(None)
    assert _chosen is not None
    return _chosen


@contextlib.contextmanager
def using(engine: str | None) -> Iterator[None]:
    """Choose for the length of a block, as ``use`` does."""
    global _chosen
    before = _chosen
    use(engine)
    try:
        yield
    finally:
        _chosen = before


def twin(room: str) -> ModuleType | None:
    """The compiled twin of a room; None where the plain one is to decide."""
    if chosen() == "plain" or any(map(twins.changed, twins.PLAIN.get(room, ()))):
        return None
    return _load(room)


def missing() -> tuple[str, ...]:
    """The compiled rooms that were not built."""
    return tuple(room for room in ROOMS if _load(room) is None)


def told() -> str:
    """What judges, in a line for the user."""
    if chosen() == "plain":
        return "plain Python judges pages, as asked for: some sixty times slower than compiled code, and alike"
    if lacks := _lacks():
        return (
            f"compiled code judges pages, but not {' and not '.join(lacks)}: plain Python does that, many times slower"
        )
    return "compiled code judges pages"


def _lacks() -> list[str]:
    """What compiled code does not do here, why, and what would help."""
    lacks = []
    if absent := missing():
        lacks.append(f"{', '.join(absent)}, which were not built here ({_remedy()})")
    if replaced := twins.replaced():
        lacks.append(f"{', '.join(f'c4pipe.{name}' for name in replaced)}, changed since the compiled twin was made")
    return lacks


def _remedy() -> str:
    clone = Path(__file__).parent.parent
    if (clone / "setup.py").exists():  # it hides what is installed elsewhere from those who run Python in it
        return (
            f"this is the c4pipe of {clone}: pip install -e . builds it there, by a C compiler or the package ziglang"
        )
    return "install again where a C compiler or the package ziglang can be had"


@functools.cache
def _load(room: str) -> ModuleType | None:
    name = f"{__package__}.fast.{room}"
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        return None
