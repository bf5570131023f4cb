"""From a WET stream to pages.

The text of a page follows the reference (TFDS c4 3.1.0, ``split_wet_file``): lines are stripped, and blank lines and
lines that begin like a WARC header are dropped. The bounds of a record do not follow it: fields come only from the
header of the record, and no line of a body ends the page (docs/known-deviations.md).
"""

# Longer than 200 lines: a reader with its two holders of columns, plain and compiled, which must agree.
from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import pyarrow as pa

from c4pipe import engine
from c4pipe.batch import FIELDS, Batch
from c4pipe.columns import strings
from c4pipe.page import Page
from c4pipe.warc.gzip_file import WHOLE_BYTES
from c4pipe.warc.records import RECORD_BYTES_MAX, Record, Records

FAULTS_LISTED_MAX = 1000  # listed for one file; all are counted
METADATA = ("WARC", "CONTENT-", "Content-")  # TFDS c4 3.1.0: lines that begin like this are not text
NAMES = (
    "warc-target-uri",
    "warc-date",
    "content-type",
    "content-length",
)  # the header fields that become fields of a page

BATCH_PAGES, BATCH_BYTES = 512, 4 << 20  # of one batch: their texts fit the cache of a core
WHOLE_MAX_BYTES = 1 << 20  # most inflated bytes of a member that the compiled room takes

