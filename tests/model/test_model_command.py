"""How a command ends: 0 done, 1 failed, 2 wrong usage, 130 interrupted; a failure is one line."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from model import command

ROOT = Path(__file__).resolve().parent.parent.parent


def raising(error: BaseException) -> int:
    def work() -> None:
        raise error

    return command.run("work", work, interrupted=lambda: "half is there")


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (ValueError("no text: give some"), 1, "no text: give some"),
        (command.WrongUsage("3 is no multiple of 2"), 2, "3 is no multiple of 2"),
        (OSError("disk is full"), 1, "disk is full"),
        (ImportError("install it"), 1, "install it"),
        (FloatingPointError("loss is nan"), 1, "loss is nan"),
        (FileNotFoundError(errno.ENOENT, "No such file", "a/b"), 1, "a/b is not there: check the path"),
        (IsADirectoryError(errno.EISDIR, "Is a", Path("a")), 1, "a is a folder, but must be a file: name a file in it"),
        (PermissionError(errno.EACCES, "Permission denied", b"a"), 1, "a is closed to you: ask its owner for access"),
        (OSError(errno.EIO, "Input/output error", "a"), 1, "a cannot be used (Input/output error): name another place"),
        (KeyboardInterrupt(), 130, "interrupted; half is there"),
    ],
)  # fmt: skip
def test_a_failure_is_one_line(error: BaseException, code: int, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert raising(error) == code
    assert capsys.readouterr() == ("", f"work: {line}\n")


def test_an_error_that_nobody_expects_keeps_its_traceback() -> None:
    with pytest.raises(KeyError):
        raising(KeyError("a mistake of ours"))


def test_success_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.run("work", lambda: None, interrupted=lambda: "half is there") == 0
    assert capsys.readouterr() == ("", "")


def test_options_at_fault_are_wrong_usage() -> None:
    def build() -> None:
        with command.usage():
            raise ValueError("3 is no multiple of 2")

    with pytest.raises(command.WrongUsage, match="3 is no multiple of 2"):
        build()


def test_a_reader_that_leaves_is_no_traceback() -> None:
    """As ``python -m model.infill ... | head -1`` has it."""
    code = "from model.command import run; raise SystemExit(run('x', lambda: print('y' * 10**6), interrupted=str))"
    reader, writer = os.pipe()
    os.close(reader)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], stdout=writer, stderr=subprocess.PIPE, env=environment, check=False
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, b"")
