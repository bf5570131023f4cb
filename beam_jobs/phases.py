"""The steps of a build, each a pure function from what a work item brings to what it leaves.

    clean         a WET file            -> its part of the page store, URL claims
    settle_urls   a bucket of claims    -> the pages that won            c4pipe/keys.py
    claim_lines   a part and its winners -> line claims
    settle_lines  a bucket of claims    -> the lines that own their key  c4pipe/keys.py
    judge_part    a part, its winners, its owners -> final documents, by shard
    write_shard   a shard's documents   -> its files                     shards in order of a keyed hash

No step knows which driver calls it: ``files_driver.py`` on one machine, ``graph_driver.py`` on a cluster.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa

from beam_jobs.plan import Job, Legs, judge
from c4pipe import keys, shards, urls
from c4pipe.dedup import line_key, owner_rank
from c4pipe.page import Page
from c4pipe.variants import flat
from c4pipe.wet import WetReader

SCHEMA_NUMBER = 1  # of the page store
WET_NAMESPACE = "split-wet-file"
TALLY = "tally:"  # a column of the page store that counts: what the stages of `cleaning` said of a page

PAGES = pa.schema(
    [
        ("url", pa.string()),
        ("timestamp", pa.string()),
        ("content-type", pa.string()),
        ("content-length", pa.string()),
        ("text", pa.large_string()),  # cleaned; null if the page was dropped
        ("text_md5", pa.binary(keys.KEY_BYTES)),  # of the text before cleaning
        ("dropped", pa.string()),  # the stage that dropped the page, if one did
    ]
)
SPLITS = ("train", "validation")
BATCH_DOCUMENTS = 2048  # documents of 190,000 characters fit Arrow's 32-bit offsets in such a batch
DOCUMENTS = pa.schema(
    [
        ("key", pa.binary(keys.KEY_BYTES)),
        *((name, pa.large_string() if name == "text" else pa.string()) for name in shards.FIELDS),
    ]
)


class UnreadableWetFile(ValueError):
    """A WET file in which no record could be found."""


@dataclass(frozen=True)
class Cleaned:
    """What a WET file left: its pages, their URL claims, and what was counted and found wrong."""

    pages: pa.Table
    claims: pa.Table
    counters: Mapping[str, int]
    faults: Sequence[Mapping[str, object]]  # the first of them, where there are many
    fault_counts: Mapping[str, int]  # all of them, by kind


def clean(stream: BinaryIO, *, name: str, part: int, legs: Legs) -> Cleaned:
    """Read a WET file and take its pages through every stage that sees one page alone."""
    reader = WetReader(stream, name=name)
    counters: Counter[str] = Counter()
    rows: list[dict[str, Any]] = []
    tallies: list[Counter[str]] = []
    for page in reader:
        alive, _, counts = judge(legs.alone, page)
        counters.update(counts)
        if alive is not None:
            kept, dropped, tally = judge(legs.cleaning, alive)
            rows.append(_row(alive, kept, dropped))
            tallies.append(tally)
    counters.update(flat(WET_NAMESPACE, reader.tally))
    if reader.fault_counts["no_record"]:
        raise UnreadableWetFile("; ".join(map(str, reader.faults)))
    pages = pa.Table.from_pylist(rows, schema=PAGES)
    for counter in sorted(set().union(*tallies)):
        pages = pages.append_column(TALLY + counter, pa.array([tally[counter] for tally in tallies], pa.uint32()))
    faults = [{"kind": f.kind, "file": f.file, "offset": f.offset, "detail": f.detail} for f in reader.faults]
    return Cleaned(pages, url_claims(pages, part), dict(counters), faults, dict(reader.fault_counts))


def nothing(part: int) -> Cleaned:
    """What a WET file that cannot be read leaves."""
    return Cleaned(PAGES.empty_table(), url_claims(PAGES.empty_table(), part), {}, (), {})


def _row(page: Page, kept: Page | None, dropped: str | None) -> dict[str, Any]:
    return {
        "url": page.url,
        "timestamp": page.timestamp,
        "content-type": page.content_type,
        "content-length": page.content_length,
        "text": None if kept is None else kept.text,
        "text_md5": hashlib.md5(page.text.encode()).digest(),
        "dropped": dropped,
    }


def url_claims(pages: pa.Table, part: int) -> pa.Table:
    """Return the sorted URL claims of a part's pages."""
    columns = {
        "key": pa.array([urls.url_digest(url) for url in pages["url"].to_pylist()], pa.binary(keys.KEY_BYTES)),
        "timestamp": pages["timestamp"],
        "text_md5": pages["text_md5"],
        "url": pages["url"],
        "content_type": pages["content-type"],
        "content_length": pages["content-length"],
        "part": pa.array(np.full(len(pages), part, np.uint32)),
        "row": pa.array(np.arange(len(pages), dtype=np.uint32)),
    }
    return keys.sort_url_claims(pa.table(columns, schema=keys.URL_CLAIMS))


