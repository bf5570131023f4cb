"""One build a folder: a second one at the same time is an error, and a killed one leaves nothing to clean up."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from c4pipe.fs import files, paths


@contextmanager
def held(output: str) -> Iterator[None]:
    """Hold a local output folder; object stores have no locks, so nothing is held there."""
    if paths.is_remote(output):
        yield
        return
    folder = paths.join(output, "store")
    files.makedirs(folder)
    with open(paths.join(folder, "lock"), "w", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise OSError(f"another build is at work in {os.path.abspath(output)}; wait for it, or stop it") from error
        yield  # the kernel lets go when this process ends, however it ends
