"""The group that asks the reference's own code: TensorFlow Datasets, in an environment of its own.

It needs the extra ``reference``. Without TFDS it is skipped, unless CI_REFERENCE is "true".
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from c4pipe import resources

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

if importlib.util.find_spec("gcld3"):
    import gcld3  # noqa: F401  # after TensorFlow it would crash

if not importlib.util.find_spec("tensorflow_datasets"):
    if os.environ.get("CI_REFERENCE") == "true":
        raise ImportError("CI_REFERENCE is true, but tensorflow_datasets is missing; pip install '.[reference]'")
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture(scope="session")
def prepared(shared: Path) -> Iterator[Path]:
    """The folder of pinned files, in use on both sides."""
    import tfds_c4

    folder = shared / "data" / "resources"
    resources.use(str(folder))
    tfds_c4.prepare(folder)
    yield folder
    resources.use(None)
