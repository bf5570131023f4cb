"""Files, local or remote, read and written: nothing half-written under its final name."""

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

MAX_NAME_BYTES = 255  # of one name in a folder: ext4, XFS, APFS, NTFS
TEMPORARY = ".tmp"  # how a temporary name ends; it begins with a dot, so that no glob takes it for data
TEMPORARY_NAME = re.compile(r"\..*\.\d+-[0-9a-f]{12}\.tmp", re.DOTALL)
FULL = (errno.ENOSPC, errno.EDQUOT)  # a disk, or what a user may have of it


def exists(path: str) -> bool:
    """A file or folder stands at the path."""
    if paths.is_remote(path):
        store, key = paths.store(path)
        return bool(store.exists(key))
    return os.path.exists(paths.local(path))


def size(path: str) -> int:
    """The size of a file in bytes."""
    if paths.is_remote(path):
        store, key = paths.store(path)
        return int(store.info(key)["size"])
    return os.path.getsize(paths.local(path))


def free_bytes(path: str) -> int | None:
    """Free disk where a local path is or would be; None for a remote one, which has no such limit."""
    if paths.is_remote(path):
        return None
    place = os.path.abspath(paths.local(path))
    while not os.path.exists(place):
        place = os.path.dirname(place)
    return shutil.disk_usage(place).free


def makedirs(path: str) -> None:
    """Make a folder and those above it; object stores have none, so nothing happens there."""
    if not paths.is_remote(path):
        os.makedirs(paths.local(path), exist_ok=True)


def require_folder(path: str, remedy: str) -> None:
    """Raise if a local file stands where a folder is, or is to be made."""
    if not paths.is_remote(path) and os.path.isfile(paths.local(path)):
        raise ValueError(f"{path} is a file; {remedy}")


def remove(path: str) -> None:
    """Remove a file; one that is not there is no error."""
    with contextlib.suppress(FileNotFoundError):
        if paths.is_remote(path):
            store, key = paths.store(path)
            store.rm_file(key)
        else:
            os.remove(paths.local(path))


def open_read(path: str) -> BinaryIO:
    """Open a file for reading bytes; the stream can seek."""
    if paths.is_remote(path):
        store, key = paths.store(path)
        return cast(BinaryIO, store.open(key, "rb"))
    return open(paths.local(path), "rb")


def temporary_name(path: str) -> str:
    """A fresh name in the folder of a local path, that no other process and no second attempt uses."""
    folder, name = os.path.split(paths.local(path))
    mark = f".{os.getpid()}-{secrets.token_hex(6)}{TEMPORARY}"
    stem = name.encode()[: MAX_NAME_BYTES - 1 - len(mark)].decode(errors="ignore")
    return os.path.join(folder, f".{stem}{mark}")


@contextlib.contextmanager
def write_atomic(path: str) -> Iterator[BinaryIO]:
    """Yield a stream whose bytes stand under ``path`` when the block ends well, and nowhere if it does not.

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
    """Give a whole local file its final name, so that a power cut leaves the old one or the new one."""
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
    """Remove the temporary files that killed processes left below a local folder; returns how many.

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
    """The whole file."""
    with open_read(path) as stream:
        return stream.read()


def write_bytes(path: str, data: bytes) -> None:
    """Write a whole file, atomically."""
    with write_atomic(path) as stream:
        stream.write(data)


def read_text(path: str) -> str:
    """The whole file as UTF-8, its line ends as they are."""
    return read_bytes(path).decode("utf-8")


def write_text(path: str, text: str) -> None:
    """Write a whole file as UTF-8, atomically."""
    write_bytes(path, text.encode("utf-8"))


def read_json(path: str) -> object:
    """The value of a JSON file."""
    return json.loads(read_bytes(path))


def write_json(path: str, value: object) -> None:
    """Write a value as JSON with sorted keys, indented by two, atomically: equal values give equal bytes."""
    write_text(path, json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True) + "\n")
