"""What a build on this machine says of how far it is."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from beam_jobs import options
from beam_jobs.drivers import files as files_driver
from beam_jobs.drivers import process_memory, progress
from beam_jobs.drivers.progress import Progress
from beam_jobs.plan import identity, planner
from beam_jobs.plan.job import Job
from beam_jobs.steps import tasks
from c4pipe.fs import files, globs
from tests.support import builds, crawls

MIB = 2**20


class Clock:
    """Seconds that pass when told."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def steady_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_memory, "of_tree", lambda: process_memory.Memory(300 * MIB, 400 * MIB))


@pytest.fixture(autouse=True)
def no_looks_but_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "LOOK_EVERY_SECONDS", 3600.0)


@pytest.fixture
def job(tmp_path: Path) -> Job:
    """A build of four files, ten pages each, as large as the first; nothing is done yet."""
    pages = [crawls.Record(f"http://a.example/{n}", "\n".join(crawls.ENGLISH[n % 20 :][:4])) for n in range(40)]
    wet = crawls.write(tmp_path / "wet", crawls.dealt(pages, 4))
    parsed, _ = options.parser().parse_known_args(builds.arguments(wet, tmp_path / "build"))
    job, selection = planner.planned(parsed)
    identity.claim_folder(job, selection)
    sources: list[dict[str, object]] = files.read_json(job.store.inputs)  # type: ignore[assignment]
    files.write_json(job.store.inputs, [source | {"bytes": 6_000_000} for source in sources])
    return job


def do(job: Job, step: str, items: int | None = None) -> None:
    """Run what is left of a step, or so many items of it."""
    (one,) = (each for each in files_driver.STEPS if each.name == step)
    for _, arguments in one.remaining(job)[:items]:
        one.run(job, *arguments)


def phases(*names: str) -> dict[str, Any]:
    return {name: files_driver.PHASES[name] for name in names}


def passed(out: io.StringIO) -> list[str]:
    return out.getvalue().splitlines()


def test_lines_in_a_log(job: Job) -> None:
    clock, out = Clock(), io.StringIO()
    with Progress(job, phases("clean"), out, line_every_seconds=30, now=clock) as shown:
        do(job, "clean", 1)
        clock.seconds += 29.9
        shown.look()
        assert passed(out) == []
        clock.seconds += 0.1
        shown.look()
        clock.seconds += 10
        shown.look()
        do(job, "clean", 2)
        clock.seconds += 20
        shown.look()
        do(job, "clean")
        clock.seconds += 20
    assert passed(out) == [
        "clean: 1 of 4 files, 10 pages, 0 pages/s, 0.2 MB/s of gzipped WET, 1:30 left, 300 MiB in memory",
        "clean: 3 of 4 files, 30 pages, 0 pages/s, 0.3 MB/s of gzipped WET, 0:20 left, 300 MiB in memory",
        "clean: 4 of 4 files, 40 pages, 0 pages/s, 0.3 MB/s of gzipped WET, took 1:20, 300 MiB in memory",
    ]


def test_steps_of_a_phase_follow_each_other(job: Job) -> None:
    """One that is found begun may have begun right after the look before."""
    do(job, "clean")
    clock, out = Clock(), io.StringIO()
    with Progress(job, phases("dedup"), out, now=clock) as shown:
        do(job, "dedup_urls")
        clock.seconds += 10
        shown.look()
        do(job, "claim_lines")
        do(job, "dedup_lines")
        clock.seconds += 20
    assert passed(out) == [
        "dedup, dedup_urls: 4 of 4 buckets, took 0:10, 300 MiB in memory",
        "dedup, claim_lines: 4 of 4 files, 40 pages, 1 pages/s, 0.8 MB/s of gzipped WET, took 0:30, 300 MiB in memory",
        "dedup, dedup_lines: 4 of 4 buckets, took 0:20, 300 MiB in memory",
    ]


def test_shards_are_counted_once_their_number_is_known(job: Job) -> None:
    for step in ("clean", "dedup_urls", "claim_lines", "dedup_lines"):
        do(job, step)
    clock, out = Clock(), io.StringIO()
    with Progress(job, phases("publish"), out, now=clock) as shown:
        clock.seconds += 40
        shown.look()
        do(job, "finalize")
        shown.look()
        do(job, "write")
    first, *_, last = passed(out)
    assert first == "publish, finalize: 0 of 4 files, 300 MiB in memory"
    assert re.fullmatch(r"publish, write: (\d+) of \1 shards, took 0:00, 300 MiB in memory", last)


def test_what_was_done_before_is_in_no_rate(job: Job) -> None:
    do(job, "clean", 2)
    clock, out = Clock(), io.StringIO()
    with Progress(job, phases("clean"), out, now=clock) as shown:
        do(job, "clean", 1)
        clock.seconds += 60
        shown.look()
        do(job, "clean")
    assert passed(out)[0] == (
        "clean: 3 of 4 files, 10 pages, 0 pages/s, 0.1 MB/s of gzipped WET, 1:00 left, 300 MiB in memory"
    )


