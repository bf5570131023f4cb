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
        self._records = Records(stream, self._report, record_bytes_max=record_bytes_max)

    def tally_of(self, *, undated: bool) -> Counter[str]:
        """Return what was counted, for a variant with or without undated pages (``Variant.undated``)."""
        return self._undated_tally if undated else self.tally

    def __iter__(self) -> Iterator[Page]:
        self.tally["wet-file"] += 1
        self._undated_tally["wet-file"] += 1
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
        names = ("warc-target-uri", "warc-date", "content-type", "content-length")
        url, timestamp, content_type, content_length = (fields.get(name, "") for name in names)
        found = {
            "no_url": url,
            "no_content": text,
            "no_timestamp": timestamp,
            "no_content_type": content_type,
            "no_content_len": content_length,
        }
        self._count([name for name, value in found.items() if not value])
        if url and text and (timestamp or self._undated):
            return Page(url, text, timestamp, content_type, content_length)
        return None

    def _count(self, missing: list[str]) -> None:
        """Count a record that lacks these, as each version does."""
        fatal = [name for name in missing if name in ("no_url", "no_content", "no_timestamp")]
        self.tally[f"filtered:{fatal[0]}" if fatal else "passed"] += 1
        self._undated_tally.update(f"filtered:{name}" for name in missing)
        if not {"no_url", "no_content"} & set(missing):
            self._undated_tally["passed"] += 1

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
