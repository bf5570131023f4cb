"""Processes that share a step's items: all is done once, and an end that nobody wanted is told and costs nothing."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from beam_jobs import build_c4, options
from beam_jobs.drivers import files as files_driver
from beam_jobs.drivers import processes
from beam_jobs.plan import planner
from beam_jobs.plan.job import Job
from beam_jobs.store.lock import held
from c4pipe.fs.download import DownloadError
from tests.support import builds, crawls, kill_loop
from tests.support.builds import Built

ROOT = Path(__file__).parents[3]
AT_WORK_SECONDS = 60.0


@pytest.fixture(scope="module")
def wet(tmp_path_factory: pytest.TempPathFactory) -> str:
    return crawls.write(tmp_path_factory.mktemp("wet"), crawls.dealt(crawls.crawl(seed=5, records=60), 3))


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Files enough that a build is still at work some time after its first."""
    return crawls.write(tmp_path_factory.mktemp("many"), crawls.dealt(crawls.crawl(seed=6, records=600), 60))


def job_of(wet: str, output: Path, workers: int) -> Job:
    parsed, _ = options.parser().parse_known_args(builds.arguments(wet, output))
    return replace(planner.planned(parsed)[0], workers=workers)


# Items of the tests, which processes must find by name: a folder, and what to do there.


def note(job: Job, folder: str, number: int) -> None:
    """Tell in a file which process did an item; the same item twice is an error."""
    with open(Path(folder) / str(number), "x", encoding="ascii") as stream:
        stream.write(str(os.getpid()))


def note_once_all_have_one(job: Job, folder: str, number: int) -> None:
    """Not until each process has an item, however late one of them begins: else the others might do all."""
    begun = Path(f"{folder}-begun")
    (begun / str(os.getpid())).touch()
    deadline = time.monotonic() + AT_WORK_SECONDS
    while len(list(begun.iterdir())) < job.workers and time.monotonic() < deadline:
        time.sleep(kill_loop.POLL_SECONDS)
    note(job, folder, number)


def note_frozen(job: Job, path: str) -> None:
    Path(path).write_text(str(gc.get_freeze_count()), "ascii")


def fail(job: Job, folder: str, number: int) -> None:
    raise OSError(28, "No space left on device", f"{folder}/{number}")


class Odd(Exception):
    """One that its own arguments do not make anew."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(f"{first} and {second}")


class Local(Exception):
    """One that cannot be sent."""

    def __init__(self) -> None:
        super().__init__("it holds what has no name")
        self.held = lambda: None


def raise_odd(job: Job, folder: str, number: int) -> None:
    raise Odd("this", "that")


def raise_local(job: Job, folder: str, number: int) -> None:
    raise Local


def raise_download(job: Job, folder: str, number: int) -> None:
    raise DownloadError("http://example.com/a", "is not there", 404)


def be_killed(job: Job, folder: str, number: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def be_ended(job: Job, folder: str, number: int) -> None:
    os._exit(0)


def be_interrupted(job: Job, folder: str, number: int) -> None:
    os.kill(os.getpid(), signal.SIGINT)


def done(folder: Path) -> dict[int, int]:
    return {int(path.name): int(path.read_text("ascii")) for path in folder.iterdir()}


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_all_items_once(wet: str, tmp_path: Path, workers: int) -> None:
    job = job_of(wet, tmp_path / "build", workers)
    here = tmp_path / "items"
    here.mkdir()
    (tmp_path / "items-begun").mkdir()
    with processes.ready(job) as shared:
        shared.each(note_once_all_have_one, job, [(str(here), number) for number in range(12)])
        shared.each(note, job, [])
    assert sorted(done(here)) == list(range(12))
    by = set(done(here).values())
    assert len(by) == workers
    assert (os.getpid() in by) is (workers == 1)


@pytest.mark.parametrize("workers", [1, 2])
def test_what_an_item_raises_is_raised(wet: str, tmp_path: Path, workers: int) -> None:
    job = job_of(wet, tmp_path / "build", workers)
    with processes.ready(job) as shared, pytest.raises(OSError, match="No space left") as raised:
        shared.each(fail, job, [(str(tmp_path), 1)])
    assert raised.value.filename == f"{tmp_path}/1"


@pytest.mark.parametrize(
    ("run", "kind", "text"),
    [
        (raise_odd, RuntimeError, "Odd: this and that"),
        (raise_local, RuntimeError, "Local: it holds what has no name"),
        (raise_download, DownloadError, "http://example.com/a: is not there"),
    ],
)
def test_errors_that_are_hard_to_send(
    run: Callable[..., None], kind: type[Exception], text: str, wet: str, tmp_path: Path
) -> None:
    """They are no process that is gone."""
    job = job_of(wet, tmp_path / "build", 2)
    with processes.ready(job) as shared, pytest.raises(kind) as raised:
        shared.each(run, job, [(str(tmp_path), 1)])
    assert type(raised.value) is kind
    assert str(raised.value) == text


@pytest.mark.parametrize("error", [BlockingIOError(11, "Resource temporarily unavailable"), KeyboardInterrupt()])
def test_a_fork_that_fails_leaves_nobody(
    error: BaseException, wet: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second of three, as where a user may have no more processes."""
    fork, forked = os.fork, list[int]()

    def second_fails() -> int:
        if len(forked) == 1:
            raise error
        forked.append(fork())
        return forked[-1]

    monkeypatch.setattr(os, "fork", second_fails)
    others = set(multiprocessing.active_children())
    with pytest.raises(type(error)), processes.ready(job_of(wet, tmp_path / "build", 3)):
        raise AssertionError("processes that are not there are ready")
    assert len(forked) == 1
    deadline = time.monotonic() + AT_WORK_SECONDS
    while set(multiprocessing.active_children()) - others and time.monotonic() < deadline:
        time.sleep(kill_loop.POLL_SECONDS)
    assert set(multiprocessing.active_children()) == others
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, set())


