"""The page store: what is left of a WET file once its pages went through every stage that sees one page alone.

A part is a table, a row a page that some variant has a use for. What a variant's stages made of a page stands in
columns under the name of these stages (``names.name_of``), so variants that share stages share columns, and a
later build finds what it needs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa

from beam_jobs.names import name_of
from beam_jobs.plan import Job, LineScope, changes_too_early, only_filters
from beam_jobs.tree import Line, Tree
from c4pipe import keys
from c4pipe.dedup import KEY_BYTES, md5s
from c4pipe.page import Page
from c4pipe.urls import InDomains
from c4pipe.variants import flat
from c4pipe.wet import WetReader

SCHEMA_NUMBER = 3
PIECE_PAGES = 2048  # held as Python objects at a time
MD5_PAGES = 64  # whose whole text is held for a moment: many at a time are hashed side by side
WET_NAMESPACE = "split-wet-file"

PAGES = pa.schema(
    [
        ("url", pa.string()),
        ("timestamp", pa.string()),
        ("content-type", pa.string()),
        ("content-length", pa.string()),
        ("text_md5", pa.binary(KEY_BYTES)),  # of the text before cleaning
    ]
)
FIELDS = ("timestamp", "content-type", "content-length")  # of a page, besides its URL and text
RAW = "raw"  # the text before cleaning, where the store holds it
ENTERS = "enters:"  # + name of an entry: the page competes for its URL
KEPT = "kept:"  # + name of a cleaning: the page has lines left
TEXT = "text:"  # + name of a cleaning: those lines; none where the cleaning only filters, then they are the raw text
LANGUAGE = "language:"  # + name of a cleaning that does more than filter: what it labelled the page
TALLY = "tally:"  # + name of a cleaning, ":", a counter


class UnreadableWetFile(ValueError):
    """A WET file of which not one record could be read, such as one that was cut in its first."""


@dataclass(frozen=True)
class Cleaned:
    """What a WET file left: its pages, and what was counted and found wrong."""

    pages: pa.Table
    wet: Mapping[str, Mapping[str, int]] = field(
        default_factory=dict
    )  # "dated" or "undated" -> what the reader counted for variants of that kind
    entries: Mapping[str, Mapping[str, Mapping[str, int]]] = field(
        default_factory=dict
    )  # entry -> dated|undated -> counts
    faults: Sequence[Mapping[str, object]] = ()  # the first of them, where there are many
    fault_counts: Mapping[str, int] = field(default_factory=dict)  # all of them, by kind

    def report(self) -> dict[str, Any]:
        """All but the pages, as JSON."""
        return {
            "pages": len(self.pages),
            "wet": self.wet,
            "entries": self.entries,
            "faults": list(self.faults),
            "fault_counts": self.fault_counts,
        }


def clean(stream: BinaryIO, *, name: str, job: Job) -> Cleaned:
    """Read a WET file and take its pages through every stage that sees one page alone, up to where lines compete."""
    reader = WetReader(stream, name=name, undated=True)
    pages = _Pages(job)
    for page in reader:
        pages.add(page)
    if reader.fault_counts["no_record"] or set(reader.tally) == {"wet-file"}:
        raise UnreadableWetFile("; ".join(map(str, reader.faults)))
    return Cleaned(
        pages=pages.table(),
        wet={kind: flat(WET_NAMESPACE, reader.tally_of(undated=kind == "undated")) for kind in ("dated", "undated")},
        entries=pages.entered(),
        faults=[{"kind": f.kind, "file": f.file, "offset": f.offset, "detail": f.detail} for f in reader.faults],
        fault_counts=dict(reader.fault_counts),
    )


def nothing(job: Job) -> Cleaned:
    """What a WET file that cannot be read leaves."""
    pages = _Pages(job)
    return Cleaned(pages.table(), entries=pages.entered())


class _Pages:
    """The columns of a part as its pages come; a piece that is whole is kept as Arrow has it, which is less."""

    def __init__(self, job: Job) -> None:
        self.raw = job.holds_raw
        self.entries = {True: Tree(job.entries), False: Tree(job.entries)}  # for pages with and without a timestamp
        self.filters = {name: changes_too_early(stages) for name, stages in job.entries.items()}
        self.cleaned = _Cleanings(job.cleanings)
        self.pieces: list[pa.Table] = []
        self.columns: dict[str, list[Any]] = {name: [] for name in (*PAGES.names, *([RAW] if self.raw else []))}
        self.columns |= {ENTERS + name: [] for name in job.entries}
        self.texts: list[str] = []  # whose MD5 is still to be taken

    def add(self, page: Page) -> None:
        """Take a page in, unless no variant has a use for it."""
        entered = self.entries[bool(page.timestamp)].judge(page)
        for name, alive in entered.items():
            if alive is not None and alive is not page and alive != page:
                raise ValueError(self.filters[name])
        if not any(entered.values()):
            return
        columns = self.columns
        columns["url"].append(page.url)
        columns["timestamp"].append(page.timestamp)
        columns["content-type"].append(page.content_type)
        columns["content-length"].append(page.content_length)
        self.texts.append(page.text)
        if len(self.texts) == MD5_PAGES:
            self._digest()
        if self.raw:
            columns[RAW].append(page.text)
        for name, alive in entered.items():
            columns[ENTERS + name].append(alive is not None)
        self.cleaned.add(page)
        if len(columns["url"]) == PIECE_PAGES:
            self.pieces.append(self._piece())

    def table(self) -> pa.Table:
        """The part of the page store."""
        return _joined([*self.pieces, self._piece()])

    def _digest(self) -> None:
        """Take the MD5 of several texts at once."""
        self.columns["text_md5"] += md5s(self.texts)
        self.texts.clear()

    def _piece(self) -> pa.Table:
        """The pages since the last piece."""
        self._digest()
        types = {name: pa.bool_() for name in self.columns} | dict(zip(PAGES.names, PAGES.types, strict=True))
        types |= {RAW: pa.large_string()}
        arrays = {name: pa.array(values, types[name]) for name, values in self.columns.items()}
        for values in self.columns.values():
            values.clear()
        return pa.table(arrays | self.cleaned.taken())

    def entered(self) -> dict[str, dict[str, dict[str, int]]]:
        """What each entry counted."""
        dated, undated = self.entries[True].counters(), self.entries[False].counters()
        return {name: {"dated": dict(dated[name]), "undated": dict(undated[name])} for name in dated}


class _Cleanings:
    """The columns that the cleanings make of pages, and their counts by column."""

    def __init__(self, cleanings: Mapping[str, Line]) -> None:
        self.tree = Tree(cleanings)
        self.tallies: dict[str, list[Mapping[str, int]]] = {name: [] for name in cleanings}
        self.kept: dict[str, list[bool]] = {name: [] for name in cleanings}
        edited = [name for name, stages in cleanings.items() if not only_filters(stages)]
        self.texts: dict[str, list[str | None]] = {name: [] for name in edited}
        self.languages: dict[str, list[str | None]] = {name: [] for name in edited}

    def add(self, page: Page) -> None:
        """Clean a page."""
        for name, (kept, tally) in self.tree.judge_counted(page).items():
            self.kept[name].append(kept is not None)
            self.tallies[name].append(tally)
            if name in self.texts:
                self.texts[name].append(None if kept is None else kept.text)
                self.languages[name].append(None if kept is None else kept.language)

    def taken(self) -> dict[str, pa.Array]:
        """The columns of the pages since they were last taken."""
        made: dict[str, pa.Array] = {}
        for name, kept in self.kept.items():
            made[KEPT + name] = pa.array(kept, pa.bool_())
            if name in self.texts:
                made[TEXT + name] = pa.array(self.texts[name], pa.large_string())
                made[LANGUAGE + name] = pa.array(self.languages[name], pa.string())
        for name, tallies in self.tallies.items():
            for counter in sorted(set().union(*tallies)):
                counted = [tally.get(counter, 0) for tally in tallies]
                made[f"{TALLY}{name}:{counter}"] = pa.array(counted, pa.uint32())
        for lists in (self.kept, self.texts, self.languages, self.tallies):
            for values in lists.values():
                values.clear()
        return made


def _joined(pieces: Sequence[pa.Table]) -> pa.Table:
    """Pieces of a part as one table; a counter that a piece lacks is 0 there."""
    tallies = sorted({name for piece in pieces for name in piece.column_names if name.startswith(TALLY)})
    wholes = []
    for piece in pieces:
        columns = {name: piece[name] for name in piece.column_names if not name.startswith(TALLY)}
        zeros = pa.array(np.zeros(len(piece), np.uint32))
        columns |= {name: piece[name] if name in piece.column_names else zeros for name in tallies}
        wholes.append(pa.table(columns))
    return pa.concat_tables(wholes)


def reuse(pages: pa.Table, found: Mapping[str, Any], job: Job) -> tuple[pa.Table, dict[str, Any]]:
    """Give a part of an earlier page store the columns that this build needs; it holds what they are made from.

    An entry that the part lacks goes on from one that it has, by stages that look at the URL alone; a cleaning that
    it lacks is made from the raw text. Both are checked before anything runs (``reuse.py``).
    """
    entries = dict(found["entries"])
    for name, stages in job.entries.items():
        if ENTERS + name not in pages.column_names:
            pages, entries[name] = _enter(pages, entries, name, stages)
    missing = {n: s for n, s in job.cleanings.items() if KEPT + n not in pages.column_names}
    if missing:
        cleaned, pieces = _Cleanings(missing), []
        for start in range(0, max(len(pages), 1), PIECE_PAGES):
            for page in _raw_pages(pages.slice(start, PIECE_PAGES)):
                cleaned.add(page)
            pieces.append(pa.table(cleaned.taken()))
        extra = _joined(pieces)
        for column in extra.column_names:
            pages = pages.append_column(column, extra[column])
    return pages, {**found, "entries": entries}


def reachable_from(entry: Sequence[Any]) -> Iterator[int]:
    """Yield the lengths of beginnings of an entry from which the rest can be done by the URL alone, the whole first."""
    for length in range(len(entry), -1, -1):
        yield length
        if length and type(entry[length - 1]) is not InDomains:
            return


def _enter(
    pages: pa.Table, entries: Mapping[str, Any], name: str, stages: Sequence[Any]
) -> tuple[pa.Table, dict[str, dict[str, int]]]:
    """Let the pages of the longest entry that is held go through the rest of a longer one."""
    held = next(n for n in reachable_from(stages) if ENTERS + name_of(stages[:n]) in pages.column_names)
    before = name_of(stages[:held])
    trees = {True: Tree({name: tuple(stages[held:])}), False: Tree({name: tuple(stages[held:])})}
    columns = (pages[ENTERS + before].to_pylist(), pages["url"].to_pylist(), pages["timestamp"].to_pylist())
    enters = [
        entered and trees[bool(timestamp)].judge(Page(url, "", timestamp))[name] is not None
        for entered, url, timestamp in zip(*columns, strict=True)
    ]
    counts = {
        kind: dict(Counter(entries[before][kind]) + trees[dated].counters()[name])
        for kind, dated in (("dated", True), ("undated", False))
    }
    return pages.append_column(ENTERS + name, pa.array(enters, pa.bool_())), counts


def _raw_pages(pages: pa.Table) -> Iterator[Page]:
    columns = ("url", RAW, *FIELDS)
    for values in zip(*(pages[column].to_pylist() for column in columns), strict=True):
        yield Page(*values)


def left_by(origins: Iterable[LineScope]) -> Callable[[str], bool]:
    """The columns of a part that hold what is left of its pages in these line scopes, and what was counted."""
    needed, counted = {"url", *FIELDS}, []
    for origin in origins:
        name = name_of(origin.cleaning)
        text = {RAW} if only_filters(origin.cleaning) else {TEXT + name, LANGUAGE + name}
        needed |= {KEPT + name} | text
        counted.append(f"{TALLY}{name}:")
    return lambda column: column in needed or column.startswith(tuple(counted))


def alive(pages: pa.Table, winners: keys.Places, cleaning: str) -> Iterator[tuple[int, Page]]:
    """The winners that a cleaning kept, as it left them, with their rows."""
    all_rows = winners["row"][pages[KEPT + cleaning].to_numpy()[winners["row"]].astype(bool)]
    edited = TEXT + cleaning in pages.column_names
    columns = ["url", TEXT + cleaning if edited else RAW, *FIELDS, *([LANGUAGE + cleaning] if edited else [])]
    chosen = pages.select(columns)
    for start in range(0, len(all_rows), PIECE_PAGES):
        rows = all_rows[start : start + PIECE_PAGES]
        taken = chosen.take(pa.array(rows, pa.uint32()))
        for row, *values in zip(rows.tolist(), *(column.to_pylist() for column in taken.columns), strict=True):
            yield row, Page(*values)
