"""Find which tests run which lines, by one run of all tests under coverage."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from mutating import runs, watch
from mutating.trees import Tree

SETTINGS = """[run]
data_file = {folder}/coverage
parallel = true
core = ctrace
concurrency = multiprocessing,thread
patch = subprocess,_exit
context = ${{{test}-}}
include = {included}
"""
LAST_WORDS_SECONDS = 60.0  # for processes that still write their measurements


class TestMap:
    """The results of one measured run of the tests."""

    __test__ = False  # pytest must not collect this class

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        about = json.loads((folder / "about.json").read_text("utf-8"))
        self.root = Path(about["root"])
        self.call: dict[str, float] = defaultdict(float)
        self.fixtures: dict[str, float] = {}
        self.shares: dict[str, list[str]] = {}
        self.failed: set[str] = set()
        for line in (folder / "tests.jsonl").read_text("utf-8").splitlines():
            self._take(json.loads(line))

    def _take(self, event: dict[str, Any]) -> None:
        if "shares" in event:
            self.shares[event["test"]] = event["shares"]
        elif "fixture" in event:
            self.fixtures[event["fixture"]] = max(event["seconds"], self.fixtures.get(event["fixture"], 0.0))
        elif "of" in event:
            if event["when"] == "call":
                self.call[event["of"]] += event["seconds"]
            if event["outcome"] == "failed":
                self.failed.add(event["of"])

    @cached_property
    def data(self) -> Any:
        """The measurements of coverage."""
        from coverage import CoverageData

        data = CoverageData(str(self.folder / "coverage"))
        data.read()
        return data

    @cached_property
    def users(self) -> dict[str, list[str]]:
        """The tests of each shared fixture, by the fixture."""
        tests_of: dict[str, list[str]] = defaultdict(list)
        for test, shared in self.shares.items():
            for fixture in shared:
                tests_of[fixture].append(test)
        return tests_of

    @cached_property
    def files(self) -> set[str]:
        """The test files of the run; other files may be left out on purpose."""
        return {test.partition("::")[0] for test in self.shares}

    @cached_property
    def seconds(self) -> dict[str, float]:
        """The seconds of each test alone, with its shared fixtures."""
        return {test: self.call[test] + self._of_fixtures(test) for test in self.shares}

    def _of_fixtures(self, test: str) -> float:
        """Return the seconds of the longest shared fixture: fixtures are nested, so it includes the others."""
        return max((self.fixtures.get(each, 0.0) for each in self.shares[test]), default=0.0)

    def running(self, path: str, lines: tuple[int, int] | None) -> set[str]:
        """Return the tests that run any of these lines (None: any of the file), without tests that fail anyway."""
        by_line: dict[int, list[str]] = self.data.contexts_by_lineno(str(self.root / path))
        wanted = by_line if lines is None else [line for line in by_line if lines[0] <= line <= lines[1]]
        return set(self._tests({context for line in wanted for context in by_line[line]})) - self.failed

    def _tests(self, contexts: Iterable[str]) -> Iterable[str]:
        for context in contexts:
            name = context.partition("|")[0]  # a process of a test has both contexts
            if name.startswith(watch.FIXTURE):
                yield from self.users.get(name, ())
            elif name in self.shares:
                yield name


def load_or_measure(folder: Path, tree: Tree, packages: Sequence[str], pytest: Sequence[str]) -> TestMap:
    """Return the map in the folder; without one, first run the tests of a private copy."""
    if not (folder / "about.json").exists():
        folder.mkdir(parents=True, exist_ok=True)
        for left in folder.iterdir():  # left by a stopped run
            left.unlink()
        copy = tree.copied("map")
        _measure(folder, tree, copy, packages, pytest)
        (folder / "about.json").write_text(json.dumps({"root": str(copy)}), "utf-8")
        tree.forget(copy)
    return TestMap(folder)


def _measure(folder: Path, tree: Tree, copy: Path, packages: Sequence[str], pytest: Sequence[str]) -> None:
    included = ",".join(f"{copy}/{package}/*" for package in packages)
    settings, log = folder / "settings", folder / "tests.jsonl"
    settings.write_text(SETTINGS.format(folder=folder, test=watch.TEST, included=included), "utf-8")
    plain = tree.environment(copy)
    mark = f"{os.getpid()}-map-{time.monotonic_ns()}"
    measured = {watch.LOG: str(log), "COVERAGE_PROCESS_START": str(settings), runs.MARK: mark}
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "mutating.watch", "-p", "no:cacheprovider", *pytest]
    done = subprocess.run(argv, cwd=copy, env=plain | measured, check=False)
    if done.returncode > 1 or not log.exists():
        raise RuntimeError(f"the tests could not be run: pytest ended with {done.returncode}")
    until = time.monotonic() + LAST_WORDS_SECONDS
    # Workers of pytest write their measurements when pytest ends.
    while runs.marked_processes(mark) and time.monotonic() < until:
        time.sleep(0.1)
    for empty in (path for path in folder.glob("coverage.*") if not path.stat().st_size):  # of killed processes
        empty.unlink()
    combine = [sys.executable, "-m", "coverage", "combine", "--quiet", "--rcfile", str(settings)]
    subprocess.run(combine, cwd=copy, env=plain, check=True)
