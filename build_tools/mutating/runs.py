"""Run pytest in a private copy, within a time limit, and leave no process behind."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mutating import watch

MARK = "MUTANTS_RUN"  # environment variable of all processes of a run
OVERDUE = 1.5  # times its limit: a test that its own alarm failed to end
START = "(start)"  # the name of a failure before any test begins


@dataclass(frozen=True)
class Wanted:
    """Tests to run: named tests by rank, then all other tests of some files."""

    tests: Mapping[str, Sequence[float]] = field(default_factory=dict)
    files: Mapping[str, int] = field(default_factory=dict)
    leave: frozenset[str] = frozenset()
    limits: Mapping[str, float] = field(default_factory=dict)  # seconds
    seconds: Mapping[str, float] = field(default_factory=dict)  # the duration of each without a fault
    limit: float = 60.0  # seconds, for a test that the map lacks

    def arguments(self) -> list[str]:
        """Return the test files, in the order of the run."""
        of_tests = sorted(self.tests, key=lambda name: tuple(self.tests[name]))
        return list(dict.fromkeys([*(name.partition("::")[0] for name in of_tests), *self.files]))

    def without(self, leave: frozenset[str]) -> Wanted:
        """Return these tests without some tests or files."""
        tests = {name: rank for name, rank in self.tests.items() if not leave & {name, name.partition("::")[0]}}
        files = {name: rank for name, rank in self.files.items() if name not in leave}
        return replace(self, tests=tests, files=files, leave=leave)

    def only(self, test: str) -> Wanted:
        """Return one test alone."""
        return replace(self, tests={test: [0.0]}, files={}, leave=frozenset())

    def of_file(self, file: str, *, without: str) -> Wanted:
        """Return the wanted tests of one file, except one test."""
        tests = {name: rank for name, rank in self.tests.items() if name.startswith(f"{file}::")}
        files = {name: rank for name, rank in self.files.items() if name == file}
        return replace(self, tests=tests, files=files).without(self.leave | {without})

    def as_json(self) -> str:
        """Return this as JSON, for the plugin."""
        fields = {name: value for name, value in vars(self).items() if name != "leave"}
        return json.dumps(fields | {"not": sorted(self.leave)})


@dataclass(frozen=True)
class Result:
    """The result of a run."""

    failed: list[str]
    passed: set[str]
    ended: bool  # pytest ended by itself, within the budget


def run_tests(
    copy: Path, environment: Mapping[str, str], wanted: Wanted, budget: float, *, go_on: bool = False
) -> Result:
    """Run tests in order until one fails (unless ``go_on``) or the budget, in seconds, is spent."""
    place = copy.with_name(f"{copy.name}.run")
    place.mkdir(exist_ok=True)
    wanted_file, log = place / "wanted.json", place / "log.jsonl"
    wanted_file.write_text(wanted.as_json(), "utf-8")
    log.write_bytes(b"")
    mark = f"{os.getpid()}-{copy.name}-{time.monotonic_ns()}"
    ours = {watch.LOG: str(log), watch.WANTED: str(wanted_file), MARK: mark}
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "mutating.watch", "-p", "no:cacheprovider", "--tb=no"]
    argv += ["--basetemp", str(place / "tmp"), *([] if go_on else ["-x"]), *wanted.arguments()]
    quiet: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(argv, cwd=copy, env={**environment, **ours}, start_new_session=True, **quiet)
    try:
        process.wait(max(1.0, budget))
    except subprocess.TimeoutExpired:
        pass
    finally:
        code = process.poll()
        _end(process, mark)
    return _result(log, wanted, code)


def _result(log: Path, wanted: Wanted, code: int | None) -> Result:
    events = [json.loads(line) for line in log.read_text("utf-8").splitlines() if line.endswith("}")]
    named = (each["of"] for each in events if each.get("outcome") == "failed")
    failed = list(dict.fromkeys(name if ".py" in name else START for name in named))
    begun = {each["test"]: each["since"] for each in events if "shares" in each}
    done = {each["of"] for each in events if each.get("when") == "teardown"}
    hanging = [test for test in begun if test not in done]
    for test in hanging:
        lost = code is not None and code not in (0, 1)  # the test ended the whole process
        if lost or time.time() - begun[test] > OVERDUE * wanted.limits.get(test, wanted.limit):
            failed.append(test)
    if not failed and code not in (None, 0, 5):  # 5: no test was collected
        failed.append(START)
    return Result(failed, done - set(failed), code is not None)


def _end(process: subprocess.Popen[bytes], mark: str) -> None:
    """Kill the process and all processes that it started, in any session."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    while left := marked_processes(mark):
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)


def marked_processes(mark: str) -> list[int]:
    """Return the processes whose environment carries the mark of a run; Linux only."""
    pids, entry = [], f"{MARK}={mark}".encode()
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            state = (place / "stat").read_text().rpartition(")")[2].split()[0]
            if state != "Z" and entry in (place / "environ").read_bytes().split(b"\0"):
                pids.append(int(place.name))
    return pids
