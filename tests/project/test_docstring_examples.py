"""The examples in docstrings hold."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for house in ("c4pipe", "beam_jobs")
    for path in (ROOT / house).rglob("[!_]*.py")
)


@pytest.mark.parametrize("room", ROOMS)
def test_examples(room: str) -> None:
    failures, _ = doctest.testmod(importlib.import_module(room))
    assert failures == 0


def test_there_are_examples() -> None:
    """Or the tests above would show nothing."""
    found = {room: doctest.testmod(importlib.import_module(room)).attempted for room in ROOMS}
    assert sum(found.values()) >= 50
