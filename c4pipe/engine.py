"""Which twin decides: the compiled room of ``c4pipe/fast``, or the plain one that it is held equal to.

The plain rooms say what the rules are, and run everywhere. A stage that has a compiled twin asks here for it.
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
    if asked == "fast" and (absent := missing()):
        raise EngineError(
            f"the compiled rooms {', '.join(absent)} are not there; install with a C compiler or with ziglang, "
            "pip install --no-cache-dir --force-reinstall --no-deps . in a clone, or ask for the engine plain"
        )
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
    return _load(room) if chosen() == "fast" else None


def missing() -> tuple[str, ...]:
    """The compiled rooms that were not built."""
    return tuple(room for room in ROOMS if _load(room) is None)


def told() -> str:
    """What judges, in a line for the user."""
    if chosen() == "plain":
        return "plain Python judges pages, as asked for: some sixty times slower than compiled code, and alike"
    if absent := missing():
        return (
            f"compiled code judges pages, but for {', '.join(absent)}, which were not built here: plain Python does "
            "that, many times slower; install again where a C compiler or the package ziglang can be had"
        )
    return "compiled code judges pages"


@functools.cache
def _load(room: str) -> ModuleType | None:
    name = f"{__package__}.fast.{room}"
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        return None
