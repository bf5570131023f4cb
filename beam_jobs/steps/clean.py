"""Cleans a WET file: its pages go through all stages that judge one page alone, and into the page store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from beam_jobs.plan.job import Job
from beam_jobs.plan.scopes import changes_too_early, only_filters
from beam_jobs.steps.stage_trie import Tree
from beam_jobs.store.page_store import (
    ENTERS,
    KEPT,
    LANGUAGE,
    PAGES,
    RAW,
    TALLY,
    TEXT,
    join_pieces,
    keys_column,
    mask_of_rows,
    spread_rows,
)
from c4pipe.batch import Batch
from c4pipe.columns import Kept, hashes
from c4pipe.dedup.base import Dedup
from c4pipe.text.digests import KEY_BYTES, md5s
from c4pipe.variants import flat
from c4pipe.warc.wet import WetReader

WET_NAMESPACE = "split-wet-file"


class UnreadableWetFile(ValueError):
    """No record of a WET file could be read, for example because the file ends within its first."""


@dataclass(frozen=True)
class Cleaned:
    """The result of cleaning a WET file: pages, counts and faults."""

    pages: pa.Table
    # "dated" or "undated" -> counts of the reader for variants without and with undated pages
    wet: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    # entry -> "dated" or "undated" -> counts for pages of that kind
    entries: Mapping[str, Mapping[str, Mapping[str, int]]] = field(default_factory=dict)
    faults: Sequence[Mapping[str, object]] = ()  # the first ones, if there are many
    fault_counts: Mapping[str, int] = field(default_factory=dict)  # of all faults, by kind

    def report(self) -> dict[str, Any]:
        """Return everything but the pages, ready for JSON."""
        return {
            "pages": len(self.pages),
            "wet": self.wet,
            "entries": self.entries,
            "faults": list(self.faults),
            "fault_counts": self.fault_counts,
        }


def clean_wet_file(stream: BinaryIO, *, name: str, job: Job) -> Cleaned:
    """Clean the pages of a WET file by all stages that judge one page alone, up to the deduplication of lines.

    Raises ``UnreadableWetFile`` if no record can be read.
    """
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


def nothing_cleaned(job: Job) -> Cleaned:
    """Return the result for a WET file that cannot be read: an empty partition."""
    pages = _Pages(job)
    return Cleaned(pages.table(), entries=pages.entered())


class _Pages:
    """Collects the pages of a partition, one piece for each batch."""

    def __init__(self, job: Job) -> None:
        self.raw = job.holds_raw
        self.entries = {True: Tree(job.entries), False: Tree(job.entries)}  # for pages with and without a timestamp
        self.unsure = {n: changes_too_early(stages) for n, stages in job.entries.items() if not only_filters(stages)}
        self.cleanings, self.keyed = Tree(job.cleanings), job.keyed
        self.pieces: list[pa.Table] = []

    def add(self, batch: Batch) -> None:
        """Add a batch, without the pages that no variant needs."""
        entered = mask_entered(self.entries, batch, np.ones(len(batch), bool), self.unsure)
        wanted = np.logical_or.reduce(list(entered.values()))
        batch = batch.where(wanted)
        fields = (batch.url, batch.timestamp, batch.content_type, batch.content_length, text_digests(batch.text))
        columns = dict(zip(PAGES.names, fields, strict=True)) | ({RAW: batch.text} if self.raw else {})
        columns |= {ENTERS + name: pa.array(enters[wanted]) for name, enters in entered.items()}
        self.pieces.append(pa.table(columns | cleaned_columns(self.cleanings, self.keyed, batch)))

    def table(self) -> pa.Table:
        """Return the partition."""
        if not self.pieces:
            self.add(Batch.of([]))
        return join_pieces(self.pieces)

    def entered(self) -> dict[str, dict[str, dict[str, int]]]:
        """Return the counts of each entry, for dated and undated pages."""
        dated, undated = self.entries[True].counters(), self.entries[False].counters()
        return {name: {"dated": dict(dated[name]), "undated": dict(undated[name])} for name in dated}


def mask_entered(trees: Mapping[bool, Tree], batch: Batch, among: Kept, unsure: Mapping[str, str]) -> dict[str, Kept]:
    """Return for each entry a mask of the batch, True at the pages that enter; only pages in ``among`` are looked at.

    ``trees`` has the entries for pages with (True) and without a timestamp. Entries in ``unsure`` might change pages,
    which raises ``ValueError`` with the text that stands there.
    """
    entered = {name: np.zeros(len(batch), bool) for name in trees[True].stages}
    dated = pc.not_equal(batch.timestamp, "").to_numpy(zero_copy_only=False)
    for kind, tree in trees.items():
        mask = among & (dated == kind)
        if mask.any():
            candidates, rows = batch.where(mask), np.flatnonzero(mask)
            for name, left in tree.judge(candidates).items():
                entered[name][rows[left.rows]] = True
                if name in unsure and left.pages != candidates.where(mask_of_rows(left.rows, len(candidates))):
                    raise ValueError(unsure[name])
    return entered


def text_digests(texts: pa.Array) -> pa.Array:
    """Return the MD5 of each text, 16 bytes."""
    return hashes(md5s(texts), KEY_BYTES)


def cleaned_columns(cleanings: Tree, keyed: Mapping[str, Sequence[Dedup]], batch: Batch) -> dict[str, pa.Array]:
    """Return the columns of each cleaning for a batch: kept, text, language, keys (``Job.keyed``), counts."""
    made: dict[str, pa.Array] = {}
    for name, (left, tally) in cleanings.judge_counted(batch).items():
        kept = mask_of_rows(left.rows, len(batch))
        made[KEPT + name] = pa.array(kept)
        if not only_filters(cleanings.stages[name]):
            made |= {
                TEXT + name: spread_rows(left.pages.text, kept),
                LANGUAGE + name: spread_rows(left.pages.language, kept),
            }
        made |= {keys_column(name, lines): spread_rows(lines.keys_of(left.pages.text), kept) for lines in keyed[name]}
        made |= {f"{TALLY}{name}:{counter}": pa.array(numbers) for counter, numbers in tally.items()}
    return made
