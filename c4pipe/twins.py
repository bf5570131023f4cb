"""Detects edits of plain code that has a compiled twin, so that an edited rule is obeyed, if more slowly.

``fast/twins.json`` holds a digest of the code of each deciding room and of each rule, taken when tests held both twins
equal. Where the digest differs, plain code decides, and variants that use it get another fingerprint. Comments, blank
lines and docstrings do not count. After a change of both twins, ``make twins`` writes the digests anew.
"""

from __future__ import annotations

import functools
import hashlib
import itertools
import json
from pathlib import Path
from typing import cast

from c4pipe import source_digest

HERE = Path(__file__).parent
HELD_EQUAL = HERE / "fast" / "twins.json"
RULES = "rules"  # digested rule by rule: the compiled room of lines calls each edited one

# Compiled room -> the plain rooms whose twin it is. The room ``columns`` decides nothing.
PLAIN = {
    "badwords": ("stages.badwords",),
    "claims": ("dedup.resolve",),
    "documents": ("shards.documents", "shards.jsonl", "shards.tfrecord"),
    "keys": ("dedup.base", "dedup.lines", "text.digests"),
    "langdetect": ("text.language_detector",),
    "lines": ("stages.clean_lines", "stages.length", "stages.rule_rows"),
    "records": (
        "warc.gzip_file",
        "warc.file_buffer",
        "warc.gzip_member",
        "warc.headers",
        "warc.records",
        "warc.resync",
        "warc.wet",
    ),
    "sentences": ("text.sentences",),
    "urls": ("text.urls",),
}
JUDGING = ("stages.language",)  # stages that judge columns by the twins of other rooms
TWINLESS = ("dedup.spans", "dedup.urls", "stages.url_filters")  # rooms of stages that only plain code judges
DECIDING = tuple(sorted({*itertools.chain(*PLAIN.values()), *JUDGING, *TWINLESS}))

# The rules that the compiled room of lines contains. It calls every other rule in Python.
COMPILED_RULES = frozenset(
    {"contains", "fewer_words_than", "has_word", "mentions", "no_end_mark", "without", "word_longer_than"}
)


@functools.cache
def held() -> dict[str, dict[str, str]]:
    """The digests in ``twins.json``: of each file (``files``), and of the code of each room and rule (``code``)."""
    return cast(dict[str, dict[str, str]], json.loads(HELD_EQUAL.read_text("utf-8")))


@functools.cache
def digests() -> dict[str, str]:
    """The current digest of each deciding room, and of each rule as ``rules.NAME``.

    A file equal to the recorded one is not parsed. A room installed without source cannot be edited, and is left out.
    """
    found: dict[str, str] = {}
    for room in (*DECIDING, RULES):
        if path(room).exists():
            found |= _of_room(room)
    return dict(sorted(found.items()))


def _of_room(room: str) -> dict[str, str]:
    before = held()
    if before["files"].get(room) == file_digest(room):
        return {name: code for name, code in before["code"].items() if name == room or name.startswith(f"{room}.")}
    source = path(room).read_text("utf-8")
    if room != RULES:
        return {room: source_digest.digest(source)}
    return {f"{RULES}.{name}": code for name, code in source_digest.function_digests(source).items()}


def file_digest(room: str) -> str:
    """SHA-256 of the bytes of a room's file, in hexadecimal."""
    return hashlib.sha256(path(room).read_bytes()).hexdigest()


@functools.cache
def changes() -> dict[str, str]:
    """The edited rooms and rules, with their current digests. A rule without a recorded digest is new, not edited."""
    before = held()["code"]
    known = {name: code for name, code in digests().items() if name in before or not name.startswith(f"{RULES}.")}
    return {name: code for name, code in known.items() if before.get(name) != code}


def replaced() -> list[str]:
    """The edited rooms and rules with a compiled twin, which therefore does not decide."""
    compiled = {f"{RULES}.{name}" for name in COMPILED_RULES}
    return [name for name in changes() if name in compiled or (name in DECIDING and name not in TWINLESS)]


def changed(room: str) -> bool:
    """True if a plain room was edited. A room without a recorded digest was not."""
    return room in changes()


def is_compiled(rule: str) -> bool:
    """True if the compiled room of lines contains a rule, and the rule was not edited."""
    return rule in COMPILED_RULES and f"{RULES}.{rule}" not in changes()


def path(room: str) -> Path:
    """The source file of a room of this package."""
    return HERE.joinpath(*room.split(".")).with_suffix(".py")


def as_held() -> dict[str, dict[str, str]]:
    """What ``make twins`` writes: the digests of all deciding rooms and rules."""
    return {"files": {room: file_digest(room) for room in sorted((*DECIDING, RULES))}, "code": digests()}
