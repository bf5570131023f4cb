"""The steps of a build that exchange through files of the store: each reads what others left, and leaves its own.

What they do with it is in ``steps/tasks.py``. A bucket or shard too large for the memory there is is taken in slices.
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

# What a step holds at its peak, by the bytes of what it settles or sorts.
URL_COPIES, LINE_COPIES, DOCUMENT_COPIES = 3, 5, 3
URL_CLAIMS_BYTES_MAX = 2**30  # settled at a time, however much memory there is: a column of URLs holds 2 GiB
MAPPED_PARTS_MAX = 10_000  # whose documents stay mapped while a shard is written; a process can map some 65,000 files


def send_url_claims(job: Job, part: int) -> None:
    """``clean``, leaving the URL claims in a file; of a part that was cleaned already only they are made.

    The build ends once more files cannot be fetched than it may leave out: a server that is gone would be asked for
    each of the others, too, for half an hour.
    """
    done = job.store.is_done("clean", tasks.item(part))
    pages, report = (tasks.stored_pages(job, part, dedup.is_claim_column), None) if done else tasks.clean(job, part)
    tables.write_table(job.store.urls(part), dedup.make_url_claims(pages, part, job))
    if report is not None:
        job.store.finish("clean", tasks.item(part), report)
        if "unreadable" in report and listing.is_http(report["file"]):
            check_bad_files(job)


def send_winners(job: Job, bucket: int) -> None:
    """``dedup_urls``, leaving the winners in files."""
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
    """The bytes of one of so many ranges of keys in files: keys are hashes, so they share alike."""
    return sum(map(files.size, paths)) // count


def _slice_urls(job: Job, part: int, bucket: int, buckets: int) -> pa.Table:
    claims = tables.read_table(job.store.urls(part))
    first, last = key_arrays.key_range(claims, bucket, buckets)
    return claims.slice(first, last - first)


def winners_of(job: Job, origin: LineScope, part: int) -> key_arrays.RowIds:
    """The pages of a part that won in the scope of a line scope, from every bucket."""
    scope = job.scopes.index(origin.scope)
    return _collect_part((tables.read_array(job.store.winners(scope, bucket)) for bucket in range(job.buckets)), part)


def owners_of(job: Job, origin: LineScope, part: int) -> key_arrays.RowIds:
    """The lines of a part that own their key, from every bucket; none where all lines are kept."""
    if origin.lines is None:
        return np.empty(0, key_arrays.LINE_ID)
    number = job.line_scopes.index(origin)
    return _collect_part((tables.read_array(job.store.owners(number, bucket)) for bucket in range(job.buckets)), part)


def _collect_part(arrays: Iterable[key_arrays.RowIds], part: int) -> key_arrays.RowIds:
    return key_arrays.sort_row_ids(np.concatenate([key_arrays.row_ids_of_part(array, part) for array in arrays]))


def send_line_claims(job: Job, number: int, part: int) -> None:
    """``claim_lines``, leaving the claims in a file."""
    origin = job.line_scopes[number]
    claims = tasks.claim_lines(job, origin, part, winners_of(job, origin, part))
    tables.write_array(job.store.claims(number, part), claims)
    job.store.finish("claim_lines", tasks.item(number, part))


def send_owners(job: Job, number: int, bucket: int) -> None:
    """Decide which lines own the keys of a bucket."""
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
    return np.array(claims[first:last])  # as ``keys.copied``


def send_documents(job: Job, part: int) -> None:
    """``finalize_part``, leaving the documents in a file."""
    row_ids = {o: (winners_of(job, o, part), owners_of(job, o, part)) for o in job.line_scopes}
    documents, report = tasks.finalize_part(job, part, row_ids)
    by_name = {f"{variant}/{split}": table for (variant, split), table in documents.items()}
    tables.write_batches(job.store.documents(part), sharding.DOCUMENTS, by_name)
    job.store.finish("finalize", tasks.item(part), report)


def write_from_files(job: Job, shard: sharding.Shard, size: int) -> None:
    """``write_shard`` with the documents that the parts' files hold for it, of so many bytes."""
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
