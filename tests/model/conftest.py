"""The model's tests want torch, which the core install has not; CI must have it."""

from __future__ import annotations

import os

import pytest

if os.environ.get("CI") != "true":
    pytest.importorskip("torch", reason="torch is not installed: pip install -e '.[model]'")

import torch

torch.set_num_threads(2)
