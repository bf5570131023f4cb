"""Shows the progress of a build on this machine, from the reports of finished items in the store.

A look costs one listing, even of 64,000 files, and reads each report once. Items from before this run count as done,
but in no rate.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TextIO, cast

from tqdm import tqdm

from beam_jobs.drivers import process_memory
from beam_jobs.drivers.course import Course
from beam_jobs.drivers.files import Step
from beam_jobs.plan.job import Job
from c4pipe.fs.errors import describe

LINE_EVERY_SECONDS = 30.0  # in a log
LOOK_EVERY_SECONDS = 1.0
REST_PER_LOOK = 50  # looks take at most 2% of the time: slow ones, at a remote folder for example, are rarer
BAR = "{desc}: {percentage:3.0f}%|{bar:20}| {n_fmt}/{total_fmt}{postfix}"


class Progress:
    """Shows the progress of phases, step by step: a bar on a terminal, a line now and then in a log."""

    def __init__(
        self,
        job: Job,
        phases: Mapping[str, Sequence[Step]],
        out: TextIO | None = None,
        *,
        line_every_seconds: float = LINE_EVERY_SECONDS,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.job = job
        self.waiting = [(phase, step) for phase, steps in phases.items() for step in steps]
        self.name = ""  # of the current step
        self.out = sys.stderr if out is None else out
        self.line_every_seconds, self.now = line_every_seconds, now
        self.course: Course | None = None
        self.bar: tqdm[Any] | None = None
        self.last_line = self.last_look = now()
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Progress:
        self.before = {step.name: self.job.store.done(step.name) for _, step in self.waiting}
        self._next()
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self.thread.join()
        self._try_to_look()
        if self.course is not None:  # a step that was not finished
            self._end()

    def _run(self) -> None:
        rest = LOOK_EVERY_SECONDS
        while not self.stop.wait(rest):
            begun = time.monotonic()
            self._try_to_look()
            rest = max(LOOK_EVERY_SECONDS, REST_PER_LOOK * (time.monotonic() - begun))

    def _try_to_look(self) -> None:
        try:
            self.look()
        except OSError as error:  # a remote folder, say; if it matters, the build itself will fail
            print(f"{self.name}: cannot see its progress: {describe(error)}", file=self.out, flush=True)

    def look(self) -> None:
        """Count finished items, print if it is time, and turn to the next step when one is through."""
        while (course := self.course) is not None:
            course.look()
            if not course.finished:
                self._say(course)
                break
            self._end()
            self._next()
        self.last_look = self.now()

    def _next(self) -> None:
        """Turn to the next step, which counts as begun at the last look."""
        if not self.waiting:
            return
        phase, step = self.waiting.pop(0)
        self.course = Course(self.job, step, self.before[step.name], self.last_look)
        self.name = step.name if step.name == phase else f"{phase}, {step.name}"
        self.last_line = self.now()
        if self.out.isatty() and self.course.total:
            self.bar = tqdm(desc=self.name, total=self.course.total, file=self.out, bar_format=BAR)

    def _end(self) -> None:
        course = cast(Course, self.course)
        if course.total:  # a step without items prints nothing
            self._say(course, at_once=True)
        if self.bar is not None:
            self.bar.close()
        self.course = self.bar = None

    def _say(self, course: Course, *, at_once: bool = False) -> None:
        now = self.now()
        state = ", ".join(filter(None, (course.state(now), _memory())))
        if self.bar is not None:
            self.bar.set_postfix_str(state, refresh=False)
            self.bar.n = len(course.seen)
            self.bar.refresh()
        elif at_once or now - self.last_line >= self.line_every_seconds:
            self.last_line = now
            done = f"{len(course.seen):,} of {course.total:,} {course.unit}"
            print(f"{self.name}: {done}, {state}", file=self.out, flush=True)


def _memory() -> str:
    memory = process_memory.of_tree()
    return "" if memory is None else f"{memory.own_bytes / 2**20:,.0f} MiB in memory"
