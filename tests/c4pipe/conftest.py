"""Fixtures of the library's tests: a server that misbehaves, golden files, and a folder here or on a remote store."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from tests.support.corpus_builder import write_golden
from tests.support.unruly_server import UnrulyServer


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[UnrulyServer]:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    server = UnrulyServer()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.stop()
    thread.join()


@pytest.fixture
def golden_folder(tmp_path: Path) -> Path:
    return write_golden(tmp_path / "golden")


@pytest.fixture
def memory() -> Iterator[str]:
    store = fsspec.filesystem("memory")
    store.store.clear()
    store.pseudo_dirs[:] = [""]
    yield "memory://bucket"
    store.store.clear()


@pytest.fixture(params=["local", "remote"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A folder on either side of the door."""
    return str(tmp_path) if request.param == "local" else str(request.getfixturevalue("memory"))
