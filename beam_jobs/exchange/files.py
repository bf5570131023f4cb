"""Steps that exchange through files of the store: each function reads its inputs, does a step on one item, and writes.

``steps/tasks.py`` does the step itself. A bucket or shard that does not fit into ``Job.item_bytes`` is taken in slices.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa

from beam_jobs import memory_budget
from beam_jobs.plan.job import Job
from beam_jobs.plan.scopes import LineScope
from beam_jobs.report.bad_files import check_bad_files
from beam_jobs.steps import dedup, sharding, tasks
from beam_jobs.store import tables
from c4pipe.commoncrawl import listing
from c4pipe.dedup import key_arrays, resolve
from c4pipe.fs import files

# Peak memory of a step, as a multiple of the bytes that it deduplicates or sorts.
URL_COPIES, LINE_COPIES, DOCUMENT_COPIES = 3, 5, 3
URL_CLAIMS_BYTES_MAX = 2**30  # deduplicated at a time, whatever the memory: a column of URLs holds 2 GiB
MAPPED_PARTS_MAX = 10_000  # files of documents mapped while a shard is written; a process can map some 65,000


def send_url_claims(job: Job, part: int) -> None:
    """Clean a WET file, unless it was cleaned before, and write its URL claims.

    Raises ``TooManyBadFiles`` as soon as too many files cannot be fetched. Else a build would ask a server that is gone
    for each of the other files, half an hour for each.
    """
    done = job.store.is_done("clean", tasks.item(part))
    pages, report = (tasks.stored_pages(job, part, dedup.is_claim_column), None) if done else tasks.clean(job, part)
    tables.write_table(job.store.urls(part), dedup.make_url_claims(pages, part, job))
    if report is not None:
        job.store.finish("clean", tasks.item(part), report)
        if "unreadable" in report and listing.is_http(report["file"]):
            check_bad_files(job)


def send_winners(job: Job, bucket: int) -> None:
    """Deduplicate the URLs of a bucket and write the winners of each scope."""
    fits = min(job.item_bytes // URL_COPIES, URL_CLAIMS_BYTES_MAX)
    slices = memory_budget.slice_count(_bucket_bytes(map(job.store.urls, range(job.parts)), job.buckets), fits)
    claims = (
        pa.concat_tables([
            key_arrays.copied_to_memory(_slice_urls(job, part, bucket * slices + index, job.buckets * slices))
            for part in range(job.parts)
        ])
        for index in range(slices)
    )  # fmt: skip
    for number, winners in tasks.dedup_urls(job, bucket, claims, slices):
        tables.write_array(job.store.winners(number, bucket), winners)


def _bucket_bytes(paths: Iterable[str], count: int) -> int:
    """Return the bytes of one of ``count`` equal ranges of keys in files. Keys are hashes, so all ranges are alike."""
    return sum(map(files.size, paths)) // count


def _slice_urls(job: Job, part: int, bucket: int, buckets: int) -> pa.Table:
    claims = tables.read_table(job.store.urls(part))
    first, last = key_arrays.key_range(claims, bucket, buckets)
    return claims.slice(first, last - first)


def winners_of(job: Job, origin: LineScope, part: int) -> key_arrays.RowIds:
    """Return the winners of a partition in the scope of a line scope, from all buckets, sorted."""
    scope = job.scopes.index(origin.scope)
    return _collect_part((tables.read_array(job.store.winners(scope, bucket)) for bucket in range(job.buckets)), part)


def owners_of(job: Job, origin: LineScope, part: int) -> key_arrays.RowIds:
    """Return the line owners of a partition, from all buckets, sorted; none if the line scope keeps all lines."""
    if origin.lines is None:
        return np.empty(0, key_arrays.LINE_ID)
    number = job.line_scopes.index(origin)
    return _collect_part((tables.read_array(job.store.owners(number, bucket)) for bucket in range(job.buckets)), part)


def _collect_part(arrays: Iterable[key_arrays.RowIds], part: int) -> key_arrays.RowIds:
    return key_arrays.sort_row_ids(np.concatenate([key_arrays.row_ids_of_part(array, part) for array in arrays]))


def send_line_claims(job: Job, number: int, part: int) -> None:
    """Write the line claims of a partition's winners in a line scope."""
    origin = job.line_scopes[number]
    claims = tasks.claim_lines(job, origin, part, winners_of(job, origin, part))
    tables.write_array(job.store.claims(number, part), claims)
    job.store.finish("claim_lines", tasks.item(number, part))


def send_owners(job: Job, number: int, bucket: int) -> None:
    """Deduplicate the lines of a bucket and write the owners."""
    paths = (job.store.claims(number, part) for part in range(job.parts))
    slices = memory_budget.slice_count(_bucket_bytes(paths, job.buckets) * LINE_COPIES, job.item_bytes)
    owners = []
    for index in range(slices):
        claims = [
            _slice_lines(job, number, part, bucket * slices + index, job.buckets * slices) for part in range(job.parts)
        ]
        owners.append(resolve.line_owners(np.concatenate(claims)))
    tables.write_array(job.store.owners(number, bucket), key_arrays.sort_by_part(np.concatenate(owners)))
    job.store.finish("dedup_lines", tasks.item(number, bucket))


def _slice_lines(job: Job, number: int, part: int, bucket: int, buckets: int) -> resolve.LineClaims:
    claims = tables.read_array(job.store.claims(number, part))
    first, last = key_arrays.bucket_range(claims["key"], bucket, buckets)
    return np.array(claims[first:last])  # copied, so that the file does not stay mapped


def send_documents(job: Job, part: int) -> None:
    """Finalize a partition and write its documents."""
    row_ids = {o: (winners_of(job, o, part), owners_of(job, o, part)) for o in job.line_scopes}
    documents, report = tasks.finalize_part(job, part, row_ids)
    by_name = {f"{variant}/{split}": table for (variant, split), table in documents.items()}
    tables.write_batches(job.store.documents(part), sharding.DOCUMENTS, by_name)
    job.store.finish("finalize", tasks.item(part), report)


def write_from_files(job: Job, shard: sharding.Shard, size: int) -> None:
    """Write a shard of about ``size`` bytes, from the documents in the files of all partitions."""
    slices = memory_budget.slice_count(size * DOCUMENT_COPIES, job.item_bytes)

    def sorted_slices() -> Iterator[pa.Table]:
        for index in range(slices):
            yield sharding.sort_documents(
                list(_slice_documents(job, shard, shard.index * slices + index, shard.count * slices))
            )

    if slices == 1:
        documents = list(sorted_slices())  # sorted once for all formats
        tasks.write_shard(job, shard, lambda: documents)
    else:
        tasks.write_shard(job, shard, sorted_slices)


def _slice_documents(job: Job, shard: sharding.Shard, index: int, count: int) -> Iterator[pa.Table]:
    for part in range(job.parts):
        table = tables.read_batch(job.store.documents(part), f"{shard.variant}/{shard.split}")
        if table is not None:
            first, last = key_arrays.key_range(table, index, count)
            rows = table.slice(first, last - first)
            yield rows if job.parts <= MAPPED_PARTS_MAX else key_arrays.copied_to_memory(rows)
