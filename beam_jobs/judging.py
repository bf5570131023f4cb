"""The last judgement of a page: the lines that it owns, then what sees it alone, for all variants at once."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from beam_jobs.dealing import DOCUMENTS
from beam_jobs.names import name_of
from beam_jobs.page_store import PIECE_PAGES, TALLY, alive
from beam_jobs.plan import Branch, LineScope
from beam_jobs.tree import Tree
from c4pipe import keys, shards
from c4pipe.page import Page
from c4pipe.variants import flat


@dataclass
class Judged:
    """The final documents of a part by (variant, split), and what was counted for each variant."""

    counters: dict[str, Counter[str]] = field(default_factory=dict)
    rows: dict[tuple[str, str], list[tuple[bytes | str, ...]]] = field(default_factory=dict)
    pieces: dict[tuple[str, str], list[pa.Table]] = field(default_factory=dict)  # of rows before, as Arrow has them

    def add(self, place: tuple[str, str], document: tuple[bytes | str, ...]) -> None:
        """Take a document in, a row of ``DOCUMENTS``."""
        rows = self.rows.setdefault(place, [])
        rows.append(document)
        if len(rows) == PIECE_PAGES:
            self._put_away(place)

    def _put_away(self, place: tuple[str, str]) -> None:
        columns = zip(*self.rows.pop(place), strict=True)
        arrays = [pa.array(values, of.type) for values, of in zip(columns, DOCUMENTS, strict=True)]
        self.pieces.setdefault(place, []).append(pa.table(arrays, schema=DOCUMENTS))

    def tables(self) -> dict[tuple[str, str], pa.Table]:
        """The documents as tables, in the order of their keys; they are no longer here then."""
        for place in list(self.rows):
            self._put_away(place)
        tables = {}
        for place in sorted(self.pieces):
            table = pa.concat_tables(self.pieces.pop(place))
            tables[place] = table.take(np.lexsort(keys.words(table["key"].to_pylist())[::-1]))
        return tables


def judge_part(
    pages: pa.Table,
    places: Mapping[LineScope, tuple[keys.Places, keys.Places]],
    branches: Sequence[Branch],
    seed: int,
) -> Judged:
    """Judge a part's winners for all variants: in each line scope together, so that what they share is done once.

    ``places`` has the winners and the line owners of each line scope.
    """
    judged = Judged()
    for origin, (winners, owners) in places.items():
        _judge_scope(pages, winners, owners, [b for b in branches if b.origin == origin], seed, judged)
    return judged


def _judge_scope(
    pages: pa.Table, winners: keys.Places, owners: keys.Places, branches: Sequence[Branch], seed: int, judged: Judged
) -> None:
    origin = branches[0].origin
    cleaning = name_of(origin.cleaning)
    shared = _winners_tally(pages, winners, cleaning)
    owned_of = _lines_by_row(owners)
    tree = Tree({branch.wanted.variant.name: branch.judging for branch in branches})
    variants = {branch.wanted.variant.name: branch.wanted.variant for branch in branches}
    counted: dict[str, int] = {}  # by the stage that settles lines
    for row, cleaned in alive(pages, winners, cleaning):
        page: Page | None = cleaned
        if origin.lines is not None:
            verdict = origin.lines.judge_places(cleaned, owned_of.get(row, ()))
            for counter, n in verdict.tally.items():
                counted[counter] = counted.get(counter, 0) + n
            page = verdict.page
        if page is not None:
            for name, left in tree.judge(page).items():
                if left is not None:
                    judged.add((name, variants[name].split(left)), _document(left, seed))
    if origin.lines is not None:
        shared.update(flat(origin.lines.name, counted))
    for name, found in tree.counters().items():
        judged.counters[name] = shared + found


def _winners_tally(pages: pa.Table, winners: keys.Places, cleaning: str) -> Counter[str]:
    """What the stages of a cleaning counted for the winners."""
    prefix = f"{TALLY}{cleaning}:"
    rows = winners["row"]
    columns = [name for name in pages.column_names if name.startswith(prefix)]
    sums = {name.removeprefix(prefix): int(pages[name].to_numpy()[rows].sum(dtype=np.int64)) for name in columns}
    return Counter({name: n for name, n in sums.items() if n})


def _lines_by_row(owners: keys.Places) -> dict[int, list[int]]:
    rows, starts = np.unique(owners["row"], return_index=True)
    lines, bounds = owners["line"].tolist(), [*starts.tolist(), len(owners)]
    pieces = (lines[start:end] for start, end in itertools.pairwise(bounds))
    return dict(zip(rows.tolist(), pieces, strict=True))


def _document(page: Page, seed: int) -> tuple[bytes | str, ...]:
    """A row of ``DOCUMENTS``."""
    key = shards.document_key(page.url, seed)
    return key, page.text, page.url, page.timestamp, page.content_type, page.content_length
