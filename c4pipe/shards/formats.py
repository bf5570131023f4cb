"""The formats of shards: what writes each, and what reads it."""

from __future__ import annotations

from c4pipe.shards import jsonl, parquet, tfrecord

WRITERS = {"tfrecord": tfrecord.write_tfrecord, "parquet": parquet.write_parquet, "jsonl": jsonl.write_jsonl}
READERS = {"tfrecord": tfrecord.read_tfrecord, "parquet": parquet.read_parquet, "jsonl": jsonl.read_jsonl}
