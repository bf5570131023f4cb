"""Steps that exchange through Beam's shuffle: each function does a step on one element and sends the results on.

``drivers/shuffle.py`` makes the graph of them. An element is an array of keys or an Arrow batch, for one partition and
bucket; it is never a line. Its key is an integer (``elements.ScopeKey``) or bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa
from apache_beam.metrics import Metrics

from beam_jobs.exchange.elements import (
    ScopeKey,
    cut_into_batches,
    join_arrays,
    split_by_part,
    table_from_bytes,
    table_to_bytes,
)
from beam_jobs.plan.job import Job
from beam_jobs.plan.scopes import LineScope
from beam_jobs.report import bad_files, manifest
from beam_jobs.steps import dedup, sharding, tasks
from c4pipe.dedup import key_arrays, resolve

CLAIMS, UNREADABLE = "claims", "unreadable"  # the outputs of ``send_url_claims``


def count_in_beam(counters: Mapping[str, int]) -> None:
    """Add to the counters that Beam shows. A retried item counts twice here; ``stats.json`` has the exact counts."""
    for name, n in counters.items():
        namespace, _, counter = name.partition("/")
        Metrics.counter(namespace, counter).inc(n)


def list_parts(_: object, job: Job) -> range:
    """Return the numbers of the build's partitions."""
    return range(job.parts)


def send_url_claims(part: int, job: Job) -> Iterator[tuple[int, bytes] | beam.pvalue.TaggedOutput]:
    """Clean a WET file, unless it was cleaned before, and send its URL claims to their buckets.

    The number of a file that cannot be read goes to the output ``UNREADABLE``.
    """
    if job.store.is_done("clean", tasks.item(part)):  # by an earlier run, or by an attempt of this one
        pages = tasks.stored_pages(job, part, dedup.is_claim_column)
        report = job.store.read_report("clean", tasks.item(part))
    else:
        pages, report = tasks.clean(job, part)
        job.store.finish("clean", tasks.item(part), report)
        count_in_beam({"split-wet-file/wet-file": 1, "page-store/pages": len(pages)})
    if "unreadable" in report:
        yield beam.pvalue.TaggedOutput(UNREADABLE, part)
    claims = dedup.make_url_claims(pages, part, job)
    bounds = key_arrays.url_bounds(claims, job.buckets)
    for bucket in range(job.buckets):
        # The first partition sends to every bucket, so that each is deduplicated: some only count listed URLs.
        if part == 0 or bounds[bucket] < bounds[bucket + 1]:
            yield bucket, table_to_bytes(claims.slice(bounds[bucket], bounds[bucket + 1] - bounds[bucket]))


def check_unreadable(count: int, job: Job) -> int:
    """Return ``count``; raise ``TooManyBadFiles`` if more files cannot be read than the build may leave out."""
    if count > job.max_bad_files:
        bad_files.check_bad_files(job)
    return count


def send_winners(met: tuple[int, Iterable[bytes]], job: Job, checked: int) -> Iterator[tuple[int, bytes]]:
    """Deduplicate the URLs of a bucket and send the winners to their scope and partition.

    ``checked`` comes from ``check_unreadable``: it makes this step wait for that check.
    """
    bucket, blobs = met
    claims = pa.concat_tables([table_from_bytes(blob) for blob in blobs])
    for scope, winners in tasks.dedup_urls(job, bucket, [claims]):
        yield from split_by_part(winners, scope, job.parts)


def send_line_claims(met: tuple[int, Iterable[bytes]], job: Job) -> Iterator[tuple[int, bytes]]:
    """Send the line claims of a partition's winners in a scope to their line scope and bucket."""
    packed, blobs = met
    scope, part = ScopeKey.unpack(packed, job.parts)
    winners = key_arrays.sort_row_ids(join_arrays(blobs, key_arrays.ROW_ID))
    for number, origin in enumerate(job.line_scopes):
        if origin.lines is not None and origin.scope == job.scopes[scope]:
            claims = tasks.claim_lines(job, origin, part, winners)
            bounds = key_arrays.bucket_bounds(claims["key"], job.buckets)
            for bucket in range(job.buckets):
                if bounds[bucket] < bounds[bucket + 1]:
                    key = ScopeKey(number, bucket).pack(job.buckets)
                    yield key, claims[bounds[bucket] : bounds[bucket + 1]].tobytes()


