"""Reads and writes files, local or remote. No half-written file ever has its final name."""

from __future__ import annotations

import contextlib
import errno
import glob
import json
import math
import os
import re
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator
from typing import BinaryIO, cast

from c4pipe.fs import paths

MAX_NAME_BYTES = 255  # longest file name: ext4, XFS, APFS, NTFS
TEMPORARY = ".tmp"  # suffix of temporary names; they start with a dot, so that no glob matches them
TEMPORARY_NAME = re.compile(r"\..*\.\d+-[0-9a-f]{12}\.tmp", re.DOTALL)
FULL = (errno.ENOSPC, errno.EDQUOT)  # the disk, or the quota of the user


def exists(path: str) -> bool:
    """True if the path is a file or folder."""
    if paths.is_remote(path):
        store, key = paths.store(path)
        return bool(store.exists(key))
    return os.path.exists(paths.local(path))


def size(path: str) -> int:
    """Return the size of a file in bytes."""
    if paths.is_remote(path):
        store, key = paths.store(path)
        return int(store.info(key)["size"])
    return os.path.getsize(paths.local(path))


def free_bytes(path: str) -> int | None:
    """Return the free bytes on the disk of a local path, which need not exist; None for a remote path."""
    if paths.is_remote(path):
        return None
    place = os.path.abspath(paths.local(path))
    while not os.path.exists(place):
        place = os.path.dirname(place)
    return shutil.disk_usage(place).free


def makedirs(path: str) -> None:
    """Make a folder and its parents. Object stores have no folders, so this does nothing there."""
    if not paths.is_remote(path):
        os.makedirs(paths.local(path), exist_ok=True)


def require_folder(path: str, remedy: str) -> None:
    """Raise ValueError, with the remedy, if a local path is a file where a folder is needed."""
    if not paths.is_remote(path) and os.path.isfile(paths.local(path)):
        raise ValueError(f"{path} is a file; {remedy}")


def remove(path: str) -> None:
    """Remove a file. A missing file is no error."""
    with contextlib.suppress(FileNotFoundError):
        if paths.is_remote(path):
            store, key = paths.store(path)
            store.rm_file(key)
        else:
            os.remove(paths.local(path))


def open_read(path: str) -> BinaryIO:
    """Open a file for reading bytes. The stream can seek."""
    if paths.is_remote(path):
        store, key = paths.store(path)
        return cast(BinaryIO, store.open(key, "rb"))
    return open(paths.local(path), "rb")


def temporary_name(path: str) -> str:
    """Return a name in the folder of a local path that no other process and no second attempt uses."""
    folder, name = os.path.split(paths.local(path))
    mark = f".{os.getpid()}-{secrets.token_hex(6)}{TEMPORARY}"
    stem = name.encode()[: MAX_NAME_BYTES - 1 - len(mark)].decode(errors="ignore")
    return os.path.join(folder, f".{stem}{mark}")


@contextlib.contextmanager
def write_atomic(path: str) -> Iterator[BinaryIO]:
    """Yield a stream whose bytes become the file ``path`` when the block succeeds, and vanish when it fails.

    Locally a temporary file beside it, synced and renamed; remotely a file on the local disk, sent as one object.
    The stream can seek, its name is a path on the local disk, and the block may close it.
    """
    if paths.is_remote(path):
        store, key = paths.store(path)
        with tempfile.TemporaryDirectory() as folder:
            spool = os.path.join(folder, "object")
            with open(spool, "w+b") as stream:
                yield stream
            store.put_file(spool, key)
        return
    path = paths.local(path)
    makedirs(os.path.dirname(path) or ".")
    temporary = temporary_name(path)
    try:
        with open(temporary, "x+b") as stream:
            yield stream
        put_in_place(temporary, path)
    except BaseException as error:
        remove(temporary)
        if isinstance(error, OSError) and error.errno in FULL:  # a write does not tell where
            raise OSError(error.errno, os.strerror(error.errno), path) from error
        raise


def put_in_place(temporary: str, path: str) -> None:
    """Rename a complete local file to its final name. A power cut leaves the old file or the new one."""
    _sync(temporary)
    os.replace(temporary, path)
    _sync(os.path.dirname(path) or ".")


def _sync(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sweep(folder: str, *, older_than_seconds: float | None = None) -> int:
    """Remove the temporary files that killed processes left below a local folder. Return their number.

    With no age given all go, whatever the clock said when they were written: only when no other process writes there.
    """
    if paths.is_remote(folder):
        return 0
    latest = math.inf if older_than_seconds is None else time.time() - older_than_seconds
    removed = 0
    for path in glob.glob(os.path.join(glob.escape(paths.local(folder)), "**", f".*{TEMPORARY}"), recursive=True):
        with contextlib.suppress(FileNotFoundError):  # its writer may just have ended
            if TEMPORARY_NAME.fullmatch(os.path.basename(path)) and os.path.getmtime(path) <= latest:
                os.remove(path)
                removed += 1
    return removed


def read_bytes(path: str) -> bytes:
    """Return the bytes of a file."""
    with open_read(path) as stream:
        return stream.read()


def write_bytes(path: str, data: bytes) -> None:
    """Write a file atomically."""
    with write_atomic(path) as stream:
        stream.write(data)


def read_text(path: str) -> str:
    """Return a UTF-8 file as text, with its line ends unchanged."""
    return read_bytes(path).decode("utf-8")


def write_text(path: str, text: str) -> None:
    """Write text as a UTF-8 file, atomically."""
    write_bytes(path, text.encode("utf-8"))


def read_json(path: str) -> object:
    """Return the value of a JSON file."""
    return json.loads(read_bytes(path))


def write_json(path: str, value: object) -> None:
    """Write a value as JSON, atomically. Keys are sorted and indented by two: equal values give equal bytes."""
    write_text(path, json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True) + "\n")
