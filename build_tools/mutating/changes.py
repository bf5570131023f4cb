"""The changes of mutants: for a node of a syntax tree, the nodes that may replace it."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator

Change = tuple[str, ast.AST, ast.AST]  # its kind, the node, its replacement

COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Div: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitAnd,
}
MADE_OF_TEXT = (ast.JoinedStr, ast.List, ast.ListComp, ast.Tuple)  # only the operators + and % take these
OTHER_TEXT = "another"


def of_node(node: ast.AST) -> Iterator[Change]:
    """Yield the changes of the node itself, without those of the nodes in it."""
    for find in (_of_comparison, _of_operator, _of_boolean, _of_constant, _of_statement):
        yield from find(node)


def _with(node: ast.AST, **fields: object) -> ast.AST:
    changed = copy.copy(node)
    for name, value in fields.items():
        setattr(changed, name, value)
    return changed


def _of_comparison(node: ast.AST) -> Iterator[Change]:
    if isinstance(node, ast.Compare):
        for place, operator in enumerate(node.ops):
            other = [*node.ops[:place], COMPARISONS[type(operator)](), *node.ops[place + 1 :]]
            yield "comparison", node, _with(node, ops=other)


def _of_operator(node: ast.AST) -> Iterator[Change]:
    """Yield changes of arithmetic, except on text: tests need not look for type errors."""
    if isinstance(node, ast.BinOp) and not any(map(_is_text, (node.left, node.right))) and type(node.op) in OPERATORS:
        yield "arithmetic", node, _with(node, op=OPERATORS[type(node.op)]())
    if isinstance(node, ast.AugAssign) and not _is_text(node.value) and type(node.op) in OPERATORS:
        yield "arithmetic", node, _with(node, op=OPERATORS[type(node.op)]())


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, MADE_OF_TEXT) or (isinstance(node, ast.Constant) and isinstance(node.value, str | bytes))


def _of_boolean(node: ast.AST) -> Iterator[Change]:
    """Yield changes of ``and``, ``or`` and ``not``, and negated conditions."""
    if isinstance(node, ast.BoolOp):
        yield "and/or", node, _with(node, op=ast.Or() if isinstance(node.op, ast.And) else ast.And())
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield "not", node, node.operand
    tests = [node.test] if isinstance(node, ast.If | ast.While | ast.IfExp) else []
    tests += node.ifs if isinstance(node, ast.comprehension) else []
    for test in tests:
        if not isinstance(test, ast.Compare | ast.UnaryOp):  # other functions negate those
            yield "not", test, ast.UnaryOp(ast.Not(), test)


def _of_constant(node: ast.AST) -> Iterator[Change]:
    if isinstance(node, ast.JoinedStr):
        yield "text", node, ast.Constant(OTHER_TEXT)
    if not isinstance(node, ast.Constant):
        return
    value = node.value
    if isinstance(value, bool):
        yield "constant", node, ast.Constant(not value)
    elif isinstance(value, int | float):
        yield "constant", node, ast.Constant(value + 1)
        yield "constant", node, ast.Constant(value - 1)
    elif isinstance(value, str):
        yield "text", node, ast.Constant(value + OTHER_TEXT if value else OTHER_TEXT)
    elif isinstance(value, bytes):
        yield "text", node, ast.Constant(value + OTHER_TEXT.encode())


def _of_statement(node: ast.AST) -> Iterator[Change]:
    if isinstance(node, ast.Return) and node.value is not None and not _is_none(node.value):
        yield "return", node, ast.Return(ast.Constant(None))
    elif isinstance(node, ast.Break):
        yield "loop", node, ast.Continue()
    elif isinstance(node, ast.Continue):
        yield "loop", node, ast.Break()
    elif _is_removable(node):
        yield "statement", node, ast.Pass()


def _is_removable(node: ast.AST) -> bool:
    """Return whether the statement can go without leaving a name undefined."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Call | ast.Yield | ast.YieldFrom)
    if isinstance(node, ast.Assign):
        return all(isinstance(target, ast.Attribute | ast.Subscript) for target in node.targets)
    return isinstance(node, ast.AugAssign | ast.Raise | ast.Delete)


def _is_none(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value is None
