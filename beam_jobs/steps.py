"""The steps of a build with what they read and write: what a driver hands to a worker.

    clean         a WET file             -> its part of the page store, URL claims      page_store.py, settling.py
    settle_urls   a bucket of claims     -> the pages that won, a scope each            settling.py
    claim_lines   a part and its winners -> line claims                                 settling.py
    settle_lines  a bucket of claims     -> the lines that own their key                c4pipe/keys.py
    judge_part    a part, its winners, its owners -> final documents, by variant, split judging.py
    write_shard   a shard's documents    -> its files                                   dealing.py, c4pipe/shards.py

What a step decides is a pure function in the rooms named beside it. ``files_driver.py`` uses all of them: there every
exchange goes through files of the store, and memory is that of the largest item. ``graph_driver.py`` uses those that
read or write the page store and the shards.
"""

from __future__ import annotations

import errno
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from typing import Any

import numpy as np
import pyarrow as pa

from beam_jobs import budget, completing, dealing, judging, page_store, settling, sources, store
from beam_jobs.plan import Job, LineScope
from c4pipe import download, files, keys, location, shards

# What a step holds at its peak, by the bytes of what it settles or sorts.
URL_COPIES, LINE_COPIES, DOCUMENT_COPIES = 3, 5, 3
URL_CLAIMS_BYTES_MAX = 2**30  # settled at a time, however much memory there is: a column of URLs holds 2 GiB
MAPPED_PARTS_MAX = 10_000  # whose documents stay mapped while a shard is written; a process can map some 65,000 files

# What this machine lacks, for whatever file: a full disk that a WET file was fetched to, say.
LACKS = frozenset({*files.FULL, errno.EMFILE, errno.ENFILE, errno.ENOMEM})


def item(number: int, *more: int) -> str:
    """Name an item.

    >>> item(3), item(0, 3)
    ('00003', '00000-00003')
    """
    return "-".join(f"{each:05d}" for each in (number, *more))


def clean(job: Job, part: int) -> tuple[pa.Table, dict[str, Any]]:
    """Read a WET file, or a part of an earlier page store, into this one; return the part and the report.

    A file that cannot be read leaves an empty part and is named in the report as ``unreadable``. A part of an earlier
    store that has what is needed is left where it is.
    """
    job.begin()
    source = sources.of_job(job)[part]
    if "pages" in source:
        return _reuse(job, source)
    report: dict[str, Any] = {"file": source["path"]}
    try:
        with sources.opened(source["path"]) as stream:
            cleaned = page_store.clean(stream, name=source["path"], job=job)
    except (OSError, download.DownloadError, page_store.UnreadableWetFile) as error:
        if isinstance(error, OSError) and error.errno in LACKS:
            raise
        cleaned = page_store.nothing(job)
        report["unreadable"] = f"{type(error).__name__}: {error}"
    store.write_pages(job.store.pages(part), cleaned.pages, job.store_compression)
    return cleaned.pages, report | cleaned.report()


def _reuse(job: Job, source: sources.Source) -> tuple[pa.Table, dict[str, Any]]:
    before = store.read_pages(source["pages"])
    found: Any = files.read_json(source["report"])
    pages, report = completing.complete(before, found, job)
    if pages.column_names != before.column_names:
        store.write_pages(job.store.pages(source["part"]), pages, job.store_compression)
    return pages, report


def clean_part(job: Job, part: int) -> None:
    """``clean``, leaving the URL claims in a file; of a part that was cleaned already only they are made."""
    done = job.store.is_done("clean", item(part))
    pages, report = (stored_pages(job, part, settling.claims_by), None) if done else clean(job, part)
    store.write_table(job.store.urls(part), settling.claim_urls(pages, part, job))
    if report is not None:
        job.store.finish("clean", item(part), report)


def stored_pages(job: Job, part: int, columns: Callable[[str], bool]) -> pa.Table:
    """The columns that are chosen of a part that was cleaned already."""
    return store.read_pages(sources.pages_path(job, part), columns)


