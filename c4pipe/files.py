"""Local paths and, through fsspec, ``gs://``, ``s3://`` and the like; nothing half-written under its final name."""

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
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import BinaryIO, TypeVar, cast

import fsspec

MAX_NAME_BYTES = 255  # of one name in a folder: ext4, XFS, APFS, NTFS
TEMPORARY = ".tmp"  # how a temporary name ends; it begins with a dot, so that no glob takes it for data
TEMPORARY_NAME = re.compile(r"\..*\.\d+-[0-9a-f]{12}\.tmp", re.DOTALL)
EXTRAS = {"gs": "gcp", "gcs": "gcp", "s3": "aws", "s3a": "aws"}  # what to install for a protocol
GLOB_MARKS = frozenset("*?[")
FULL = (errno.ENOSPC, errno.EDQUOT)  # a disk, or what a user may have of it
REMOTE_AT_A_TIME = 32  # requests; one after another, 64,000 of 30 ms take half an hour

T = TypeVar("T")


def is_remote(path: str) -> bool:
    """The path names another store than the local disk.

    >>> is_remote("gs://bucket/c4"), is_remote("/data/c4"), is_remote("file:///data/c4")
    (True, False, False)
    """
    return "://" in path and not path.startswith("file://")


def _local(path: str) -> str:
    return path.removeprefix("file://")


def _store(path: str) -> tuple[fsspec.AbstractFileSystem, str]:
    """The file system of a remote path, without a cache of listings that other workers would outdate, and its key."""
    protocol = path.partition("://")[0]
    try:
        store, key = fsspec.core.url_to_fs(path, use_listings_cache=False)
    except ImportError as error:
        remedy = f"pip install 'c4pipe[{EXTRAS[protocol]}]'" if protocol in EXTRAS else "install what it names"
        raise ImportError(f"{path} needs a library for {protocol}:// ({error}): {remedy}") from error
    except ValueError as error:
        raise ValueError(f"{path}: {protocol}:// is no protocol that fsspec knows ({error})") from error
    return store, key


def require_known(path: str) -> None:
    """Raise if nothing can be read or written there, as no library knows the path's protocol; none is asked."""
    if is_remote(path):
        protocol = path.partition("://")[0].rpartition("::")[2]
        if protocol not in (*fsspec.available_protocols(), *fsspec.registry):
            raise ValueError(f"{path}: {protocol}:// is no protocol that fsspec knows, such as gs:// or s3://")


def require_utf8(path: str) -> None:
    """Raise if the bytes of a local path are no UTF-8: what is told of it, in a manifest say, is."""
    try:
        path.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ValueError(f"{path!a} is not UTF-8 on the disk; rename it") from error


def join(path: str, *parts: str) -> str:
    """The path of ``parts`` below ``path``, with a slash between them, local or remote.

    >>> join("gs://bucket/c4/", "en", "stats.json")
    'gs://bucket/c4/en/stats.json'
    """
    if is_remote(path):
        return "/".join((path.rstrip("/"), *parts))
    return os.path.join(_local(path), *parts)


def expand(patterns: str | Sequence[str]) -> list[str]:
    """The files that paths and globs name, each once, sorted; ``**`` goes into every folder.

    A string is parted at commas; the members of a sequence are taken whole.
    """
    wanted = [part.strip() for part in patterns.split(",")] if isinstance(patterns, str) else list(patterns)
    wanted = [part for part in wanted if part]
    if not wanted:
        raise ValueError("no input named; give paths or globs, separated by commas")
    found: set[str] = set()
    for pattern in wanted:
        files = matches(pattern)
        if not files:
            folder = not is_remote(pattern) and os.path.isdir(_local(pattern))
            remedy = f"it is a folder; write {join(pattern, '*.gz')!r}" if folder else "no such file"
            raise FileNotFoundError(f"nothing matches {pattern!r}: {remedy}")
        found.update(files)
    for path in found:
        require_utf8(path)
    return sorted(found)


