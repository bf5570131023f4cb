"""Find the places where code can be mutated, and draw mutants from them."""

from __future__ import annotations

import ast
import difflib
import hashlib
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mutating import changes

NEUTRAL = b"pass  # says nothing"
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
OF_TYPES = ("cast", "TypeVar", "NewType", "ParamSpec")  # calls that only a type checker reads
TYPE_NAME = re.compile(r"_?[A-Z][a-z]\w*")


@dataclass(frozen=True)
class Mutant:
    """One fault in one file. Offsets count bytes."""

    path: str  # from the root of the project
    line: int
    kind: str
    start: int
    end: int
    text: str  # replaces the bytes from start to end
    lines: tuple[int, int]  # first and last line of the statement, or of its head
    body: tuple[int, int] | None  # lines of the enclosing function; None for code that runs on import
    neutral: int = field(compare=False)  # offset where a neutral line may go in
    digest: str = field(compare=False, default="")  # SHA-256 of the file

    @property
    def name(self) -> str:
        """Return a name that is unique, and equal in every run."""
        place = f"{self.path}:{self.line}:{self.start}:{self.end}:{self.text}:{self.digest}"
        return hashlib.sha256(place.encode()).hexdigest()[:12]

    def applied(self, source: bytes) -> bytes:
        """Return the file with the fault."""
        return source[: self.start] + self.text.encode() + source[self.end :]

    def neutrally(self, source: bytes) -> bytes:
        """Return the file with a neutral change at the same place."""
        start = source.rfind(b"\n", 0, self.neutral) + 1
        return source[:start] + source[start : self.neutral] + NEUTRAL + b"\n" + source[start:]

    def diff(self, source: bytes) -> str:
        """Return the fault as a unified diff."""
        old, new = (text.decode().splitlines(keepends=True) for text in (source, self.applied(source)))
        return "".join(difflib.unified_diff(old, new, self.path, self.path, n=2))


def drawn(root: Path, paths: Sequence[Path], number: int, seed: int) -> list[Mutant]:
    """Return ``number`` mutants: the seed draws distinct lines, then one mutant of each line."""
    by_line: dict[tuple[str, int], list[Mutant]] = {}
    for path in sorted(paths):
        for mutant in of_file(root, path):
            by_line.setdefault((mutant.path, mutant.line), []).append(mutant)
    chance = random.Random(seed)
    places = sorted(by_line)
    chance.shuffle(places)
    return [chance.choice(by_line[place]) for place in places[:number]]


def of_file(root: Path, path: Path) -> list[Mutant]:
    """Return all mutants of a file that Python can parse."""
    source = path.read_bytes()
    digest = hashlib.sha256(source).hexdigest()
    name, text = path.relative_to(root).as_posix(), _Text(source)
    tree = ast.parse(source)
    original, mutants = ast.dump(tree), []
    for place in _walk(tree, ()):
        for kind, node, other in changes.of_node(place[-1]):
            mutant = _mutant(name, text, place, (kind, node, other), digest)
            if mutant is not None and _is_another(original, mutant.applied(source)):
                mutants.append(mutant)
    return mutants


def _is_another(original: str, source: bytes) -> bool:
    try:
        return ast.dump(ast.parse(source)) != original
    except SyntaxError:
        return False


class _Text:
    """A source that converts line and column to an offset."""

    def __init__(self, source: bytes) -> None:
        self.source = source
        self.starts = [0, *(match.end() for match in re.finditer(b"\n", source))]

    def offset(self, line: int, column: int) -> int:
        return self.starts[line - 1] + column


def _mutant(path: str, text: _Text, place: tuple[ast.AST, ...], change: changes.Change, digest: str) -> Mutant | None:
    kind, node, other = change
    assert isinstance(node, ast.expr | ast.stmt)
    assert node.end_lineno is not None
    assert node.end_col_offset is not None
    try:
        new = ast.unparse(ast.fix_missing_locations(other))
    except ValueError:  # some f-strings
        return None
    if isinstance(node, ast.expr) and not isinstance(other, ast.Constant):
        new = f"({new})"
    if len(place) > 1 and isinstance(place[-2], ast.arguments):
        kind = "default"
    statements = [each for each in place if isinstance(each, ast.stmt)]
    functions = [each for each in statements if isinstance(each, FUNCTIONS) and _is_within(node, each)]
    return Mutant(
        path,
        node.lineno,
        kind,
        text.offset(node.lineno, node.col_offset),
        text.offset(node.end_lineno, node.end_col_offset),
        new,
        _head(statements[-1]),
        _lines(functions[-1]) if functions else None,
        _neutral(text, statements),
        digest,
    )


def _is_within(node: ast.expr | ast.stmt, function: ast.stmt) -> bool:
    """Return whether the node is in the body, which runs on a call; defaults run on import."""
    return node.lineno >= _body(function)[0].lineno


def _body(statement: ast.stmt) -> list[ast.stmt]:
    return list(getattr(statement, "body", ()))


def _lines(statement: ast.stmt) -> tuple[int, int]:
    return _body(statement)[0].lineno, statement.end_lineno or statement.lineno


def _head(statement: ast.stmt) -> tuple[int, int]:
    """Return the lines of a statement, without the statements in it."""
    inner = _body(statement)
    last = max(statement.lineno, inner[0].lineno - 1) if inner else statement.end_lineno
    return statement.lineno, last or statement.lineno


def _neutral(text: _Text, statements: Sequence[ast.stmt]) -> int:
    """Return the offset of the last statement, or of the ``if`` that its ``elif`` belongs to."""
    for statement in reversed(statements):
        first = min([statement.lineno, *(each.lineno for each in getattr(statement, "decorator_list", ()))])
        offset = text.offset(first, statement.col_offset)
        if not text.source.startswith((b"elif", b"else"), offset):
            return offset
    raise AssertionError("a file cannot begin with elif")


def _walk(node: ast.AST, above: tuple[ast.AST, ...]) -> Iterator[tuple[ast.AST, ...]]:
    """Yield each node that may be mutated, as the last of its ancestors."""
    path = (*above, node)
    yield path
    if not isinstance(node, ast.JoinedStr):  # nodes in it have no positions before Python 3.12
        for child in _children(node):
            yield from _walk(child, path)


def _children(node: ast.AST) -> Iterator[ast.AST]:
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list"):
            continue
        if name == "args" and isinstance(node, ast.Call) and _called(node) in OF_TYPES:
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not _is_left_alone(child):
                yield child


def _called(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")


def _is_left_alone(node: ast.AST) -> bool:
    """Return True for docstrings, typing code, lists of exported names and the call of a script's main."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return True
    if isinstance(node, ast.If):
        return any(word in ast.unparse(node.test) for word in ("TYPE_CHECKING", "__name__"))
    if isinstance(node, ast.Assign) and isinstance(target := node.targets[0], ast.Name):
        is_type = bool(TYPE_NAME.fullmatch(target.id)) and isinstance(node.value, ast.Subscript | ast.BinOp)
        return is_type or target.id == "__all__"
    return isinstance(node, ast.Assert | ast.Import | ast.ImportFrom)
