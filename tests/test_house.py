"""The import law of the house: who may import whom."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
HOUSES = ("c4pipe", "beam_jobs", "model")
ROOMS = sorted(path for house in HOUSES for path in (ROOT / house).rglob("*.py"))

# One door per foreign library. Where a library has several rooms, each is named.
DOORS = {
    "warcio": {"c4pipe/wet.py", "c4pipe/demo_crawl.py"},
    "nltk": {"c4pipe/sentences.py"},
    "langdetect": {"c4pipe/detector.py"},
    "gcld3": {"c4pipe/langid.py"},
    "tldextract": {"c4pipe/urls.py"},
    "deflate": {"c4pipe/formats.py"},
    "fsspec": {"c4pipe/location.py"},
    "google_crc32c": {"c4pipe/tfrecord.py"},
    "sentencepiece": {"model/tokenizer.py"},
    "safetensors": {"model/export.py", "model/checkpoint.py"},
}


def imports(path: Path) -> set[str]:
    """Every module that the file imports, wherever in it, as dotted names from the root."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found.add(node.module or "")
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


def top(names: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in names}


def room(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def own_rooms(path: Path) -> set[str]:
    """The rooms of this project that the file imports, as dotted names."""
    modules = {f"{p.parent.name}.{p.stem}" for p in ROOMS if p.stem != "__init__"}
    return imports(path) & modules


@pytest.mark.parametrize("path", ROOMS, ids=room)
def test_import_law(path: Path) -> None:
    names = top(imports(path))
    if path.parent.name == "c4pipe":
        assert not names & {"apache_beam", "torch", "beam_jobs", "model"}
    if path.parent.name == "model":
        assert "beam_jobs" not in names
        assert {name for name in own_rooms(path) if name.startswith("c4pipe")} <= {"c4pipe.shards"}
    if path.parent.name == "beam_jobs":
        assert not names & {"model", "torch"}
    if path.parent.name != "beam_jobs":
        assert "apache_beam" not in names
    if path.parent.name != "model":
        assert "torch" not in names


@pytest.mark.parametrize(("library", "rooms"), DOORS.items())
def test_one_door_per_dependency(library: str, rooms: set[str]) -> None:
    assert {room(path) for path in ROOMS if library in top(imports(path))} <= rooms


def test_no_circles() -> None:
    """Imports go to a lower floor only."""
    graph = {f"{path.parent.name}.{path.stem}": own_rooms(path) for path in ROOMS}
    done: set[str] = set()
    while ready := {name for name, needs in graph.items() if name not in done and needs <= done}:
        done |= ready
    assert done == set(graph), f"in or behind a circle: {sorted(set(graph) - done)}"


@pytest.mark.parametrize("house", HOUSES)
def test_init_only_hands_names_on(house: str) -> None:
    tree = ast.parse((ROOT / house / "__init__.py").read_text(encoding="utf-8"))
    allowed = (ast.Import, ast.ImportFrom, ast.Assign, ast.Expr)
    assert all(isinstance(node, allowed) for node in tree.body)


COMPILED = sorted((ROOT / "c4pipe" / "fast").glob("*.pyx"))
INCLUDED = sorted((ROOT / "c4pipe" / "fast").glob("*.pxi"))  # parts of a room


@pytest.mark.parametrize("path", COMPILED + INCLUDED, ids=lambda path: path.stem)
def test_compiled_rooms_are_leaves(path: Path) -> None:
    """They import what is C's, Cython's or Python's own: what they know of the rules comes in as data."""
    found = re.findall(r"^\s*(?:from\s+(\S+)\s+c?import|c?import\s+(\S+))", path.read_text("utf-8"), re.MULTILINE)
    names = {(one or other).partition(".")[0] for one, other in found}
    assert names <= {"cpython", "cython", "libc", *sys.stdlib_module_names}


@pytest.mark.parametrize("path", COMPILED, ids=lambda path: path.stem)
def test_compiled_rooms_are_fuzzed_and_tested(path: Path) -> None:
    for kind in ("test_fast", "fuzz"):
        assert (ROOT / "tests" / "c4pipe" / f"{kind}_{path.stem}.py").exists()
