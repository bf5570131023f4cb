"""Shards as Parquet."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from c4pipe.shards.base import DATASET, Format
from c4pipe.shards.documents import BATCH, FIELDS, SCHEMA, DamagedShard, known_fields

ZSTD_LEVEL = 3  # smaller than gzip's level 9 at seven times its speed


def write(stream: BinaryIO, pieces: Iterator[pa.Table]) -> None:
    """Write a row group for each piece, with all fields as columns; pages carry checksums."""
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


def read(stream: BinaryIO, path: str, start: int) -> Iterator[dict[str, str]]:
    """Yield the documents from number ``start`` on; whole row groups before it are passed over."""
    for place, row in _placed_rows(stream, path, FIELDS, start, needed="text"):
        yield known_fields(row, path, place)


def rows(stream: BinaryIO, path: str, wanted: Collection[str]) -> Iterator[Mapping[str, object]]:
    """Yield each row with those of the ``wanted`` columns that the file has."""
    for _, row in _placed_rows(stream, path, wanted):
        yield row


def _placed_rows(
    stream: BinaryIO, path: str, wanted: Collection[str], start: int = 0, needed: str = ""
) -> Iterator[tuple[str, dict[str, object]]]:
    """Yield the place and the values of each row from number ``start`` on."""
    place = "footer"
    try:
        shard = pq.ParquetFile(stream, page_checksum_verification=True)
        columns = [name for name in shard.schema_arrow.names if name in wanted]
        if needed and needed not in columns:
            raise DamagedShard(path, place, f"no column {needed!r} among {', '.join(shard.schema_arrow.names)}")
        for group in range(shard.num_row_groups):
            place = f"row group {group}"
            count = shard.metadata.row_group(group).num_rows
            if start >= count:
                start -= count
                continue
            for batch in shard.iter_batches(BATCH, row_groups=[group], columns=columns):
                for row in batch.slice(min(start, batch.num_rows)).to_pylist():
                    yield place, row
                start = max(0, start - batch.num_rows)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        if isinstance(error, OSError) and error.errno is not None:  # of the disk or the network, not of Arrow
            raise
        raise DamagedShard(path, place, str(error)) from error


PARQUET = Format(
    name="parquet",
    template=DATASET + "-{split}-{shard}.parquet",  # as on the Hugging Face Hub
    endings=r"\.parquet",
    preference=1,  # the cheapest to begin in the middle of
    write=write,
    read=read,
    rows=rows,
)