def test_a_phase_that_was_through(job: Job) -> None:
    do(job, "clean")
    out = io.StringIO()
    with Progress(job, phases("clean"), out, now=Clock()):
        pass
    assert passed(out) == ["clean: 4 of 4 files, done before, 300 MiB in memory"]


def test_a_phase_that_fails_says_how_far_it_came(job: Job) -> None:
    out = io.StringIO()

    def fail_after_one() -> None:
        with Progress(job, phases("clean"), out, now=Clock()):
            do(job, "clean", 1)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_after_one()
    (line,) = passed(out)
    assert line.startswith("clean: 1 of 4 files, 10 pages")


def test_files_of_unknown_size_have_no_rate_in_bytes(job: Job) -> None:
    sources: list[dict[str, object]] = files.read_json(job.store.inputs)  # type: ignore[assignment]
    files.write_json(job.store.inputs, [{k: v for k, v in source.items() if k != "bytes"} for source in sources])
    clock, out = Clock(), io.StringIO()
    with Progress(job, phases("clean"), out, now=clock):
        do(job, "clean", 1)
        clock.seconds += 1
    assert passed(out) == ["clean: 1 of 4 files, 10 pages, 10 pages/s, 0:03 left, 300 MiB in memory"]


def test_no_report_is_read_twice(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    """A crawl has 64,000 of them."""
    with Progress(job, phases("clean"), io.StringIO(), now=Clock()) as shown:
        do(job, "clean")
        read: Counter[str] = Counter()
        truly = files.read_json

        def counted(path: str) -> object:
            read[path] += 1
            return truly(path)

        monkeypatch.setattr(files, "read_json", counted)
        for _ in range(5):
            shown.look()
    assert read == Counter(job.store.report("clean", tasks.item(part)) for part in range(4))


def test_a_bar_on_a_terminal(job: Job) -> None:
    clock, out = Clock(), Terminal()
    with Progress(job, phases("clean"), out, now=clock) as shown:
        do(job, "clean", 1)
        clock.seconds += 4
        shown.look()
        do(job, "clean")
        clock.seconds += 4
    drawn = [text.rstrip() for text in out.getvalue().replace("\n", "\r").split("\r") if text.strip()]
    assert re.match(
        r"clean:  25%\|\S* +\| 1/4, 10 pages, 2 pages/s, 1\.5 MB/s of gzipped WET, 0:12 left, 300 M", drawn[1]
    )
    assert re.match(r"clean: 100%\|\S+\| 4/4, 40 pages, 5 pages/s, 3\.0 MB/s of gzipped WET, took 0:08", drawn[-1])
    assert out.getvalue().endswith("\n")


def test_a_folder_that_cannot_be_listed_is_told(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    with Progress(job, phases("clean"), out, now=Clock()):

        def refused(pattern: str) -> list[str]:
            raise OSError("503 Slow Down")

        monkeypatch.setattr(globs, "matches", refused)
    assert passed(out)[0] == "clean: cannot see its progress: 503 Slow Down"


@pytest.fixture
def child() -> Iterator[int]:
    """A process with 64 MiB of its own, below one that does nothing."""
    hold = "data = bytearray(b'x') * (64 << 20); print(flush=True); import sys; sys.stdin.read()"
    spawn = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {hold!r}])"
    with subprocess.Popen([sys.executable, "-c", spawn], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.readline()
        yield process.pid
        process.stdin.close()


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="no /proc on this system")
def test_memory_of_a_tree(child: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    whole = process_memory.of_tree(child)
    assert whole is not None
    assert len(list(process_memory.process_tree(child))) == 2
    assert 64 * MIB < whole.own_bytes <= whole.resident_bytes < 300 * MIB
    own = process_memory.of_tree(os.getpid())
    assert own is not None
    assert own.own_bytes > whole.own_bytes, "this process has that one below it"


def test_no_memory_where_there_is_no_proc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert process_memory.of_tree(proc=tmp_path) is None


def test_a_process_that_ended_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    (tmp_path / "self").mkdir()
    (tmp_path / "self" / "status").write_text("")
    for pid, parent in ((10, 1), (11, 10), (12, 11)):
        (tmp_path / str(pid)).mkdir()
        (tmp_path / str(pid) / "stat").write_text(f"{pid} (a ) b) S {parent} 10 10 0")
    (tmp_path / "10" / "status").write_text("Name:\tx\nVmRSS:\t 30 kB\nRssAnon:\t 10 kB\nRssShmem:\t 5 kB\n")
    (tmp_path / "12" / "status").write_text("Name:\tx\nVmRSS:\t 7 kB\n")
    (tmp_path / "13").mkdir()
    assert sorted(process_memory.process_tree(10, tmp_path)) == [10, 11, 12]
    assert process_memory.of_tree(10, tmp_path) == process_memory.Memory(22 * 1024, 37 * 1024)
