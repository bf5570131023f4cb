"""The memory that a build on this machine may take: the number of processes, and the bytes that each may hold.

A process works on one item at a time: a whole WET file, or a slice of a bucket or shard. Buckets and shards
are cut into slices of the key space that fit. So the peak depends on the options, not on the size of the crawl.
"""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MIB = 2**20
PARENT_BYTES = 400 * MIB  # measured: Beam with its local runner, 290 MiB
WORKER_BYTES = 400 * MIB  # measured: Beam, Arrow, the profiles of languages, 260 MiB; a fork shares all but 80 of them
# What a worker holds besides, measured on a WET file of 40,000 pages, 390 MB of text: 400 MiB where cleaned text is
# kept, 810 MiB where raw text is kept, too.
ITEM_BYTES, RAW_ITEM_BYTES = 600 * MIB, 1200 * MIB
CLUSTER_ITEM_BYTES = 2048 * MIB
MACHINE_FRACTION = 0.8  # of the machine's memory, without --memory

_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
GROUPS, GROUP = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")  # Linux: man 7 cgroups


def parse_size(text: str) -> int:
    """Return the number of bytes that a text such as 8G names; raises ``ArgumentTypeError`` for others.

    >>> parse_size("8G"), parse_size("512MiB")
    (8589934592, 536870912)
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?", text.strip(), re.IGNORECASE)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} must be a number of bytes such as 8G or 512M")
    return int(float(match[1]) * _UNITS[match[2].upper()])


def machine_bytes() -> int:
    """Return the memory of this machine in bytes, or the limit of the container or batch job around it."""
    limits = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for path in _group_limits():
        try:
            limits.append(int(path.read_text("ascii")))
        except (OSError, ValueError):  # no such file, or "max"
            continue
    return min(limits)


def _group_limits() -> Iterator[Path]:
    """Yield the files that may limit this process: of its control groups, version 2 or 1, and of their parents."""
    lines = GROUP.read_text("utf-8").splitlines() if GROUP.exists() else []
    for _, kinds, path in (line.split(":", 2) for line in lines):
        of_memory, name = (GROUPS / "memory", "memory.limit_in_bytes") if kinds else (GROUPS, "memory.max")
        if not kinds or "memory" in kinds.split(","):
            own = of_memory / path.lstrip("/")
            yield from (folder / name for folder in (own, *own.parents) if folder.is_relative_to(of_memory))


def cores() -> int:
    """Return the number of cores that this process may use. A batch system or ``taskset`` may allow fewer."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True)
class Budget:
    """The processes and the memory of a build on this machine."""

    workers: int
    item_bytes: int  # what each worker may hold of its item


def divide_memory(memory: int | None, workers: int | None, *, raw: bool = False) -> Budget:
    """Divide ``memory`` bytes among ``workers``; None means the machine's memory, and as many workers as fit.

    There is at most one worker for each core, unless more are asked for. ``raw`` says that the build keeps pages as
    they were before cleaning, so that a WET file takes more. Raises ``ValueError`` if the workers do not fit.
    """
    whole = int(machine_bytes() * MACHINE_FRACTION) if memory is None else memory
    item = RAW_ITEM_BYTES if raw else ITEM_BYTES
    fitting = max(0, whole - PARENT_BYTES) // (WORKER_BYTES + item)
    if memory is not None and fitting < (workers or 1):
        least = PARENT_BYTES + (workers or 1) * (WORKER_BYTES + item)
        raise ValueError(
            f"--memory is {whole / MIB:,.0f}M, but --workers {workers or 1} takes {least / MIB:,.0f}M; "
            "give more memory, or fewer workers"
        )
    count = workers or max(1, min(cores(), fitting))
    return Budget(count, max(item, (whole - PARENT_BYTES) // count - WORKER_BYTES))


def slice_count(held_bytes: int, item_bytes: int) -> int:
    """Return the number of equal slices into which ``held_bytes`` are cut so that each fits into ``item_bytes``."""
    return max(1, -(-held_bytes // item_bytes))
