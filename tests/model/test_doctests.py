"""The examples in the docstrings of the model's rooms hold."""

from __future__ import annotations

import doctest
import importlib

import pytest


@pytest.mark.parametrize("room", ["config", "decode", "export", "optim"])
def test_examples(room: str) -> None:
    failures, attempts = doctest.testmod(importlib.import_module(f"model.{room}"))
    assert (failures, attempts > 0) == (0, True)
