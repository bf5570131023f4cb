"""WET stream to pages: the door to WARC reading.

The text of a page follows the reference (TFDS c4 3.1.0, ``split_wet_file``): its lines are stripped, blank ones and
those that begin like a WARC header are dropped. What a record is does not follow it: fields come from the record's own
header alone, and no line of a body ends the page (docs/known-deviations.md).
"""

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

FAULTS_LISTED_MAX = 1000  # of one file; all are counted
METADATA = ("WARC", "CONTENT-", "Content-")  # TFDS c4 3.1.0: lines that begin like this are no text
NAMES = ("warc-target-uri", "warc-date", "content-type", "content-length")  # of the fields of a record that are used

BATCH_PAGES, BATCH_BYTES = 512, 4 << 20  # read together: what a core's cache can hold of their texts
WHOLE_MAX_BYTES = 1 << 20  # inflated, of a member that the compiled room takes whole

Run = tuple[int, int]  # pages that lack nothing, and what one more lacks that was taken in, 0 if none was
Fields = tuple[str, str, str, str, str]  # url, text, timestamp, content type, content length; empty: not there
FATAL = ("filtered:no_url", "filtered:no_content", "filtered:no_timestamp")  # for C4 3.1.0; the names are TFDS's
LACKS = (*FATAL, "filtered:no_content_type", "filtered:no_content_len")  # of the fields, in their order; a bit each


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong with a WET file, and where: at which gzip member, or in a plain file at which record."""

    kind: str
    file: str
    offset: int  # in bytes of the file as it lies there, compressed or not
    detail: str

    def __str__(self) -> str:
        return f"{self.file}: {self.kind} at byte {self.offset:,}: {self.detail}"


class WetReader:
    """The pages of one WET file; iterate once. Afterwards its tallies and ``faults`` say what else was in it.

    Pages without a timestamp are yielded if ``undated`` asks for them; C4 3.1.0 leaves them out, 3.0.1 does not.
    Whatever is asked for, both versions' counts are kept, under the reference's names in its namespace
    "split-wet-file": ``tally`` counts as 3.1.0, ``tally_of(undated=True)`` as 3.0.1.
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
        self._columns = _columns(record_bytes_max)
        take = None if isinstance(self._columns, _Plain) else self._columns
        self._records = Records[Run](stream, self._report, record_bytes_max=record_bytes_max, take=take)

    def tally_of(self, *, undated: bool) -> Counter[str]:
        """Return what was counted, for a variant with or without undated pages (``Variant.undated``)."""
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
            lacks = self._taken(record) if isinstance(record, Record) else self._run(*record)
            if lacks is not None and not self._wanted(lacks):
                columns.drop()
            if columns.pages >= BATCH_PAGES or columns.size >= BATCH_BYTES:
                yield _batch(columns)
        if self._records.leading_lines or not self._records.begun:
            self.tally["filtered:no_url"] += 1  # the reference takes what precedes the first record for a page
        if not self._records.begun:
            self._report("no_record", 0, "the file holds no WARC record")
        if columns.pages:
            yield _batch(columns)

    def _taken(self, record: Record) -> int | None:
        """Take a record in as a page, and return what it lacks; None, and reported, if it is no UTF-8."""
        fields = self._fields(record)
        return None if fields is None else self._columns.add(fields)

    def _run(self, whole: int, lacks: int) -> int | None:
        """Count pages that lack nothing, and return what one more lacks that was taken in; None if none was."""
        if whole:
            self.tally["passed"] += whole
            self._undated_tally["passed"] += whole
        return lacks or None

    def _fields(self, record: Record) -> Fields | None:
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

    def _wanted(self, lacks: int) -> bool:
        """Count the record, as each version does; whether it is a page."""
        if not lacks:
            self._run(1, 0)
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


def _columns(record_bytes_max: int) -> Any:
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


def _batch(columns: Any) -> Batch:
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
