"""Whole files: whatever happens to the writer, a reader finds the old content or the new."""

from __future__ import annotations

import errno
import os
import resource
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from model import atomic

OLD, NEW = b"old content", b"new content, longer"

# Writes half of the new content, says so, and waits to be killed. The argument: the file.
HALF = """
import sys, time
from pathlib import Path
from model import atomic
with atomic.replacing(Path(sys.argv[1])) as temporary:
    temporary.write_bytes(b"new con")
    print("half", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file with the old content, alone in its folder."""
    file = tmp_path / "folder" / "file"
    file.parent.mkdir()
    file.write_bytes(OLD)
    return file


def test_the_new_content_replaces_the_old(path: Path) -> None:
    atomic.write_bytes(path, NEW)
    assert path.read_bytes() == NEW
    assert list(path.parent.iterdir()) == [path]


def test_text_is_written_in_utf_8(path: Path) -> None:
    atomic.write_text(path, "naïve\n")
    assert path.read_bytes() == b"na\xc3\xafve\n"


def test_the_old_content_stands_until_the_new_is_whole(path: Path) -> None:
    with atomic.replacing(path) as temporary:
        temporary.write_bytes(NEW)
        assert path.read_bytes() == OLD
    assert path.read_bytes() == NEW


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_a_writer_that_raises_leaves_the_old_file_alone(path: Path, error: type[BaseException]) -> None:
    def failing() -> None:
        with atomic.replacing(path) as temporary:
            temporary.write_bytes(NEW)
            raise error

    with pytest.raises(error):
        failing()
    assert path.read_bytes() == OLD
    assert list(path.parent.iterdir()) == [path]


def test_a_writer_that_is_killed_leaves_the_old_file(path: Path) -> None:
    """kill -9 in the middle of a write; the next write succeeds beside what is left."""
    with subprocess.Popen([sys.executable, "-c", HALF, str(path)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"half\n"
        os.kill(process.pid, signal.SIGKILL)
    assert path.read_bytes() == OLD
    atomic.write_bytes(path, NEW)
    assert path.read_bytes() == NEW


def test_two_writers_of_one_file_have_two_temporary_names(path: Path) -> None:
    with atomic.replacing(path) as first, atomic.replacing(path) as second:
        assert first != second
        assert {first.parent, second.parent} == {path.parent}
        assert {first.name[0], second.name[0]} == {"."}
        first.write_bytes(b"first")
        second.write_bytes(b"second")
    assert path.read_bytes() == b"first"  # the last to leave
    assert list(path.parent.iterdir()) == [path]


def test_missing_folders_are_made(tmp_path: Path) -> None:
    atomic.write_bytes(tmp_path / "a" / "b" / "file", NEW)
    assert (tmp_path / "a" / "b" / "file").read_bytes() == NEW


def test_a_path_without_a_folder_is_in_the_current_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    atomic.write_bytes(Path("file"), NEW)
    assert (tmp_path / "file").read_bytes() == NEW


def test_file_and_folder_are_forced_to_the_disk_around_the_rename(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file before its name appears, the folder after; a new folder by its own parent."""
    calls: list[tuple[str, str]] = []
    fsync, replace = os.fsync, Path.replace

    def watched_fsync(descriptor: int) -> None:
        is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        calls.append(("fsync", Path(os.readlink(f"/proc/self/fd/{descriptor}")).name if is_folder else "file"))
        fsync(descriptor)

    def watched_replace(self: Path, target: Path) -> Path:
        calls.append(("rename", target.name))
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", watched_fsync)
    monkeypatch.setattr(Path, "replace", watched_replace)
    atomic.write_bytes(path.parent / "deeper" / "file", NEW)
    assert calls == [("fsync", "folder"), ("fsync", "file"), ("rename", "file"), ("fsync", "deeper")]


def test_others_may_read_what_the_umask_allows(path: Path) -> None:
    """Also if the writer makes the file anew, closed to others, as safetensors does."""
    before = os.umask(0o027)
    try:
        with atomic.replacing(path) as temporary:
            temporary.unlink()
            os.close(os.open(temporary, os.O_CREAT | os.O_WRONLY, 0o600))
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_disk_that_is_full_is_named(path: Path) -> None:
    with (
        pytest.raises(atomic.NotWritten, match=r"file cannot be written \(No space left on device\): free space on it"),
        atomic.replacing(path),
    ):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert path.read_bytes() == OLD


def test_a_file_that_is_too_large_is_named(path: Path) -> None:
    """The system's own error, from the write itself."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4, hard))
    try:
        with pytest.raises(atomic.NotWritten, match=r"file cannot be written \(File too large\): raise the limit"):
            atomic.write_bytes(path, NEW)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == OLD
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("check", [atomic.check_writable, lambda path: atomic.write_bytes(path, NEW)])
def test_what_cannot_be_a_file_is_refused_before_anything_is_written(path: Path, check: Callable[[Path], None]) -> None:
    with pytest.raises(atomic.NotWritten, match=r"folder is a folder, but must be a file: add a file name"):
        check(path.parent)
    with pytest.raises(atomic.NotWritten, match=r"file is a file, but must be a folder: name another folder"):
        check(path / "deeper" / "file")
    assert list(path.parent.iterdir()) == [path]
    assert path.read_bytes() == OLD


def test_a_folder_that_is_closed_is_named(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the system's answer, which for root is always yes."""
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(atomic.NotWritten, match=r"folder is closed to you: name a folder that you may write to"):
        atomic.check_writable(path.parent / "file")


def test_checking_makes_nothing(tmp_path: Path) -> None:
    atomic.check_writable(tmp_path / "a" / "b" / "file")
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_removed_once_and_may_be_gone(path: Path) -> None:
    atomic.remove(path)
    assert not path.exists()
    atomic.remove(path)
    assert not path.exists()
