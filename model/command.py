"""How a command of this package ends: with its exit code, and after a failure with one line on stderr."""

from __future__ import annotations

import argparse
import errno
import math
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

FAILED, WRONG_USAGE, INTERRUPTED = 1, 2, 130
NOT_READABLE = {
    errno.ENOENT: "is not there: check the path",
    errno.ENOTDIR: "is not there, a part of its path is a file: check the path",
    errno.EISDIR: "is a folder, but must be a file: name a file in it",
    errno.EACCES: "is closed to you: ask its owner for access",
    errno.EPERM: "is closed to you: ask its owner for access",
}
Number = TypeVar("Number", int, float)


class WrongUsage(ValueError):
    """Options whose values are impossible, alone or together."""


@contextmanager
def usage() -> Iterator[None]:
    """Turn a ``ValueError`` into ``WrongUsage``: what is built inside is built from options alone."""
    try:
        yield
    except ValueError as error:
        raise WrongUsage(str(error)) from error


def run(name: str, work: Callable[[], None], *, interrupted: Callable[[], str]) -> int:
    """Do the work of the command and return its exit code; ``interrupted`` says what Ctrl-C left behind."""
    try:
        work()
        sys.stdout.flush()
    except BrokenPipeError:  # the reader of the output has closed it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except (OSError, ValueError, ImportError, FloatingPointError) as error:
        say(f"{name}: {error_line(error)}")
        return WRONG_USAGE if isinstance(error, WrongUsage) else FAILED
    except KeyboardInterrupt:
        say(f"{name}: interrupted; {interrupted()}")
        return INTERRUPTED
    return 0


def error_line(error: Exception) -> str:
    """The error's message; for an error of the system the file, the reason and a remedy.

    >>> error_line(FileNotFoundError(errno.ENOENT, "No such file or directory", "run/config.json"))
    'run/config.json is not there: check the path'
    """
    if not isinstance(error, OSError) or error.filename is None:
        return str(error)
    reason = NOT_READABLE.get(error.errno or 0, f"cannot be used ({error.strerror}): name another place")
    return f"{os.fsdecode(error.filename)} {reason}"


def say(text: str) -> None:
    """Print a line for the user to stderr."""
    print(text, file=sys.stderr, flush=True)


def number(
    kind: Callable[[str], Number], *, least: float = -math.inf, above: float = -math.inf, below: float = math.inf
) -> Callable[[str], Number]:
    """The ``type`` of an option: a number of at least ``least``, above ``above`` and below ``below``.

    >>> number(int, least=1)("7")
    7
    """

    def parse(text: str) -> Number:
        try:
            value = kind(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is no {'whole number' if kind is int else 'number'}") from None
        if not value >= least:
            raise argparse.ArgumentTypeError(f"{text} is less than {least}")
        if not above < value < below:
            limits = [f"above {above}"] * (above > -math.inf) + [f"below {below}"]
            raise argparse.ArgumentTypeError(f"{text} must be {' and '.join(limits)}")
        return value

    return parse
