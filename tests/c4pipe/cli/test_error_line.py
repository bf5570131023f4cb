"""A command's error names the option that named the file."""

from __future__ import annotations

import argparse
import errno
import os

import pytest

from c4pipe.cli.errors import error_line

MISSING = "no such file or folder; check the path"


def line(error: Exception, words: list[str]) -> str:
    parser = argparse.ArgumentParser()
    parser.add_argument("source", nargs="?")
    parser.add_argument("--paths")
    parser.add_argument("--input")
    parser.add_argument("--urls", action="append")
    parser.add_argument("--format", type=tuple, default=("a",))
    parser.add_argument("--number", type=int)
    return error_line(error, parser, parser.parse_args(words))


@pytest.mark.parametrize(
    ("words", "option"),
    [
        (["--paths", "d/a"], "--paths "),
        (["--paths", "d"], "--paths "),
        (["--paths", "d/"], "--paths "),
        (["--paths", "d/a/b"], "--paths "),
        (["--input", "b, d/a"], "--input "),
        (["--urls", "b", "--urls", "d/a"], "--urls "),
        (["--paths", "d/ab"], ""),
        (["--paths", "a"], ""),
        (["--number", "3"], ""),
        (["d/a"], ""),
    ],
)
def test_the_option_of_a_file(words: list[str], option: str) -> None:
    error = FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), "d/a")
    assert line(error, words) == f"{option}d/a: {MISSING}"


def test_the_option_of_a_glob() -> None:
    error = FileNotFoundError("nothing matches 'a*': no such file")
    assert line(error, ["--input", "b,a*"]) == "--input: nothing matches 'a*': no such file"
    assert line(error, ["--input", "a"]) == "nothing matches 'a*': no such file"


def test_another_error_stays_as_it_is() -> None:
    assert line(ValueError("'a' is less than 4"), ["--input", "a"]) == "'a' is less than 4"
