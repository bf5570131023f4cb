"""Whether plain code is still what its compiled twin was held equal to: who changes a rule is obeyed, if more slowly.

``fast/twins.json`` holds digests of the code of each room that decides, and of each rule. Where code is another, the
plain one decides, and the variants that use it have another fingerprint. Comments, blank lines and docstrings are no
code. Whoever changes a room and its twin alike writes the digests anew: ``make twins``.
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
RULES = "rules"  # told apart one by one: the compiled room of lines calls those that have changed

# The plain rooms that a compiled room is the twin of. A room of columns decides nothing.
PLAIN = {
    "badwords": ("stages.badwords",),
    "claims": ("dedup.resolve",),
    "documents": ("shards.documents",),
    "keys": ("dedup.base", "dedup.lines", "text.digests"),
    "langdetect": ("text.language_detector",),
    "lines": ("stages.clean_lines", "stages.length"),
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
JUDGING = ("stages.language",)  # a room of stages that judge columns by the twins of other rooms
TWINLESS = ("dedup.spans", "dedup.urls", "stages.url_filters")  # rooms of stages that only plain code judges
DECIDING = tuple(sorted({*itertools.chain(*PLAIN.values()), *JUDGING, *TWINLESS}))

# The rules that the compiled room of lines knows; it calls any other.
COMPILED_RULES = frozenset(
    {"contains", "fewer_words_than", "has_word", "mentions", "no_end_mark", "without", "word_longer_than"}
)


@functools.cache
def held() -> dict[str, dict[str, str]]:
    """What was written down: a digest of each file (``files``), and of the code of each room and rule (``code``)."""
    return cast(dict[str, dict[str, str]], json.loads(HELD_EQUAL.read_text("utf-8")))


@functools.cache
def digests() -> dict[str, str]:
    """The digest of the code of each room that decides, and of each rule: ``rules.NAME``.

    A file that is as it was written down is not parsed. What is installed without its source cannot be changed in it,
    and is left out.
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
    """The rooms and rules whose code is no longer what was written down, with the digest that it has.

    A rule that was never written down is new, not changed.
    """
    before = held()["code"]
    known = {name: code for name, code in digests().items() if name in before or not name.startswith(f"{RULES}.")}
    return {name: code for name, code in known.items() if before.get(name) != code}


def replaced() -> list[str]:
    """What has changed and has a compiled twin, which no longer decides."""
    compiled = {f"{RULES}.{name}" for name in COMPILED_RULES}
    return [name for name in changes() if name in compiled or (name in DECIDING and name not in TWINLESS)]


def changed(room: str) -> bool:
    """A plain room has changed; one that was never written down has not."""
    return room in changes()


def is_compiled(rule: str) -> bool:
    """The compiled room of lines knows a rule, and the rule has not changed."""
    return rule in COMPILED_RULES and f"{RULES}.{rule}" not in changes()


def path(room: str) -> Path:
    """The source file of a room of this package."""
    return HERE.joinpath(*room.split(".")).with_suffix(".py")


def as_held() -> dict[str, dict[str, str]]:
    """What ``make twins`` writes: all rooms and rules as they are now."""
    return {"files": {room: file_digest(room) for room in sorted((*DECIDING, RULES))}, "code": digests()}
