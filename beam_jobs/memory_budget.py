"""How much memory a build on this machine may take, and what follows from it: how many processes, and what one holds.

A process holds one item at a time: a WET file as a whole, or what fits of a bucket of keys or of a shard, which are
taken in slices of the key space. So the peak is that of the options, whatever the size of the crawl.
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
WORKER_BYTES = 400 * MIB  # measured: Beam, Arrow, the profiles of languages, 260 MiB; of a fork's all but 80 are shared
# Measured on a WET file of 40,000 pages, 390 MB of text, for what a worker holds beside: 400 MiB where cleaned text is
# kept, 810 MiB where raw text is, too.
ITEM_BYTES, RAW_ITEM_BYTES = 600 * MIB, 1200 * MIB
CLUSTER_ITEM_BYTES = 2048 * MIB
MACHINE_FRACTION = 0.8  # of the machine's memory, where nothing is asked

_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
GROUPS, GROUP = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")  # Linux: man 7 cgroups


def parse_size(text: str) -> int:
    """Parse a number of bytes, such as 8G.

    >>> parse_size("8G"), parse_size("512MiB")
    (8589934592, 536870912)
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?", text.strip(), re.IGNORECASE)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} must be a number of bytes such as 8G or 512M")
    return int(float(found[1]) * _UNITS[found[2].upper()])


def machine_bytes() -> int:
    """The memory of this machine, or of the container or batch job that this runs in, in bytes."""
    limits = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for path in _group_limits():
        try:
            limits.append(int(path.read_text("ascii")))
        except (OSError, ValueError):  # none there, or "max"
            continue
    return min(limits)


def _group_limits() -> Iterator[Path]:
    """Where limits of this process's groups, of version 2 or 1, may stand: one holds for all groups that are in it."""
    lines = GROUP.read_text("utf-8").splitlines() if GROUP.exists() else []
    for _, kinds, path in (line.split(":", 2) for line in lines):
        of_memory, name = (GROUPS / "memory", "memory.limit_in_bytes") if kinds else (GROUPS, "memory.max")
        if not kinds or "memory" in kinds.split(","):
            own = of_memory / path.lstrip("/")
            yield from (folder / name for folder in (own, *own.parents) if folder.is_relative_to(of_memory))


def cores() -> int:
    """The cores that this process may use: a batch system, or ``taskset``, may have given it some of the machine's."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True)
class Budget:
    """What a build on this machine may use."""

    workers: int
    item_bytes: int  # of each worker, for what it holds of its item


def divide_memory(memory: int | None, workers: int | None, *, raw: bool = False) -> Budget:
    """Divide the memory among the workers that are asked for; unasked, one a core, or as many as it is enough for.

    ``raw`` says that the build keeps pages as they were before cleaning, so that a WET file takes more.
    """
    whole = int(machine_bytes() * MACHINE_FRACTION) if memory is None else memory
    item = RAW_ITEM_BYTES if raw else ITEM_BYTES
    enough = max(0, whole - PARENT_BYTES) // (WORKER_BYTES + item)
    if memory is not None and enough < (workers or 1):
        least = PARENT_BYTES + (workers or 1) * (WORKER_BYTES + item)
        raise ValueError(
            f"--memory is {whole / MIB:,.0f}M, but --workers {workers or 1} takes {least / MIB:,.0f}M; "
            "give more memory, or fewer workers"
        )
    count = workers or max(1, min(cores(), enough))
    return Budget(count, max(item, (whole - PARENT_BYTES) // count - WORKER_BYTES))


def slice_count(held_bytes: int, item_bytes: int) -> int:
    """Into how many equal parts what a step would hold is cut, so that each fits."""
    return max(1, -(-held_bytes // item_bytes))
