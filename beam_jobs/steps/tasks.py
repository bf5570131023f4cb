"""The steps of a build with what they read and write: what a driver hands to a worker.

    clean         a WET file             -> its part of the page store, URL claims      clean.py, dedup.py
    dedup_urls    a bucket of claims     -> the pages that won, a scope each            dedup.py
    claim_lines   a part and its winners -> line claims                                 dedup.py
    dedup_lines   a bucket of claims     -> the lines that own their key                c4pipe/dedup/resolve.py
    finalize_part a part, its winners, its owners -> final documents, by variant, split finalize.py
    write_shard   a shard's documents    -> its files                                   sharding.py, c4pipe/shards

What a step decides is a pure function in the rooms named beside it. What is here reads or writes the page store and the
shards, however steps exchange: ``exchange/shuffle.py`` sends what they hand on, ``exchange/files.py`` leaves it in
files, so that memory is that of the largest item.
"""

from __future__ import annotations

import errno
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from typing import Any

import numpy as np
import pyarrow as pa

from beam_jobs.plan import inputs
from beam_jobs.plan.job import Job
from beam_jobs.plan.scopes import LineScope
from beam_jobs.steps import backfill, dedup, finalize, sharding
from beam_jobs.steps import clean as cleaning
from beam_jobs.store import tables
from c4pipe.dedup import key_arrays, resolve
from c4pipe.fs import download, files, paths
from c4pipe.shards import read_write

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
    source = inputs.job_sources(job)[part]
    if "pages" in source:
        return _reuse_part(job, source)
    report: dict[str, Any] = {"file": source["path"]}
    try:
        with inputs.open_wet_file(source["path"]) as stream:
            cleaned = cleaning.clean_wet_file(stream, name=source["path"], job=job)
    except (OSError, download.DownloadError, cleaning.UnreadableWetFile) as error:
        if isinstance(error, OSError) and error.errno in LACKS:
            raise
        cleaned = cleaning.nothing_cleaned(job)
        report["unreadable"] = f"{type(error).__name__}: {error}".replace(f"{source['path']}: ", "")
    tables.write_pages(job.store.pages(part), cleaned.pages, job.store_compression)
    return cleaned.pages, report | cleaned.report()


def _reuse_part(job: Job, source: inputs.Source) -> tuple[pa.Table, dict[str, Any]]:
    before = tables.read_pages(source["pages"])
    found: Any = files.read_json(source["report"])
    pages, report = backfill.fill_columns(before, found, job)
    if pages.column_names != before.column_names:
        tables.write_pages(job.store.pages(source["part"]), pages, job.store_compression)
    return pages, report


def stored_pages(job: Job, part: int, columns: Callable[[str], bool]) -> pa.Table:
    """The columns that are chosen of a part that was cleaned already."""
    return tables.read_pages(inputs.pages_path(job, part), columns)


def list_urls(job: Job) -> None:
    """Leave the keys of each list of URLs in the store, by bucket."""
    for number, scope in enumerate(job.scopes):
        last = job.store.listed(number, job.buckets - 1)  # a whole build keeps its report alone
        if scope.listed is not None and not (job.store.is_done("list", item(number)) and files.exists(last)):
            listed = key_arrays.unique_keys(scope.listed.listed())
            bounds = key_arrays.bucket_bounds(listed["key"], job.buckets)
            for bucket in range(job.buckets):
                tables.write_array(job.store.listed(number, bucket), listed[bounds[bucket] : bounds[bucket + 1]])
            job.store.finish("list", item(number), {"urls": len(listed)})


def dedup_urls(
    job: Job, bucket: int, claims: Iterable[pa.Table], slices: int = 1
) -> Iterator[tuple[int, key_arrays.RowIds]]:
    """Decide which pages win the URLs of a bucket: the winners of each scope; the report says what was counted.

    The claims come in so many slices, each an equal range of the bucket's keys.
    """
    winners: list[list[key_arrays.RowIds]] = [[] for _ in job.scopes]
    counters: list[Counter[str]] = [Counter() for _ in job.scopes]
    for index, table in enumerate(claims):
        for number, scope in enumerate(job.scopes):
            listed = None
            if scope.listed is not None:
                listed = tables.read_array(job.store.listed(number, bucket))
                first, last = key_arrays.bucket_range(listed["key"], bucket * slices + index, job.buckets * slices)
                listed = listed[first:last]
            won, counted = dedup.decide_urls(table, scope, number, listed)
            winners[number].append(won)
            counters[number].update(counted)
    for number, found in enumerate(winners):
        yield number, key_arrays.sort_row_ids(np.concatenate(found))
    report = {str(number): dict(counted) for number, counted in enumerate(counters)}
    job.store.finish("dedup_urls", item(bucket), {"counters": report})


def claim_lines(job: Job, origin: LineScope, part: int, winners: key_arrays.RowIds) -> resolve.LineClaims:
    """The line claims of a part's winners, from the page store."""
    job.begin()
    with tables.open_pages(inputs.pages_path(job, part)) as pages:
        return dedup.make_line_claims(pages, winners, part, origin)


def finalize_part(
    job: Job, part: int, places: dict[LineScope, tuple[key_arrays.RowIds, key_arrays.RowIds]]
) -> tuple[dict[tuple[str, str], pa.Table], dict[str, Any]]:
    """The final documents of a part by variant and split; the report says what was counted and how much there is."""
    job.begin()
    with tables.open_pages(inputs.pages_path(job, part)) as pages:
        judged = finalize.finalize_pages(pages, places, job.branches, job.seed)
    documents = judged.tables()
    sizes = [
        {"variant": variant, "split": split, "documents": len(table), "bytes": sharding.documents_bytes(table)}
        for (variant, split), table in sorted(documents.items())
    ]
    return documents, {"counters": judged.counters, "splits": sizes}


def shard_path(job: Job, shard: sharding.Shard, form: str) -> str:
    """Path of a shard in a format."""
    return paths.join(job.output, shard.variant, read_write.shard_name(form, shard.split, shard.index, shard.count))


def write_shard(job: Job, shard: sharding.Shard, documents: Callable[[], Iterable[pa.Table]]) -> None:
    """Write a shard's documents, which come in their order, in every format; the report describes the files."""
    infos = []
    for form in job.formats:
        path = shard_path(job, shard, form)
        with files.write_atomic(path) as stream:
            infos.append(asdict(read_write.write_shard(form, stream, documents(), name=path.rpartition("/")[2])))
    job.store.finish("write", shard.item, {"variant": shard.variant, "shards": infos})