def matches(pattern: str) -> list[str]:
    """The files that one path or glob names, sorted; an empty list if there is none."""
    if is_remote(pattern):
        store, key = _store(pattern)
        if not GLOB_MARKS & set(key):
            return [pattern] if store.isfile(key) else []
        found = store.glob(key, detail=True)
        protocol = pattern.partition("://")[0]
        return sorted(f"{protocol}://{name.lstrip('/')}" for name, info in found.items() if info["type"] == "file")
    pattern = _local(pattern)
    paths = [pattern] if os.path.isfile(pattern) else glob.glob(pattern, recursive=True)
    return sorted({_spelled(path) for path in paths if os.path.isfile(path)})


def _spelled(path: str) -> str:
    """One spelling of a path; its own where ``..`` stands behind a link, from which it may lead elsewhere."""
    normal = os.path.normpath(path)
    elsewhere = ".." in path.split(os.sep) and not (os.path.exists(normal) and os.path.samefile(path, normal))
    return path if elsewhere else normal


def exists(path: str) -> bool:
    """A file or folder stands at the path."""
    if is_remote(path):
        store, key = _store(path)
        return bool(store.exists(key))
    return os.path.exists(_local(path))


def size(path: str) -> int:
    """The size of a file in bytes."""
    if is_remote(path):
        store, key = _store(path)
        return int(store.info(key)["size"])
    return os.path.getsize(_local(path))


def free_bytes(path: str) -> int | None:
    """Free disk where a local path is or would be; None for a remote one, which has no such limit."""
    if is_remote(path):
        return None
    place = os.path.abspath(_local(path))
    while not os.path.exists(place):
        place = os.path.dirname(place)
    return shutil.disk_usage(place).free


def makedirs(path: str) -> None:
    """Make a folder and those above it; object stores have none, so nothing happens there."""
    if not is_remote(path):
        os.makedirs(_local(path), exist_ok=True)


def remove(path: str) -> None:
    """Remove a file; one that is not there is no error."""
    with contextlib.suppress(FileNotFoundError):
        if is_remote(path):
            store, key = _store(path)
            store.rm_file(key)
        else:
            os.remove(_local(path))


def open_read(path: str) -> BinaryIO:
    """Open a file for reading bytes; the stream can seek."""
    if is_remote(path):
        store, key = _store(path)
        return cast(BinaryIO, store.open(key, "rb"))
    return open(_local(path), "rb")


def temporary_name(path: str) -> str:
    """A fresh name in the folder of a local path, that no other process and no second attempt uses."""
    folder, name = os.path.split(_local(path))
    mark = f".{os.getpid()}-{secrets.token_hex(6)}{TEMPORARY}"
    stem = name.encode()[: MAX_NAME_BYTES - 1 - len(mark)].decode(errors="ignore")
    return os.path.join(folder, f".{stem}{mark}")


@contextlib.contextmanager
def write_atomic(path: str) -> Iterator[BinaryIO]:
    """Yield a stream whose bytes stand under ``path`` when the block ends well, and nowhere if it does not.

    Locally a temporary file beside it, synced and renamed; remotely a file on the local disk, sent as one object.
    The stream can seek, its name is a path on the local disk, and the block may close it.
    """
    if is_remote(path):
        store, key = _store(path)
        with tempfile.TemporaryDirectory() as folder:
            spool = os.path.join(folder, "object")
            with open(spool, "w+b") as stream:
                yield stream
            store.put_file(spool, key)
        return
    path = _local(path)
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
    if is_remote(folder):
        return 0
    latest = math.inf if older_than_seconds is None else time.time() - older_than_seconds
    removed = 0
    for path in glob.glob(os.path.join(glob.escape(_local(folder)), "**", f".*{TEMPORARY}"), recursive=True):
        with contextlib.suppress(FileNotFoundError):  # its writer may just have ended
            if TEMPORARY_NAME.fullmatch(os.path.basename(path)) and os.path.getmtime(path) <= latest:
                os.remove(path)
                removed += 1
    return removed


def each(function: Callable[[str], T], paths: Sequence[str]) -> list[T]:
    """What a function makes of each path; of remote ones several at a time, since each waits for a far store."""
    if not any(map(is_remote, paths)):
        return [function(path) for path in paths]
    with ThreadPoolExecutor(REMOTE_AT_A_TIME) as pool:
        return list(pool.map(function, paths))


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
