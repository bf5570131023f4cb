"""Describe the machine, and the versions that figures depend on."""

from __future__ import annotations

import datetime
import importlib.metadata
import os
import platform
import subprocess
import zlib
from pathlib import Path

from c4pipe import engine

LIBRARIES = ("c4pipe", "apache-beam", "numpy", "pyarrow", "nltk", "langdetect", "warcio", "isal", "zlib-ng", "deflate")


def described() -> dict[str, object]:
    """Return the machine, its software and the commit, as JSON values."""
    return {
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "cpu": cpu(),
        "cores": os.cpu_count(),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "system": platform.platform(),
        "python": platform.python_version(),
        "zlib": zlib.ZLIB_RUNTIME_VERSION,
        "libraries": {name: version for name in LIBRARIES if (version := _version(name))},
        "commit": commit(),
        "compiled_rooms": [room for room in engine.ROOMS if room not in engine.missing()],
        "rooms_not_compiled": list(engine.missing()),
    }


def load() -> float | None:
    """Return the mean number of running or waiting processes in the last minute; other work makes figures worse."""
    return round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None


def cpu() -> str:
    """Return the processor's name."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith(("model name", "Model"))]
    return names[0] if names else platform.processor() or platform.machine()


def commit() -> str | None:
    """Return the checked-out commit, with a + if files differ from it; None outside a clone."""
    git = ["git", "-C", str(Path(__file__).parent)]
    try:
        head = subprocess.run([*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True)
        changes = subprocess.run([*git, "status", "--porcelain", "-uno"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return head.stdout.strip() + ("+" if changes.stdout else "")


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