def send_owners(met: tuple[int, Iterable[bytes]], job: Job) -> Iterator[tuple[int, bytes]]:
    """Deduplicate the lines of a bucket and send the owners to their line scope and partition."""
    packed, blobs = met
    origin, _ = ScopeKey.unpack(packed, job.buckets)
    owners = resolve.line_owners(join_arrays(blobs, resolve.LINE_CLAIM))
    yield from split_by_part(owners, origin, job.parts)


def key_by_part(met: tuple[int, bytes], job: Job) -> tuple[int, tuple[int, bytes]]:
    """Turn (scope and partition, row ids) into (partition, (scope, row ids))."""
    packed, blob = met
    scope, part = ScopeKey.unpack(packed, job.parts)
    return part, (scope, blob)


def send_documents(met: tuple[int, dict[str, Iterable[tuple[int, bytes]]]], job: Job) -> Iterator[tuple[bytes, bytes]]:
    """Finalize a partition and send its documents to their variant and split, in batches."""
    part, groups = met
    tables, report = tasks.finalize_part(job, part, _row_ids_by_line_scope(groups, job))
    for (variant, split), table in tables.items():
        for batch in cut_into_batches(table):
            yield f"{variant}/{split}".encode(), table_to_bytes(batch)
    job.store.finish("finalize", tasks.item(part), report)


def _row_ids_by_line_scope(
    groups: Mapping[str, Iterable[tuple[int, bytes]]], job: Job
) -> dict[LineScope, tuple[key_arrays.RowIds, key_arrays.RowIds]]:
    """Return the winners and the line owners of each line scope; those that nobody sent are empty."""
    winners = _row_ids_by_number(groups["winners"], key_arrays.ROW_ID)
    owners = _row_ids_by_number(groups["owners"], key_arrays.LINE_ID)
    return {
        origin: (
            winners.get(job.scopes.index(origin.scope), np.empty(0, key_arrays.ROW_ID)),
            owners.get(number, np.empty(0, key_arrays.LINE_ID)),
        )
        for number, origin in enumerate(job.line_scopes)
    }


def _row_ids_by_number(met: Iterable[tuple[int, bytes]], dtype: np.dtype[Any]) -> dict[int, key_arrays.RowIds]:
    blobs: dict[int, list[bytes]] = {}
    for number, blob in met:
        blobs.setdefault(number, []).append(blob)
    return {number: key_arrays.sort_row_ids(join_arrays(arrays, dtype)) for number, arrays in blobs.items()}


def split_and_bytes(met: tuple[bytes, bytes]) -> tuple[bytes, int]:
    """Return the variant and split of a batch of documents, and its size in bytes."""
    name, blob = met
    return name, sharding.documents_bytes(table_from_bytes(blob))


def send_to_shards(met: tuple[bytes, bytes], job: Job, sizes: dict[bytes, int] | None) -> Iterator[tuple[bytes, bytes]]:
    """Send documents to their shards.

    ``sizes`` has the bytes of each split, from which its number of shards follows; None if the job says the number.
    """
    name, blob = met
    variant, split = name.decode().split("/")
    documents = table_from_bytes(blob)
    count = job.shards_of(split, sizes[name] if sizes else 0)
    bounds = sharding.shard_bounds(documents, count)
    for index in range(count):
        if bounds[index] < bounds[index + 1]:
            shard = sharding.Shard(variant, split, index, count)
            yield shard.item.encode(), table_to_bytes(documents.slice(bounds[index], bounds[index + 1] - bounds[index]))


def write_shard(met: tuple[bytes, Iterable[bytes]], job: Job) -> str:
    """Write a shard; return its name."""
    name, blobs = met
    shard = sharding.parse_shard(name.decode())
    documents = sharding.sort_documents([table_from_bytes(blob) for blob in blobs])
    tasks.write_shard(job, shard, lambda: [documents])
    return shard.item


def finish_build(_: int, job: Job) -> int:
    """Write the shards that got no documents, the stats and the manifests; return the number of shards.

    Files that an earlier run exchanged are removed.
    """
    shards = sharding.list_shards(job, manifest.split_sizes(job))
    written = set(job.store.done("write"))
    for shard in shards:
        if shard.item not in written:
            tasks.write_shard(job, shard, list)
    manifest.publish(job)
    job.store.forget_exchanges()
    return len(shards)
