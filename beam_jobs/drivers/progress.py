"""Shows the progress of a build on this machine, from the reports of finished items in the store.

A look costs one listing, even of 64,000 files, and reads each report once. Items from before this run count as done,
but in no rate.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, TextIO, cast

from tqdm import tqdm

from beam_jobs.drivers import process_memory
from beam_jobs.drivers.files import Step
from beam_jobs.plan import inputs
from beam_jobs.plan.job import Job
from beam_jobs.steps import tasks
from c4pipe.fs import files, parallel
from c4pipe.fs.errors import describe

LINE_EVERY_SECONDS = 30.0  # in a log
LOOK_EVERY_SECONDS = 1.0
REST_PER_LOOK = 50  # looks take at most 2% of the time: slow ones, at a remote folder for example, are rarer
OF_PARTS = (
    "clean",
    "claim_lines",
    "finalize",
)  # steps whose items are partitions: WET files, or those of an earlier store
OF_BUCKETS = ("dedup_urls", "dedup_lines")

BAR = "{desc}: {percentage:3.0f}%|{bar:20}| {n_fmt}/{total_fmt}{postfix}"


class Course:
    """The progress of one step. Items in ``before`` were done before this run.

    The step began at ``begun``, in seconds of a monotonic clock.
    """

    def __init__(self, job: Job, step: Step, before: Collection[str], begun: float) -> None:
        self.job, self.step, self.begun = job, step, begun
        self.unit = "files" if step.name in OF_PARTS else "buckets" if step.name in OF_BUCKETS else "shards"
        # The weight of an item: bytes of WET for a partition, else 1.
        self.weights = {name: self._weight(arguments) for name, arguments in step.items(job)}
        self.seen = {name for name in before if name in self.weights}
        self.before, self.total = len(self.seen), len(self.weights)
        self.left = sum(weight for name, weight in self.weights.items() if name not in self.seen)
        self.done = 0.0  # weight done in this run
        self.bytes = 0  # of gzipped WET, in this run
        self.pages = 0  # in this run
        self.unsized = False  # the size of some WET file was not known before its fetch

    def _weight(self, arguments: Sequence[Any]) -> float:
        return float(self._source(arguments[-1]).get("bytes", inputs.WET_FILE_BYTES)) if self.unit == "files" else 1.0

    def _source(self, part: int) -> inputs.Source:
        return inputs.job_sources(self.job)[part]

    def look(self) -> None:
        """Count the items that were done since the last look."""
        new = [name for name in self.job.store.done(self.step.name) if name in self.weights and name not in self.seen]
        self.seen.update(new)
        work = sum(self.weights[name] for name in new)
        self.done, self.left = self.done + work, self.left - work
        if self.unit == "files" and new:
            parts = [int(name.rpartition("-")[2]) for name in new]
            self.unsized |= any("bytes" not in self._source(part) for part in parts)
            self.bytes += sum(self._source(part).get("bytes", 0) for part in parts)
            cleaned = [self.job.store.report("clean", tasks.item(part)) for part in parts]
            self.pages += sum(map(pages_read, parallel.each(files.read_json, cleaned)))

    @property
    def finished(self) -> bool:
        """True if all items are done."""
        return len(self.seen) == self.total

    def state(self, now: float) -> str:
        """Return the rates of this run, and the time left at that rate, for a progress line."""
        seconds = max(now - self.begun, 1e-3)
        words = []
        if self.pages:
            words += [f"{self.pages:,} pages", f"{self.pages / seconds:,.0f} pages/s"]
        if self.bytes and not self.unsized:
            words.append(f"{self.bytes / 1e6 / seconds:.1f} MB/s of gzipped WET")
        if self.done and not self.finished:
            words.append(f"{clock(self.left / self.done * seconds)} left")
        elif self.finished:
            words.append("done before" if self.before == self.total else f"took {clock(seconds)}")
        return ", ".join(words)


def pages_read(report: Any) -> int:
    """Return the number of pages that were read of a WET file, kept or not, from its report of ``clean``."""
    wet = report.get("wet", {}).get("undated", {})
    return int(wet.get("split-wet-file/passed", report.get("pages", 0)))


def clock(seconds: float) -> str:
    """Return a time in hours, minutes and seconds.

    >>> clock(59.6), clock(93_784)
    ('1:00', '26:03:04')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


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
