"""The import law of the house: who may import whom."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HOUSES = ("c4pipe", "beam_jobs", "model")
ROOMS = sorted(path for house in HOUSES for path in (ROOT / house).rglob("*.py"))

# One door per foreign library. Where a library has several rooms, each is named.
DOORS = {
    "warcio": {"c4pipe/demo_crawl/__main__.py"},
    "nltk": {"c4pipe/text/sentences.py"},
    "langdetect": {"c4pipe/text/language_detector.py"},
    "gcld3": {"c4pipe/stages/language.py"},
    "tldextract": {"c4pipe/stages/url_filters.py"},
    "deflate": {"c4pipe/shards/jsonl.py"},
    "fsspec": {"c4pipe/fs/paths.py"},
    "google_crc32c": {"c4pipe/shards/tfrecord.py"},
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


def dotted(path: Path) -> str:
    """The module that a file is, from the root."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def house_of(path: Path) -> str:
    return path.relative_to(ROOT).parts[0]


MODULES = {dotted(path) for path in ROOMS if path.stem != "__init__"}


def own_rooms(path: Path) -> set[str]:
    """The rooms of this project that the file imports, as dotted names."""
    return imports(path) & MODULES


def storey(module: str) -> str:
    """The folder below a house that a room stands in; a room that stands in none is a storey of its own."""
    return ".".join(module.split(".")[:2])


@pytest.mark.parametrize("path", ROOMS, ids=room)
def test_import_law(path: Path) -> None:
    names = top(imports(path))
    if house_of(path) == "c4pipe":
        assert not names & {"apache_beam", "torch", "beam_jobs", "model"}
    if house_of(path) == "model":
        assert "beam_jobs" not in names
        assert {name for name in own_rooms(path) if name.startswith("c4pipe")} <= {"c4pipe.shards.read_write"}
    if house_of(path) == "beam_jobs":
        assert not names & {"model", "torch"}
    if house_of(path) != "beam_jobs":
        assert "apache_beam" not in names
    if house_of(path) != "model":
        assert "torch" not in names


@pytest.mark.parametrize(("library", "rooms"), DOORS.items())
def test_one_door_per_dependency(library: str, rooms: set[str]) -> None:
    assert {room(path) for path in ROOMS if library in top(imports(path))} == rooms


def in_or_behind_circles(graph: dict[str, set[str]]) -> list[str]:
    """What is left of a graph when all is taken away that needs only what was taken away before."""
    done: set[str] = set()
    while ready := {name for name, needs in graph.items() if name not in done and needs <= done}:
        done |= ready
    return sorted(set(graph) - done)


def test_no_circles() -> None:
    """Imports go to a lower floor only."""
    assert in_or_behind_circles({dotted(path): own_rooms(path) for path in ROOMS}) == []


def test_no_circles_between_folders() -> None:
    """Each folder imports only folders and rooms below it."""
    graph: dict[str, set[str]] = {}
    for path in ROOMS:
        graph.setdefault(storey(dotted(path)), set()).update(map(storey, own_rooms(path)))
    assert in_or_behind_circles({name: needs - {name} for name, needs in graph.items()}) == []


@pytest.mark.parametrize("path", [path for path in ROOMS if path.stem == "__init__"], ids=room)
def test_init_only_hands_names_on(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
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
        assert list((ROOT / "tests").rglob(f"{kind}_{path.stem}.py"))