@pytest.mark.parametrize("error", [OSError(5, "Input/output error", "done"), KeyboardInterrupt()])
@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_between_steps_is_a_line(
    error: BaseException,
    workers: int,
    wet: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fails(job: Job) -> bool:
        raise error

    steps = [replace(step, may_begin=fails) if step.name == "dedup_urls" else step for step in files_driver.STEPS]
    monkeypatch.setattr(files_driver, "STEPS", tuple(steps))
    interrupted = isinstance(error, KeyboardInterrupt)
    code = build_c4.INTERRUPTED if interrupted else 1
    assert build_c4.main(builds.arguments(wet, tmp_path / "build", workers=workers)) == code
    said = capsys.readouterr().err
    assert "Traceback" not in said
    last = "stopped; the same command goes on from what is done" if interrupted else "done: Input/output error"
    assert said.splitlines()[-1] == f"build_c4: {last}"


@pytest.mark.parametrize("workers", [1, 2])
def test_what_was_there_before_is_not_looked_through_for_garbage(wet: str, tmp_path: Path, workers: int) -> None:
    before = gc.get_freeze_count()
    job = job_of(wet, tmp_path / "build", workers)
    with processes.ready(job) as ready:
        ready.each(note_frozen, job, [(str(tmp_path / "frozen"),)])
    assert int((tmp_path / "frozen").read_text("ascii")) > 10_000
    assert gc.get_freeze_count() == before


@pytest.mark.parametrize("end", [be_killed, be_ended])
def test_a_process_that_is_gone_is_missed(end: Callable[..., None], wet: str, tmp_path: Path) -> None:
    job = job_of(wet, tmp_path / "build", 2)
    with processes.ready(job) as shared, pytest.raises(processes.ProcessLost, match="one of 2 processes"):
        shared.each(end, job, [(str(tmp_path), 1)])


@pytest.fixture
def ctrl_c(request: pytest.FixtureRequest) -> Iterator[object]:
    """What this process does at a Ctrl-C, whatever the tests run in: those in the background of a shell ignore it."""
    before = signal.signal(signal.SIGINT, request.param)
    yield request.param
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("ctrl_c", [signal.default_int_handler], indirect=True)
def test_processes_end_at_once_when_interrupted(
    ctrl_c: object, wet: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Ctrl-C is for all processes of a terminal: this one tells of it, the others without a traceback."""
    job = job_of(wet, tmp_path / "build", 2)
    with processes.ready(job) as shared, pytest.raises(processes.ProcessLost):
        shared.each(be_interrupted, job, [(str(tmp_path), 1)])
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("ctrl_c", [signal.SIG_IGN], indirect=True)
def test_processes_ignore_what_the_build_ignores(ctrl_c: object, wet: str, tmp_path: Path) -> None:
    """In the background of a shell a Ctrl-C is for another command."""
    job = job_of(wet, tmp_path / "build", 2)
    here = tmp_path / "items"
    here.mkdir()
    with processes.ready(job) as shared:
        shared.each(be_interrupted, job, [(str(tmp_path), 1)])
        shared.each(note, job, [(str(here), 1)])
    assert list(done(here)) == [1]


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_of_a_step_is_a_line(
    wet: str, tmp_path: Path, workers: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither Beam's traceback nor ours; what is in the way is named, and once it is gone the build goes on."""
    argv = builds.arguments(wet, tmp_path / "build", "--shards", "2", workers=workers)
    in_the_way = tmp_path / "build" / "en" / "c4-train.00000-of-00002.json.gz"
    in_the_way.mkdir(parents=True)
    (in_the_way / "kept").touch()
    assert build_c4.main(argv) == 1
    said = capsys.readouterr().err
    assert "Traceback" not in said
    (line,) = (line for line in said.splitlines() if line.startswith("build_c4:"))
    assert str(in_the_way) in line
    (in_the_way / "kept").unlink()
    in_the_way.rmdir()
    assert build_c4.main(argv) == 0
    builds.plain(builds.arguments(wet, tmp_path / "plain", "--shards", "2"))
    assert builds.tree(tmp_path / "build" / "en") == builds.tree(tmp_path / "plain" / "en")


def started(argv: list[str], **environment: str) -> subprocess.Popen[str]:
    """The command in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "beam_jobs.build_c4", *argv],
        cwd=ROOT,
        env={**os.environ, **environment},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # Tests in the background of a shell ignore it, and so would the build.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


def begun(argv: list[str], output: Path) -> subprocess.Popen[str]:
    """A build that is at work."""
    process = started(argv)
    deadline = time.monotonic() + AT_WORK_SECONDS
    while not (output / "store" / "pages").exists():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(kill_loop.POLL_SECONDS)
    return process


@pytest.mark.slow
@pytest.mark.parametrize(("exchange", "workers"), [("files", 1), ("files", 2), ("shuffle", 2)])
def test_ctrl_c_says_that_the_build_can_go_on(many: str, tmp_path: Path, exchange: str, workers: int) -> None:
    argv = builds.arguments(many, tmp_path / "build", *builds.by(exchange), workers=workers)
    process = begun(argv, tmp_path / "build")
    os.killpg(process.pid, signal.SIGINT)
    said = process.communicate(timeout=AT_WORK_SECONDS)[1]
    assert "Traceback" not in said
    assert said.splitlines()[-1] == "build_c4: stopped; the same command goes on from what is done"
    assert process.returncode == build_c4.INTERRUPTED == 130


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="elsewhere processes are not forked")
def test_processes_do_not_hold_the_folder(many: str, tmp_path: Path) -> None:
    """A build that is killed alone can be begun again at once: its processes have no part in its lock."""
    argv = builds.arguments(many, tmp_path / "build", workers=2)
    process = begun(argv, tmp_path / "build")
    process.kill()
    process.wait()
    with held(str(tmp_path / "build")):
        pass
    assert process.stderr is not None
    process.stderr.close()


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc, which Linux has")
def test_a_worker_of_beams_that_is_killed_ends_the_build(small: Built, tmp_path: Path) -> None:
    """It would be waited for for ever; so the build ends and says why, and the same command goes on."""
    shards = ("--shards", "3")  # as the small build has
    argv = builds.arguments(small.wet, tmp_path, *shards, *builds.by("shuffle"), workers=2, format=builds.ALL_FORMATS)
    process = begun(argv, tmp_path)
    os.kill(next(worker for worker in kill_loop.session(process.pid) if worker != process.pid), signal.SIGKILL)
    said = process.communicate(timeout=kill_loop.PATIENCE_SECONDS)[1]
    assert process.returncode == 1
    assert said.splitlines()[-1].startswith("build_c4: one of Beam's workers is gone (")
    assert "Traceback" not in said
    assert kill_loop.waited_for(process.pid) == []
    assert build_c4.main(argv) == 0
    assert builds.tree(tmp_path / "en") == builds.tree(small.folder)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc, which Linux has")
def test_a_worker_of_beams_that_ends_as_if_it_were_done_ends_the_build(wet: str, tmp_path: Path) -> None:
    """Before it has said a word, so that nothing but its end can be noticed."""
    ending = 'import os, sys\nif "beam_jobs.drivers.beam_worker" in sys.orig_argv:\n    os._exit(0)\n'
    (tmp_path / "sitecustomize.py").write_text(ending, "ascii")  # which each Python runs first
    path = os.pathsep.join(filter(None, (str(tmp_path), os.environ.get("PYTHONPATH"))))
    argv = builds.arguments(wet, tmp_path / "build", *builds.by("shuffle"), workers=2)
    process = started(argv, PYTHONPATH=path)
    said = process.communicate(timeout=kill_loop.PATIENCE_SECONDS)[1]
    assert process.returncode == 1
    assert said.splitlines()[-1].startswith("build_c4: one of Beam's workers is gone (it ended unasked, ")
    assert "Traceback" not in said
    assert kill_loop.waited_for(process.pid) == []
