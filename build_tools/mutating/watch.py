"""A plugin of pytest: it orders and picks tests, and writes down how each went, as lines of JSON.

``MUTANTS_LOG`` names the file to write to, ``MUTANTS_WANTED`` one that says what to run (``Wanted``). While coverage
measures, what is measured has the test's name as its context, in the test's processes too, or that of the fixture.
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
TEST = "MUTANTS_TEST"  # for the processes of a test: the context of their measurement
FIXTURE = "fixture "  # begins the context of what several tests share
UNKNOWN_SECONDS = 1.0


def pytest_configure(config: pytest.Config) -> None:
    """Have a mutant that asks for memory without end fail, not the machine."""
    if memory := os.environ.get(MEMORY):
        resource.setrlimit(resource.RLIMIT_AS, (int(memory), resource.RLIM_INFINITY))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the tests that are wanted, in their order, each with its own time."""
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
    """The place of a test; none if it is not wanted."""
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
    """Name the context of a test, and what it shares with others."""
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
    """Name the context of a fixture that several tests share."""
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
    """Write down how each part of a test went."""
    if "PYTEST_XDIST_WORKER" not in os.environ:  # the process that gave the work hears of all
        _write({"of": report.nodeid, "when": report.when, "outcome": report.outcome, "seconds": report.duration})


def pytest_collectreport(report: pytest.CollectReport) -> None:
    """Write down what could not be imported."""
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
    """One write a line: several processes have the file open."""
    if path := os.environ.get(LOG):
        with open(path, "ab", buffering=0) as log:
            log.write(json.dumps(what).encode() + b"\n")
