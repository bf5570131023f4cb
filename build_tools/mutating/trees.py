"""Make private copies of the project, and find which files import which."""

from __future__ import annotations

import ast
import hashlib
import os
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path

COMPILED = (".so", ".pyd")
HOLD_EQUAL = "build_tools/twins.py"  # records that compiled rooms equal plain rooms as they are now
HELD_EQUAL = "twins.json"  # the file of that record
HERE = Path(__file__).resolve().parent.parent  # pytest finds the plugin here


class Tree:
    """The project in its folder: the files that git tracks or would add, and the compiled rooms beside them."""

    def __init__(self, root: Path, work: Path, tests: str = "tests") -> None:
        self.root, self.work, self.tests = root, work, tests
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=root, capture_output=True, text=True, check=True,
        )  # fmt: skip
        paths = sorted({name for name in listed.stdout.split("\0") if name and (root / name).is_file()})
        folders = {str(Path(name).parent) for name in paths}
        compiled = (path for folder in folders for path in (root / folder).iterdir() if path.suffix in COMPILED)
        self.paths = [*paths, *sorted(path.relative_to(root).as_posix() for path in compiled)]

    @cached_property
    def digest(self) -> str:
        """A hash of all files that can change the outcome of tests."""
        found = hashlib.sha256()
        for name in self.paths:
            if not name.endswith((*COMPILED, ".md")):
                found.update(f"{name}\0{hashlib.sha256((self.root / name).read_bytes()).hexdigest()}\n".encode())
        return found.hexdigest()[:12]

    def copied(self, name: str) -> Path:
        """Make a new copy; return its folder."""
        place = self.work / name
        self.forget(place)
        for path in self.paths:
            (place / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(self.root / path, place / path)
        return place

    def forget(self, place: Path) -> None:
        """Remove a copy."""
        shutil.rmtree(place, ignore_errors=True)

    def environment(self, copy: Path) -> dict[str, str]:
        """Return the environment in which Python imports the copy from any folder."""
        shared = os.environ.get("C4_SHARED", str(self.root.parent / "shared"))
        return os.environ | {"PYTHONPATH": os.pathsep.join([str(copy), str(HERE)]), "C4_SHARED": shared}

    def modules(self, packages: Iterable[str]) -> list[Path]:
        """Return the Python files of these packages."""
        inside = tuple(f"{package.strip('/')}/" for package in packages)
        return [self.root / name for name in self.paths if name.endswith(".py") and name.startswith(inside)]

    @cached_property
    def held_equal(self) -> list[str]:
        """The file that records which plain rooms equal their compiled twins, if there is one."""
        return [name for name in self.paths if Path(name).name == HELD_EQUAL and HOLD_EQUAL in self.paths]

    @cached_property
    def test_files(self) -> list[str]:
        """The files that pytest collects."""
        inside = f"{self.tests}/"
        return [name for name in self.paths if name.startswith(inside) and Path(name).match("test_*.py")]

    def namesakes(self, path: str) -> list[str]:
        """Return the test files that are named after a module."""
        stem = Path(path).stem if Path(path).stem != "__init__" else Path(path).parent.name
        wanted = stem.strip("_")
        return [name for name in self.test_files if f"_{wanted}_" in f"{Path(name).stem}_"]

    def importers(self, path: str) -> list[str]:
        """Return the test files that import a module, directly or through others; the nearest come first."""
        found: dict[str, int] = {path: 0}
        near = [path]
        while near:
            near = sorted({each for module in near for each in self.imported_by[module] if each not in found})
            found |= dict.fromkeys(near, max(found.values()) + 1)
        return sorted(set(self.test_files) & set(found), key=lambda name: (found[name], name))

    @cached_property
    def imported_by(self) -> dict[str, set[str]]:
        """The importing files of each file."""
        sources = [name for name in self.paths if name.endswith(".py")]
        by_name = {name: path for path in sources for name in self._names(path)}
        found: dict[str, set[str]] = defaultdict(set)
        for path in sources:
            for name in _imports(ast.parse((self.root / path).read_bytes())):
                if name in by_name and by_name[name] != path:
                    found[by_name[name]].add(path)
        return found

    def _names(self, path: str) -> Iterator[str]:
        """Yield the import names of a file: with its folders, and for files of tests also without."""
        whole = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        yield whole
        if path.startswith(f"{self.tests}/"):
            yield whole.rpartition(".")[2]


def _imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