def list_urls(job: Job) -> None:
    """Leave the keys of each list of URLs in the store, by bucket."""
    for number, scope in enumerate(job.scopes):
        last = job.store.listed(number, job.buckets - 1)  # a whole build keeps its report alone
        if scope.listed is not None and not (job.store.is_done("list", item(number)) and files.exists(last)):
            listed = keys.unique(scope.listed.listed())
            bounds = keys.bucket_bounds(listed["key"], job.buckets)
            for bucket in range(job.buckets):
                store.write_array(job.store.listed(number, bucket), listed[bounds[bucket] : bounds[bucket + 1]])
            job.store.finish("list", item(number), {"urls": len(listed)})


def settle_urls(
    job: Job, bucket: int, claims: Iterable[pa.Table], slices: int = 1
) -> Iterator[tuple[int, keys.Places]]:
    """Decide which pages win the URLs of a bucket: the winners of each scope; the report says what was counted.

    The claims come in so many slices, each an equal range of the bucket's keys.
    """
    winners: list[list[keys.Places]] = [[] for _ in job.scopes]
    counters: list[Counter[str]] = [Counter() for _ in job.scopes]
    for index, table in enumerate(claims):
        for number, scope in enumerate(job.scopes):
            listed = None
            if scope.listed is not None:
                listed = store.read_array(job.store.listed(number, bucket))
                first, last = keys.bucket_range(listed["key"], bucket * slices + index, job.buckets * slices)
                listed = listed[first:last]
            won, counted = settling.settle_urls(table, scope, number, listed)
            winners[number].append(won)
            counters[number].update(counted)
    for number, found in enumerate(winners):
        yield number, keys.in_order(np.concatenate(found))
    report = {str(number): dict(counted) for number, counted in enumerate(counters)}
    job.store.finish("settle_urls", item(bucket), {"counters": report})


