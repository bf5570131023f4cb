"""How steps exchange through a shuffle: what each sends to where, as elements of the graph of ``drivers/shuffle.py``.

Elements are arrays of keys or Arrow batches, one a part and bucket, never lines; their keys are integers or bytes.
A scope or line scope and a part, or a bucket, are one integer.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.ipc as ipc
from apache_beam.metrics import Metrics

from beam_jobs.plan.job import Job
from beam_jobs.report import bad_files, manifest
from beam_jobs.steps import dedup, sharding, tasks
from c4pipe.dedup import key_arrays, resolve

BATCH_BYTES = 16 * 2**20  # of text in an element
CLAIMS, UNREADABLE = "claims", "unreadable"  # what comes of WET files


def count_in_beam(counters: Mapping[str, int]) -> None:
    """Add to the counters that Beam shows; the truth is in ``stats.json``, since a retried item counts twice here."""
    for name, n in counters.items():
        namespace, _, counter = name.partition("/")
        Metrics.counter(namespace, counter).inc(n)


def list_parts(_: object, job: Job) -> range:
    """The parts of the build."""
    return range(job.parts)


def send_url_claims(part: int, job: Job) -> Iterator[tuple[int, bytes] | beam.pvalue.TaggedOutput]:
    """Clean a WET file, unless an earlier run did, and send its URL claims to their buckets.

    Its part goes another way if it cannot be read.
    """
    if job.store.is_done("clean", tasks.item(part)):  # by an earlier run, or by an attempt of this one
        pages = tasks.stored_pages(job, part, dedup.is_claim_column)
        found = job.store.read_report("clean", tasks.item(part))
    else:
        pages, found = tasks.clean(job, part)
        job.store.finish("clean", tasks.item(part), found)
        count_in_beam({"split-wet-file/wet-file": 1, "page-store/pages": len(pages)})
    if "unreadable" in found:
        yield beam.pvalue.TaggedOutput(UNREADABLE, part)
    claims = dedup.make_url_claims(pages, part, job)
    bounds = key_arrays.url_bounds(claims, job.buckets)
    for bucket in range(job.buckets):
        # The first part sends something to each, so that all are settled: some only count what is listed.
        if part == 0 or bounds[bucket] < bounds[bucket + 1]:
            yield bucket, table_to_bytes(claims.slice(bounds[bucket], bounds[bucket + 1] - bounds[bucket]))


def check_unreadable(count: int, job: Job) -> int:
    """Stop before anything is decided if more files cannot be read than may be left out."""
    if count > job.max_bad_files:
        bad_files.check_bad_files(job)
    return count


def send_winners(met: tuple[int, Iterable[bytes]], job: Job, checked: int) -> Iterator[tuple[int, bytes]]:
    """Send the winners of a bucket to their scope and part, once it is ``checked`` how many files could be read."""
    bucket, blobs = met
    claims = pa.concat_tables([table_from_bytes(blob) for blob in blobs])
    for scope, winners in tasks.dedup_urls(job, bucket, [claims]):
        yield from split_by_part(winners, scope * job.parts)


def send_line_claims(met: tuple[int, Iterable[bytes]], job: Job) -> Iterator[tuple[int, bytes]]:
    """Send the line claims of a part's winners in a scope to their line scope and bucket."""
    number, blobs = met
    scope, part = divmod(number, job.parts)
    winners = key_arrays.sort_row_ids(join_arrays(blobs, key_arrays.ROW_ID))
    for number, origin in enumerate(job.line_scopes):
        if origin.lines is not None and origin.scope == job.scopes[scope]:
            claims = tasks.claim_lines(job, origin, part, winners)
            bounds = key_arrays.bucket_bounds(claims["key"], job.buckets)
            for bucket in range(job.buckets):
                if bounds[bucket] < bounds[bucket + 1]:
                    yield number * job.buckets + bucket, claims[bounds[bucket] : bounds[bucket + 1]].tobytes()


def send_owners(met: tuple[int, Iterable[bytes]], job: Job) -> Iterator[tuple[int, bytes]]:
    """Send the owners of a bucket's lines to their line scope and part."""
    number, blobs = met
    yield from split_by_part(
        resolve.line_owners(join_arrays(blobs, resolve.LINE_CLAIM)), number // job.buckets * job.parts
    )


def key_by_part(met: tuple[int, bytes], job: Job) -> tuple[int, tuple[int, bytes]]:
    """Turn (scope and part, row_ids) into (part, (scope, row_ids))."""
    number, blob = met
    scope, part = divmod(number, job.parts)
    return part, (scope, blob)


