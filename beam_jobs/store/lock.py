"""A lock for the output folder: a second build there is an error. A killed build leaves no lock behind."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from c4pipe.fs import files, paths


@contextmanager
def held(output: str) -> Iterator[None]:
    """Lock a local output folder for the length of a block; raises ``OSError`` if another build holds it.

    Object stores have no locks, so nothing is held there.
    """
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
        yield  # the kernel unlocks when this process ends, however it ends
