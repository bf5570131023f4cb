"""Whether plain code is still what its compiled twin was held equal to: who changes a rule is obeyed, if more slowly.

``fast/twins.json`` holds a digest of the source of each room that has a twin, and of each rule. Where it is another,
plain code decides, and variants have another fingerprint. Whoever changes a room and its twin alike writes the digests
anew: ``make twins``.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import itertools
import json
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
HELD_EQUAL = HERE / "fast" / "twins.json"
RULES = "rules"  # told apart one by one: the compiled room of lines calls those that have changed

# The plain rooms that a compiled room is the twin of. A room of columns decides nothing.
PLAIN = {
    "badwords": ("badwords",),
    "claims": ("decisions",),
    "documents": ("documents",),
    "keys": ("dedup", "digests"),
    "langdetect": ("detector",),
    "lines": ("cleaning",),
    "records": ("gzip_members", "lookahead", "member", "warc_headers", "warc_records", "warc_scan", "wet"),
    "sentences": ("sentences",),
    "urls": ("urls",),
}
JUDGING = ("langid",)  # a room of stages that judge columns by the twins of other rooms


@functools.cache
def changes() -> dict[str, str]:
    """The rooms and rules whose source is no longer what their twins were held equal to, with the digest it has."""
    held = json.loads(HELD_EQUAL.read_text("utf-8"))
    return {name: digest for name, digest in digests().items() if held.get(name) != digest}


def changed(room: str) -> bool:
    """A plain room has changed; one that has no twin has not."""
    return room in changes()


def rule_changed(name: str) -> bool:
    """A rule has changed, or what all of them share."""
    return RULES in changes() or f"{RULES}.{name}" in changes()


def digests() -> dict[str, str]:
    """SHA-256, in hexadecimal, of the source of each room, and of each rule: ``rules.NAME``.

    What is installed without its source cannot be changed in it, and is left out.
    """
    rooms = [name for name in (*itertools.chain(*PLAIN.values()), *JUDGING, RULES) if _path(name).exists()]
    found = {name: _digest(_source(name)) for name in rooms if name != RULES}
    return dict(sorted((found | (dict(_of_rules(_source(RULES))) if RULES in rooms else {})).items()))


def _of_rules(source: str) -> Iterator[tuple[str, str]]:
    lines = source.split("\n")
    for node in reversed(ast.parse(source).body):
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            yield f"{RULES}.{node.name}", _digest("\n".join(lines[node.lineno - 1 : node.end_lineno]))
            del lines[node.lineno - 1 : node.end_lineno]
    yield RULES, _digest("\n".join(lines))


def _path(room: str) -> Path:
    return HERE / f"{room}.py"


def _source(room: str) -> str:
    return _path(room).read_text("utf-8")  # whatever ends its lines here


def _digest(source: str) -> str:
    return hashlib.sha256(source.encode("utf-8")).hexdigest()
