"""The last judgement of a page: the lines that it owns, then what sees it alone, for all variants at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from beam_jobs.dealing import DOCUMENTS
from beam_jobs.names import name_of
from beam_jobs.page_store import TALLY, alive
from beam_jobs.plan import Branch, LineScope
from beam_jobs.tree import Tree
from c4pipe import keys, shards
from c4pipe.page import Page
from c4pipe.variants import flat


@dataclass
class Judged:
    """The final documents of a part by (variant, split), and what was counted for each variant."""

    documents: dict[tuple[str, str], list[dict[str, Any]]] = field(default_factory=dict)
    counters: dict[str, Counter[str]] = field(default_factory=dict)

    def tables(self) -> dict[tuple[str, str], pa.Table]:
        """The documents as tables, in the order of their keys."""
        tables = {}
        for place, rows in self.documents.items():
            table = pa.Table.from_pylist(rows, schema=DOCUMENTS)
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
    for row, cleaned in alive(pages, winners, cleaning):
        page: Page | None = cleaned
        if origin.lines is not None:
            line_keys = origin.lines.keys(cleaned.text)
            verdict = origin.lines.judge_owned(cleaned, {line_keys[line] for line in owned_of.get(row, ())})
            shared.update(flat(origin.lines.name, verdict.tally))
            page = verdict.page
        if page is not None:
            for name, left in tree.judge(page).items():
                if left is not None:
                    judged.documents.setdefault((name, variants[name].split(left)), []).append(_document(left, seed))
    for name, counted in tree.counters().items():
        judged.counters[name] = shared + counted


def _winners_tally(pages: pa.Table, winners: keys.Places, cleaning: str) -> Counter[str]:
    """What the stages of a cleaning counted for the winners."""
    prefix = f"{TALLY}{cleaning}:"
    rows = winners["row"]
    columns = [name for name in pages.column_names if name.startswith(prefix)]
    sums = {name.removeprefix(prefix): int(pages[name].to_numpy()[rows].sum(dtype=np.int64)) for name in columns}
    return Counter({name: n for name, n in sums.items() if n})


def _lines_by_row(owners: keys.Places) -> dict[int, list[int]]:
    lines: dict[int, list[int]] = {}
    for row, line in zip(owners["row"].tolist(), owners["line"].tolist(), strict=True):
        lines.setdefault(row, []).append(line)
    return lines


def _document(page: Page, seed: int) -> dict[str, Any]:
    return {
        "key": shards.document_key(page.url, seed),
        "text": page.text,
        "url": page.url,
        "timestamp": page.timestamp,
        "content-type": page.content_type,
        "content-length": page.content_length,
    }
