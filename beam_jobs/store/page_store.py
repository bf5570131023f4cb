"""The page store: the pages of a WET file after all stages that judge one page alone.

A partition is a table with a row for each page that some variant needs. The results of a variant's stages stand in
columns named after those stages (``column_names.name_of``). So variants with equal stages share columns, and a later
build finds them by name.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from beam_jobs.store.column_names import name_of
from beam_jobs.store.tables import KEYS, Part
from c4pipe.batch import Batch
from c4pipe.columns import Kept, joined, laid_out, where
from c4pipe.dedup import key_arrays
from c4pipe.dedup.base import Dedup
from c4pipe.text.digests import KEY_BYTES

SCHEMA_NUMBER = 5  # from 5 on, names of stages do not depend on where their code lies

PAGES = pa.schema(
    [
        ("url", pa.string()),
        ("timestamp", pa.string()),
        ("content-type", pa.string()),
        ("content-length", pa.string()),
        ("text_md5", pa.binary(KEY_BYTES)),  # of the text before cleaning
    ]
)
FIELDS = ("timestamp", "content-type", "content-length")  # of a page, besides its URL and text
RAW = "raw"  # the text before cleaning, where the store holds it
ENTERS = "enters:"  # + name of an entry: the page competes for its URL
KEPT = "kept:"  # + name of a cleaning: the page has lines left
TEXT = "text:"  # + name of a cleaning: those lines. A cleaning that only filters has no such column: its text is RAW
LANGUAGE = "language:"  # + name of a cleaning that edits: the language it gave the page
# KEYS + name of a cleaning, ":", name of a kind of keys: the keys of the text it left, 16 bytes each.
TALLY = "tally:"  # + name of a cleaning, ":", a counter


def keys_column(cleaning: str, lines: Dedup) -> str:
    """Return the name of the column of keys that ``lines`` makes of a cleaning's text."""
    return f"{KEYS}{cleaning}:{name_of(lines.keyed)}"


def mask_of_rows(rows: npt.NDArray[np.int64], count: int) -> Kept:
    """Return a mask of shape (count,), True at these rows."""
    kept = np.zeros(count, bool)
    kept[rows] = True
    return kept


def spread_rows(column: pa.Array, kept: Kept) -> pa.Array:
    """Return a column of all pages from that of the kept ones; the others are null. The data are not copied."""
    wide = column.cast(pa.large_string()) if pa.types.is_string(column.type) else column
    bounds, data = laid_out(wide)
    sizes = np.zeros(len(kept) + 1, np.int64)
    sizes[0], sizes[1:][kept] = bounds[0], np.diff(bounds)
    validity = np.packbits(kept, bitorder="little")
    buffers = list(map(pa.py_buffer, (validity, np.cumsum(sizes), data)))
    return pa.Array.from_buffers(wide.type, len(kept), buffers).cast(column.type)


def join_pieces(pieces: Sequence[pa.Table]) -> pa.Table:
    """Return the pieces of a partition as one table. A counter that a piece lacks is 0 there."""
    tallies = sorted({name for piece in pieces for name in piece.column_names if name.startswith(TALLY)})
    wholes = []
    for piece in pieces:
        columns = {name: piece[name] for name in piece.column_names if not name.startswith(TALLY)}
        zeros = pa.array(np.zeros(len(piece), np.int64))
        columns |= {name: piece[name] if name in piece.column_names else zeros for name in tallies}
        wholes.append(pa.table(columns))
    return pa.concat_tables(wholes)


def as_batch(pages: pa.Table, text: str | None = None, language: str | None = None) -> Batch:
    """Return pages of a partition, with text and language from these columns; without them ``""`` and ``und``."""

    def column(name: str | None, default: pa.Scalar) -> pa.Array:
        return pa.repeat(default, len(pages)) if name is None else joined(pages[name])

    timestamp, content_type, content_length = (joined(pages[name]) for name in FIELDS)
    return Batch(
        joined(pages["url"]),
        column(text, pa.scalar("", pa.large_string())),
        timestamp,
        content_type,
        content_length,
        column(language, pa.scalar("und")),
    )


def text_columns(columns: Collection[str], cleaning: str) -> tuple[str, ...]:
    """Return the names of a cleaning's columns: text and language, or the raw text alone if it only filters."""
    edited = (TEXT + cleaning, LANGUAGE + cleaning)
    return edited if edited[0] in columns else (RAW,)


def _filter_pages(pages: pa.Table, kept: Kept) -> pa.Table:
    return pa.table({name: where(joined(pages[name]), kept) for name in pages.column_names})


def read_kept(
    part: Part, winners: key_arrays.RowIds, cleaning: str, columns: Iterable[str]
) -> Iterator[tuple[npt.NDArray[np.uint32], pa.Table]]:
    """Yield the rows and these columns of the winners that a cleaning kept, a piece of the partition at a time.

    ``winners`` are the row ids of one partition, sorted by row.
    """
    kept = part.read_columns([KEPT + cleaning])[KEPT + cleaning].to_numpy()
    all_rows = winners["row"][kept[winners["row"]].astype(bool)]
    first = 0
    for piece in part.read_pieces(columns):
        rows = all_rows[slice(*np.searchsorted(all_rows, (first, first + len(piece))))]
        if len(rows):
            whole = len(rows) == len(piece)
            yield rows, piece if whole else _filter_pages(piece, mask_of_rows(rows - first, len(piece)))
        first += len(piece)
