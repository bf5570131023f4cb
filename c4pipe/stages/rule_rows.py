"""Rows of a table of rules: a rule, its limits, and the effect where it fires."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from c4pipe import rules, twins

Effect = Literal["drop_line", "drop_page", "edit"]


@dataclass(frozen=True)
class Row:
    """One row of a table: a rule, its limits, and the effect where the rule fires."""

    effect: Effect
    counter: str  # published, so it never changes; "" for an edit
    rule: Callable[..., Callable[[str], Any]]  # of c4pipe/rules.py
    limits: tuple[tuple[str, Any], ...]


def drop_line(counter: str, rule: Callable[..., Callable[[str], bool]], **limits: Any) -> Row:
    """Return a row that drops a line where the rule fires, counted as ``line-filtered:<counter>``."""
    return Row("drop_line", counter, rule, tuple(limits.items()))


def drop_page(counter: str, rule: Callable[..., Callable[[str], bool]], **limits: Any) -> Row:
    """Return a row that drops the page where the rule fires, counted as ``filtered:<counter>``.

    Later lines of the page are not judged.
    """
    return Row("drop_page", counter, rule, tuple(limits.items()))


def edit(rule: Callable[..., Callable[[str], str]], **limits: Any) -> Row:
    """Return a row that rewrites the line for the rows after it. No counter counts it."""
    return Row("edit", "", rule, tuple(limits.items()))


Rules = tuple[tuple[Row, Callable[[str], Any]], ...]


@functools.cache
def bind_rules(rows: tuple[Row, ...]) -> Rules:
    """Return each row with its rule, bound to the limits."""
    return tuple((row, row.rule(**dict(row.limits))) for row in rows)


def first_to_fire(rules: Rules, line: str) -> tuple[str, Row | None]:
    """Return the edited line, and the first row that drops the line or its page; None if the line stays."""
    line = line.strip()
    for row, act in rules:
        if row.effect == "edit":
            line = act(line)
        elif act(line):
            return line, row
    return line, None


def compiled_name(rule: Callable[..., Any]) -> str:
    """The name of a rule in the compiled room; "" where that room calls the Python function."""
    name = getattr(rule, "__name__", "")
    return name if rule is getattr(rules, name, None) and twins.is_compiled(name) else ""
