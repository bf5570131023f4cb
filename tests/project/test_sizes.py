"""A function fits in a glance, a file in a sitting; a longer file gives its reason at its head."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PATHS = sorted(
    path for house in ("c4pipe", "beam_jobs", "model", "build_tools") for path in (ROOT / house).rglob("*.py")
)
FUNCTION_LINES, FILE_LINES = 30, 200
REASON = "# Longer than 200 lines: "
HEAD_LINES = 20


def too_long(source: str) -> list[str]:
    """The functions that are too long, and the file if it gives no reason."""
    lines = source.splitlines()
    functions = [
        node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    found = [node.name for node in functions if (node.end_lineno or 0) - node.lineno + 1 > FUNCTION_LINES]
    reason = any(line.startswith(REASON) for line in lines[:HEAD_LINES])
    return found + ["the file"] * (len(lines) > FILE_LINES and not reason)


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_sizes(path: Path) -> None:
    assert too_long(path.read_text("utf-8")) == []


@pytest.mark.parametrize(("lines", "found"), [(29, []), (30, []), (31, ["f"])])
def test_a_function_at_the_limit(lines: int, found: list[str]) -> None:
    assert too_long("def f():\n" + "    x = 1\n" * (lines - 1)) == found


@pytest.mark.parametrize(
    ("head", "lines", "found"), [("", 200, []), ("", 201, ["the file"]), (f"{REASON}a table.\n", 201, [])]
)
def test_a_file_at_the_limit(head: str, lines: int, found: list[str]) -> None:
    assert too_long(head + "x = 1\n" * (lines - head.count("\n"))) == found
