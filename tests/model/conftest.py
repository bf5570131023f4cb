"""The model's tests want torch, which the core install has not; where CI is true it must be there."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterable
from pathlib import Path

import pytest

TORCH = importlib.util.find_spec("torch") is not None or os.environ.get("CI") == "true"

if TORCH:
    import torch

    # One where other processes test beside this: threads that wait for each other would take the others' time.
    torch.set_num_threads(1 if "PYTEST_XDIST_WORKER" in os.environ else 2)


class WithoutTorch(pytest.Module):
    """A test file that stands in the report as skipped, unread."""

    def collect(self) -> Iterable[pytest.Item]:
        pytest.skip("torch is not installed: pip install -e '.[model]'")


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> pytest.Module | None:
    return None if TORCH else WithoutTorch.from_parent(parent, path=module_path)
