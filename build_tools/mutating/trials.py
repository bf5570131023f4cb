"""Try whether the tests kill a mutant: first tests of its lines, then namesakes of its file, then of importers.

A failing test runs once more under a neutral change at the same place. If it fails again, it only sees that the file
differs, or that plain code decides now. Such a test is *blind* for this file, and does not count. If a compiled twin
no longer decides for that reason, the blind tests run again with the twin in its place.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from mutating.benches import LAST, Bench
from mutating.runs import START, Result, Wanted, run_tests
from mutating.sites import Mutant

SURVIVED, UNFINISHED, KILLED = "survived", "survived, not all tests run", "killed"


@dataclass
class Verdict:
    """The outcome of a mutant. The budget limits ``seconds``; ``checks``, also in seconds, come on top."""

    outcome: str = SURVIVED
    by: str = ""
    seconds: float = 0.0
    checks: float = 0.0
    stages: list[str] = field(default_factory=list)


def verdict(bench: Bench, mutant: Mutant, budget: float) -> Verdict:
    """Try a mutant within the budget, in seconds."""
    source = (bench.tree.root / mutant.path).read_bytes()
    trial = Trial(bench, mutant, source, budget)
    try:
        for stage, wanted in bench.stages(mutant):
            trial.stage(stage, wanted)
            if trial.verdict.outcome == SURVIVED and stage != LAST:
                trial.hold_equal()
            if trial.verdict.outcome != SURVIVED:
                break
    finally:
        bench.write(mutant.path, source)
    return trial.verdict


class Trial:
    """One mutant on one bench."""

    def __init__(self, bench: Bench, mutant: Mutant, source: bytes, budget: float) -> None:
        self.bench, self.mutant, self.source, self.budget = bench, mutant, source, budget
        self.known, self.verdict, self.done = bench.known, Verdict(), set[str]()
        self.key, self.held = mutant.path, False  # key of the known tests; whether compiled code decides

    def hold_equal(self) -> None:
        """Run the blind tests again, with compiled code in force beside the faulty plain room."""
        wanted = self.bench.blind(self.mutant.path)
        self._write(self.mutant.applied(self.source))
        if wanted.tests and self.bench.hold_equal():
            self.key, self.held = f"{self.mutant.path}, held equal", True
            self.stage("against its twin", wanted)
            self.key, self.held = self.mutant.path, False

    def stage(self, name: str, wanted: Wanted) -> None:
        """Run the wanted tests; repeat without each test that proves blind."""
        before = len(self.done)
        while True:
            left = self._left(wanted)
            result = self._mutated(left)
            self.done |= result.passed
            sees = self._sees(left, result)
            if sees or not result.failed:
                break
        note = "" if sees or result.ended else ", then the time was spent"
        self.verdict.stages.append(f"{name}: {len(self.done) - before} passed{note}")
        if sees:
            self.verdict.outcome, self.verdict.by = KILLED, sees
        elif not result.ended:
            self.verdict.outcome = UNFINISHED

    def _left(self, wanted: Wanted) -> Wanted:
        """Return the wanted tests that are neither done nor blind."""
        leave = wanted.leave | self.done | self.known.blind.get(self.key, set())
        return wanted.without(frozenset(leave))

    def _mutated(self, wanted: Wanted) -> Result:
        if not wanted.arguments():
            return Result([], set(), True)
        spare = self.budget - self.verdict.seconds
        if spare <= 0 or START in self.known.blind.get(self.key, ()):
            return Result([], set(), False)
        begun = time.monotonic()
        self._write(self.mutant.applied(self.source))
        result = run_tests(self.bench.copy, self.bench.environment, wanted, spare)
        self.verdict.seconds = round(self.verdict.seconds + time.monotonic() - begun, 1)
        return result

    def _write(self, source: bytes) -> None:
        self.bench.write(self.mutant.path, source)
        if self.held:
            self.bench.hold_equal()

    def _neutral(self, wanted: Wanted, *, go_on: bool = True) -> Result:
        begun = time.monotonic()
        self._write(self.mutant.neutrally(self.source))
        result = run_tests(self.bench.copy, self.bench.environment, wanted, self.budget, go_on=go_on)
        self.known.learn(self.key, result)
        self.verdict.checks = round(self.verdict.checks + time.monotonic() - begun, 1)
        return result

    def _sees(self, wanted: Wanted, result: Result) -> str:
        """Return the failed test if it passes under a neutral change; else mark it blind and return an empty text."""
        if not result.failed:
            return ""
        test = result.failed[0]
        if test in self.known.sound.get(self.key, ()):
            return test
        if "::" not in test:  # a file, or the start, failed: repeat all wanted tests
            return "" if test in self._neutral(wanted, go_on=False).failed else test
        if test not in self._neutral(wanted.only(test)).failed:
            return test
        self._neutral(wanted.of_file(test.partition("::")[0], without=test))
        return ""
