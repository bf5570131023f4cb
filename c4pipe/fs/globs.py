"""Expands paths and globs to files, local or remote."""

from __future__ import annotations

import glob
import os
from collections.abc import Sequence

from c4pipe.fs import paths

GLOB_MARKS = frozenset("*?[")


def expand(patterns: str | Sequence[str]) -> list[str]:
    """Return the files that paths and globs name, each once, sorted. ``**`` matches any depth of folders.

    A string is parted at commas; the members of a sequence are taken whole.
    """
    wanted = [part.strip() for part in patterns.split(",")] if isinstance(patterns, str) else list(patterns)
    wanted = [part for part in wanted if part]
    if not wanted:
        raise ValueError("no input named; give paths or globs, separated by commas")
    found: set[str] = set()
    for pattern in wanted:
        files = matches(pattern)
        if not files:
            folder = not paths.is_remote(pattern) and os.path.isdir(paths.local(pattern))
            raise FileNotFoundError(
                f"nothing matches {pattern!r}: {_inside(pattern) if folder else 'no such file; check the path'}"
            )
        found.update(files)
    for path in found:
        paths.require_utf8(path)
    return sorted(found)


def _inside(folder: str) -> str:
    """The advice for a folder that was given in place of files."""
    for inside in (paths.join(folder, "*.gz"), paths.join(folder, "**", "*.gz")):
        if matches(inside):
            return f"it is a folder; write {inside!r}"
    return "it is a folder, and no file in it ends in .gz; write a glob of those that are meant"


def matches(pattern: str) -> list[str]:
    """Return the files that one path or glob names, sorted; an empty list if none matches."""
    if paths.is_remote(pattern):
        store, key = paths.store(pattern)
        if not GLOB_MARKS & set(key):
            return [pattern] if store.isfile(key) else []
        found = store.glob(key, detail=True)
        protocol = pattern.partition("://")[0]
        return sorted(f"{protocol}://{name.lstrip('/')}" for name, info in found.items() if info["type"] == "file")
    pattern = paths.local(pattern)
    matching = [pattern] if os.path.isfile(pattern) else glob.glob(pattern, recursive=True)
    return sorted({_spelled(path) for path in matching if os.path.isfile(path)})


def _spelled(path: str) -> str:
    """Normalize a path. One with ``..`` after a link stays as it is, since it may lead elsewhere."""
    normal = os.path.normpath(path)
    elsewhere = ".." in path.split(os.sep) and not (os.path.exists(normal) and os.path.samefile(path, normal))
    return path if elsewhere else normal
