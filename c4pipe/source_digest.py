"""Digests of Python source that only code changes: no comment, blank line, docstring or version of Python does.

Source is compared by its syntax tree. ``ast.dump`` and ``ast.unparse`` differ between versions of Python, so the tree
is written down here, by fields that are set.
"""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Iterable, Iterator

_LEFT_OUT = frozenset({"ctx", "kind", "type_comment"})  # said by the place in the tree, or by nothing that runs

_SCOPES = ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp  # names bound in these stay there


def digest(source: str) -> str:
    r"""SHA-256, in hexadecimal, of the code of a module.

    >>> digest("x = 1") == digest("'What it is.'\n\nx = 1  # one")
    True
    """
    return _sha256(ast.parse(source).body)


def function_digests(source: str) -> dict[str, str]:
    r"""SHA-256 of each public function at the top of a module, with all of the module that it refers to, by name.

    A part of the module that no function refers to changes none of them.

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
    """What a module imports, wherever in it, as dotted names: modules, and what may be modules or names in them.

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
    """The statements of a module that a function refers to, and those that bind no name, in their order."""
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
    """The names that a statement binds at the top of its module, also within ``if`` or ``try``.

    A docstring binds one that no code can refer to.
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
    """A statement that is a string and no more, such as a docstring."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _sha256(statements: Iterable[ast.stmt]) -> str:
    written = json.dumps(_written(list(statements)), separators=(",", ":"))
    return hashlib.sha256(written.encode("ascii")).hexdigest()


def _written(value: object) -> object:
    """A syntax tree as JSON: each node by its name and those of its fields that say something."""
    if isinstance(value, list):
        return [_written(member) for member in value if not _is_text(member)]
    if isinstance(value, ast.Constant):
        return [type(value.value).__name__, repr(value.value)]
    if isinstance(value, ast.JoinedStr):
        return ["JoinedStr", *_pieces(value)]
    if not isinstance(value, ast.AST):
        return value
    told = [[name, _written(getattr(value, name, None))] for name in value._fields if name not in _LEFT_OUT]
    return [type(value).__name__, *([name, said] for name, said in told if said not in (None, []))]


def _pieces(joined: ast.JoinedStr) -> Iterator[object]:
    """What an f-string is made of; how its plain text is cut differs between versions of Python."""
    text = ""
    for part in joined.values:
        if isinstance(part, ast.Constant):
            text += str(part.value)
            continue
        yield from [text] if text else []
        text = ""
        yield _written(part)
    yield from [text] if text else []
