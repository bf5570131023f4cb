"""An error that a user can mend is one line, without the number of the system's error."""

from __future__ import annotations

import argparse
import errno
import os

import pytest

from c4pipe.cli.errors import REMEDIES, error_line


@pytest.mark.parametrize("number", sorted(REMEDIES))
def test_each_remedy_follows_the_file(number: int) -> None:
    assert error_line(OSError(number, os.strerror(number), "a/b")) == f"a/b: {REMEDIES[number]}"
    assert error_line(OSError(number, os.strerror(number))) == REMEDIES[number]


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (OSError(errno.EIO, "Input/output error", b"a"), "a: Input/output error"),
        (OSError("the disk is away"), "the disk is away"),
        (FileNotFoundError("memory-key/a"), "memory-key/a: no such file or folder; check the path"),
        (FileNotFoundError("a has no shards"), "a has no shards"),
        (ValueError("3 is less than 4"), "3 is less than 4"),
    ],
)
def test_other_errors(error: Exception, line: str) -> None:
    assert error_line(error) == line


@pytest.mark.parametrize(
    ("words", "option"),
    [
        (["--paths", "a"], "--paths "),
        (["--input", "b,a"], "--input "),
        (["--urls", "b", "--urls", "a"], "--urls "),
        (["--paths", "ab"], ""),
        (["a"], ""),
    ],
)
def test_the_option_that_named_the_file(words: list[str], option: str) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("source", nargs="?")
    parser.add_argument("--paths")
    parser.add_argument("--input")
    parser.add_argument("--urls", action="append")
    error = FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), "a")
    assert error_line(error, parser, parser.parse_args(words)) == f"{option}a: {REMEDIES[errno.ENOENT]}"
