"""The steps of a build, each a pure function from what a work item brings to what it leaves.

    clean         a WET file             -> its part of the page store
    claim_urls    a part                 -> URL claims
    settle_urls   a bucket of claims     -> the pages that won, a scope each
    claim_lines   a part and its winners -> line claims
    settle_lines  a bucket of claims     -> the lines that own their key       c4pipe/keys.py
    judge_part    a part, its winners, its owners -> final documents, by variant and split
    in_order      a shard's documents    -> as they are written

No step knows which driver calls it: ``files_driver.py`` on one machine, ``graph_driver.py`` on a cluster.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from beam_jobs.described import name_of
from beam_jobs.plan import Branch, Job, LineScope, Scope, only_filters
from beam_jobs.tree import Tree
from c4pipe import keys, shards, urls
from c4pipe.page import Page
from c4pipe.urls import InDomains
from c4pipe.variants import flat
from c4pipe.wet import WetReader

SCHEMA_NUMBER = 2  # of the page store
WET_NAMESPACE = "split-wet-file"
BATCH_DOCUMENTS = 2048  # documents of 190,000 characters fit Arrow's 32-bit offsets in such a batch

PAGES = pa.schema(
    [
        ("url", pa.string()),
        ("timestamp", pa.string()),
        ("content-type", pa.string()),
        ("content-length", pa.string()),
        ("text_md5", pa.binary(keys.KEY_BYTES)),  # of the text before cleaning
    ]
)
RAW = "raw"  # the text before cleaning, where the store holds it
ENTERS = "enters:"  # + name of an entry: the page competes for its URL
KEPT = "kept:"  # + name of a cleaning: the page has lines left
TEXT = "text:"  # + name of a cleaning: those lines; none where the cleaning only filters, then they are the raw text
TALLY = "tally:"  # + name of a cleaning, ":", a counter

ANY_PAGE = Page("", "", "")  # for counts that are the same for every page

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
    """What a WET file left: its pages, and what was counted and found wrong."""

    pages: pa.Table
    wet: Mapping[str, Mapping[str, int]] = field(default_factory=dict)  # semantics -> what the reader counted
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
    if reader.fault_counts["no_record"]:
        raise UnreadableWetFile("; ".join(map(str, reader.faults)))
    return Cleaned(
        pages=pages.table(),
        wet={semantics: flat(WET_NAMESPACE, tally) for semantics, tally in reader.tallies.items()},
        entries=pages.entered(),
        faults=[{"kind": f.kind, "file": f.file, "offset": f.offset, "detail": f.detail} for f in reader.faults],
        fault_counts=dict(reader.fault_counts),
    )


def nothing(job: Job) -> Cleaned:
    """What a WET file that cannot be read leaves."""
    return Cleaned(_Pages(job).table())


class _Pages:
    """The rows of a part as they come."""

    def __init__(self, job: Job) -> None:
        self.raw = job.holds_raw
        self.entries = {True: Tree(job.entries), False: Tree(job.entries)}  # for pages with and without a timestamp
        self.cleanings = Tree(job.cleanings)
        self.rows: list[dict[str, Any]] = []
        self.tallies: list[dict[str, int]] = []

    def add(self, page: Page) -> None:
        """Take a page in, unless no variant has a use for it."""
        entered = self.entries[bool(page.timestamp)].judge(page)
        if not any(entered.values()):
            return
        row: dict[str, Any] = {
            "url": page.url,
            "timestamp": page.timestamp,
            "content-type": page.content_type,
            "content-length": page.content_length,
            "text_md5": hashlib.md5(page.text.encode(), usedforsecurity=False).digest(),
        }
        if self.raw:
            row[RAW] = page.text
        row |= {ENTERS + name: alive is not None for name, alive in entered.items()}
        cleaned, tally = _cleaned(self.cleanings, page)
        self.rows.append(row | cleaned)
        self.tallies.append(tally)

    def table(self) -> pa.Table:
        """The part of the page store."""
        schema = list(PAGES)
        if self.raw:
            schema.append(pa.field(RAW, pa.large_string()))
        schema += [pa.field(ENTERS + name, pa.bool_()) for name in self.entries[True].lines]
        schema += _cleaned_schema(self.cleanings)
        return _with_tallies(pa.Table.from_pylist(self.rows, schema=pa.schema(schema)), self.tallies)

    def entered(self) -> dict[str, dict[str, dict[str, int]]]:
        """What each entry counted."""
        dated, undated = self.entries[True].counters(), self.entries[False].counters()
        return {name: {"dated": dict(dated[name]), "undated": dict(undated[name])} for name in dated}


def _cleaned(cleanings: Tree, page: Page) -> tuple[dict[str, Any], dict[str, int]]:
    """The columns of a page that the cleanings make, and their counts by column."""
    row: dict[str, Any] = {}
    tallies: dict[str, int] = {}
    for name, (kept, tally) in cleanings.judge_counted(page).items():
        row[KEPT + name] = kept is not None
        if not only_filters(cleanings.lines[name]):
            row[TEXT + name] = None if kept is None else kept.text
        tallies |= {f"{TALLY}{name}:{counter}": n for counter, n in tally.items()}
    return row, tallies


def _cleaned_schema(cleanings: Tree) -> list[pa.Field]:
    schema = []
    for name, stages in cleanings.lines.items():
        schema.append(pa.field(KEPT + name, pa.bool_()))
        if not only_filters(stages):
            schema.append(pa.field(TEXT + name, pa.large_string()))
    return schema


def _with_tallies(pages: pa.Table, tallies: Sequence[Mapping[str, int]]) -> pa.Table:
    for column in sorted(set().union(*tallies)):
        pages = pages.append_column(column, pa.array([tally.get(column, 0) for tally in tallies], pa.uint32()))
    return pages


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
        tree = Tree(missing)
        made = [_cleaned(tree, page) for page in _raw_pages(pages)]
        extra = pa.Table.from_pylist([row for row, _ in made], schema=pa.schema(_cleaned_schema(tree)))
        extra = _with_tallies(extra, [tally for _, tally in made])
        for column in extra.column_names:
            pages = pages.append_column(column, extra[column])
    return pages, {**found, "entries": entries}


def reachable_from(entry: Sequence[Any]) -> Iterator[int]:
    """Yield the lengths of beginnings of an entry from which the rest can be done by the URL alone, the whole first."""
    for length in range(len(entry), -1, -1):
        yield length
        if length and not isinstance(entry[length - 1], InDomains):
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
    columns = ("url", RAW, "timestamp", "content-type", "content-length")
    for values in zip(*(pages[column].to_pylist() for column in columns), strict=True):
        yield Page(*values)


def claim_urls(pages: pa.Table, part: int, job: Job) -> pa.Table:
    """Return the sorted URL claims of a part's pages, each with the scopes in which it competes."""
    columns = {
        "key": pa.array([urls.url_digest(url) for url in pages["url"].to_pylist()], pa.binary(keys.KEY_BYTES)),
        "timestamp": pages["timestamp"],
        "text_md5": pages["text_md5"],
        "url": pages["url"],
        "content_type": pages["content-type"],
        "content_length": pages["content-length"],
        "scopes": pa.array(_competing(pages, part, job)),
        "part": pa.array(np.full(len(pages), part, np.uint32)),
        "row": pa.array(np.arange(len(pages), dtype=np.uint32)),
    }
    return keys.sort_url_claims(pa.table(columns, schema=keys.URL_CLAIMS))


