"""Cuts members into WARC records. Knows nothing of pages.

The end of a record comes from, in this order: its Content-Length, if the end of the member or a version line follows;
the end of a gzip member that holds one record; the next version line with a valid header. Only the last reads lines
of a body.

Some compressors (bgzip) end gzip members after a fixed number of bytes, wherever records begin. So a record that needs
more bytes goes on in the next member, unless that begins like a record. From then on it may for the rest of the file.
"""

# Longer than 200 lines: one class, whose state decides together where a record ends.

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Generic

from c4pipe.warc.gzip_file import Take, Taken, members
from c4pipe.warc.gzip_member import Member
from c4pipe.warc.headers import (
    CUT_VERSION_LINE,
    HEADER_BYTES_MAX,
    HEADER_END,
    RECORD_FOLLOWS,
    WARC_BEGINS,
    content_length,
    header_fields,
)
from c4pipe.warc.resync import blanks_end, next_record_within, resync, skip_blanks

RECORD_BYTES_MAX = 32 << 20  # inflated; Common Crawl truncates pages at 5 MiB

Report = Callable[[str, int, str], None]  # kind of fault, offset in the file, detail


@dataclass(frozen=True, slots=True)
class Record:
    """One record, as bytes."""

    header: bytes  # from the version line to the blank line, inclusive
    fields: dict[str, str]  # header fields by lower-case name
    body: bytes
    offset: int  # file offset of its gzip member; in a plain file, of the record


@dataclass(frozen=True, slots=True)
class _Head:
    """A header, and its claims about the body that follows."""

    member: Member
    first: bool  # the first record of its member
    offset: int
    header: bytes
    fields: dict[str, str]
    body: int  # start of the body in the data of the member
    length: int | None  # the claimed Content-Length

    @property
    def claimed_end(self) -> int:
        return self.body + (self.length or 0)

    @property
    def claim(self) -> str:
        return "no Content-Length" if self.length is None else f"Content-Length is {self.length:,}"


