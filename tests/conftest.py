"""Settings of all tests: no network but loopback, and where the reference material lies."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.support.required import is_required

ROOT = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("C4_SHARED", ROOT.parent / "shared"))  # the one setting that names it

settings.register_profile("no_deadline", deadline=None)  # a busy machine is no failure
settings.load_profile("no_deadline")

LOOPBACK = ("127.", "::1", "localhost")


@pytest.fixture(autouse=True)
def closed_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse every connection that leaves the machine."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: object) -> None:
        if isinstance(address, tuple) and not str(address[0]).startswith(LOOPBACK):
            raise OSError(f"network is closed in tests: {address!r}")
        connect(self, address)  # type: ignore[arg-type]

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(scope="session")
def shared() -> Path:
    """Golden files and real pages: skips where they are absent, fails where they are required."""
    if not SHARED.is_dir():
        if is_required("SHARED"):
            pytest.fail(f"C4_REQUIRE_SHARED=1, but {SHARED} is no folder; set C4_SHARED to the reference material")
        pytest.skip(f"reference material is not at {SHARED}; set C4_SHARED to its folder")
    return SHARED


@pytest.fixture(scope="session")
def golden(shared: Path) -> Path:
    return shared / "golden" / "c4"


@pytest.fixture(scope="session")
def ten_wet_files(shared: Path) -> list[Path]:
    """The real pages from which the golden files were made."""
    paths = sorted(shared.glob("data/wet/original/*.gz")) + sorted(shared.glob("data/wet/converted/*.gz"))
    assert len(paths) == 10
    return paths


@pytest.fixture
def real_resources(shared: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The pinned lists, as a process-wide setting for one test."""
    from c4pipe import resources

    folder = shared / "data" / "resources"
    previous = resources.source()
    resources.use(str(folder))
    yield folder
    resources.use(previous)


@pytest.fixture
def builtin() -> Iterator[None]:
    """The small stand-ins of the pinned lists, as a process-wide setting for one test."""
    from c4pipe import resources

    previous = resources.source()
    resources.use("builtin")
    yield
    resources.use(previous)