def settle_url_bucket(job: Job, bucket: int) -> None:
    """``settle_urls``, leaving the winners in files."""
    fits = min(job.item_bytes // URL_COPIES, URL_CLAIMS_BYTES_MAX)
    slices = budget.slices(_share(map(job.store.urls, range(job.parts)), job.buckets), fits)
    claims = (
        pa.concat_tables([
            keys.copied(_slice_urls(job, part, bucket * slices + index, job.buckets * slices))
            for part in range(job.parts)
        ])
        for index in range(slices)
    )  # fmt: skip
    for number, winners in settle_urls(job, bucket, claims, slices):
        store.write_array(job.store.winners(number, bucket), winners)


def _share(paths: Iterable[str], count: int) -> int:
    """The bytes of one of so many ranges of keys in files: keys are hashes, so they share alike."""
    return sum(map(files.size, paths)) // count


def _slice_urls(job: Job, part: int, bucket: int, buckets: int) -> pa.Table:
    claims = store.read_table(job.store.urls(part))
    first, last = keys.key_range(claims, bucket, buckets)
    return claims.slice(first, last - first)


def winners_of(job: Job, origin: LineScope, part: int) -> keys.Places:
    """The pages of a part that won in the scope of a line scope, from every bucket."""
    scope = job.scopes.index(origin.scope)
    return _gather((store.read_array(job.store.winners(scope, bucket)) for bucket in range(job.buckets)), part)


def owners_of(job: Job, origin: LineScope, part: int) -> keys.Places:
    """The lines of a part that own their key, from every bucket; none where all lines are kept."""
    if origin.lines is None:
        return np.empty(0, keys.LINE_PLACE)
    number = job.line_scopes.index(origin)
    return _gather((store.read_array(job.store.owners(number, bucket)) for bucket in range(job.buckets)), part)


def _gather(arrays: Iterable[keys.Places], part: int) -> keys.Places:
    return keys.in_order(np.concatenate([keys.of_part(array, part) for array in arrays]))


def claim_lines(job: Job, origin: LineScope, part: int, winners: keys.Places) -> keys.LineClaims:
    """The line claims of a part's winners, from the page store."""
    job.begin()
    with store.opened_pages(sources.pages_path(job, part)) as pages:
        return settling.claim_lines(pages, winners, part, origin)


def claim_part(job: Job, number: int, part: int) -> None:
    """``claim_lines``, leaving the claims in a file."""
    origin = job.line_scopes[number]
    claims = claim_lines(job, origin, part, winners_of(job, origin, part))
    store.write_array(job.store.claims(number, part), claims)
    job.store.finish("claim_lines", item(number, part))


def settle_line_bucket(job: Job, number: int, bucket: int) -> None:
    """Decide which lines own the keys of a bucket."""
    paths = (job.store.claims(number, part) for part in range(job.parts))
    slices = budget.slices(_share(paths, job.buckets) * LINE_COPIES, job.item_bytes)
    owners = []
    for index in range(slices):
        claims = [
            _slice_lines(job, number, part, bucket * slices + index, job.buckets * slices) for part in range(job.parts)
        ]
        owners.append(keys.line_owners(np.concatenate(claims)))
    store.write_array(job.store.owners(number, bucket), keys.by_part(np.concatenate(owners)))
    job.store.finish("settle_lines", item(number, bucket))


def _slice_lines(job: Job, number: int, part: int, bucket: int, buckets: int) -> keys.LineClaims:
    claims = store.read_array(job.store.claims(number, part))
    first, last = keys.bucket_range(claims["key"], bucket, buckets)
    return np.array(claims[first:last])  # as ``keys.copied``


def judge_part(
    job: Job, part: int, places: dict[LineScope, tuple[keys.Places, keys.Places]]
) -> tuple[dict[tuple[str, str], pa.Table], dict[str, Any]]:
    """The final documents of a part by variant and split; the report says what was counted and how much there is."""
    job.begin()
    with store.opened_pages(sources.pages_path(job, part)) as pages:
        judged = judging.judge_part(pages, places, job.branches, job.seed)
    tables = judged.tables()
    sizes = [
        {"variant": variant, "split": split, "documents": len(table), "bytes": dealing.size_of(table)}
        for (variant, split), table in sorted(tables.items())
    ]
    return tables, {"counters": judged.counters, "splits": sizes}


def judge_into_file(job: Job, part: int) -> None:
    """``judge_part``, leaving the documents in a file."""
    places = {o: (winners_of(job, o, part), owners_of(job, o, part)) for o in job.line_scopes}
    tables, report = judge_part(job, part, places)
    named = {f"{variant}/{split}": table for (variant, split), table in tables.items()}
    store.write_batches(job.store.documents(part), dealing.DOCUMENTS, named)
    job.store.finish("judge", item(part), report)


def shard_path(job: Job, shard: dealing.Shard, form: str) -> str:
    """Path of a shard in a format."""
    return location.join(job.output, shard.variant, shards.shard_name(form, shard.split, shard.index, shard.count))


def write_shard(job: Job, shard: dealing.Shard, documents: Callable[[], Iterable[pa.Table]]) -> None:
    """Write a shard's documents, which come in their order, in every format; the report describes the files."""
    infos = []
    for form in job.formats:
        path = shard_path(job, shard, form)
        with files.write_atomic(path) as stream:
            infos.append(asdict(shards.write_shard(form, stream, documents(), name=path.rpartition("/")[2])))
    job.store.finish("write", shard.item, {"variant": shard.variant, "shards": infos})


def write_from_files(job: Job, shard: dealing.Shard, size: int) -> None:
    """``write_shard`` with the documents that the parts' files hold for it, of so many bytes."""
    slices = budget.slices(size * DOCUMENT_COPIES, job.item_bytes)

    def in_order() -> Iterator[pa.Table]:
        for index in range(slices):
            yield dealing.in_order(list(_dealt(job, shard, shard.index * slices + index, shard.count * slices)))

    if slices == 1:
        whole = list(in_order())  # sorted once for all formats
        write_shard(job, shard, lambda: whole)
    else:
        write_shard(job, shard, in_order)


def _dealt(job: Job, shard: dealing.Shard, index: int, count: int) -> Iterator[pa.Table]:
    for part in range(job.parts):
        table = store.read_batch(job.store.documents(part), f"{shard.variant}/{shard.split}")
        if table is not None:
            first, last = keys.key_range(table, index, count)
            rows = table.slice(first, last - first)
            yield rows if job.parts <= MAPPED_PARTS_MAX else keys.copied(rows)