class Records(Generic[Taken]):
    """The records of one file, in order. Faults of the file go to ``report``.

    If `take` accepts gzip members (each exactly one clean record), its results are yielded instead of `Record`s.
    """

    def __init__(
        self,
        stream: BinaryIO,
        report: Report,
        *,
        record_bytes_max: int = RECORD_BYTES_MAX,
        take: Take[Taken] | None = None,
    ) -> None:
        self.begun = False  # some part of a record was seen
        self.leading_lines = False  # other lines come before the first version line
        self._stream = stream
        self._take = take
        self._report = report
        self._limit = record_bytes_max
        self._several_seen = False  # a gzip member with more than one record was seen

    def __iter__(self) -> Iterator[Record | Taken]:
        for member in members(self._stream, self._take):
            if isinstance(member, Member):
                yield from self._records(member)
            else:
                self.begun = True
                yield member

    def _records(self, member: Member) -> Iterator[Record]:
        if self._reach_first(member):
            self.begun = first = True
            while skip_blanks(member):
                record = self._take_record(member, first)
                first = False
                if record:
                    yield record
        if member.damage:
            self.begun = True
            self._report(member.damage, member.offset, member.detail)

    def _reach_first(self, member: Member) -> bool:
        """Move to the first version line of the member. Return False if there is none."""
        member.fill(HEADER_BYTES_MAX)
        begins = WARC_BEGINS.match(member.data)
        has_record = True
        if begins:
            member.advance(begins.start("warc"))
        else:
            junk = bool(member.data.strip())
            has_record = resync(member, 0)
            if junk and (has_record or not member.damage):
                self._report("junk", member.offset, f"{member.start + member.at:,} bytes that belong to no WARC record")
        if has_record and not self.begun:
            self.leading_lines = not begins or b"\n" in begins[0]
        return has_record

    def _take_record(self, member: Member, first: bool) -> Record | None:
        """Return the record at the position and move past it; None if the record is lost."""
        head = self._read_head(member, first)
        if head is None:
            return None
        if head.length is not None and head.length <= self._limit and self._record_ends(member, head.claimed_end):
            end: int | None = head.claimed_end
        else:
            end = self._end_without_length(head)
        if end is None:
            return None
        record = Record(head.header, head.fields, member.data[head.body : end], head.offset)
        member.advance(end)
        return record

    def _read_head(self, member: Member, first: bool) -> _Head | None:
        begin, offset = member.at, (member.start + member.at if member.plain else member.offset)
        member.fill(begin + HEADER_BYTES_MAX)
        end = HEADER_END.search(member.data, begin, begin + HEADER_BYTES_MAX)
        if not end and not member.fill(begin + HEADER_BYTES_MAX):
            member.reach(begin + HEADER_BYTES_MAX)
            end = HEADER_END.search(member.data, begin, begin + HEADER_BYTES_MAX)
        header = member.data[begin : end.end()] if end else b""
        if not end or b"\nWARC/" in header:
            kind = "truncated_record" if member.ended and not end else "bad_header"
            self._lose(member, begin + 1, first, kind, offset, "no blank line ends its header")
            return None
        fields = header_fields(header)
        return _Head(member, first, offset, header, fields, end.end(), content_length(fields))

    def _record_ends(self, member: Member, end: int) -> bool:
        """True if the end of the member or a version line follows ``end``, after blank lines or none."""
        if not member.reach(end):
            return False
        blank = blanks_end(member, end)
        if blank == len(member.data):
            return member.ended and member.damage != "corrupt_gzip"
        if not member.fill(blank + 64) and CUT_VERSION_LINE.match(member.data, end):
            member.reach(blank + 64)
        if RECORD_FOLLOWS.match(member.data, end):
            self._several_seen |= not member.plain
            return True
        cut = member.ended and (member.plain or bool(member.damage))  # inside the version line of the next record
        return cut and CUT_VERSION_LINE.match(member.data, end) is not None

    def _end_without_length(self, head: _Head) -> int | None:
        """Find the end of a body whose Content-Length is wrong or absent; None, moved on, for a lost record."""
        member, length = head.member, head.length or 0
        complete = member.reach(head.body + min(length, self._limit + 1))
        if complete and length > self._limit:
            self._report("too_large", head.offset, self._too_large())
            member.skip(head.claimed_end)
            if not self._record_ends(member, member.at):
                self._move_on(member, head.first)
            return None
        if member.damage and not (complete and member.data[head.claimed_end :].strip()):
            member.advance(len(member.data))  # the length may be right: the damage alone explains it
            return None
        if self._may_hold_several(member, head.first, head.body):
            end = next_record_within(member, head.body, self._limit)
            if end is not None:
                self._several_seen |= not member.plain
                detail = f"{head.claim}, but the next record begins after {end - head.body:,} bytes"
                self._report("wrong_length", head.offset, detail)
                return end
        return self._end_with_member(head, complete)

    def _end_with_member(self, head: _Head, complete: bool) -> int | None:
        """Take the rest of the member as the body. If the record cannot end there, move on and return None."""
        member, body = head.member, head.body
        if member.fill(body + self._limit + 1):
            self._lose(member, body, head.first, "too_large", head.offset, self._too_large())
            return None
        end = len(member.data)
        detail = f"{head.claim}, but the data end after {end - body:,} bytes"
        if member.damage or (member.plain and not complete):
            self._lose(member, end, head.first, "truncated_record", head.offset, detail)
            return None
        self._report("wrong_length", head.offset, detail)
        return end

    def _may_hold_several(self, member: Member, first: bool, body: int) -> bool:
        """True if another record may follow in this member, so that a body with a wrong length must be searched.

        False in a file with one member per record: there the first record fills its member, and the next member, if
        any, begins like a record.
        """
        if member.plain or member.joined or not first or self._several_seen:
            return True
        if member.fill(body + self._limit + 1) or not member.followed():
            return member.index == 0
        member.reach(len(member.data) + 1)
        return member.joined

    def _too_large(self) -> str:
        remedy = "if it is a page, raise record_bytes_max (c4pipe.warc.records.RECORD_BYTES_MAX)"
        return f"more than {self._limit:,} bytes; {remedy}"

    def _lose(self, member: Member, behind: int, first: bool, kind: str, offset: int, detail: str) -> None:
        """Report a lost record. Move to the next record at or after ``behind``."""
        if not member.damage:
            self._report(kind, offset, detail)
        member.advance(behind)
        self._move_on(member, first)

    def _move_on(self, member: Member, first: bool) -> None:
        """Move to the next record of the member if it may have one, else to the end of the member."""
        if self._may_hold_several(member, first, member.at):
            resync(member, member.at)
        else:
            member.drain()
