"""WET stream to pages: the door to WARC reading.

The text of a page follows the reference (TFDS c4 3.1.0, ``split_wet_file``): its lines are stripped, blank ones and
those that begin like a WARC header are dropped. What a record is does not follow it: fields come from the record's own
header alone, and no line of a body ends the page (docs/known-deviations.md).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from c4pipe.page import Page
from c4pipe.warc_records import RECORD_BYTES_MAX, Record, Records

FAULTS_LISTED_MAX = 1000  # of one file; all are counted
METADATA = ("WARC", "CONTENT-", "Content-")  # TFDS c4 3.1.0: lines that begin like this are no text


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
    """The pages of one WET file; iterate once. Afterwards ``tally`` and ``faults`` say what else was in it."""

    def __init__(self, stream: BinaryIO, *, name: str, record_bytes_max: int = RECORD_BYTES_MAX) -> None:
        self.tally: Counter[str] = Counter()  # the reference's names, in its namespace "split-wet-file"
        self.faults: list[Fault] = []  # the first FAULTS_LISTED_MAX
        self.fault_counts: Counter[str] = Counter()  # all, by kind
        self._name = name
        self._records = Records(stream, self._report, record_bytes_max=record_bytes_max)

    def __iter__(self) -> Iterator[Page]:
        self.tally["wet-file"] += 1
        for record in self._records:
            page = self._page(record)
            if page:
                yield page
        if self._records.leading_lines or not self._records.begun:
            self.tally["filtered:no_url"] += 1  # the reference takes what precedes the first record for a page
        if not self._records.begun:
            self._report("no_record", 0, "the file holds no WARC record")

    def _page(self, record: Record) -> Page | None:
        """Return the record as a page; None, and counted, if it is none."""
        try:
            record.header.decode("utf-8")
            text = page_text(record.body.decode("utf-8"))
        except UnicodeDecodeError as error:
            part = "body" if error.object == record.body else "header"
            self._report("not_utf8", record.offset, f"{error.reason} at byte {error.start:,} of the record's {part}")
            return None
        fields = record.fields
        url, timestamp = fields.get("warc-target-uri", ""), fields.get("warc-date", "")
        missing = "no_url" if not url else "no_content" if not text else "no_timestamp" if not timestamp else ""
        self.tally[f"filtered:{missing}" if missing else "passed"] += 1
        if missing:
            return None
        return Page(url, text, timestamp, fields.get("content-type", ""), fields.get("content-length", ""))

    def _report(self, kind: str, offset: int, detail: str) -> None:
        self.fault_counts[kind] += 1
        if len(self.faults) < FAULTS_LISTED_MAX:
            self.faults.append(Fault(kind, self._name, offset, detail))


def page_text(body: str) -> str:
    r"""Return the lines of a record's body that are text, stripped; only ``\n``, ``\r\n`` and ``\r`` end a line.

    >>> page_text("  One line. \r\n\r\nContent-Type: text/html\nAnother\rline.")
    'One line.\nAnother\nline.'
    """
    stripped = (line.strip() for line in body.replace("\r", "\n").split("\n"))
    return "\n".join(line for line in stripped if line and not line.startswith(METADATA))
