"""The steps of a build: each function does one step on one item, and reads and writes the page store or a shard.

    step          input                               output                                 decided in
    clean         a WET file                          a partition of the page store          clean.py
    dedup_urls    URL claims of a bucket              winners of each scope                  dedup.py
    claim_lines   a partition, its winners            line claims                            dedup.py
    dedup_lines   line claims of a bucket             line owners                            c4pipe/dedup/resolve.py
    finalize      a partition, its winners, owners    documents of each variant and split    finalize.py
    write         documents of a shard                its files                              sharding.py, c4pipe/shards

The rooms in the last column are pure functions. ``exchange/shuffle.py`` and ``exchange/files.py`` hand the outputs to
the next step, through Beam's shuffle or through files.
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
from c4pipe.fs import download, errors, files, paths
from c4pipe.shards import read_write

# Errors of this machine, not of a WET file: a full disk, too many open files, no memory.
LACKS = frozenset({*files.FULL, errno.EMFILE, errno.ENFILE, errno.ENOMEM})


def item(number: int, *more: int) -> str:
    """Return the name of an item.

    >>> item(3), item(0, 3)
    ('00003', '00000-00003')
    """
    return "-".join(f"{each:05d}" for each in (number, *more))


def clean(job: Job, part: int) -> tuple[pa.Table, dict[str, Any]]:
    """Read a WET file, or a partition of an earlier page store, into this store; return its pages and the report.

    A file that cannot be read leaves an empty partition, and ``unreadable`` in the report with the reason. A partition
    of an earlier store that has all columns stays where it is.
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
        report["unreadable"] = f"{type(error).__name__}: {errors.reason_of(error)}".replace(f"{source['path']}: ", "")
    tables.write_pages(job.store.pages(part), cleaned.pages, job.store_compression)
    return cleaned.pages, report | cleaned.report()


def _reuse_part(job: Job, source: inputs.Source) -> tuple[pa.Table, dict[str, Any]]:
    before = tables.read_pages(source["pages"])
    earlier: Any = files.read_json(source["report"])
    pages, report = backfill.fill_columns(before, earlier, job)
    if pages.column_names != before.column_names:
        tables.write_pages(job.store.pages(source["part"]), pages, job.store_compression)
    return pages, report


def stored_pages(job: Job, part: int, columns: Callable[[str], bool]) -> pa.Table:
    """Return the columns whose names pass ``columns`` of a partition that was cleaned before."""
    return tables.read_pages(inputs.pages_path(job, part), columns)


def list_urls(job: Job) -> None:
    """Write the keys of each scope's list of URLs into the store, by bucket."""
    for number, scope in enumerate(job.scopes):
        last = job.store.listed(number, job.buckets - 1)  # a finished build keeps only the report
        if scope.listed is not None and not (job.store.is_done("list", item(number)) and files.exists(last)):
            listed = key_arrays.unique_keys(scope.listed.listed())
            bounds = key_arrays.bucket_bounds(listed["key"], job.buckets)
            for bucket in range(job.buckets):
                tables.write_array(job.store.listed(number, bucket), listed[bounds[bucket] : bounds[bucket + 1]])
            job.store.finish("list", item(number), {"urls": len(listed)})


def dedup_urls(
    job: Job, bucket: int, claims: Iterable[pa.Table], slices: int = 1
) -> Iterator[tuple[int, key_arrays.RowIds]]:
    """Yield the number of each scope with the row ids of its winners in a bucket, sorted; then write the report.

    ``claims`` has ``slices`` tables, each of an equal range of the bucket's keys.
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
    for number, row_ids in enumerate(winners):
        yield number, key_arrays.sort_row_ids(np.concatenate(row_ids))
    report = {str(number): dict(counted) for number, counted in enumerate(counters)}
    job.store.finish("dedup_urls", item(bucket), {"counters": report})


def claim_lines(job: Job, origin: LineScope, part: int, winners: key_arrays.RowIds) -> resolve.LineClaims:
    """Return the line claims of a partition's winners."""
    job.begin()
    with tables.open_pages(inputs.pages_path(job, part)) as pages:
        return dedup.make_line_claims(pages, winners, part, origin)


def finalize_part(
    job: Job, part: int, row_ids: dict[LineScope, tuple[key_arrays.RowIds, key_arrays.RowIds]]
) -> tuple[dict[tuple[str, str], pa.Table], dict[str, Any]]:
    """Return the final documents of a partition by variant and split, and the report: counters and sizes.

    ``row_ids`` has the winners and the line owners of each line scope.
    """
    job.begin()
    with tables.open_pages(inputs.pages_path(job, part)) as pages:
        finalized = finalize.finalize_pages(pages, row_ids, job.branches, job.seed)
    documents = finalized.tables()
    sizes = [
        {"variant": variant, "split": split, "documents": len(table), "bytes": sharding.documents_bytes(table)}
        for (variant, split), table in sorted(documents.items())
    ]
    return documents, {"counters": finalized.counters, "splits": sizes}


def shard_path(job: Job, shard: sharding.Shard, form: str) -> str:
    """Return the path of a shard in a format."""
    return paths.join(job.output, shard.variant, read_write.shard_name(form, shard.split, shard.index, shard.count))


def write_shard(job: Job, shard: sharding.Shard, documents: Callable[[], Iterable[pa.Table]]) -> None:
    """Write a shard in every format, then the report, which describes its files.

    ``documents`` returns the sorted documents, table by table. It is called once for each format.
    """
    infos = []
    for form in job.formats:
        path = shard_path(job, shard, form)
        with files.write_atomic(path) as stream:
            infos.append(asdict(read_write.write_shard(form, stream, documents(), name=path.rpartition("/")[2])))
    job.store.finish("write", shard.item, {"variant": shard.variant, "shards": infos})
