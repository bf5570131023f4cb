"""A cluster: one graph in which keys meet by GroupByKey and text crosses once, dealt out to shards.

    WET files -> clean -> URL claims -GBK-> winners -GBK-> line claims -GBK-> owners -GBK-> documents -GBK-> shards
                   |         (keys)        (places)          (keys)         (places)          (text)
                   `-> page store ...................... read again .............^

Elements are arrays of keys or Arrow batches, one a part and bucket, never lines; their keys are integers.
The listing is read on a worker, since tens of thousands of paths have no place in a graph.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.ipc as ipc

from beam_jobs import report, steps
from beam_jobs.plan import Job
from c4pipe import files, keys

BATCH_BYTES = 16 * 2**20  # of text in an element


class Build(beam.PTransform):
    """The whole build, from the list of WET files to the manifest."""

    def __init__(self, job: Job) -> None:
        super().__init__()
        self.job = job

    def expand(self, begin: beam.pvalue.PCollection) -> beam.pvalue.PCollection:
        """Return the manifest, once it stands."""
        job = self.job
        url_claims = (
            begin
            | "ReadListing" >> beam.FlatMap(listing, job)
            | "SpreadFiles" >> beam.Reshuffle()
            | "Clean" >> beam.FlatMap(clean, job)
        )
        part_to_winners = url_claims | "SettleUrls" >> SettleUrls()
        if job.legs.lines:
            part_to_owners = part_to_winners | "SettleLines" >> SettleLines(job)
        else:
            part_to_owners = begin | "NoLines" >> beam.FlatMap(nothing)
        return (
            {"winners": part_to_winners, "owners": part_to_owners}
            | "MeetAtPart" >> beam.CoGroupByKey()
            | "Judge" >> beam.FlatMap(judge, job)
            | "DealToShards" >> beam.GroupByKey()
            | "Write" >> beam.Map(write, job)
            | "AwaitShards" >> beam.combiners.Count.Globally()
            | "Finish" >> beam.Map(finish, job)
        )


class SettleUrls(beam.PTransform):
    """Give every URL to one page: (bucket, claims) -> (part, places of its winners)."""

    def expand(self, bucket_to_claims: beam.pvalue.PCollection) -> beam.pvalue.PCollection:
        """Return winners by part."""
        return bucket_to_claims | "MeetAtBucket" >> beam.GroupByKey() | "NewestWins" >> beam.FlatMapTuple(settle_urls)


class SettleLines(beam.PTransform):
    """Give every line to one page: (part, winners) -> (part, places of the lines that own their key)."""

    def __init__(self, job: Job) -> None:
        super().__init__()
        self.job = job

    def expand(self, part_to_winners: beam.pvalue.PCollection) -> beam.pvalue.PCollection:
        """Return owners by part."""
        return (
            part_to_winners
            | "MeetAtPart" >> beam.GroupByKey()
            | "Claim" >> beam.FlatMap(claim_lines, self.job)
            | "MeetAtBucket" >> beam.GroupByKey()
            | "LeastRankOwns" >> beam.FlatMapTuple(settle_lines)
        )


def nothing(_: object) -> Iterable[tuple[int, bytes]]:
    """No owners: for variants that keep duplicate lines."""
    return ()


def listing(_: object, job: Job) -> list[steps.Input]:
    """The WET files of the build."""
    sources: Any = files.read_json(job.store.inputs)
    return list(sources)


def clean(source: steps.Input, job: Job) -> Iterator[tuple[int, bytes]]:
    """Clean a WET file, unless an earlier run did, and send its URL claims to their buckets."""
    part = source["part"]
    if job.store.is_done("clean", part):
        claims = steps.stored_claims(job, part)
    else:
        claims, found = steps.clean(job, source)
        job.store.finish("clean", part, found)
        report.count(found["counters"])
    bounds = keys.url_bounds(claims, job.buckets)
    for bucket in range(job.buckets):
        if bounds[bucket] < bounds[bucket + 1]:
            yield bucket, to_bytes(claims.slice(bounds[bucket], bounds[bucket + 1] - bounds[bucket]))


def settle_urls(_: int, blobs: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """Send the winners of a bucket to their parts."""
    winners = keys.url_winners(pa.concat_tables([from_bytes(blob) for blob in blobs]))
    return by_part(winners)


def claim_lines(met: tuple[int, Iterable[bytes]], job: Job) -> Iterator[tuple[int, bytes]]:
    """Send the line claims of a part's winners to their buckets."""
    part, blobs = met
    claims = steps.claim_lines(job, part, gather(blobs, keys.PLACE))
    bounds = keys.bucket_bounds(claims["key"], job.buckets)
    for bucket in range(job.buckets):
        if bounds[bucket] < bounds[bucket + 1]:
            yield bucket, claims[bounds[bucket] : bounds[bucket + 1]].tobytes()


def settle_lines(_: int, blobs: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """Send the owners of a bucket's lines to their parts."""
    return by_part(keys.line_owners(gather(blobs, keys.LINE_CLAIM)))


def judge(met: tuple[int, dict[str, Iterable[bytes]]], job: Job) -> Iterator[tuple[int, bytes]]:
    """Send the final documents of a part to their shards, in batches."""
    part, groups = met
    winners = np.sort(gather(groups["winners"], keys.PLACE))
    owners = np.sort(gather(groups["owners"], keys.LINE_PLACE))
    documents, found = steps.judge_part(job, part, winners, owners)
    job.store.finish("judge", part, found)
    report.count(found["counters"])
    for number, table in sorted(documents.items()):
        for batch in in_batches(table):
            yield number, to_bytes(batch)


def write(met: tuple[int, Iterable[bytes]], job: Job) -> int:
    """Write a shard."""
    number, blobs = met
    steps.write_shard(job, number, [from_bytes(blob) for blob in blobs])
    return number


def finish(_: int, job: Job) -> dict[str, Any]:
    """Write the shards of a split that got no documents, then stats and manifest."""
    for number in report.missing_shards(job):
        steps.write_shard(job, number, [])
    return report.publish(job)


def by_part(places: keys.Places) -> Iterator[tuple[int, bytes]]:
    """Part an array that is sorted by part."""
    for part in np.unique(places["part"]).tolist():
        yield part, keys.of_part(places, part).tobytes()


def gather(blobs: Iterable[bytes], dtype: np.dtype[Any]) -> keys.Places:
    """Join arrays that travelled as bytes."""
    return np.frombuffer(b"".join(blobs), dtype)


def in_batches(table: pa.Table) -> Iterator[pa.Table]:
    """Cut a table into pieces of about ``BATCH_BYTES`` at most, or of one document."""
    rows = max(1, len(table) * BATCH_BYTES // max(table.nbytes, 1))
    for start in range(0, len(table), rows):
        yield table.slice(start, rows)


def to_bytes(table: pa.Table) -> bytes:
    """Arrow IPC of a table."""
    sink = io.BytesIO()
    with ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def from_bytes(blob: bytes) -> pa.Table:
    """The table of ``to_bytes``."""
    return ipc.open_stream(blob).read_all()
