"""Finalizes the pages of a partition: keeps the lines they own, then runs the last stages of all variants."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from beam_jobs.plan.scopes import Branch, LineScope
from beam_jobs.steps.sharding import DOCUMENTS
from beam_jobs.steps.stage_trie import Tree
from beam_jobs.store.column_names import name_of
from beam_jobs.store.page_store import FIELDS, TALLY, as_batch, keys_column, read_kept, text_columns
from beam_jobs.store.tables import Part
from c4pipe.batch import Batch, totals
from c4pipe.columns import hashes, joined, ordered
from c4pipe.dedup import key_arrays
from c4pipe.shards import read_write
from c4pipe.variants import Variant, flat


@dataclass
class Finalized:
    """The final documents of a partition by (variant, split), and the counters of each variant."""

    counters: dict[str, Counter[str]] = field(default_factory=dict)
    pieces: dict[tuple[str, str], list[pa.Table]] = field(default_factory=dict)

    def add(self, variant: Variant, batch: Batch, seed: int) -> None:
        """Add pages that a variant keeps, each to its split."""
        splits = variant.splits(batch)
        for split in np.unique(splits).tolist():
            self.pieces.setdefault((variant.name, split), []).append(_documents(batch.where(splits == split), seed))

    def tables(self) -> dict[tuple[str, str], pa.Table]:
        """Return the documents of each variant and split, sorted by key. This empties the pieces, to free memory."""
        tables = {}
        for split in sorted(self.pieces):
            table = pa.concat_tables(self.pieces.pop(split))
            tables[split] = ordered(table, np.lexsort(key_arrays.leading_words(table)[::-1]))
        return tables


def finalize_pages(
    pages: Part,
    row_ids: Mapping[LineScope, tuple[key_arrays.RowIds, key_arrays.RowIds]],
    branches: Sequence[Branch],
    seed: int,
) -> Finalized:
    """Return the final documents of a partition for all variants. Variants of one line scope share its work.

    ``row_ids`` has the winners and the line owners of each line scope.
    """
    finalized = Finalized()
    for origin, (winners, owners) in row_ids.items():
        _finalize_scope(pages, winners, owners, [b for b in branches if b.origin == origin], seed, finalized)
    return finalized


def _finalize_scope(
    pages: Part,
    winners: key_arrays.RowIds,
    owners: key_arrays.RowIds,
    branches: Sequence[Branch],
    seed: int,
    finalized: Finalized,
) -> None:
    origin = branches[0].origin
    cleaning = name_of(origin.cleaning)
    shared = _winners_tally(pages, winners, cleaning)
    tree = Tree({branch.wanted.variant.name: branch.judging for branch in branches})
    variants = {branch.wanted.variant.name: branch.wanted.variant for branch in branches}
    text_and_language = text_columns(pages.column_names, cleaning)
    line_keys = [] if origin.lines is None else [keys_column(cleaning, origin.lines)]
    for rows, piece in read_kept(pages, winners, cleaning, ("url", *FIELDS, *text_and_language, *line_keys)):
        batch = as_batch(piece, *text_and_language)
        if origin.lines is not None:
            verdict = origin.lines.judge_owned_at_batch(batch, joined(piece[line_keys[0]]), *_owned_lines(owners, rows))
            shared.update(flat(origin.lines.name, totals(verdict.tallies)))
            batch = verdict.pages
        for name, left in tree.judge(batch).items():
            finalized.add(variants[name], left.pages, seed)
    for name, counters in tree.counters().items():
        finalized.counters[name] = shared + counters


def _winners_tally(pages: Part, winners: key_arrays.RowIds, cleaning: str) -> Counter[str]:
    """Return the counts of a cleaning's stages for the winners."""
    prefix = f"{TALLY}{cleaning}:"
    rows = winners["row"]
    counted = pages.read_columns(name for name in pages.column_names if name.startswith(prefix))
    columns = zip(counted.column_names, counted.columns, strict=True)
    sums = {name.removeprefix(prefix): int(n.to_numpy()[rows].sum(dtype=np.int64)) for name, n in columns}
    return Counter({name: n for name, n in sums.items() if n})


def _owned_lines(
    owners: key_arrays.RowIds, rows: npt.NDArray[np.uint32]
) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64]]:
    """Return the numbers of the lines that pages own, and bounds: page n has lines[bounds[n] : bounds[n + 1]].

    ``owners`` and ``rows`` are sorted by row; there are len(rows) + 1 bounds.
    """
    first, last = np.searchsorted(owners["row"], (rows[0], rows[-1] + 1))
    owned = owners[first:last]
    owned = owned[np.isin(owned["row"], rows)]
    bounds = np.append(np.searchsorted(owned["row"], rows), len(owned))
    return np.ascontiguousarray(owned["line"]), bounds.astype(np.int64)


def _documents(batch: Batch, seed: int) -> pa.Table:
    """Return pages as a table of schema ``DOCUMENTS``."""
    packed = b"".join(read_write.document_key(url, seed) for url in batch.url.to_pylist())
    key = hashes(packed, DOCUMENTS.field("key").type.byte_width)
    fields = (batch.text, batch.url, batch.timestamp, batch.content_type, batch.content_length)
    return pa.table([key, *fields], schema=DOCUMENTS)
