"""Adds the columns that a build needs to partitions of an earlier page store (``plan/reuse.py`` checks that it can)."""

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

PIECE_PAGES = 512  # pages that are cleaned together


def fill_columns(pages: pa.Table, report: Mapping[str, Any], job: Job) -> tuple[pa.Table, dict[str, Any]]:
    """Return a partition of an earlier page store with all columns that this build needs, and its report.

    ``report`` is the earlier one. A missing entry continues one that is there, by stages that look at the URL alone. A
    missing cleaning is made from the raw text, missing keys from the cleaned text. ``plan/reuse.py`` checks before the
    build that this is possible.
    """
    entries = dict(report["entries"])
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
    return pages, {**report, "entries": entries}


def _add_columns(pages: pa.Table, make: Callable[[pa.Table], Mapping[str, pa.Array]]) -> pa.Table:
    """Return pages with more columns, which ``make`` makes of ``PIECE_PAGES`` pages at a time."""
    starts = range(0, max(len(pages), 1), PIECE_PAGES)
    extra = join_pieces([pa.table(make(pages.slice(start, PIECE_PAGES))) for start in starts])
    for column in extra.column_names:
        pages = pages.append_column(column, extra[column])
    return pages


def _key_column(pages: pa.Table, *, cleaning: str, lines: Dedup) -> dict[str, pa.Array]:
    """Return the column of the keys of a cleaning's text, under its name."""
    kept = pages[KEPT + cleaning].to_numpy().astype(bool)
    left = joined(pages[text_columns(pages.column_names, cleaning)[0]]).filter(pa.array(kept))
    return {keys_column(cleaning, lines): spread_rows(lines.keys_of(left), kept)}


def _add_entry(
    pages: pa.Table, entries: Mapping[str, Any], name: str, stages: Sequence[Any]
) -> tuple[pa.Table, dict[str, dict[str, int]]]:
    """Add the column of a missing entry: continue the longest beginning of it that the partition has.

    Returns the pages, and the entry's counts for dated and undated pages.
    """
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
