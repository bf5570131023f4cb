"""Write whole files: a reader sees the old file or the new one, never half of one.

The new content goes to a temporary file in the same folder. That file is forced to the disk, then renamed, then the
folder is forced to the disk. So a kill or a power cut at any moment leaves one of the two whole files.
"""

from __future__ import annotations

import errno
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

REMEDIES = {
    errno.ENOSPC: "free space on its disk",
    errno.EDQUOT: "free space in your quota",
    errno.EFBIG: "raise the limit on file sizes (ulimit -f)",
    errno.EACCES: "name a folder that you may write to",
    errno.EPERM: "name a folder that you may write to",
    errno.EROFS: "name a folder on a disk that is not read-only",
    errno.ENAMETOOLONG: "give a shorter name",
}


class NotWritten(OSError):
    """A file that cannot be written; the message names the file, the reason and a remedy."""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path for the caller to write; then rename that file to ``path``.

    If the caller raises, ``path`` keeps its old content. Missing folders are made. Each call has a temporary name of
    its own, which begins with a dot, so two writers never meet. An ``OSError`` becomes ``NotWritten``.
    """
    with naming(path):
        check_writable(path)
        make_folder(path.parent)
        temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
        try:
            temporary.touch()
            mode = temporary.stat().st_mode  # as the umask has it; a writer may create the file anew with another
            yield temporary
            temporary.chmod(mode)
            sync(temporary)
            temporary.replace(path)
            sync(path.parent)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Turn an ``OSError`` into a ``NotWritten`` that names the file and a remedy."""
    try:
        yield
    except NotWritten:
        raise
    except OSError as error:
        remedy = REMEDIES.get(error.errno or 0, "name another place")
        raise NotWritten(f"{path} cannot be written ({error.strerror or error}): {remedy}") from error


def write_bytes(path: Path, content: bytes) -> None:
    """Replace the file by one with this content."""
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: Path, text: str) -> None:
    """Replace the file by one with this text, in UTF-8."""
    write_bytes(path, text.encode())


def remove(path: Path) -> None:
    """Remove the file for good; a missing file is no error."""
    with naming(path):
        if path.is_file():
            path.unlink()
            sync(path.parent)


def check_writable(path: Path) -> None:
    """Raise ``NotWritten`` if ``path`` is a folder, or if it lies below a file or a folder closed to this user.

    Nothing is written, so a command can ask before hours of work.
    """
    if path.is_dir():
        raise NotWritten(f"{path} is a folder, but must be a file: add a file name")
    check_folder(path.parent)


def check_folder(folder: Path) -> None:
    """Raise ``NotWritten`` if files cannot be made in ``folder``, or ``folder`` itself cannot be made."""
    nearest = next(parent for parent in (folder, *folder.parents) if parent.exists())
    if not nearest.is_dir():
        raise NotWritten(f"{nearest} is a file, but must be a folder: name another folder, or remove the file")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise NotWritten(f"{nearest} is closed to you: {REMEDIES[errno.EACCES]}")


def make_folder(folder: Path) -> None:
    """Make the folder and those above it; force each new name to the disk."""
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        sync(folder.parent)


def sync(path: Path) -> None:
    """Force a file or a folder to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
