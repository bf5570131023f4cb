"""Paths: on the local disk or, through fsspec, in a store such as ``gs://`` or ``s3://``."""

from __future__ import annotations

import os

import fsspec

EXTRAS = {"gs": "gcp", "gcs": "gcp", "s3": "aws", "s3a": "aws"}  # protocol -> the extra with its library


def is_remote(path: str) -> bool:
    """True if the path is not on the local disk.

    >>> is_remote("gs://bucket/c4"), is_remote("/data/c4"), is_remote("file:///data/c4")
    (True, False, False)
    """
    return "://" in path and not path.startswith("file://")


def local(path: str) -> str:
    """Return a local path as the operating system names it.

    >>> local("file:///data/c4"), local("/data/c4")
    ('/data/c4', '/data/c4')
    """
    return path.removeprefix("file://")


def store(path: str) -> tuple[fsspec.AbstractFileSystem, str]:
    """Return the file system of a remote path, and its key there. Listings are not cached: other workers write, too."""
    protocol = path.partition("://")[0]
    try:
        there, key = fsspec.core.url_to_fs(path, use_listings_cache=False)
    except ImportError as error:
        remedy = f"pip install -e '.[{EXTRAS[protocol]}]' in a clone" if protocol in EXTRAS else "install what it names"
        raise ImportError(f"{path} needs a library for {protocol}:// ({error}): {remedy}") from error
    except ValueError as error:
        raise ValueError(f"{path}: {protocol}:// is no protocol that fsspec knows ({error})") from error
    return there, key


def require_known(path: str) -> None:
    """Raise ValueError if no library knows the protocol of a path. No library is loaded for that."""
    if is_remote(path):
        protocol = path.partition("://")[0].rpartition("::")[2]
        if protocol not in (*fsspec.available_protocols(), *fsspec.registry):
            raise ValueError(f"{path}: {protocol}:// is no protocol that fsspec knows, such as gs:// or s3://")


def require_utf8(path: str) -> None:
    """Raise ValueError if the bytes of a local path are not UTF-8, as manifests and messages are."""
    try:
        path.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ValueError(f"{path!a} is not UTF-8 on the disk; rename it") from error


def join(path: str, *parts: str) -> str:
    """Return the path of ``parts`` below ``path``, joined by slashes, local or remote.

    >>> join("gs://bucket/c4/", "en", "stats.json")
    'gs://bucket/c4/en/stats.json'
    """
    if is_remote(path):
        return "/".join((path.rstrip("/"), *parts))
    return os.path.join(local(path), *parts)
