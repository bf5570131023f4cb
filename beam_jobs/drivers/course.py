"""The progress of one step: items done, rates, time left."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from beam_jobs.drivers.files import Step
from beam_jobs.plan import inputs
from beam_jobs.plan.job import Job
from beam_jobs.steps import tasks
from c4pipe.fs import files, parallel

OF_PARTS = ("clean", "claim_lines", "finalize")  # steps whose items are partitions
OF_BUCKETS = ("dedup_urls", "dedup_lines")


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