def _competing(pages: pa.Table, part: int, job: Job) -> npt.NDArray[np.uint64]:
    """A bit for each scope, set where the page competes."""
    bits = np.zeros(len(pages), np.uint64)
    dated = np.array([bool(timestamp) for timestamp in pages["timestamp"].to_pylist()], bool)
    for number, scope in enumerate(job.scopes):
        if any(crawl.first <= part < crawl.last for crawl in scope.crawls):
            enters = pages[ENTERS + name_of(scope.entry)].to_numpy().astype(bool)
            competes = enters if scope.undated else enters & dated
            bits |= competes.astype(np.uint64) << np.uint64(number)
    return bits


def settle_urls(
    claims: pa.Table, scope: Scope, number: int, listed: keys.Keys | None
) -> tuple[keys.Places, Counter[str]]:
    """Return the pages that won in a scope, of all claims of a bucket, and what was counted.

    ``listed`` are the keys of the bucket that the scope's list of URLs has.
    """
    bit = np.uint64(1 << number)
    competing = claims.filter(pa.array((claims["scopes"].to_numpy() & bit) != 0))
    winners, winner_keys = keys.url_winners(competing, scope.newest.rank)
    counters: Counter[str] = Counter()
    for won, pages in ((True, len(winners)), (False, len(competing) - len(winners))):
        tally = scope.newest.verdict(ANY_PAGE, won=won).tally if pages else {}
        counters.update({name: n * pages for name, n in flat(scope.newest.name, tally).items()})
    if scope.listed is not None:
        assert listed is not None
        found = keys.found(winner_keys, listed)
        missing = len(listed) - int(found.sum())
        counted = {"passed": int(found.sum()), "filtered": int((~found).sum()), "missing-page": missing}
        counters.update(flat(scope.listed.name, {name: n for name, n in counted.items() if n}))
        winners = winners[found]
    return np.sort(winners, order=["part", "row"]), counters


