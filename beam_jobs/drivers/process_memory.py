"""Memory of a process and its descendants, from /proc; machines without /proc have no numbers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

PROC = Path("/proc")
KB = 1024  # what /proc calls kB


class Memory(NamedTuple):
    """Sums over processes. Memory that several share counts for each of them."""

    own_bytes: int  # not backed by a file, so the system cannot reclaim it
    resident_bytes: int  # with mapped pages of files


def of_tree(pid: int | None = None, proc: Path = PROC) -> Memory | None:
    """Return the memory of a process, by default this one, and its descendants; None without /proc."""
    if not (proc / "self" / "status").exists():
        return None
    pids = process_tree(os.getpid() if pid is None else pid, proc)
    memories = [memory for each in pids if (memory := _memory_of(proc / str(each)))]
    return Memory(sum(memory.own_bytes for memory in memories), sum(memory.resident_bytes for memory in memories))


def process_tree(pid: int, proc: Path = PROC) -> Iterator[int]:
    """Yield the ids of a process and its descendants."""
    children: dict[int, list[int]] = {}
    for name in os.listdir(proc):
        if name.isdecimal() and (parent := _parent(proc / name)) is not None:
            children.setdefault(parent, []).append(int(name))
    waiting = [pid]
    while waiting:
        process = waiting.pop()
        yield process
        waiting += children.get(process, ())


def _parent(process: Path) -> int | None:
    try:
        stat = (process / "stat").read_text("utf-8", "replace")
    except OSError:  # it has ended
        return None
    return int(stat.rpartition(")")[2].split()[1])  # the name before it, in parentheses, may hold anything


def _memory_of(process: Path) -> Memory | None:
    try:
        status = (process / "status").read_text("utf-8", "replace")
    except OSError:
        return None
    fields = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    kilobytes = {name: int(fields[name].split()[0]) for name in ("VmRSS", "RssAnon", "RssShmem") if name in fields}
    resident = kilobytes.get("VmRSS", 0)  # missing in a zombie, whose parent has not waited for it
    own = kilobytes["RssAnon"] + kilobytes.get("RssShmem", 0) if "RssAnon" in kilobytes else resident
    return Memory(own * KB, resident * KB)
