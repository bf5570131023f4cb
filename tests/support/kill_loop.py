"""Begins a build again and again and kills it with SIGKILL at random moments; run as a program, it never ends one.

Beam is imported once and each attempt is a fork, which saves an import each; nothing else is shared by attempts. A
moment is a number of files that appeared below the output folder, and some milliseconds more: on a slow machine the
same seed kills at about the same places.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

from beam_jobs import build_c4
from tests.support.builds import moments

PATIENCE_SECONDS = 120.0
POLL_SECONDS = 0.002
MORE_SECONDS = 0.005
GONE_SECONDS = 20.0  # for workers to notice that nobody hears them


def attempt(argv: list[str]) -> int:
    """Begin the build in a process of its own, which leads a process group."""
    pid = os.fork()
    if pid == 0:
        os.setsid()
        os._exit(build_c4.main(argv))
    return pid


def names(output: Path) -> set[str]:
    """All files below the folder as it is now, unfinished ones too."""
    return {os.path.join(folder, name) for folder, _, found in os.walk(output) for name in found}


def kill_after(pid: int, output: Path, files: int, more_seconds: float) -> bool:
    """Kill the process once so many files more have appeared; False if it ended before."""
    before, seen = names(output), set[str]()
    deadline = time.monotonic() + PATIENCE_SECONDS
    while len(seen) < files and os.waitpid(pid, os.WNOHANG) == (0, 0):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{len(seen)} of {files} files appeared within {PATIENCE_SECONDS} seconds")
        time.sleep(POLL_SECONDS)
        seen |= names(output) - before
    time.sleep(more_seconds)
    try:
        os.killpg(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
    except (ProcessLookupError, ChildProcessError):
        return False
    return os.WIFSIGNALED(status)


def session(leader: int) -> list[int]:
    """The processes of a session that still run."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, of = stat.read_text("utf-8").rpartition(")")[2].split()[:4]
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has just ended
        if int(of) == leader and state != "Z":
            found.append(int(stat.parent.name))
    return found


def waited_for(leader: int) -> list[int]:
    """The processes of a session that are still there after some time."""
    deadline = time.monotonic() + GONE_SECONDS
    while (left := session(leader)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return left


def main() -> None:
    """Print for each kill what stood then: the files below the output folder, when and where each was written."""
    argv, output, seed, kills, files = json.loads(sys.argv[1])
    order = random.Random(seed)
    stood = []
    for _ in range(kills):
        pid = attempt(argv)
        if not kill_after(pid, Path(output), order.randint(1, files), order.uniform(0, MORE_SECONDS)):
            raise RuntimeError(f"the build ended before kill {len(stood) + 1} of {kills}; kill earlier, or build more")
        stood.append(moments(Path(output)))
    print(json.dumps(stood))


if __name__ == "__main__":
    main()
