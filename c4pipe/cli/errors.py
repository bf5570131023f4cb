"""Errors that a user can mend, each as one line: the file, the option that named it, the remedy."""

from __future__ import annotations

import argparse
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


def error_line(
    error: BaseException, parser: argparse.ArgumentParser | None = None, arguments: argparse.Namespace | None = None
) -> str:
    """Return the line for an error; with ``parser`` and ``arguments`` it names the option that named the file.

    >>> error_line(FileNotFoundError(errno.ENOENT, "No such file or directory", "a.paths"))
    'a.paths: no such file or folder; check the path'
    """
    if not isinstance(error, OSError):
        return str(error)
    if error.errno is None:
        if isinstance(error, FileNotFoundError) and len(str(error).split()) == 1:  # fsspec gives the path alone
            return f"{error}: {REMEDIES[errno.ENOENT]}"
        return str(error)
    reason = REMEDIES.get(error.errno) or str(error.strerror)
    if error.filename is None:
        return reason
    path = os.fsdecode(error.filename) if isinstance(error.filename, (str, bytes, os.PathLike)) else str(error.filename)
    option = _option_of(path, parser, arguments) if parser and arguments else None
    return f"{option} {path}: {reason}" if option else f"{path}: {reason}"


def _option_of(path: str, parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> str | None:
    """Return the option whose value, or one of whose values, is the path."""
    for action in parser._actions:
        value = getattr(arguments, action.dest, None)
        values = value if isinstance(value, (list, tuple)) else str(value).split(",")
        if action.option_strings and path in values:
            return action.option_strings[0]
    return None