def text_of(pages: pa.Table, cleaning: str) -> str:
    """Name the column that holds what a cleaning left of a page."""
    return TEXT + cleaning if TEXT + cleaning in pages.column_names else RAW


def claim_lines(pages: pa.Table, winners: keys.Places, part: int, origin: LineScope) -> keys.LineClaims:
    """Return the line claims of a part's winners."""
    assert origin.lines is not None
    lines = origin.lines
    rows = _alive(pages, winners, name_of(origin.cleaning), "url")
    return keys.line_claims(((row, lines.owner_rank(url), lines.keys(text)) for row, text, url in rows), part=part)


def _alive(pages: pa.Table, winners: keys.Places, cleaning: str, *fields: str) -> Iterator[tuple[Any, ...]]:
    """The winners that a cleaning kept: row, text, and the named fields."""
    rows = winners["row"][pages[KEPT + cleaning].to_numpy()[winners["row"]].astype(bool)]
    taken = pages.select([text_of(pages, cleaning), *fields]).take(pa.array(rows, pa.uint32()))
    yield from zip(rows.tolist(), *(column.to_pylist() for column in taken.columns), strict=True)


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
    fields = ("url", "timestamp", "content-type", "content-length")
    for row, text, *rest in _alive(pages, winners, cleaning, *fields):
        page: Page | None = Page(rest[0], text, *rest[1:])
        if origin.lines is not None and page is not None:
            line_keys = origin.lines.keys(text)
            verdict = origin.lines.judge_owned(page, {line_keys[line] for line in owned_of.get(row, ())})
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


def shard_bounds(documents: pa.Table, count: int) -> npt.NDArray[np.int64]:
    """Return where each of ``count`` shards begins in documents that are sorted by key."""
    return keys.bucket_bounds(keys.leading_words(documents)[0], count)


def in_order(tables: Sequence[pa.Table]) -> pa.Table:
    """Return the documents of a shard as they are written: by their keyed hash, wherever they come from."""
    documents = pa.concat_tables([DOCUMENTS.empty_table(), *tables])
    high, low = keys.words(documents["key"].to_pylist())
    ordered = documents.drop_columns("key").take(np.lexsort((low, high)))
    pieces = ordered.combine_chunks().to_batches(max_chunksize=BATCH_DOCUMENTS)
    return pa.Table.from_batches(pieces, schema=ordered.schema)


def size_of(documents: pa.Table) -> int:
    """Bytes of the documents' fields, without what a format adds."""
    return sum(int(pc.sum(pc.binary_length(documents[name])).as_py() or 0) for name in shards.FIELDS)


@dataclass(frozen=True, order=True)
class Shard:
    """One shard of a split of a variant, in all formats."""

    variant: str
    split: str
    index: int
    count: int

    @property
    def item(self) -> str:
        """Its name as an item."""
        return f"{self.variant}.{self.split}.{self.index:05d}-of-{self.count:05d}"


def shards_of(job: Job, sizes: Mapping[tuple[str, str], int]) -> list[Shard]:
    """All shards of the splits that have documents, given their sizes: a split without any has no files."""
    return [
        Shard(variant, split, index, count)
        for (variant, split), size in sorted(sizes.items())
        for count in [job.shards_of(split, size)]
        for index in range(count)
    ]


def shard_named(item: str) -> Shard:
    """The shard of an item's name.

    >>> shard_named("en.noblocklist.train.00003-of-00008")
    Shard(variant='en.noblocklist', split='train', index=3, count=8)
    """
    variant, split, place = item.rsplit(".", 2)
    index, count = place.split("-of-")
    return Shard(variant, split, int(index), int(count))
