"""Parts of an earlier page store, given what this build needs of them (``reuse.py`` says whether they can be)."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pyarrow as pa

from beam_jobs.plan.job import Job
from beam_jobs.plan.scopes import reachable_from
from beam_jobs.steps.clean import cleaned_columns, mask_entered
from beam_jobs.steps.stage_trie import Tree
from beam_jobs.store.column_names import name_of
from beam_jobs.store.page_store import (
    ENTERS,
    KEPT,
    RAW,
    as_batch,
    join_pieces,
    keys_column,
    spread_rows,
    text_columns,
)
from c4pipe.columns import joined
from c4pipe.dedup.base import Dedup

PIECE_PAGES = 512  # taken together


def fill_columns(pages: pa.Table, found: Mapping[str, Any], job: Job) -> tuple[pa.Table, dict[str, Any]]:
    """Give a part of an earlier page store the columns that this build needs; it holds what they are made from.

    An entry that the part lacks goes on from one that it has, by stages that look at the URL alone; a cleaning that
    it lacks is made from the raw text. Both are checked before anything runs (``reuse.py``). Keys that it lacks are
    made from the text that was cleaned.
    """
    entries = dict(found["entries"])
    for name, stages in job.entries.items():
        if ENTERS + name not in pages.column_names:
            pages, entries[name] = _add_entry(pages, entries, name, stages)
    keyed = job.keyed
    missing = {n: s for n, s in job.cleanings.items() if KEPT + n not in pages.column_names}
    if missing:
        cleanings = Tree(missing)
        pages = _add_columns(pages, lambda piece: cleaned_columns(cleanings, keyed, as_batch(piece, RAW)))
    for cleaning, kinds in keyed.items():
        for lines in kinds:
            if keys_column(cleaning, lines) not in pages.column_names:
                pages = _add_columns(pages, functools.partial(_key_column, cleaning=cleaning, lines=lines))
    return pages, {**found, "entries": entries}


def _add_columns(pages: pa.Table, make: Callable[[pa.Table], Mapping[str, pa.Array]]) -> pa.Table:
    """Pages with columns more, made a piece at a time."""
    starts = range(0, max(len(pages), 1), PIECE_PAGES)
    extra = join_pieces([pa.table(make(pages.slice(start, PIECE_PAGES))) for start in starts])
    for column in extra.column_names:
        pages = pages.append_column(column, extra[column])
    return pages


def _key_column(pages: pa.Table, *, cleaning: str, lines: Dedup) -> dict[str, pa.Array]:
    """The column of the keys of what a cleaning left of pages."""
    kept = pages[KEPT + cleaning].to_numpy().astype(bool)
    left = joined(pages[text_columns(pages.column_names, cleaning)[0]]).filter(pa.array(kept))
    return {keys_column(cleaning, lines): spread_rows(lines.keys_of(left), kept)}


def _add_entry(
    pages: pa.Table, entries: Mapping[str, Any], name: str, stages: Sequence[Any]
) -> tuple[pa.Table, dict[str, dict[str, int]]]:
    """Let the pages of the longest entry that is held go through the rest of a longer one."""
    held = next(n for n in reachable_from(stages) if ENTERS + name_of(stages[:n]) in pages.column_names)
    before = name_of(stages[:held])
    trees = {True: Tree({name: tuple(stages[held:])}), False: Tree({name: tuple(stages[held:])})}
    batch = as_batch(pages)
    among = pages[ENTERS + before].to_numpy().astype(bool)
    enters = mask_entered(trees, batch, among, {})[name]
    counts = {
        kind: dict(Counter(entries[before][kind]) + trees[dated].counters()[name])
        for kind, dated in (("dated", True), ("undated", False))
    }
    return pages.append_column(ENTERS + name, pa.array(enters, pa.bool_())), counts
