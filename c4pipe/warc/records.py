"""Where a WARC record begins and ends. Knows nothing of pages.

What is trusted, in this order: Content-Length, where the end or a version line follows it; a gzip member that holds
one record; the next version line that a valid header follows. Only for the last are lines of a body looked at.

Some compressors (bgzip) end a gzip member every so many bytes, wherever records begin. So a record for which a member
is too short goes on in the next one if that does not begin like a record; and then any does for the rest of the file.
"""

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

RECORD_BYTES_MAX = 32 << 20  # inflated; Common Crawl cuts what it fetches at 5 MiB

Report = Callable[[str, int, str], None]  # kind of fault, offset in the file, detail


@dataclass(frozen=True, slots=True)
class Record:
    """The bytes of one record."""

    header: bytes  # from the version line to the blank line, both included
    fields: dict[str, str]  # of the header, names in lower case
    body: bytes
    offset: int  # of its gzip member in the file; in a plain file, its own


@dataclass(frozen=True, slots=True)
class _Head:
    """A header that was read, and what it says of the body that begins behind it."""

    member: Member
    first: bool  # of its member
    offset: int
    header: bytes
    fields: dict[str, str]
    body: int  # where it begins in the member's data
    length: int | None  # as claimed

    @property
    def claimed_end(self) -> int:
        return self.body + (self.length or 0)

    @property
    def claim(self) -> str:
        return "no Content-Length" if self.length is None else f"Content-Length is {self.length:,}"


class Records(Generic[Taken]):
    """The records of one file, in order; what is wrong with the file goes to ``report``.

    Where ``take`` makes something of gzip members, each of which then must be one record without a fault and its blank
    lines, that is yielded in place of the records.
    """

    def __init__(
        self,
        stream: BinaryIO,
        report: Report,
        *,
        record_bytes_max: int = RECORD_BYTES_MAX,
        take: Take[Taken] | None = None,
    ) -> None:
        self.begun = False  # something of a record was seen
        self.leading_lines = False  # other lines stand before the first version line
        self._stream = stream
        self._take = take
        self._report = report
        self._limit = record_bytes_max
        self._several = False  # a gzip member with more than one record was seen

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
                record = self._next(member, first)
                first = False
                if record:
                    yield record
        if member.damage:
            self.begun = True
            self._report(member.damage, member.offset, member.detail)

    def _reach_first(self, member: Member) -> bool:
        """Move to the member's first version line; False if there is none."""
        member.fill(HEADER_BYTES_MAX)
        begins = WARC_BEGINS.match(member.data)
        found = True
        if begins:
            member.advance(begins.start("warc"))
        else:
            junk = bool(member.data.strip())
            found = resync(member, 0)
            if junk and (found or not member.damage):
                self._report("junk", member.offset, f"{member.start + member.at:,} bytes that belong to no WARC record")
        if found and not self.begun:
            self.leading_lines = not begins or b"\n" in begins[0]
        return found

    def _next(self, member: Member, first: bool) -> Record | None:
        """Take the record at the place and move behind it; None if it is lost."""
        head = self._head(member, first)
        if head is None:
            return None
        if head.length is not None and head.length <= self._limit and self._lands(member, head.claimed_end):
            end: int | None = head.claimed_end
        else:
            end = self._end_without_length(head)
        if end is None:
            return None
        record = Record(head.header, head.fields, member.data[head.body : end], head.offset)
        member.advance(end)
        return record

    def _head(self, member: Member, first: bool) -> _Head | None:
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

    def _lands(self, member: Member, end: int) -> bool:
        """The end of the member or a version line follows ``end``, blank lines aside."""
        if not member.reach(end):
            return False
        blank = blanks_end(member, end)
        if blank == len(member.data):
            return member.ended and member.damage != "corrupt_gzip"
        if not member.fill(blank + 64) and CUT_VERSION_LINE.match(member.data, end):
            member.reach(blank + 64)
        if RECORD_FOLLOWS.match(member.data, end):
            self._several |= not member.plain
            return True
        cut = member.ended and (member.plain or bool(member.damage))  # inside the version line of the next record
        return cut and CUT_VERSION_LINE.match(member.data, end) is not None

    def _end_without_length(self, head: _Head) -> int | None:
        """Find the end of a body whose Content-Length leads nowhere; None, and moved on, if the record is lost."""
        member, length = head.member, head.length or 0
        complete = member.reach(head.body + min(length, self._limit + 1))
        if complete and length > self._limit:
            self._report("too_large", head.offset, self._too_large())
            member.skip(head.claimed_end)
            if not self._lands(member, member.at):
                self._leave(member, head.first)
            return None
        if member.damage and not (complete and member.data[head.claimed_end :].strip()):
            member.advance(len(member.data))  # the length may be right: the damage alone explains it
            return None
        if self._may_hold_several(member, head.first, head.body):
            end = next_record_within(member, head.body, self._limit)
            if end is not None:
                self._several |= not member.plain
                detail = f"{head.claim}, but the next record begins after {end - head.body:,} bytes"
                self._report("wrong_length", head.offset, detail)
                return end
        return self._end_with_member(head, complete)

    def _end_with_member(self, head: _Head, complete: bool) -> int | None:
        """Take the rest of the member for the body; None, and moved on, if that cannot be all of the record."""
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
        """Another record may follow in this member, so that lines of a body with a wrong length must be looked at.

        Not so in a file with a member for each record: there the first record of a member is all of it, and another
        member is either the end or begins like a record.
        """
        if member.plain or member.joined or not first or self._several:
            return True
        if member.fill(body + self._limit + 1) or not member.followed():
            return member.index == 0
        member.reach(len(member.data) + 1)
        return member.joined

    def _too_large(self) -> str:
        remedy = "if it is a page, raise record_bytes_max (c4pipe.warc.records.RECORD_BYTES_MAX)"
        return f"more than {self._limit:,} bytes; {remedy}"

    def _lose(self, member: Member, behind: int, first: bool, kind: str, offset: int, detail: str) -> None:
        """Report a lost record, and move to the next one at or after ``behind``."""
        if not member.damage:
            self._report(kind, offset, detail)
        member.advance(behind)
        self._leave(member, first)

    def _leave(self, member: Member, first: bool) -> None:
        """Move to the next record of the member if it may have one, else to its end."""
        if self._may_hold_several(member, first, member.at):
            resync(member, member.at)
        else:
            member.drain()
