"""What a training run tells: readable lines to stderr, the same as JSON lines in a file."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from model import atomic

NAME = "metrics.jsonl"


class Metrics:
    """Appends to ``metrics.jsonl``; what a run that was killed wrote after ``step``, its last checkpoint, goes.

    Without a checkpoint, at step 0, everything goes.
    """

    def __init__(self, folder: Path, step: int) -> None:
        self.path = folder / NAME
        kept = [line for line in read(folder) if line["step"] <= step] if step else []
        atomic.write_text(self.path, "".join(json.dumps(line) + "\n" for line in kept))

    def write(self, kind: str, step: int, **values: Any) -> None:
        """One line; ``step`` is the number of steps done."""
        with atomic.naming(self.path), open(self.path, "a", encoding="utf-8") as file:
            file.write(json.dumps({"kind": kind, "step": step, **values}, allow_nan=False) + "\n")


def read(folder: Path) -> Iterator[dict[str, Any]]:
    """The lines of a run, oldest first; half a line at the end, left by a kill, is left out."""
    path = folder / NAME
    if not path.exists():
        return
    for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
        if line.endswith("\n"):
            yield json.loads(line)


def say(text: str) -> None:
    """Tell the user, on stderr."""
    print(text, file=sys.stderr, flush=True)


def duration(seconds: float) -> str:
    """Hours, minutes and seconds.

    >>> duration(59.6), duration(3600 + 61)
    ('1:00', '1:01:01')
    """
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"
