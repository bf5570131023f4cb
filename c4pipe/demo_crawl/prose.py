"""English prose that is on every Python machine: documentation topics and docstrings, read without running any code.

Docstrings are wrapped by hand. ``unwrap`` makes one line of a paragraph, so that rules about lines have real lines to
judge.
"""

from __future__ import annotations

import ast
import re
import sys
import sysconfig
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

PACKAGE_BYTES_MAX = 100_000  # of text, from one installed package: many voices rather than one
SOURCE_BYTES_MAX = 1_000_000  # of one file; larger ones are tables, or generated
SKIPPED = {"__pycache__", "idlelib", "lib2to3", "site-packages", "test", "tests", "testing", "_vendor", "vendored"}

RULER = re.compile(r"[=\-*~^#\"'`+_.]{3,}")  # under a heading
OWN_LINE = re.compile(  # an item, a prompt, a directive, a field
    r"""(?:[-*+•]|\d+[.)]|>>>|\.\.\.?)(?:\s|$)
    | [:@]\w
    | [\w*.]+ (?:\ ?\([^)]*\))? \ ?:(?:\s|$)""",
    re.VERBOSE,
)
Documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


class Prose(NamedTuple):
    """What one page is made of."""

    name: str  # such as "python/3.11/heapq", the path of its URL
    text: str


def prose() -> Iterator[Prose]:
    """Yield topics, the standard library's modules, then those of installed packages, each group sorted by name."""
    python = f"python/{sys.version_info.major}.{sys.version_info.minor}"
    for topic, text in sorted(documentation_topics().items()):
        yield Prose(f"{python}/topics/{topic}", unwrap(text))
    for name, path in modules(Path(sysconfig.get_path("stdlib"))):
        yield Prose(f"{python}/{name}", docstrings(path))
    for root in sorted({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}):
        yield from package_prose(Path(root))


def documentation_topics() -> dict[str, str]:
    """Return what ``help()`` shows on the language, by topic; nothing where an installation leaves it out."""
    try:
        from pydoc_data.topics import topics
    except ModuleNotFoundError:
        return {}
    return topics


def package_prose(root: Path) -> Iterator[Prose]:
    """Yield the modules of every package below ``root``, up to ``PACKAGE_BYTES_MAX`` of each."""
    used: dict[str, int] = {}
    for name, path in modules(root):
        package = name.partition(".")[0]
        if used.get(package, 0) < PACKAGE_BYTES_MAX:
            text = docstrings(path)
            used[package] = used.get(package, 0) + len(text.encode())
            yield Prose(f"packages/{name}", text)


def modules(root: Path) -> Iterator[tuple[str, Path]]:
    """Yield name and file of each module below ``root``, sorted by path, without tests and vendored copies."""
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        if SKIPPED.isdisjoint(parts) and path.is_file() and path.stat().st_size <= SOURCE_BYTES_MAX:
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


def docstrings(path: Path) -> str:
    """Return the docstrings of a module, its classes and functions in the order of the file; "" if it is no Python."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the compiler, about code that is not ours
        try:
            tree = ast.parse(path.read_bytes())
        except (SyntaxError, ValueError, RecursionError):
            return ""
    nodes = [node for node in ast.walk(tree) if isinstance(node, Documented)]
    nodes.sort(key=lambda node: getattr(node, "lineno", 0))
    found = (ast.get_docstring(node) for node in nodes)
    text = "\n".join(unwrap(text) for text in found if text)
    return text.encode("utf-8", "ignore").decode()  # a docstring may hold half a surrogate pair


def unwrap(text: str) -> str:
    """Return the text with a line for each paragraph, item or line of code; rulers and blank lines are left out.

    >>> print(unwrap("A line is\\nwrapped.\\n\\nLike so:\\n\\n   a = 1\\n   b = 2\\n\\n- one\\n- two,\\n  longer"))
    A line is wrapped.
    Like so:
    a = 1
    b = 2
    - one
    - two, longer
    """
    lines: list[str] = []
    margin = last_indent = 0
    code = joins = False
    for raw in text.expandtabs().splitlines():
        line = raw.strip()
        if not line or RULER.fullmatch(line):
            joins = False
            continue
        indent = len(raw) - len(raw.lstrip())
        introduced = indent > last_indent and bool(lines) and lines[-1].endswith(":")
        if not joins:
            code = indent > margin and (code or introduced)
            margin = margin if code else indent
        if joins and not (code or introduced or OWN_LINE.match(line)):
            lines[-1] += " " + line
        else:
            lines.append(line)
        joins, last_indent = True, indent
    return "\n".join(lines)
