"""The metrics of a training run: JSON lines in a file of its folder."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from model import atomic

NAME = "metrics.jsonl"


class Metrics:
    """Appends lines to ``metrics.jsonl``.

    A run that goes on from a checkpoint at ``step`` first removes the lines of later steps: it makes those steps again.
    At step 0, without a checkpoint, it removes all lines.
    """

    def __init__(self, folder: Path, step: int) -> None:
        self.path = folder / NAME
        kept = [line for line in read(folder) if line["step"] <= step] if step else []
        atomic.write_text(self.path, "".join(json.dumps(line) + "\n" for line in kept))

    def write(self, kind: str, step: int, **values: Any) -> None:
        """Append one line; ``step`` is the number of steps done."""
        with atomic.naming(self.path), open(self.path, "a", encoding="utf-8") as file:
            file.write(json.dumps({"kind": kind, "step": step, **values}, allow_nan=False) + "\n")


def read(folder: Path) -> Iterator[dict[str, Any]]:
    """The lines of a run, oldest first, without a half-written last line that a kill left behind."""
    path = folder / NAME
    if not path.exists():
        return
    for number, line in enumerate(path.read_text("utf-8", "replace").splitlines(keepends=True), 1):
        if line.endswith("\n"):
            yield parsed(line, f"{path}, line {number}")


def parsed(line: str, name: str) -> dict[str, Any]:
    """The values of a line; an error names the line and a remedy."""
    try:
        values: dict[str, Any] = json.loads(line)
    except ValueError:
        raise ValueError(f"{name} is no JSON: remove this line") from None
    return values


def duration(seconds: float) -> str:
    """The seconds as hours, minutes and seconds.

    >>> duration(59.6), duration(3600 + 61)
    ('1:00', '1:01:01')
    """
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"
