"""The script that makes the tables of docs/semantics.md: its rules are the versions, its counts are right."""

from __future__ import annotations

import functools
import importlib.util
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from c4pipe import resources
from c4pipe.oracle import Oracle, begin
from c4pipe.page import Page
from c4pipe.variants import V310, variant

ROOT = Path(__file__).resolve().parents[2]
DATE = "2019-04-18T10:38:25Z"
TEXT = (
    "The weather in the town was very nice on that day.\n"
    "Many people went to the river and enjoyed the warm sun.\n"
    "In the evening they all walked home together and were happy."
)
OTHER = (
    "A new bridge over the river was opened by the mayor this week.\n"
    "It took the workers more than three years to finish it.\n"
    "Most of the people who live nearby are glad about it."
)


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("semantics_table", ROOT / "benchmarks" / "semantics.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[module.__name__] = module  # where dataclasses look it up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(autouse=True, scope="module")
def builtin() -> Iterator[None]:
    previous = resources.source()
    resources.use(resources.BUILTIN)
    yield
    resources.use(previous)


@pytest.mark.parametrize("name", V310)
def test_its_rules_together_make_301(script: ModuleType, name: str) -> None:
    together = functools.reduce(lambda this, change: change(this), script.RULES_301.values(), variant(name))
    then = variant(name, "3.0.1")
    assert together == replace(then, semantics="3.1.0", crawls=variant(name).crawls)


def test_each_rule_changes_something(script: ModuleType) -> None:
    for rules in (script.RULES_301, script.RULES_PAPER):
        for rule, change in rules.items():
            assert any(change(variant(name)) != variant(name) for name in V310), rule


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("lorem ipsum", "`lorem ipsum` anywhere on the page"),
        ("{", "`{` anywhere on the page"),
        ("Bullshit", "a bad word anywhere on the page as it was crawled"),
        ("He said to all of them: \u201cGo home.\u201d", "a line may end in a curly quotation mark"),
        ("And then they all went home...", "a line may end in an ellipsis"),
        ("They wrote quite a lot of javascripts that day.", "`Javascript` is a word, not a part of one"),
        ("It is a fact [1] that few people know.", "citation markers go with their blanks, with capitals or not"),
        (f"Here is a {'x' * 1001} word.", "no limit to a word's length"),
        ("x" * 190_000, "no limit to a page's length"),
    ],
)
def test_a_rule_of_the_paper_does_what_it_says(script: ModuleType, line: str, rule: str) -> None:
    """And no other of that variant's rules touches the page."""
    oracle = Oracle([Page("http://a.com/1", f"{TEXT}\n{line}", DATE)])
    base = oracle.run(variant("en"))
    changed = {name: oracle.run(change(variant("en"))).pages for name, change in script.RULES_PAPER.items()}
    assert [name for name, pages in changed.items() if pages != base.pages] == [rule]


def test_difference(script: ModuleType) -> None:
    before = begin([Page("u/1", "a", DATE), Page("u/2", "b", DATE), Page("u/3", "c", DATE), Page("u/4", "d", DATE)])
    after = begin([Page("u/2", "B", DATE), Page("u/3", "c", DATE), Page("u/4", "d", ""), Page("u/5", "e", DATE)])
    assert script.difference(before, after) == script.Difference(gone=1, come=1, other=2)
    assert str(script.difference(before, after)) == "-1 +1 \u22602"
    assert str(script.difference(before, before)) == "0"


def test_tables(script: ModuleType) -> None:
    """Two pages with a line in common: the undated one takes part in 3.0.1, and with it alone would own the line."""
    urls = ("http://www.u/1", "http://www.u/2")
    shared = TEXT.split("\n")[0]
    oracle = Oracle([Page(urls[0], TEXT, DATE), Page(urls[1], f"{shared}\n{OTHER}", "")])
    lines = list(script.tables(oracle, ["en", "en.noclean"], None))
    assert lines[:9] == [
        "2 pages",
        "",
        "| documents | en | en.noclean |",
        "|---|---:|---:|",
        "| 3.1.0 | 1 | 1 |",
        "| 3.0.1 | 2 | 2 |",
        "| paper | 2 | 2 |",
        "| 3.1.0 to 3.0.1 | +1 | +1 |",
        "| 3.1.0 to paper | +1 | +1 |",
    ]
    assert "| pages without a timestamp take part | -1 +1 | +1 |" in lines
    assert "| RealNews looks at the full URL |  |  |" in lines