def send_documents(met: tuple[int, dict[str, Iterable[tuple[int, bytes]]]], job: Job) -> Iterator[tuple[bytes, bytes]]:
    """Send the final documents of a part to their variant and split, in batches."""
    part, groups = met
    winners, owners = (
        _row_ids_by_scope(groups["winners"], key_arrays.ROW_ID),
        _row_ids_by_scope(groups["owners"], key_arrays.LINE_ID),
    )
    row_ids = {
        origin: (
            winners.get(job.scopes.index(origin.scope), np.empty(0, key_arrays.ROW_ID)),
            owners.get(number, np.empty(0, key_arrays.LINE_ID)),
        )
        for number, origin in enumerate(job.line_scopes)
    }
    tables, report = tasks.finalize_part(job, part, row_ids)
    for (variant, split), table in tables.items():
        for batch in cut_into_batches(table):
            yield f"{variant}/{split}".encode(), table_to_bytes(batch)
    job.store.finish("finalize", tasks.item(part), report)


def _row_ids_by_scope(met: Iterable[tuple[int, bytes]], dtype: np.dtype[Any]) -> dict[int, key_arrays.RowIds]:
    blobs: dict[int, list[bytes]] = {}
    for scope, blob in met:
        blobs.setdefault(scope, []).append(blob)
    return {scope: key_arrays.sort_row_ids(join_arrays(found, dtype)) for scope, found in blobs.items()}


def split_and_bytes(met: tuple[bytes, bytes]) -> tuple[bytes, int]:
    """The size of a batch of documents."""
    place, blob = met
    return place, sharding.documents_bytes(table_from_bytes(blob))


def send_to_shards(met: tuple[bytes, bytes], job: Job, sizes: dict[bytes, int] | None) -> Iterator[tuple[bytes, bytes]]:
    """Send documents to their shards: as many of their split as are wanted, or as its size asks for."""
    place, blob = met
    variant, split = place.decode().split("/")
    documents = table_from_bytes(blob)
    count = job.shards_of(split, sizes[place] if sizes else 0)
    bounds = sharding.shard_bounds(documents, count)
    for index in range(count):
        if bounds[index] < bounds[index + 1]:
            shard = sharding.Shard(variant, split, index, count)
            yield shard.item.encode(), table_to_bytes(documents.slice(bounds[index], bounds[index + 1] - bounds[index]))


def write_shard(met: tuple[bytes, Iterable[bytes]], job: Job) -> str:
    """Write a shard."""
    name, blobs = met
    shard = sharding.parse_shard(name.decode())
    documents = sharding.sort_documents([table_from_bytes(blob) for blob in blobs])
    tasks.write_shard(job, shard, lambda: [documents])
    return shard.item


def finish_build(_: int, job: Job) -> int:
    """Write the shards that got no documents, then stats and manifests; what an earlier run exchanged may go."""
    shards = sharding.list_shards(job, manifest.split_sizes(job))
    written = set(job.store.done("write"))
    for shard in shards:
        if shard.item not in written:
            tasks.write_shard(job, shard, list)
    manifest.publish(job)
    job.store.forget_exchanges()
    return len(shards)


def split_by_part(row_ids: key_arrays.RowIds, base: int) -> Iterator[tuple[int, bytes]]:
    """Cut an array that is sorted by part."""
    for part in np.unique(row_ids["part"]).tolist():
        yield base + part, key_arrays.row_ids_of_part(row_ids, part).tobytes()


def join_arrays(blobs: Iterable[bytes], dtype: np.dtype[Any]) -> key_arrays.RowIds:
    """Join arrays that travelled as bytes."""
    return np.frombuffer(b"".join(blobs), dtype)


def cut_into_batches(table: pa.Table) -> Iterator[pa.Table]:
    """Cut a table into pieces of about ``BATCH_BYTES`` at most, or of one document."""
    rows = max(1, len(table) * BATCH_BYTES // max(table.nbytes, 1))
    for start in range(0, len(table), rows):
        yield table.slice(start, rows)


def table_to_bytes(table: pa.Table) -> bytes:
    """Arrow IPC of a table."""
    sink = io.BytesIO()
    with ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def table_from_bytes(blob: bytes) -> pa.Table:
    """The table of ``to_bytes``."""
    return ipc.open_stream(blob).read_all()
