"""How far a build on this machine is: the local runner says nothing before its end, finished items do.

An item that is done has a report in the store. Each is counted once, when its name turns up: of 64,000 files a look
costs a listing, and no report is read twice. What was done before this run counts as done, but in no rate.
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
REST_PER_LOOK = 50  # a look that takes long, such as at a remote folder, is taken less often: 2% of the time
OF_PARTS = ("clean", "claim_lines", "finalize")  # steps whose items are WET files, or parts of an earlier store
OF_BUCKETS = ("dedup_urls", "dedup_lines")

BAR = "{desc}: {percentage:3.0f}%|{bar:20}| {n_fmt}/{total_fmt}{postfix}"


class Course:
    """How far one step is, of which ``before`` was done before this run.

    It began at ``begun``, on a clock of seconds that only goes on.
    """

    def __init__(self, job: Job, step: Step, before: Collection[str], begun: float) -> None:
        self.job, self.step, self.begun = job, step, begun
        self.unit = "files" if step.name in OF_PARTS else "buckets" if step.name in OF_BUCKETS else "shards"
        # What an item weighs: bytes of WET where items are parts.
        self.weights = {name: self._weight(arguments) for name, arguments in step.items(job)}
        self.seen = {name for name in before if name in self.weights}
        self.before, self.total = len(self.seen), len(self.weights)
        self.left = sum(weight for name, weight in self.weights.items() if name not in self.seen)
        self.done = 0.0  # since this run began, as are the next two
        self.bytes = 0  # of WET, gzipped
        self.pages = 0
        self.unsized = False  # the size of some part was not known before it was fetched

    def _weight(self, arguments: Sequence[Any]) -> float:
        return float(self._source(arguments[-1]).get("bytes", inputs.WET_FILE_BYTES)) if self.unit == "files" else 1.0

    def _source(self, part: int) -> inputs.Source:
        return inputs.job_sources(self.job)[part]

    def look(self) -> None:
        """Count what was done since the last look."""
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
        """All is done."""
        return len(self.seen) == self.total

    def state(self, now: float) -> str:
        """Rates since this run began with the step, and how long the rest takes at that rate."""
        seconds = max(now - self.begun, 1e-3)
        told = []
        if self.pages:
            told += [f"{self.pages:,} pages", f"{self.pages / seconds:,.0f} pages/s"]
        if self.bytes and not self.unsized:
            told.append(f"{self.bytes / 1e6 / seconds:.1f} MB/s of gzipped WET")
        if self.done and not self.finished:
            told.append(f"{clock(self.left / self.done * seconds)} left")
        elif self.finished:
            told.append("done before" if self.before == self.total else f"took {clock(seconds)}")
        return ", ".join(told)


def pages_read(report: Any) -> int:
    """The pages of a part, as the report of its cleaning tells: those that were read, kept or not."""
    wet = report.get("wet", {}).get("undated", {})
    return int(wet.get("split-wet-file/passed", report.get("pages", 0)))


def clock(seconds: float) -> str:
    """Say a time in hours, minutes and seconds.

    >>> clock(59.6), clock(93_784)
    ('1:00', '26:03:04')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


class Progress:
    """Says how far phases are, step by step: as a bar on a terminal, in a log as a line now and then."""

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
        self.name = ""  # of the step at work
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
        if self.course is not None:  # a step that did not come to its end
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
        except OSError as error:  # of a remote folder, say: the build itself will tell, if it is worse
            print(f"{self.name}: cannot see how far it is: {describe(error)}", file=self.out, flush=True)

    def look(self) -> None:
        """Look at what was done, say so if it is time, and go on to the next step after one that is through."""
        while (course := self.course) is not None:
            course.look()
            if not course.finished:
                self._say(course)
                break
            self._end()
            self._next()
        self.last_look = self.now()

    def _next(self) -> None:
        """Turn to the next step: it may have begun any time since the last look."""
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
        if course.total:  # none where a build leaves out a step, such as to settle lines
            self._say(course, at_once=True)
        if self.bar is not None:
            self.bar.close()
        self.course = self.bar = None

    def _say(self, course: Course, *, at_once: bool = False) -> None:
        now = self.now()
        told = ", ".join(filter(None, (course.state(now), _memory())))
        if self.bar is not None:
            self.bar.set_postfix_str(told, refresh=False)
            self.bar.n = len(course.seen)
            self.bar.refresh()
        elif at_once or now - self.last_line >= self.line_every_seconds:
            self.last_line = now
            done = f"{len(course.seen):,} of {course.total:,} {course.unit}"
            print(f"{self.name}: {done}, {told}", file=self.out, flush=True)


def _memory() -> str:
    found = process_memory.of_tree()
    return "" if found is None else f"{found.own_bytes / 2**20:,.0f} MiB in memory"
