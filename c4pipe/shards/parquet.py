"""Shards as Parquet."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from c4pipe.shards.documents import BATCH, FIELDS, SCHEMA, DamagedShard, whole_document

ZSTD_LEVEL = 3  # smaller than gzip's level 9 at seven times its speed


def write_parquet(stream: BinaryIO, pieces: Iterator[pa.Table]) -> None:
    """Write a row group a piece, with all fields as columns; pages carry checksums."""
    with pq.ParquetWriter(
        stream,
        SCHEMA,
        compression="zstd",
        compression_level=ZSTD_LEVEL,
        use_dictionary=["content-type"],
        write_statistics=False,  # of no use in a shuffled order
        write_page_checksum=True,
    ) as writer:
        for piece in pieces:
            writer.write_table(piece, row_group_size=BATCH)


def read_parquet(stream: BinaryIO, name: str, start: int) -> Iterator[dict[str, str]]:
    """Read the columns that are fields of ours, passing over whole row groups before ``start``."""
    place = "footer"
    try:
        shard = pq.ParquetFile(stream, page_checksum_verification=True)
        columns = [field for field in FIELDS if field in shard.schema_arrow.names]
        if "text" not in columns:
            raise DamagedShard(name, place, f"no column 'text' among {', '.join(shard.schema_arrow.names)}")
        for group in range(shard.num_row_groups):
            place = f"row group {group}"
            rows = shard.metadata.row_group(group).num_rows
            if start < rows:
                for batch in shard.iter_batches(BATCH, row_groups=[group], columns=columns):
                    for document in batch.slice(min(start, batch.num_rows)).to_pylist():
                        yield whole_document(document, name, place)
                    start = max(0, start - batch.num_rows)
            else:
                start -= rows
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        if isinstance(error, OSError) and error.errno is not None:  # of the disk or the network, not of Arrow
            raise
        raise DamagedShard(name, place, str(error)) from error
