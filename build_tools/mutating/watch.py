"""A plugin of pytest that selects and orders tests, and logs the result of each as lines of JSON.

``MUTANTS_LOG`` names the log, ``MUTANTS_WANTED`` the file with the tests to run (``Wanted``). While coverage measures,
its context is the name of the test, also in the test's processes, or of the fixture.
"""

from __future__ import annotations

import json
import os
import resource
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

LOG = "MUTANTS_LOG"
WANTED = "MUTANTS_WANTED"
MEMORY = "MUTANTS_MEMORY"
TEST = "MUTANTS_TEST"  # the context of measurements in the processes of a test
FIXTURE = "fixture "  # prefix of the context of shared fixtures
UNKNOWN_SECONDS = 1.0


def pytest_configure(config: pytest.Config) -> None:
    """Limit the address space, so that a mutant without a memory bound fails, not the machine."""
    if memory := os.environ.get(MEMORY):
        resource.setrlimit(resource.RLIMIT_AS, (int(memory), resource.RLIM_INFINITY))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the wanted tests, in their order, each with its own time limit."""
    if WANTED not in os.environ:
        return
    wanted: dict[str, Any] = json.loads(Path(os.environ[WANTED]).read_text("utf-8"))
    ranked = [(rank, item) for item in items if (rank := _rank(item.nodeid, wanted)) is not None]
    ranked.sort(key=lambda pair: pair[0])
    kept = {id(item) for _, item in ranked}
    config.hook.pytest_deselected(items=[item for item in items if id(item) not in kept])
    items[:] = [item for _, item in ranked]
    for item in items:
        limit = wanted["limits"].get(item.nodeid, wanted["limit"])
        item.add_marker(pytest.mark.timeout(limit), append=False)


def _rank(name: str, wanted: dict[str, Any]) -> tuple[float, ...] | None:
    """Return the rank of a test; None if it is not wanted."""
    if name in wanted["not"]:
        return None
    if name in wanted["tests"]:
        return (0, *wanted["tests"][name])
    file = name.partition("::")[0]
    if file in wanted["files"]:
        return (1, wanted["files"][file], wanted["seconds"].get(name, UNKNOWN_SECONDS))
    return None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Set the context of a test, and log the fixtures that it shares."""
    found = getattr(item, "_fixtureinfo", None)
    defined = [defs[-1] for defs in found.name2fixturedefs.values()] if found else []
    shared = [_shared(each) for each in defined if each.scope != "function"]
    _write({"test": item.nodeid, "shares": shared, "since": time.time()})
    os.environ[TEST] = item.nodeid
    _switch(item.nodeid)
    try:
        return (yield)
    finally:
        _switch("")
        os.environ.pop(TEST, None)


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef: Any, request: Any) -> Generator[None, object, object]:
    """Set the context of a shared fixture, and log its duration."""
    if fixturedef.scope == "function":
        return (yield)
    name, before, begun = _shared(fixturedef), os.environ.get(TEST, ""), time.perf_counter()
    os.environ[TEST] = name
    _switch(name)
    try:
        return (yield)
    finally:
        _switch(before)
        os.environ[TEST] = before
        _write({"fixture": name, "seconds": time.perf_counter() - begun})


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Log the result of each part of a test."""
    if "PYTEST_XDIST_WORKER" not in os.environ:  # the main process gets all reports
        _write({"of": report.nodeid, "when": report.when, "outcome": report.outcome, "seconds": report.duration})


def pytest_collectreport(report: pytest.CollectReport) -> None:
    """Log a file that could not be imported."""
    if report.failed:
        _write({"of": report.nodeid, "when": "collect", "outcome": "failed", "seconds": 0.0})


def _shared(fixture: Any) -> str:
    return f"{FIXTURE}{fixture.baseid}::{fixture.argname}"


def _switch(context: str) -> None:
    try:
        from coverage import Coverage
    except ImportError:
        return
    if (measured := Coverage.current()) is not None:
        measured.switch_context(context)


def _write(what: dict[str, Any]) -> None:
    """Write a line at once: several processes have the file open."""
    if path := os.environ.get(LOG):
        with open(path, "ab", buffering=0) as log:
            log.write(json.dumps(what).encode() + b"\n")
