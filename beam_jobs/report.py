"""What a build says of itself: stats and manifest beside the shards, counters in Beam, progress on the terminal."""

from __future__ import annotations

import platform
import sys
import threading
import time
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from typing import Any, TextIO

from apache_beam.metrics import Metrics

from beam_jobs import phases
from beam_jobs.plan import Job
from c4pipe import files, shards

DISTRIBUTIONS = ("c4pipe", "apache-beam", "google-crc32c", "langdetect", "nltk", "numpy", "pyarrow")
PROGRESS_SECONDS = 10.0


def versions() -> dict[str, str]:
    """The versions on which the bytes of a build depend."""
    python = {"python": platform.python_version(), "zlib": zlib.ZLIB_RUNTIME_VERSION}
    return python | {name: version(name) for name in DISTRIBUTIONS}


def count(counters: Mapping[str, int]) -> None:
    """Add to the counters that Beam shows; the truth is in ``stats.json``, since a retried item counts twice here."""
    for name, n in counters.items():
        namespace, _, counter = name.partition("/")
        Metrics.counter(namespace, counter).inc(n)


class TooManyBadFiles(ValueError):
    """More WET files cannot be read than the build may leave out."""


def check_bad_files(job: Job) -> list[str]:
    """The WET files that could not be read, each with its reason; more than the job may leave out is an error."""
    reports = job.store.reports("clean", sorted(job.store.done("clean")))
    bad = [f"{found['file']}: {found['unreadable']}" for found in reports if "unreadable" in found]
    if len(bad) > job.max_bad_files:
        raise TooManyBadFiles(
            f"{len(bad)} of {job.parts} WET files cannot be read, but --max_bad_files is {job.max_bad_files}:\n  "
            + "\n  ".join(bad)
            + "\nRaise --max_bad_files to go on without them, or fetch them again or leave them out of --input, "
            "which makes another build with another --output."
        )
    return bad


def forget_unreadable(job: Job) -> None:
    """Have files that could not be read tried again, unless something was decided without them already."""
    if job.store.done("settle_urls") or job.store.done("judge"):
        return
    cleaned = sorted(job.store.done("clean"))
    for part, found in zip(cleaned, job.store.reports("clean", cleaned), strict=True):
        if "unreadable" in found:
            files.remove(job.store.report("clean", part))


def missing_shards(job: Job) -> list[int]:
    """The shards without a document of splits that have some: they are written empty."""
    written = job.store.done("write")
    splits = {phases.shard_place(job, number)[0] for number in written}
    return [
        number
        for split in sorted(splits)
        for number in (phases.shard_number(job, split, index) for index in range(job.shards_of(split)))
        if number not in written
    ]


def publish(job: Job) -> dict[str, Any]:
    """Write ``stats.json``, what TFDS needs, and last the manifest: with it the build is whole."""
    check_bad_files(job)
    infos = [shards.ShardInfo(**info) for found in _reports(job, "write") for info in found["shards"]]
    if "tfrecord" in job.formats:
        for name, data in shards.dataset_info(infos, variant=job.variant.name, version=job.variant.semantics).items():
            files.write_bytes(files.join(job.folder, name), data)
    files.write_json(files.join(job.folder, "stats.json"), stats(job))
    manifest = describe(job, infos)
    files.write_json(files.join(job.folder, "manifest.json"), manifest)
    return manifest


def _reports(job: Job, step: str) -> list[dict[str, Any]]:
    return job.store.reports(step, sorted(job.store.done(step)))


def stats(job: Job) -> dict[str, Any]:
    """What was kept and dropped and why: a function of the pages alone."""
    counters: Counter[str] = Counter()
    cleaned, judged = _reports(job, "clean"), _reports(job, "judge")
    for found in (*cleaned, *judged):
        counters.update(found["counters"])
    faults: Counter[str] = Counter()
    for found in cleaned:
        faults.update(found["fault_counts"])
    return {"counters": dict(sorted(counters.items())), "documents": documents(job), "faults": dict(faults)}


def documents(job: Job) -> dict[str, int]:
    """Number of documents a split; a split without any stands with 0."""
    totals = dict.fromkeys(phases.SPLITS, 0)
    for found in _reports(job, "judge"):
        for number, n in found["documents"].items():
            totals[phases.shard_place(job, int(number))[0]] += n
    return totals


def describe(job: Job, infos: list[shards.ShardInfo]) -> dict[str, Any]:
    """The manifest: what was built, from what, with what."""
    identity: Any = files.read_json(job.store.identity)
    cleaned = _reports(job, "clean")
    return {
        **identity,
        "documents": documents(job),
        "shards": [asdict(info) for info in sorted(infos, key=lambda info: (info.format, info.split, info.name))],
        "unreadable": sorted(found["file"] for found in cleaned if "unreadable" in found),
        "faults": [fault for found in cleaned for fault in found["faults"]],
    }


def summary(job: Job) -> str:
    """A build in a few lines: where it is, how many documents, and what was dropped where."""
    found: Any = files.read_json(files.join(job.folder, "stats.json"))
    kept = ", ".join(f"{n:,} {split}" for split, n in found["documents"].items())
    dropped = {name: n for name, n in found["counters"].items() if "/filtered" in name and n}
    lines = [f"{job.folder}: {kept} documents"]
    lines += [f"  dropped {n:>12,}  {name}" for name, n in sorted(dropped.items(), key=lambda item: -item[1])]
    lines += [f"  fault   {n:>12,}  {kind}" for kind, n in found["faults"].items()]
    return "\n".join(lines)


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
