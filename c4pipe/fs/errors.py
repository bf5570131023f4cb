"""Errors of the system in words that a user can act on: the file, the reason, the remedy."""

from __future__ import annotations

import errno
import os

REMEDIES = {
    errno.ENOENT: "no such file or folder; check the path",
    errno.ENOTDIR: "a folder on this path is a file; check the path",
    errno.EISDIR: "it is a folder; name a file",
    errno.EACCES: "permission denied; allow access, or name another path",
    errno.EPERM: "permission denied; allow access, or name another path",
    errno.EROFS: "the file system is read-only; name another path",
    errno.ENOSPC: "the disk is full; make room, then give the same command again",
    errno.EDQUOT: "the disk quota is used up; make room, then give the same command again",
    errno.EMFILE: "too many open files; raise the limit with ulimit -n",
}


def path_of(error: BaseException) -> str | None:
    """Return the path that an error is about, or None if it names none; of two, as in a rename, the target."""
    if not isinstance(error, OSError):
        return None
    if error.errno is None:  # fsspec gives the path alone
        return str(error) if isinstance(error, FileNotFoundError) and len(str(error).split()) == 1 else None
    named = error.filename if error.filename2 is None else error.filename2
    return os.fsdecode(named) if isinstance(named, (str, bytes, os.PathLike)) else None


def reason_of(error: BaseException) -> str:
    """Return the reason with its remedy, without the path; the message of an error that is not the system's.

    >>> reason_of(OSError(errno.EIO, "Input/output error", "a.gz"))
    'Input/output error'
    """
    if not isinstance(error, OSError) or (error.errno is None and path_of(error) is None):
        return str(error)
    return REMEDIES.get(error.errno or errno.ENOENT) or str(error.strerror)


def describe(error: BaseException) -> str:
    """Return one line for an error: the path if it is known, the reason, the remedy.

    >>> describe(FileNotFoundError(errno.ENOENT, "No such file or directory", "a.paths"))
    'a.paths: no such file or folder; check the path'
    """
    path = path_of(error)
    return reason_of(error) if path is None else f"{path}: {reason_of(error)}"
