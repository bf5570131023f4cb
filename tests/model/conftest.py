"""The model's tests want torch, which the core install has not; where CI is true it must be there."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.required import is_required

if TYPE_CHECKING:
    from model.stream import DataStream
    from model.tokenizer import Tokenizer

TORCH = importlib.util.find_spec("torch") is not None or is_required("EXTRAS")

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


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """Networks as small as those of ``runs.py`` only wait for a second thread."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    from runs import TEXTS

    from model.tokenizer import Tokenizer, train

    return Tokenizer(train(TEXTS, vocab_size=60))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from runs import write_split

    folder = tmp_path_factory.mktemp("shards")
    write_split(folder, "train", range(60))
    return folder


@pytest.fixture(scope="module")
def stream(folder: Path, tokenizer: Tokenizer) -> DataStream:
    from c4pipe.shards import read_write
    from model.objectives import SpanCorruption
    from model.stream import DataStream

    objective = SpanCorruption(tokenizer.sentinel_id(0), inputs_length=32)
    return DataStream(tuple(read_write.find_shards(folder, "train")), tokenizer, objective, group_documents=8)
