"""An error of the system is one line, without its number."""

from __future__ import annotations

import errno
import os

import pytest

from c4pipe.fs.errors import REMEDIES, describe, path_of, reason_of


@pytest.mark.parametrize("number", sorted(REMEDIES))
def test_each_remedy_follows_the_file(number: int) -> None:
    error = OSError(number, os.strerror(number), "a/b")
    assert (path_of(error), reason_of(error)) == ("a/b", REMEDIES[number])
    assert describe(error) == f"a/b: {REMEDIES[number]}"
    assert describe(OSError(number, os.strerror(number))) == REMEDIES[number]


@pytest.mark.parametrize(
    ("error", "path", "line"),
    [
        (OSError(errno.EIO, "Input/output error", b"a"), "a", "a: Input/output error"),
        (OSError("the disk is away"), None, "the disk is away"),
        (FileNotFoundError("key/a"), "key/a", "key/a: no such file or folder; check the path"),
        (FileNotFoundError("a has no shards"), None, "a has no shards"),
        (FileNotFoundError(), None, ""),
        (ValueError("3 is less than 4"), None, "3 is less than 4"),
    ],
)
def test_other_errors(error: Exception, path: str | None, line: str) -> None:
    assert (path_of(error), describe(error)) == (path, line)
