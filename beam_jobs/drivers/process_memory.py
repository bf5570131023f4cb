"""Memory of a process and all that it started, from /proc; machines without it tell nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

PROC = Path("/proc")
KB = 1024  # what /proc calls kB


class Memory(NamedTuple):
    """Sums over processes; what several have in common counts for each."""

    own_bytes: int  # that no file backs: the system cannot take it back
    resident_bytes: int  # with the parts of files that are mapped


def of_tree(pid: int | None = None, proc: Path = PROC) -> Memory | None:
    """Memory of a process, by default this one, and its descendants; None where the system does not tell."""
    if not (proc / "self" / "status").exists():
        return None
    found = [
        memory
        for each in process_tree(os.getpid() if pid is None else pid, proc)
        if (memory := _memory_of(proc / str(each)))
    ]
    return Memory(sum(each.own_bytes for each in found), sum(each.resident_bytes for each in found))


def process_tree(pid: int, proc: Path = PROC) -> Iterator[int]:
    """The process and its descendants."""
    children: dict[int, list[int]] = {}
    for name in os.listdir(proc):
        if name.isdecimal() and (parent := _parent(proc / name)) is not None:
            children.setdefault(parent, []).append(int(name))
    waiting = [pid]
    while waiting:
        one = waiting.pop()
        yield one
        waiting += children.get(one, ())


def _parent(process: Path) -> int | None:
    try:
        stat = (process / "stat").read_text("utf-8", "replace")
    except OSError:  # it has ended
        return None
    return int(stat.rpartition(")")[2].split()[1])  # a name in parentheses may hold anything


def _memory_of(process: Path) -> Memory | None:
    try:
        status = (process / "status").read_text("utf-8", "replace")
    except OSError:
        return None
    fields = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    kilobytes = {name: int(fields[name].split()[0]) for name in ("VmRSS", "RssAnon", "RssShmem") if name in fields}
    resident = kilobytes.get("VmRSS", 0)  # none once it has ended and nobody has asked how
    own = kilobytes["RssAnon"] + kilobytes.get("RssShmem", 0) if "RssAnon" in kilobytes else resident
    return Memory(own * KB, resident * KB)
