"""Digests of source: what runs changes them, and nothing else does, in any version of Python."""

from __future__ import annotations

import pytest

from c4pipe import source_digest
from c4pipe.source_digest import digest, function_digests

# Each syntax whose tree or text differs between versions of Python 3.11 to 3.13: f-strings, type parameters, defaults.
SAMPLE = '''
"""A module."""
from __future__ import annotations
import os.path as p
LIMIT: int = -1_000
async def f(a, /, b=1.5, *rest, c: str = "x" "y", d=None, **more) -> dict[str, int]:
    """Docstring."""
    if (n := len(rest)) and not a:
        return {**more, "n": n, None: ...}
    name = f"{a!r:>{n}} and {b:}{c=} {{}} {'nested' + f'{d}'}" "more"
    return [x async for x in a] if name else lambda y, *, z=2j: y[1:, ::2]
class C(object, metaclass=type):
    'Docstring.'
    x: int = 3
def public(x=LIMIT):
    match x:
        case {"a": [1, *_]} | C(x=3):
            return b"bytes"
'''


def test_a_digest_is_the_same_in_every_version_of_python() -> None:
    assert digest(SAMPLE) == "0dee5a1cbd3ab5fa60594cdaebfc916be3c27ed862440895ec401c04062c70a2"
    assert set(function_digests(SAMPLE).values()) == {
        "4cade5df231e402d596726d0c058f1a81d50509415b33fe1c243afdad208ebb9"
    }


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("x = 1", "x = 1  # one"),
        ("x = 1", "\n\nx   =   1\n"),
        ("x = 1\r\ny = 2\r\n", "x = 1\ny = 2\n"),
        ("def f():\n    return 1", 'def f():\n    """One."""\n    return 1'),
        ("class C:\n    x = 1", 'class C:\n    "What it is."\n    x = 1\n    "The number."'),
        ('x = "a" "b"', "x = 'ab'"),
        ('x = f"a" f"b{1}"', 'x = f"ab{1}"'),
        ("x = (1)", "x = 1"),
    ],
)
def test_what_does_not_run_changes_nothing(before: str, after: str) -> None:
    assert digest(before) == digest(after)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("x = 1", "x = 2"),
        ("x = 1", "x = 1.0"),
        ("x = 1", "x = True"),
        ("x = 'a'", "x = b'a'"),
        ("x = None", "x = 'None'"),
        ("a < b", "a <= b"),
        ("f(a, b)", "f(b, a)"),
        ("f(a, b)", "f(*[a, b])"),
        ("def f(a, b=1): pass", "def f(a, *, b=1): pass"),
        ("def f(a, *, b=None): pass", "def f(a, *, b): pass"),
        ("x = {a: 1}", "x = {**{a: 1}}"),
        ("x = f'{a}'", "x = f'{a!r}'"),
        ("x = f'{a:3}'", "x = f'{a:4}'"),
        ("x = f'a{b}'", "x = f'{b}a'"),
        ("x = 'text'", "x = f'text'"),
        ("def f(): return 1", "async def f(): return 1"),
        ("x = 1\ny = 2", "y = 2\nx = 1"),
        ("def f():\n    return 'x'", "def f():\n    'x'"),
    ],
)
def test_what_runs_changes_it(before: str, after: str) -> None:
    assert digest(before) != digest(after)


MODULE = """
import re
LIMIT = 3
UNUSED = 4
_MARKS = (".", "?")

def ends(line):
    return line.endswith(_MARKS)

def _long(line):
    return len(line) > LIMIT

def counts(line):
    return [marks for LIMIT in line for marks in line]

def fires(line):
    return _long(line) and re.match("a", line)
"""


@pytest.mark.parametrize(
    ("old", "new", "changed"),
    [
        ("LIMIT = 3", "LIMIT = 4", {"fires"}),
        ("len(line) > LIMIT", "len(line) >= LIMIT", {"fires"}),
        ("import re", "import regex as re", {"fires"}),
        ('(".", "?")', '(".",)', {"ends"}),
        ("UNUSED = 4", "UNUSED = 5", set()),
        ("UNUSED = 4", "def unused(): return 1", {"unused"}),
        ("UNUSED = 4", "", set()),
        ("import re", "import re, os", {"fires"}),
        ("import re", "import os\nimport re", set()),
        ("UNUSED = 4", "print('at import')", {"counts", "ends", "fires"}),
        ("UNUSED = 4", "UNUSED = [LIMIT for LIMIT in _MARKS]", set()),
        ("UNUSED = 4", "LIMIT += 1", {"fires"}),
        ("UNUSED = 4", "if True:\n    LIMIT = 9", {"fires"}),
    ],
)
def test_a_function_is_told_with_what_it_refers_to(old: str, new: str, changed: set[str]) -> None:
    before, after = function_digests(MODULE), function_digests(MODULE.replace(old, new))
    assert {name for name in after if before.get(name) != after[name]} == changed
    assert set(before) == {"counts", "ends", "fires"}


def test_imports_are_found_wherever_they_stand() -> None:
    source = "import a.b, c as d\ndef f():\n    from e.f import g, h as i\n    from . import j"
    assert source_digest.imports(source) == {"a.b", "c", "e.f", "e.f.g", "e.f.h"}
