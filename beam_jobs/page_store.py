"""The page store: what is left of a WET file once its pages went through every stage that sees one page alone.

A part is a table, a row a page that some variant has a use for. What a variant's stages made of a page stands in
columns under the name of these stages (``names.name_of``), so variants that share stages share columns, and a
later build finds what it needs.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from beam_jobs.names import name_of
from beam_jobs.parting import changes_too_early, only_filters
from beam_jobs.plan import Job
from beam_jobs.store_files import KEYS, Part
from beam_jobs.tree import Tree
from c4pipe import keys
from c4pipe.across_pages import Dedup
from c4pipe.batch import Batch, Kept, hashes, joined, laid_out, where
from c4pipe.digests import KEY_BYTES, md5s
from c4pipe.variants import flat
from c4pipe.wet import WetReader

SCHEMA_NUMBER = 4
READABLE = (3, SCHEMA_NUMBER)  # of earlier stores: one of 3 has no keys, so they are made from its text
PIECE_PAGES = 512  # judged together
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
# KEYS + name of a cleaning, ":", name of a kind of keys: those of what it left, which compete, 16 bytes each.
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
    for batch in reader.batches():
        pages.add(batch)
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
    """The part that pages make, a piece a batch."""

    def __init__(self, job: Job) -> None:
        self.raw = job.holds_raw
        self.entries = {True: Tree(job.entries), False: Tree(job.entries)}  # for pages with and without a timestamp
        self.unsure = {n: changes_too_early(stages) for n, stages in job.entries.items() if not only_filters(stages)}
        self.cleanings, self.keyed = Tree(job.cleanings), job.keyed
        self.pieces: list[pa.Table] = []

    def add(self, batch: Batch) -> None:
        """Take pages in, but for those that no variant has a use for."""
        entered = let_in(self.entries, batch, np.ones(len(batch), bool), self.unsure)
        wanted = np.logical_or.reduce(list(entered.values()))
        batch = batch.where(wanted)
        fields = (batch.url, batch.timestamp, batch.content_type, batch.content_length, digests(batch.text))
        columns = dict(zip(PAGES.names, fields, strict=True)) | ({RAW: batch.text} if self.raw else {})
        columns |= {ENTERS + name: pa.array(enters[wanted]) for name, enters in entered.items()}
        self.pieces.append(pa.table(columns | cleaned(self.cleanings, self.keyed, batch)))

    def table(self) -> pa.Table:
        """The part of the page store."""
        if not self.pieces:
            self.add(Batch.of([]))
        return joined_pieces(self.pieces)

    def entered(self) -> dict[str, dict[str, dict[str, int]]]:
        """What each entry counted."""
        dated, undated = self.entries[True].counters(), self.entries[False].counters()
        return {name: {"dated": dict(dated[name]), "undated": dict(undated[name])} for name in dated}


def let_in(trees: Mapping[bool, Tree], batch: Batch, among: Kept, unsure: Mapping[str, str]) -> dict[str, Kept]:
    """Say which of some pages of a batch each entry lets in; ``trees`` are for pages with and without a timestamp.

    An entry of ``unsure`` raises, with its text, if it changes pages that it lets in.
    """
    entered = {name: np.zeros(len(batch), bool) for name in trees[True].lines}
    dated = pc.not_equal(batch.timestamp, "").to_numpy(zero_copy_only=False)
    for kind, tree in trees.items():
        mask = among & (dated == kind)
        if mask.any():
            here, rows = batch.where(mask), np.flatnonzero(mask)
            for name, left in tree.judge(here).items():
                entered[name][rows[left.rows]] = True
                if name in unsure and left.pages != here.where(_at(left.rows, len(here))):
                    raise ValueError(unsure[name])
    return entered


def _at(rows: npt.NDArray[np.int64], count: int) -> Kept:
    """Which of so many rows these are."""
    kept = np.zeros(count, bool)
    kept[rows] = True
    return kept


def digests(texts: pa.Array) -> pa.Array:
    """The MD5 of each text."""
    return hashes(md5s(texts), KEY_BYTES)


def keys_column(cleaning: str, lines: Dedup) -> str:
    """What the column of the keys is called that a stage makes of what a cleaning leaves."""
    return f"{KEYS}{cleaning}:{name_of(lines.keyed)}"


def cleaned(cleanings: Tree, keyed: Mapping[str, Sequence[Dedup]], batch: Batch) -> dict[str, pa.Array]:
    """Return the columns that cleanings make of pages, and the keys of what they leave (``Job.keyed``)."""
    made: dict[str, pa.Array] = {}
    for name, (left, tally) in cleanings.judge_counted(batch).items():
        kept = _at(left.rows, len(batch))
        made[KEPT + name] = pa.array(kept)
        if not only_filters(cleanings.lines[name]):
            made |= {TEXT + name: spread(left.pages.text, kept), LANGUAGE + name: spread(left.pages.language, kept)}
        made |= {keys_column(name, lines): spread(lines.keys_of(left.pages.text), kept) for lines in keyed[name]}
        made |= {f"{TALLY}{name}:{counter}": pa.array(numbers) for counter, numbers in tally.items()}
    return made


def _where(pages: pa.Table, kept: Kept) -> pa.Table:
    return pa.table({name: where(joined(pages[name]), kept) for name in pages.column_names})


def spread(column: pa.Array, kept: Kept) -> pa.Array:
    """A column of the pages that are kept as one of all; the others have none. What is in it is not copied."""
    wide = column.cast(pa.large_string()) if pa.types.is_string(column.type) else column
    bounds, data = laid_out(wide)
    sizes = np.zeros(len(kept) + 1, np.int64)
    sizes[0], sizes[1:][kept] = bounds[0], np.diff(bounds)
    there = np.packbits(kept, bitorder="little")
    buffers = list(map(pa.py_buffer, (there, np.cumsum(sizes), data)))
    return pa.Array.from_buffers(wide.type, len(kept), buffers).cast(column.type)


def joined_pieces(pieces: Sequence[pa.Table]) -> pa.Table:
    """Pieces of a part as one table; a counter that a piece lacks is 0 there."""
    tallies = sorted({name for piece in pieces for name in piece.column_names if name.startswith(TALLY)})
    wholes = []
    for piece in pieces:
        columns = {name: piece[name] for name in piece.column_names if not name.startswith(TALLY)}
        zeros = pa.array(np.zeros(len(piece), np.int64))
        columns |= {name: piece[name] if name in piece.column_names else zeros for name in tallies}
        wholes.append(pa.table(columns))
    return pa.concat_tables(wholes)


def as_batch(pages: pa.Table, text: str | None = None, language: str | None = None) -> Batch:
    """Pages of a part, with the texts and languages of these columns, if any."""

    def column(name: str | None, other: pa.Scalar) -> pa.Array:
        return pa.repeat(other, len(pages)) if name is None else joined(pages[name])

    timestamp, content_type, content_length = (joined(pages[name]) for name in FIELDS)
    return Batch(
        joined(pages["url"]),
        column(text, pa.scalar("", pa.large_string())),
        timestamp,
        content_type,
        content_length,
        column(language, pa.scalar("und")),
    )


def texts(columns: Collection[str], cleaning: str) -> tuple[str, ...]:
    """The columns of the text and, if it is told, of the language of pages as a cleaning left them."""
    edited = (TEXT + cleaning, LANGUAGE + cleaning)
    return edited if edited[0] in columns else (RAW,)


def alive(
    part: Part, winners: keys.Places, cleaning: str, columns: Iterable[str]
) -> Iterator[tuple[npt.NDArray[np.uint32], pa.Table]]:
    """These columns of the winners that a cleaning kept, some at a time, with their rows; winners come in order."""
    kept = part.read([KEPT + cleaning])[KEPT + cleaning].to_numpy()
    all_rows = winners["row"][kept[winners["row"]].astype(bool)]
    first = 0
    for piece in part.pieces(columns):
        rows = all_rows[slice(*np.searchsorted(all_rows, (first, first + len(piece))))]
        if len(rows):
            yield rows, piece if len(rows) == len(piece) else _where(piece, _at(rows - first, len(piece)))
        first += len(piece)
