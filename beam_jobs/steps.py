"""The steps of ``phases.py`` with what they read and write: what a driver hands to a worker.

``files_driver.py`` uses them all: there every exchange goes through files of the store, and memory is that
of the largest item. ``graph_driver.py`` uses those that read or write the page store and the shards.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pyarrow as pa

from beam_jobs import phases, store
from beam_jobs.plan import Job
from c4pipe import files, keys, shards

Input = dict[str, Any]  # {"part": 0, "path": "...", "size": 123}


def clean(job: Job, source: Input) -> tuple[pa.Table, dict[str, Any]]:
    """Read a WET file into its part of the page store; return its URL claims and the report.

    A file that cannot be read leaves an empty part and is named in the report as ``unreadable``.
    """
    job.begin()
    part, path = source["part"], source["path"]
    report: dict[str, Any] = {"file": path}
    try:
        with files.open_read(path) as stream:
            cleaned = phases.clean(stream, name=path, part=part, legs=job.legs)
    except (OSError, phases.UnreadableWetFile) as error:
        cleaned = phases.nothing(part)
        report["unreadable"] = f"{type(error).__name__}: {error}"
    store.write_pages(job.store.pages(part), cleaned.pages)
    report |= {"counters": cleaned.counters, "pages": len(cleaned.pages)}
    report |= {"faults": list(cleaned.faults), "fault_counts": cleaned.fault_counts}
    return cleaned.claims, report


def clean_part(job: Job, source: Input) -> None:
    """``clean``, leaving the claims in a file; of a part that was cleaned already only they are made."""
    part = source["part"]
    if job.store.is_done("clean", part):
        store.write_table(job.store.urls(part), stored_claims(job, part))
        return
    claims, report = clean(job, source)
    store.write_table(job.store.urls(part), claims)
    job.store.finish("clean", part, report)


def stored_claims(job: Job, part: int) -> pa.Table:
    """The URL claims of a part that was cleaned already."""
    return phases.url_claims(store.read_pages(job.store.pages(part)), part)


def settle_url_bucket(job: Job, bucket: int) -> None:
    """Decide which pages win the URLs of a bucket."""
    claims = pa.concat_tables([_slice_urls(job, part, bucket) for part in range(job.parts)])
    store.write_array(job.store.winners(bucket), keys.url_winners(claims))
    job.store.finish("settle_urls", bucket)


def _slice_urls(job: Job, part: int, bucket: int) -> pa.Table:
    claims = store.read_table(job.store.urls(part))
    first, last = keys.url_bounds(claims, job.buckets)[bucket : bucket + 2]
    return claims.slice(first, last - first)


def winners_of(job: Job, part: int) -> keys.Places:
    """The pages of a part that won, from every bucket."""
    return _gather((store.read_array(job.store.winners(bucket)) for bucket in range(job.buckets)), part)


def owners_of(job: Job, part: int) -> keys.Places:
    """The lines of a part that own their key, from every bucket."""
    if job.legs.lines is None:
        return np.empty(0, keys.LINE_PLACE)
    return _gather((store.read_array(job.store.owners(bucket)) for bucket in range(job.buckets)), part)


def _gather(arrays: Iterable[keys.Places], part: int) -> keys.Places:
    return np.sort(np.concatenate([keys.of_part(array, part) for array in arrays]))


def claim_lines(job: Job, part: int, winners: keys.Places) -> keys.LineClaims:
    """The line claims of a part's winners, from the page store."""
    pages = store.read_pages(job.store.pages(part), ["url", "text"])
    return phases.claim_lines(pages, winners, part)


def claim_part(job: Job, part: int) -> None:
    """``claim_lines``, leaving the claims in a file."""
    store.write_array(job.store.claims(part), claim_lines(job, part, winners_of(job, part)))
    job.store.finish("claim_lines", part)


def settle_line_bucket(job: Job, bucket: int) -> None:
    """Decide which lines own the keys of a bucket."""
    claims = []
    for part in range(job.parts):
        array = store.read_array(job.store.claims(part))
        first, last = keys.bucket_bounds(array["key"], job.buckets)[bucket : bucket + 2]
        claims.append(array[first:last])
    store.write_array(job.store.owners(bucket), keys.line_owners(np.concatenate(claims)))
    job.store.finish("settle_lines", bucket)


def judge_part(
    job: Job, part: int, winners: keys.Places, owners: keys.Places
) -> tuple[dict[int, pa.Table], dict[str, Any]]:
    """The final documents of a part by shard number, and the report."""
    job.begin()
    pages = store.read_pages(job.store.pages(part))
    documents, counters = phases.judge_part(pages, winners, owners, job)
    return documents, {"counters": counters, "documents": {n: len(table) for n, table in documents.items()}}


def judge_into_file(job: Job, part: int) -> None:
    """``judge_part``, leaving the documents in a file."""
    documents, report = judge_part(job, part, winners_of(job, part), owners_of(job, part))
    store.write_batches(job.store.documents(part), phases.DOCUMENTS, documents, compression="lz4")
    job.store.finish("judge", part, report)


def write_shard(job: Job, number: int, tables: Sequence[pa.Table]) -> None:
    """Write a shard's documents in every format; the report describes the files."""
    split, index = phases.shard_place(job, number)
    documents = phases.in_order(tables)
    infos = []
    for form in job.formats:
        name = shards.shard_name(form, split, index, job.shards_of(split))
        with files.write_atomic(files.join(job.folder, name)) as stream:
            infos.append(asdict(shards.write_shard(form, stream, documents, name=name)))
    job.store.finish("write", number, {"shards": infos})


def write_from_files(job: Job, number: int) -> None:
    """``write_shard`` with the documents that the parts' files hold for it."""
    write_shard(job, number, list(_dealt(job, number)))


def _dealt(job: Job, number: int) -> Iterator[pa.Table]:
    for part in range(job.parts):
        table = store.read_batch(job.store.documents(part), number)
        if table is not None:
            yield table