def claim_lines(pages: pa.Table, winners: keys.Places, part: int) -> keys.LineClaims:
    """Return the line claims of a part's winners."""
    alive = ((row, url, text) for row, url, text in _rows(pages, winners, "url", "text") if text is not None)
    claims = ((row, owner_rank(url), [line_key(line) for line in text.split("\n")]) for row, url, text in alive)
    return keys.line_claims(claims, part=part)


def _rows(pages: pa.Table, winners: keys.Places, *columns: str) -> Iterator[tuple[Any, ...]]:
    rows = winners["row"]
    taken = pages.select(list(columns)).take(pa.array(rows, pa.uint32()))
    yield from zip(rows.tolist(), *(column.to_pylist() for column in taken.columns), strict=True)


def judge_part(
    pages: pa.Table, winners: keys.Places, owners: keys.Places, job: Job
) -> tuple[dict[int, pa.Table], Counter[str]]:
    """Return the final documents of a part by shard number (see ``shard_number``), and what was counted."""
    legs = job.legs
    counters = _winners_tally(pages, winners)
    if len(winners):
        counters.update({f"{legs.newest.name}/passed": len(winners), f"{legs.newest.name}/filtered": 0})
    lines_of = {} if legs.lines is None else _lines_by_row(owners)
    documents: dict[int, list[dict[str, Any]]] = {}
    fields = ("url", "timestamp", "content-type", "content-length", "text")
    for row, url, timestamp, content_type, content_length, text in _rows(pages, winners, *fields):
        if text is None:
            continue
        page: Page | None = Page(url, text, timestamp, content_type, content_length)
        assert page is not None
        if legs.lines is not None:
            lines = text.split("\n")
            owned = {line_key(lines[line]) for line in lines_of.get(row, ())}
            verdict = legs.lines.judge_owned(page, owned)
            counters.update(flat(legs.lines.name, verdict.tally))
            page = verdict.page
        if page is not None:
            page, _, counts = judge(legs.judging, page)
            counters.update(counts)
        if page is not None:
            number, document = _document(page, job)
            documents.setdefault(number, []).append(document)
    return {n: pa.Table.from_pylist(rows, schema=DOCUMENTS) for n, rows in documents.items()}, counters


def _winners_tally(pages: pa.Table, winners: keys.Places) -> Counter[str]:
    """What the stages of ``cleaning`` counted for the winners."""
    rows = winners["row"]
    names = [name for name in pages.column_names if name.startswith(TALLY)]
    sums = {name.removeprefix(TALLY): int(pages[name].to_numpy()[rows].sum(dtype=np.int64)) for name in names}
    return Counter({name: n for name, n in sums.items() if n})


def _lines_by_row(owners: keys.Places) -> dict[int, list[int]]:
    lines: dict[int, list[int]] = {}
    for row, line in zip(owners["row"].tolist(), owners["line"].tolist(), strict=True):
        lines.setdefault(row, []).append(line)
    return lines


def _document(page: Page, job: Job) -> tuple[int, dict[str, Any]]:
    key = shards.document_key(page.url, job.seed)
    split = urls.split(page.url)
    document = {
        "key": key,
        "text": page.text,
        "url": page.url,
        "timestamp": page.timestamp,
        "content-type": page.content_type,
        "content-length": page.content_length,
    }
    return shard_number(job, split, shards.shard_of(key, job.shards_of(split))), document


def shard_number(job: Job, split: str, index: int) -> int:
    """Number a split's shard among all shards of a build: those of train, then those of validation."""
    return index + sum(job.shards_of(earlier) for earlier in SPLITS[: SPLITS.index(split)])


def shard_place(job: Job, number: int) -> tuple[str, int]:
    """Return the split and the index of a shard number."""
    for split in SPLITS:
        if number < job.shards_of(split):
            return split, number
        number -= job.shards_of(split)
    raise ValueError(f"shard {number} beyond the last; the build has {[job.shards_of(split) for split in SPLITS]}")


def in_order(tables: Sequence[pa.Table]) -> pa.Table:
    """Return the documents of a shard as they are written: by their keyed hash, wherever they come from."""
    documents = pa.concat_tables([DOCUMENTS.empty_table(), *tables])
    high, low = keys.words(documents["key"].to_pylist())
    ordered = documents.drop_columns("key").take(np.lexsort((low, high)))
    pieces = ordered.combine_chunks().to_batches(max_chunksize=BATCH_DOCUMENTS)
    return pa.Table.from_batches(pieces, schema=ordered.schema)
