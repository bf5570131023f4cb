"""Measure a command: time, CPU seconds of all its processes, and their peak memory together."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from beam_jobs.drivers import process_memory

SAMPLE_EVERY_SECONDS = 0.2
POLL_SECONDS = 0.01
PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h


class CommandFailed(RuntimeError):
    """A measured command ended with an error."""


@dataclass(frozen=True)
class Cost:
    """The cost of one command, or of several at the same moment."""

    seconds: float  # until the last has ended
    cpu_seconds: float  # of all processes
    own_bytes: int  # peak of all processes together, without file-backed memory
    resident_bytes: int  # peak, with the resident parts of mapped files

    def plain(self) -> dict[str, float]:
        return {name: round(value, 3) for name, value in vars(self).items()}


def cost(*commands: Sequence[str], environment: Mapping[str, str] | None = None) -> Cost:
    """Return the cost of commands that run at the same moment; raise `CommandFailed` if one fails."""
    adopt_orphans()
    already_running = processes()
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as output:
        before, begun = cpu_of_children(), time.monotonic()
        running = [subprocess.Popen(command, stdout=output, stderr=output, env=environment) for command in commands]
        with Watch([process.pid for process in running]) as watch:
            codes = [process.wait() for process in running]
        seconds = time.monotonic() - begun
        reap(already_running)
        if any(codes):
            output.seek(0)
            raise CommandFailed(f"{' '.join(commands[0])} ended with {codes}:\n{output.read()[-3000:]}")
    return Cost(seconds, cpu_of_children() - before, watch.own, watch.resident)


def adopt_orphans() -> None:
    """Adopt processes whose parent ended before them, so that their cost is counted; Linux only."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def processes() -> set[int]:
    """Return the ids of this process and its descendants; empty except on Linux."""
    return set(process_memory.process_tree(os.getpid())) if sys.platform == "linux" else set()


def reap(already_running: set[int]) -> None:
    """Wait for all processes that the commands left behind; ``already_running`` are excluded."""
    while left := processes() - already_running:
        for pid in left:
            with contextlib.suppress(ChildProcessError):  # a grandchild: this process adopts it when its parent ends
                os.waitpid(pid, 0)
        time.sleep(POLL_SECONDS)


def cpu_of_children() -> float:
    """Return the CPU seconds of all awaited processes, and of those that they awaited."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class Watch:
    """Sample the peak memory, in bytes, of processes and their descendants together."""

    def __init__(self, pids: Sequence[int]) -> None:
        self.pids = pids
        self.own = self.resident = 0
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Watch:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self.thread.join()

    def _run(self) -> None:
        while not self.stop.wait(SAMPLE_EVERY_SECONDS):
            trees = [each for pid in self.pids if (each := process_memory.of_tree(pid))]
            self.own = max(self.own, sum(each.own_bytes for each in trees))
            self.resident = max(self.resident, sum(each.resident_bytes for each in trees))
