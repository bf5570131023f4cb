"""Digests of Python source that depend on code alone, not on comments, blank lines, docstrings or Python's version.

The digest covers the syntax tree. ``ast.dump`` and ``ast.unparse`` differ between versions of Python, so this module
serializes the tree itself: each node with the fields that are set.
"""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Iterable, Iterator

_LEFT_OUT = frozenset({"ctx", "kind", "type_comment"})  # implied by the position in the tree, or without effect

_SCOPES = ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp  # names bound inside do not leave


def digest(source: str) -> str:
    r"""SHA-256, in hexadecimal, of the code of a module.

    >>> digest("x = 1") == digest("'What it is.'\n\nx = 1  # one")
    True
    """
    return _sha256(ast.parse(source).body)


def function_digests(source: str) -> dict[str, str]:
    r"""SHA-256 of each public top-level function, by name. It covers every definition in the module that it reaches.

    A definition that a function does not reach does not change its digest.

    >>> before = function_digests("LIMIT = 3\ndef over(x):\n    return x > LIMIT")
    >>> before == function_digests("LIMIT = 3\nOTHER = 4\ndef over(x):\n    return x > LIMIT")
    True
    >>> before == function_digests("LIMIT = 4\ndef over(x):\n    return x > LIMIT")
    False
    """
    body = ast.parse(source).body
    public = [node for node in body if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")]
    return {node.name: _sha256(_reached(node, body)) for node in public}


def imports(source: str) -> set[str]:
    """The dotted names that a module imports, at any depth. ``from a import b`` counts as ``a`` and ``a.b``.

    >>> sorted(imports("from a import b"))
    ['a', 'a.b']
    """
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def _reached(function: ast.FunctionDef, body: list[ast.stmt]) -> list[ast.stmt]:
    """The statements that a function reaches by name, and those that bind no name, in the order of the module."""
    bound = [set(_bound(statement)) for statement in body]
    reached = {number for number, names in enumerate(bound) if not names or body[number] is function}
    wanted = list(reached)
    while wanted:
        nodes = ast.walk(body[wanted.pop()])
        names = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
        found = {number for number, defined in enumerate(bound) if defined & names} - reached
        reached |= found
        wanted += found
    return [body[number] for number in sorted(reached)]


def _bound(node: ast.AST) -> Iterator[str]:
    """The names that a statement binds at the top of its module, inside ``if`` or ``try``, too.

    A docstring counts as binding a name that no code can use.
    """
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.alias):
        yield (node.asname or node.name).partition(".")[0]
    elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
        yield node.id
    elif _is_text(node):
        yield "a docstring"
    elif not isinstance(node, _SCOPES):
        for child in ast.iter_child_nodes(node):
            yield from _bound(child)


def _is_text(node: ast.AST) -> bool:
    """True for a statement that is only a string, such as a docstring."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _sha256(statements: Iterable[ast.stmt]) -> str:
    written = json.dumps(_written(list(statements)), separators=(",", ":"))
    return hashlib.sha256(written.encode("ascii")).hexdigest()


def _written(value: object) -> object:
    """A syntax tree as JSON: each node with its name and the fields that are set."""
    if isinstance(value, list):
        return [_written(member) for member in value if not _is_text(member)]
    if isinstance(value, ast.Constant):
        return [type(value.value).__name__, repr(value.value)]
    if isinstance(value, ast.JoinedStr):
        return ["JoinedStr", *_pieces(value)]
    if not isinstance(value, ast.AST):
        return value
    named = [[name, _written(getattr(value, name, None))] for name in value._fields if name not in _LEFT_OUT]
    return [type(value).__name__, *([name, content] for name, content in named if content not in (None, []))]


def _pieces(joined: ast.JoinedStr) -> Iterator[object]:
    """The pieces of an f-string, adjacent text joined: how text is cut differs between versions of Python."""
    text = ""
    for part in joined.values:
        if isinstance(part, ast.Constant):
            text += str(part.value)
            continue
        yield from [text] if text else []
        text = ""
        yield _written(part)
    yield from [text] if text else []
