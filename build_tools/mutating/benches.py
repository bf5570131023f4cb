"""A bench: a private copy of the project on which mutants are tried, and the tests for each."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from mutating.runs import Result, Wanted
from mutating.sites import Mutant
from mutating.test_map import TestMap
from mutating.trees import HOLD_EQUAL, Tree

LIMIT_AT_LEAST, LIMIT_TIMES = 20.0, 10.0  # seconds; times a test's own time: plain code is slow, a machine busy
LAST = "importers"  # the last stage, which seldom has time
BANDS = (0.3, 3.0, 30.0)  # seconds: quick tests come before slow ones of other files


class Known:
    """Results of tests under neutral changes, by changed file: blind tests failed, sound tests passed. Kept on disk."""

    def __init__(self, kept: Path) -> None:
        self.kept, self.lock = kept, threading.Lock()
        self.blind: dict[str, set[str]] = {}
        self.sound: dict[str, set[str]] = {}
        for line in kept.read_text("utf-8").splitlines() if kept.exists() else ():
            self._take(**json.loads(line))

    def _take(self, path: str, blind: list[str], sound: list[str]) -> None:
        self.blind.setdefault(path, set()).update(blind)
        self.sound.setdefault(path, set()).update(sound)

    def learn(self, path: str, result: Result) -> None:
        """Store the result of a run under a neutral change."""
        outcome = {"path": path, "blind": result.failed, "sound": sorted(result.passed)}
        with self.lock, self.kept.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(outcome) + "\n")
            self._take(path, result.failed, sorted(result.passed))


class Bench:
    """A private copy in which mutants are tried one after another."""

    def __init__(self, tree: Tree, tests: TestMap, known: Known, name: str, memory: int = 0) -> None:
        self.tree, self.tests, self.known = tree, tests, known
        self.copy = tree.copied(name)
        self.environment = tree.environment(self.copy) | ({"MUTANTS_MEMORY": str(memory)} if memory else {})

    def write(self, path: str, source: bytes) -> None:
        """Write a file, and remove its bytecode, which Python compares only by whole seconds."""
        place = self.copy / path
        place.write_bytes(source)
        Path(importlib.util.cache_from_source(str(place))).unlink(missing_ok=True)
        for held in self.tree.held_equal:
            shutil.copy2(self.tree.root / held, self.copy / held)

    def hold_equal(self) -> bool:
        """Let compiled code decide although the plain room differs; return False where no compiled room is involved."""
        script = [sys.executable, str(self.copy / HOLD_EQUAL)]
        if not self.tree.held_equal or subprocess.run(script, env=self.environment, check=False).returncode:
            return False
        return any(
            (self.copy / held).read_bytes() != (self.tree.root / held).read_bytes() for held in self.tree.held_equal
        )

    def stages(self, mutant: Mutant) -> Iterator[tuple[str, Wanted]]:
        """Yield the stages of a trial, each with its tests; the likeliest to fail come first."""
        covering = self.tests.running(mutant.path, mutant.lines)
        if mutant.body is None:  # the code runs on import, and affects every user of the file
            covering |= self.tests.running(mutant.path, None) or self._running_importers(mutant.path)
        elif not covering:
            covering = self.tests.running(mutant.path, mutant.body)
        yield "its lines", self._wanted(self._ranked(covering), [])
        yield "namesakes", self._wanted({}, self.tree.namesakes(mutant.path))
        yield LAST, self._wanted({}, self.tree.importers(mutant.path))

    def _running_importers(self, path: str) -> set[str]:
        """Return the tests that run code of an importing module: no test runs the lines of a table itself."""
        return {test for each in self.tree.imported_by[path] for test in self.tests.running(each, None)}

    def blind(self, path: str) -> Wanted:
        """Return the tests that fail after any change of the file, even a neutral one."""
        return self._wanted(self._ranked(self.known.blind.get(path, set()) & set(self.tests.shares)), [])

    def _wanted(self, tests: dict[str, list[float]], files: list[str]) -> Wanted:
        seconds = self.tests.seconds
        limits = {name: max(LIMIT_AT_LEAST, LIMIT_TIMES * took) for name, took in seconds.items()}
        ranks = {name: place for place, name in enumerate(files) if name in self.tests.files}
        return Wanted(tests, ranks, frozenset(self.tests.failed), limits, seconds)

    def _ranked(self, tests: set[str]) -> dict[str, list[float]]:
        """Rank tests by rough duration, then by file: the tests of a file share costly fixtures."""
        seconds = self.tests.seconds
        places = {name: (sum(seconds[name] > band for band in BANDS), name.partition("::")[0]) for name in tests}
        taken: dict[tuple[int, str], float] = {}
        for name, place in places.items():
            taken[place] = taken.get(place, 0.0) + seconds[name]
        order = sorted(taken, key=lambda place: (place[0], taken[place], place[1]))
        ranks = {place: float(rank) for rank, place in enumerate(order)}
        return {name: [ranks[place], seconds[name]] for name, place in places.items()}
