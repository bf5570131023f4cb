"""How far a build on this machine is: the local runner says nothing before its end, finished items do."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Sequence
from typing import TextIO

from beam_jobs.plan import Job

PROGRESS_SECONDS = 10.0


class Progress:
    """Says how far a phase is, from the items whose reports stand, every ten seconds and at its end."""

    def __init__(self, job: Job, phase: str, steps: Sequence[str], out: TextIO = sys.stderr) -> None:
        self.job, self.phase, self.steps, self.out = job, phase, steps, out
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Progress:
        self.begun = time.monotonic()
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self.thread.join()
        self._say()

    def _run(self) -> None:
        while not self.stop.wait(PROGRESS_SECONDS):
            self._say()

    def _say(self) -> None:
        seconds = time.monotonic() - self.begun
        done = ", ".join(f"{step} {len(self.job.store.done(step))}" for step in self.steps)
        of = f"{self.job.parts} files and {self.job.buckets} buckets"
        print(f"{self.phase}: {done} of {of} after {seconds:.0f} s", file=self.out, flush=True)
