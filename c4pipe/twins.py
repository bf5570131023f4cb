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
    rooms = (*itertools.chain(*PLAIN.values()), *JUDGING, RULES)
    return dict(sorted(part for room in rooms if _path(room).exists() for part in _parts(room)))


def _parts(room: str) -> Iterator[tuple[str, str]]:
    """The room, but for what is told apart in it, and that."""
    source = _path(room).read_text("utf-8")  # whatever ends its lines here
    lines = source.split("\n")
    for node in reversed(ast.parse(source).body) if room == RULES else ():
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            yield f"{room}.{node.name}", _digest(lines[node.lineno - 1 : node.end_lineno])
            del lines[node.lineno - 1 : node.end_lineno]
    yield room, _digest(lines)


def _path(room: str) -> Path:
    return HERE / f"{room}.py"


def _digest(lines: list[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode("utf-8")).hexdigest()
