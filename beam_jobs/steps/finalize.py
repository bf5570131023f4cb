"""The last judgement of a page: the lines that it owns, then what sees it alone, for all variants at once."""

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
    """The final documents of a part by (variant, split), and what was counted for each variant."""

    counters: dict[str, Counter[str]] = field(default_factory=dict)
    pieces: dict[tuple[str, str], list[pa.Table]] = field(default_factory=dict)

    def add(self, variant: Variant, batch: Batch, seed: int) -> None:
        """Take in what a variant leaves of some pages."""
        splits = variant.splits(batch)
        for split in np.unique(splits).tolist():
            self.pieces.setdefault((variant.name, split), []).append(_documents(batch.where(splits == split), seed))

    def tables(self) -> dict[tuple[str, str], pa.Table]:
        """The documents as tables, in the order of their keys; they are no longer here then."""
        tables = {}
        for place in sorted(self.pieces):
            table = pa.concat_tables(self.pieces.pop(place))
            tables[place] = ordered(table, np.lexsort(key_arrays.leading_words(table)[::-1]))
        return tables


def finalize_pages(
    pages: Part,
    places: Mapping[LineScope, tuple[key_arrays.RowIds, key_arrays.RowIds]],
    branches: Sequence[Branch],
    seed: int,
) -> Finalized:
    """Judge a part's winners for all variants: in each line scope together, so that what they share is done once.

    ``places`` has the winners and the line owners of each line scope.
    """
    finalized = Finalized()
    for origin, (winners, owners) in places.items():
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
    told = text_columns(pages.column_names, cleaning)
    of_lines = [] if origin.lines is None else [keys_column(cleaning, origin.lines)]
    for rows, piece in read_kept(pages, winners, cleaning, ("url", *FIELDS, *told, *of_lines)):
        batch = as_batch(piece, *told)
        if origin.lines is not None:
            verdict = origin.lines.judge_owned_at_batch(batch, joined(piece[of_lines[0]]), *_owned_lines(owners, rows))
            shared.update(flat(origin.lines.name, totals(verdict.tallies)))
            batch = verdict.pages
        for name, left in tree.judge(batch).items():
            finalized.add(variants[name], left.pages, seed)
    for name, found in tree.counters().items():
        finalized.counters[name] = shared + found


def _winners_tally(pages: Part, winners: key_arrays.RowIds, cleaning: str) -> Counter[str]:
    """What the stages of a cleaning counted for the winners."""
    prefix = f"{TALLY}{cleaning}:"
    rows = winners["row"]
    counted = pages.read_columns(name for name in pages.column_names if name.startswith(prefix))
    columns = zip(counted.column_names, counted.columns, strict=True)
    sums = {name.removeprefix(prefix): int(n.to_numpy()[rows].sum(dtype=np.int64)) for name, n in columns}
    return Counter({name: n for name, n in sums.items() if n})


def _owned_lines(
    owners: key_arrays.RowIds, rows: npt.NDArray[np.uint32]
) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64]]:
    """The lines that pages own, those of the n-th between the n-th bound and the next; owners come in order."""
    first, last = np.searchsorted(owners["row"], (rows[0], rows[-1] + 1))
    found = owners[first:last]
    found = found[np.isin(found["row"], rows)]
    bounds = np.append(np.searchsorted(found["row"], rows), len(found))
    return np.ascontiguousarray(found["line"]), bounds.astype(np.int64)


def _documents(batch: Batch, seed: int) -> pa.Table:
    """Rows of ``DOCUMENTS``."""
    packed = b"".join(read_write.document_key(url, seed) for url in batch.url.to_pylist())
    key = hashes(packed, DOCUMENTS.field("key").type.byte_width)
    fields = (batch.text, batch.url, batch.timestamp, batch.content_type, batch.content_length)
    return pa.table([key, *fields], schema=DOCUMENTS)