Run = tuple[int, int]  # pages that lack nothing, and what one more lacks that was taken in, 0 if none was
Fields = tuple[str, str, str, str, str]  # url, text, timestamp, content type, content length; empty: not there
FATAL = ("filtered:no_url", "filtered:no_content", "filtered:no_timestamp")  # for C4 3.1.0; names of TFDS
LACKS = (*FATAL, "filtered:no_content_type", "filtered:no_content_len")  # of the fields, in their order; a bit each


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of a WET file, with the offset of its gzip member, or of its record in a plain file."""

    kind: str
    file: str
    offset: int  # in bytes of the file on disk, compressed or not
    detail: str

    def __str__(self) -> str:
        return f"{self.file}: {self.kind} at byte {self.offset:,}: {self.detail}"


class WetReader:
    """The pages of one WET file. Iterate once; then the tallies and ``faults`` have the rest.

    ``undated`` also yields pages without a timestamp, as C4 3.0.1 does and 3.1.0 does not. The reader always keeps the
    counts of both versions, under the names of the reference in its namespace "split-wet-file": ``tally`` counts as
    3.1.0, ``tally_of(undated=True)`` as 3.0.1.
    """

    def __init__(
        self, stream: BinaryIO, *, name: str, undated: bool = False, record_bytes_max: int = RECORD_BYTES_MAX
    ) -> None:
        self.tally: Counter[str] = Counter()  # each record once: as passed, or by the first field that it lacks
        self._undated_tally: Counter[str] = Counter()  # each field that a record lacks
        self.faults: list[Fault] = []  # the first FAULTS_LISTED_MAX
        self.fault_counts: Counter[str] = Counter()  # all, by kind
        self._name = name
        self._undated = undated
        self._columns = _new_columns(record_bytes_max)
        take = None if isinstance(self._columns, _Plain) else self._columns
        self._records = Records[Run](stream, self._report, record_bytes_max=record_bytes_max, take=take)

    def tally_of(self, *, undated: bool) -> Counter[str]:
        """Return the counts for a variant with or without undated pages (``Variant.undated``)."""
        return self._undated_tally if undated else self.tally

    def __iter__(self) -> Iterator[Page]:
        for batch in self.batches():
            yield from batch.pages()

    def batches(self) -> Iterator[Batch]:
        """Yield the pages by columns, some at a time."""
        self.tally["wet-file"] += 1
        self._undated_tally["wet-file"] += 1
        columns = self._columns
        for record in self._records:
            lacks = self._add_record(record) if isinstance(record, Record) else self._count_run(*record)
            if lacks is not None and not self._count_as_page(lacks):
                columns.drop()
            if columns.pages >= BATCH_PAGES or columns.size >= BATCH_BYTES:
                yield _to_batch(columns)
        if self._records.leading_lines or not self._records.begun:
            self.tally["filtered:no_url"] += 1  # the reference takes what precedes the first record for a page
        if not self._records.begun:
            self._report("no_record", 0, "the file holds no WARC record")
        if columns.pages:
            yield _to_batch(columns)

    def _add_record(self, record: Record) -> int | None:
        """Take a record in as a page, and return what it lacks; None, and reported, if it is no UTF-8."""
        fields = self._page_fields(record)
        return None if fields is None else self._columns.add(fields)

    def _count_run(self, whole: int, lacks: int) -> int | None:
        """Count pages that lack nothing, and return what one more lacks that was taken in; None if none was."""
        if whole:
            self.tally["passed"] += whole
            self._undated_tally["passed"] += whole
        return lacks or None

    def _page_fields(self, record: Record) -> Fields | None:
        """Return what a page is made of; None, and reported, if the record is no UTF-8."""
        try:
            record.header.decode("utf-8")
            text = page_text(record.body.decode("utf-8"))
        except UnicodeDecodeError as error:
            part = "body" if error.object == record.body else "header"
            self._report("not_utf8", record.offset, f"{error.reason} at byte {error.start:,} of the record's {part}")
            return None
        url, timestamp, content_type, content_length = (record.fields.get(name, "") for name in NAMES)
        return url, text, timestamp, content_type, content_length

    def _count_as_page(self, lacks: int) -> bool:
        """Count the record, as each version does; whether it is a page."""
        if not lacks:
            self._count_run(1, 0)
            return True
        missing = [counter for bit, counter in enumerate(LACKS) if lacks >> bit & 1]
        fatal = [counter for counter in missing if counter in FATAL]
        self.tally[fatal[0] if fatal else "passed"] += 1
        for counter in missing:
            self._undated_tally[counter] += 1
        if "filtered:no_url" in missing or "filtered:no_content" in missing:
            return False
        self._undated_tally["passed"] += 1
        return self._undated or "filtered:no_timestamp" not in missing

    def _report(self, kind: str, offset: int, detail: str) -> None:
        self.fault_counts[kind] += 1
        if len(self.faults) < FAULTS_LISTED_MAX:
            self.faults.append(Fault(kind, self._name, offset, detail))


class _Plain:
    """The fields of pages, as columns: what the compiled twin has, too, which takes regular gzip members besides."""

    def __init__(self) -> None:
        self.rows: list[Fields] = []
        self.size = 0  # of their texts

    @property
    def pages(self) -> int:
        return len(self.rows)

    def add(self, fields: Fields) -> int:
        """Take a page in, and return what it lacks."""
        self.rows.append(fields)
        self.size += len(fields[1])
        return sum((not field) << bit for bit, field in enumerate(fields))

    def drop(self) -> None:
        """Take the last page back."""
        self.size -= len(self.rows.pop()[1])

    def taken(self) -> list[pa.Array]:
        """Return the columns, and begin anew."""
        rows, self.rows, self.size = self.rows, [], 0
        return [pa.array(values, pa.large_string()) for values in zip(*rows, strict=True)]


def _new_columns(record_bytes_max: int) -> Any:
    """What pages are collected in: compiled, or plain."""
    if (fast := engine.twin("records")) is None:
        return _Plain()
    return fast.Regular(
        fast.Inflater(WHOLE_BYTES, WHOLE_MAX_BYTES),
        record_bytes_max=record_bytes_max,
        names=NAMES,
        metadata=METADATA,
        pages=BATCH_PAGES,
        bytes=BATCH_BYTES,
    )


def _to_batch(columns: Any) -> Batch:
    """The pages that were collected."""
    taken = [column if isinstance(column, pa.Array) else strings(*column) for column in columns.taken()]
    url, text, timestamp, content_type, content_length = (
        column if name == "text" else column.cast(pa.string()) for name, column in zip(FIELDS, taken, strict=False)
    )
    return Batch(url, text, timestamp, content_type, content_length, pa.repeat("und", len(url)))


def page_text(body: str) -> str:
    r"""Return the lines of a record's body that are text, stripped; only ``\n``, ``\r\n`` and ``\r`` end a line.

    >>> page_text("  One line. \r\n\r\nContent-Type: text/html\nAnother\rline.")
    'One line.\nAnother\nline.'
    """
    stripped = (line.strip() for line in body.replace("\r", "\n").split("\n"))
    return "\n".join(line for line in stripped if line and not line.startswith(METADATA))
