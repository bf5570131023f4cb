"""The build as one Beam graph: keys meet by GroupByKey, and text crosses the shuffle once, to its shard.

    WET files -> clean -> URL claims -GBK-> winners -GBK-> line claims -GBK-> owners -GBK-> documents -GBK-> shards
                   |         (keys)        (row ids)         (keys)         (row ids)         (text)
                   `-> page store ...................... read again .............^

``exchange/shuffle.py`` has the function of each step and says what the elements are. Workers read the list of inputs,
since tens of thousands of paths are too many for a graph.
"""

from __future__ import annotations

import apache_beam as beam

from beam_jobs.exchange import shuffle
from beam_jobs.exchange.shuffle import CLAIMS, UNREADABLE
from beam_jobs.plan.job import Job

# Types of elements: with them Beam gives keys its own coders, not pickle's.
NUMBERED = tuple[int, bytes]
ROW_IDS = tuple[int, tuple[int, bytes]]
NAMED = tuple[bytes, bytes]


class Build(beam.PTransform):
    """The whole build, from the list of WET files to the manifests."""

    def __init__(self, job: Job) -> None:
        super().__init__()
        self.job = job

    def expand(self, begin: beam.pvalue.PCollection) -> beam.pvalue.PCollection:
        """Return the number of shards when the manifests are written."""
        job = self.job
        cleaned = (
            begin
            | "ReadListing" >> beam.FlatMap(shuffle.list_parts, job).with_output_types(int)
            | "SpreadFiles" >> beam.Reshuffle()
            | "Clean"
            >> beam.FlatMap(shuffle.send_url_claims, job)
            .with_output_types(NUMBERED)
            .with_outputs(UNREADABLE, main=CLAIMS)
        )
        checked = (
            cleaned[UNREADABLE]
            | "CountUnreadable" >> beam.combiners.Count.Globally()
            | "CheckUnreadable" >> beam.Map(shuffle.check_unreadable, job)
        )
        scope_part_to_winners = (
            cleaned[CLAIMS]
            | "MeetAtBucket" >> beam.GroupByKey()
            | "DedupUrls"
            >> beam.FlatMap(shuffle.send_winners, job, beam.pvalue.AsSingleton(checked)).with_output_types(NUMBERED)
        )
        origin_part_to_owners = scope_part_to_winners | "DedupLines" >> DedupLines(job)
        return self._publish(scope_part_to_winners, origin_part_to_owners)

    def _publish(
        self, scope_part_to_winners: beam.pvalue.PCollection, origin_part_to_owners: beam.pvalue.PCollection
    ) -> beam.pvalue.PCollection:
        """Finalize each partition with its row ids, send its documents to shards, and write these."""
        job = self.job
        split_to_documents = (
            {
                "winners": scope_part_to_winners
                | "WinnersByPart" >> beam.Map(shuffle.key_by_part, job).with_output_types(ROW_IDS),
                "owners": origin_part_to_owners
                | "OwnersByPart" >> beam.Map(shuffle.key_by_part, job).with_output_types(ROW_IDS),
            }
            | "MeetAtPart" >> beam.CoGroupByKey()
            | "Finalize" >> beam.FlatMap(shuffle.send_documents, job).with_output_types(NAMED)
        )
        sizes = beam.pvalue.AsDict(split_to_documents | "SumSizes" >> SumSizes()) if job.shards is None else None
        return (
            split_to_documents
            | "SendToShards" >> beam.FlatMap(shuffle.send_to_shards, job, sizes).with_output_types(NAMED)
            | "MeetAtShard" >> beam.GroupByKey()
            | "Write" >> beam.Map(shuffle.write_shard, job)
            | "AwaitShards" >> beam.combiners.Count.Globally()
            | "Finish" >> beam.Map(shuffle.finish_build, job)
        )


class SumSizes(beam.PTransform):
    """Add up the sizes of the documents of each variant and split, in bytes."""

    def expand(self, split_to_documents: beam.pvalue.PCollection) -> beam.pvalue.PCollection:
        """Return the size of each split."""
        return (
            split_to_documents
            | "Size" >> beam.Map(shuffle.split_and_bytes).with_output_types(tuple[bytes, int])
            | "Sum" >> beam.CombinePerKey(sum)
        )


class DedupLines(beam.PTransform):
    """Give every line to one page: winners by scope and part -> owners by line scope and part."""

    def __init__(self, job: Job) -> None:
        super().__init__()
        self.job = job

    def expand(self, scope_part_to_winners: beam.pvalue.PCollection) -> beam.pvalue.PCollection:
        """Return owners by line scope and part."""
        return (
            scope_part_to_winners
            | "MeetAtPart" >> beam.GroupByKey()
            | "Claim" >> beam.FlatMap(shuffle.send_line_claims, self.job).with_output_types(NUMBERED)
            | "MeetAtBucket" >> beam.GroupByKey()
            | "LeastRankOwns" >> beam.FlatMap(shuffle.send_owners, self.job).with_output_types(NUMBERED)
        )
