"""A cluster: one graph in which keys meet by GroupByKey and text crosses once, dealt out to shards.

    WET files -> clean -> URL claims -GBK-> winners -GBK-> line claims -GBK-> owners -GBK-> documents -GBK-> shards
                   |         (keys)        (places)          (keys)         (places)          (text)
                   `-> page store ...................... read again .............^

``exchange/shuffle.py`` says what the elements are and what is done with each. The listing is read on workers, since
tens of thousands of paths have no place in a graph.
"""

from __future__ import annotations

import apache_beam as beam

from beam_jobs.exchange import shuffle
from beam_jobs.exchange.shuffle import CLAIMS, UNREADABLE
from beam_jobs.plan.job import Job

# What meets at a key, told to Beam so that keys have coders of their own and not pickle's.
NUMBERED = tuple[int, bytes]
PLACES = tuple[int, tuple[int, bytes]]
NAMED = tuple[bytes, bytes]


class Build(beam.PTransform):
    """The whole build, from the list of WET files to the manifests."""

    def __init__(self, job: Job) -> None:
        super().__init__()
        self.job = job

    def expand(self, begin: beam.pvalue.PCollection) -> beam.pvalue.PCollection:
        """Return the number of shards, once the manifests stand."""
        job = self.job
        cleaned = (
            begin
            | "ReadListing" >> beam.FlatMap(shuffle.parts, job).with_output_types(int)
            | "SpreadFiles" >> beam.Reshuffle()
            | "Clean"
            >> beam.FlatMap(shuffle.clean, job).with_output_types(NUMBERED).with_outputs(UNREADABLE, main=CLAIMS)
        )
        checked = (
            cleaned[UNREADABLE]
            | "CountUnreadable" >> beam.combiners.Count.Globally()
            | "CheckUnreadable" >> beam.Map(shuffle.check_unreadable, job)
        )
        scope_part_to_winners = (
            cleaned[CLAIMS]
            | "MeetAtBucket" >> beam.GroupByKey()
            | "SettleUrls"
            >> beam.FlatMap(shuffle.settle_urls, job, beam.pvalue.AsSingleton(checked)).with_output_types(NUMBERED)
        )
        origin_part_to_owners = scope_part_to_winners | "SettleLines" >> SettleLines(job)
        return self._published(scope_part_to_winners, origin_part_to_owners)

    def _published(
        self, scope_part_to_winners: beam.pvalue.PCollection, origin_part_to_owners: beam.pvalue.PCollection
    ) -> beam.pvalue.PCollection:
        """What comes after keys: a part's places meet its text, which is dealt out to shards."""
        job = self.job
        split_to_documents = (
            {
                "winners": scope_part_to_winners
                | "WinnersByPart" >> beam.Map(shuffle.by_part_alone, job).with_output_types(PLACES),
                "owners": origin_part_to_owners
                | "OwnersByPart" >> beam.Map(shuffle.by_part_alone, job).with_output_types(PLACES),
            }
            | "MeetAtPart" >> beam.CoGroupByKey()
            | "Judge" >> beam.FlatMap(shuffle.judge, job).with_output_types(NAMED)
        )
        sizes = beam.pvalue.AsDict(split_to_documents | "SumSizes" >> SumSizes()) if job.shards is None else None
        return (
            split_to_documents
            | "DealToShards" >> beam.FlatMap(shuffle.deal, job, sizes).with_output_types(NAMED)
            | "MeetAtShard" >> beam.GroupByKey()
            | "Write" >> beam.Map(shuffle.write, job)
            | "AwaitShards" >> beam.combiners.Count.Globally()
            | "Finish" >> beam.Map(shuffle.finish, job)
        )


class SumSizes(beam.PTransform):
    """Add up the sizes of the documents of each variant and split."""

    def expand(self, split_to_documents: beam.pvalue.PCollection) -> beam.pvalue.PCollection:
        """Return the size of each."""
        return (
            split_to_documents
            | "Size" >> beam.Map(shuffle.size).with_output_types(tuple[bytes, int])
            | "Sum" >> beam.CombinePerKey(sum)
        )


class SettleLines(beam.PTransform):
    """Give every line to one page: winners by scope and part -> owners by line scope and part."""

    def __init__(self, job: Job) -> None:
        super().__init__()
        self.job = job

    def expand(self, scope_part_to_winners: beam.pvalue.PCollection) -> beam.pvalue.PCollection:
        """Return owners by line scope and part."""
        return (
            scope_part_to_winners
            | "MeetAtPart" >> beam.GroupByKey()
            | "Claim" >> beam.FlatMap(shuffle.claim_lines, self.job).with_output_types(NUMBERED)
            | "MeetAtBucket" >> beam.GroupByKey()
            | "LeastRankOwns" >> beam.FlatMap(shuffle.settle_lines, self.job).with_output_types(NUMBERED)
        )
