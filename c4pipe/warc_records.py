"""Where a WARC record begins and ends. Knows nothing of pages.

What is trusted, in this order: Content-Length, where the end or a version line follows it; a gzip member that holds
one record; the next version line that a valid header follows. Only for the last are lines of a body looked at.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from c4pipe.gzip_members import WARC_BEGINS, Member, members

RECORD_BYTES_MAX = 32 << 20  # inflated; Common Crawl cuts what it fetches at 5 MiB
HEADER_BYTES_MAX = 64 << 10  # of one record, and of blank lines behind it

VERSION_LINE = re.compile(rb"^[ \t]*WARC/[0-9]+\.[0-9]+[ \t]*\r?\n", re.MULTILINE)
HEADER_END = re.compile(rb"\n[ \t]*\r?\n")
FIELD = re.compile(rb"[!-9;-~]+[ \t]*:|[ \t]+\S")  # a name and a colon, or the continuation of a value
RECORD_FOLLOWS = re.compile(rb"(?:(?<=\n)|\s*\n)[ \t]*WARC/[0-9]+\.[0-9]+[ \t]*\r?\n")
CUT_VERSION_LINE = re.compile(rb"\s*\n(?:W|WA|WAR|WARC|WARC/|WARC/1|WARC/1\.|WARC/1\.[01]\r?)\Z")
BLANKS = re.compile(rb"\s*")

Report = Callable[[str, int, str], None]  # kind of fault, offset in the file, detail


@dataclass(frozen=True, slots=True)
class Record:
    """The bytes of one record."""

    header: bytes  # from the version line to the blank line, both included
    body: bytes
    offset: int  # of its gzip member in the file; in a plain file, its own


def header_fields(header: bytes) -> dict[str, str]:
    r"""Return the fields of a record header by lower-case name; of a name that occurs twice, the last.

    >>> header_fields(b"WARC/1.0\r\nWARC-Type: conversion\r\nContent-Length:7\r\n\r\n")
    {'warc-type': 'conversion', 'content-length': '7'}
    """
    fields = {}
    for line in header.decode("utf-8", "replace").replace("\r", "\n").split("\n"):
        name, colon, value = line.partition(":")
        if colon:
            fields[name.strip().lower()] = value.strip()
    return fields


def content_length(fields: dict[str, str]) -> int | None:
    """Return the length that the header claims for the body, None if it claims none."""
    claim = fields.get("content-length", "")
    return int(claim) if claim.isascii() and claim.isdigit() and len(claim) < 19 else None


def find_record(data: bytes, begin: int) -> int | None:
    """Return where the next version line begins that a whole and valid header follows."""
    for version in VERSION_LINE.finditer(data, begin):
        end = HEADER_END.search(data, version.end() - 1, version.start() + HEADER_BYTES_MAX)
        lines = data[version.end() : end.start()].split(b"\n") if end else []
        if all(FIELD.match(line) for line in lines) and any(line[:5].upper() == b"WARC-" for line in lines):
            return version.start()
    return None


class Records:
    """The records of one file, in order; what is wrong with the file goes to ``report``."""

    def __init__(self, stream: BinaryIO, report: Report, *, record_bytes_max: int = RECORD_BYTES_MAX) -> None:
        self.begun = False  # something of a record was seen
        self.leading_lines = False  # other lines stand before the first version line
        self._stream = stream
        self._report = report
        self._limit = record_bytes_max
        self._several = False  # a gzip member with more than one record was seen

    def __iter__(self) -> Iterator[Record]:
        for member in members(self._stream):
            if self._reach_first(member):
                self.begun = first = True
                while _skip_blanks(member):
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
            found = _resync(member, 0)
            if junk and (found or not member.damage):
                self._report("junk", member.offset, f"{member.start + member.at:,} bytes that belong to no WARC record")
        if found and not self.begun:
            self.leading_lines = not begins or b"\n" in begins[0]
        return found

    def _next(self, member: Member, first: bool) -> Record | None:
        """Take the record at the place and move behind it; None if it is lost."""
        begin, offset = member.at, (member.start + member.at if member.plain else member.offset)
        member.fill(begin + HEADER_BYTES_MAX)
        blank = HEADER_END.search(member.data, begin, begin + HEADER_BYTES_MAX)
        if not blank or (b"\nWARC/" in member.data[begin : blank.end()]):
            self._lose(member, begin + 1, first, "truncated_record", offset, "its header does not end")
            return None
        header, body = member.data[begin : blank.end()], blank.end()
        length = content_length(header_fields(header))
        if length is not None and length <= self._limit and self._lands(member, body + length):
            end: int | None = body + length
        else:
            end = self._end_without_length(member, body, length, offset, first)
        if end is None:
            return None
        record = Record(header, member.data[body:end], offset)
        member.advance(end)
        return record

    def _lands(self, member: Member, end: int) -> bool:
        """The end of the member or a version line follows ``end``, blank lines aside."""
        if not member.fill(end):
            return False
        blank = _blanks_end(member, end)
        if blank == len(member.data):
            return member.ended and member.damage != "corrupt_gzip"
        member.fill(blank + 64)
        if RECORD_FOLLOWS.match(member.data, end):
            self._several |= not member.plain
            return True
        cut = member.plain or member.damage == "truncated_gzip"
        return cut and member.ended and CUT_VERSION_LINE.match(member.data, end) is not None

    def _end_without_length(
        self, member: Member, body: int, length: int | None, offset: int, first: bool
    ) -> int | None:
        """Find the end of a body whose Content-Length leads nowhere; None if the record is lost."""
        claim = "no Content-Length" if length is None else f"Content-Length is {length:,}"
        complete = member.fill(body + min(length or 0, self._limit + 1))
        if length is not None and length > self._limit and complete:
            self._lose_large(member, body + length, first, offset)
            return None
        if member.damage and (not complete or not member.data[body + (length or 0) :].strip()):
            member.advance(len(member.data))
            return None
        if self._may_hold_several(member, first, body):
            end = self._search(member, body)
            if end is not None:
                self._several |= not member.plain
                self._report("wrong_length", offset, f"{claim}, but the next record begins after {end - body:,} bytes")
                return end
        if member.fill(body + self._limit + 1):
            self._lose_large(member, body, first, offset)
            return None
        end = len(member.data)
        if member.damage or (member.plain and not complete):
            self._lose(
                member, end, first, "truncated_record", offset, f"{claim}, but the file ends after {end - body:,} bytes"
            )
            return None
        self._report("wrong_length", offset, f"{claim}, but the member ends after {end - body:,} bytes")
        return end

    def _may_hold_several(self, member: Member, first: bool, body: int) -> bool:
        """Whether lines of this body may be looked at: no record could otherwise follow in a member of one record."""
        if member.plain or not first or self._several:
            return True
        if member.index > 0:
            return False
        return member.fill(body + self._limit + 1) or not member.followed()  # one gzip member for all

    def _search(self, member: Member, body: int) -> int | None:
        begin = body
        while True:
            found = find_record(member.data, begin)
            if found is not None or len(member.data) > body + self._limit:
                return found
            begin = max(begin, len(member.data) - HEADER_BYTES_MAX)
            if not member.fill(len(member.data) + 1):
                return None

    def _lose_large(self, member: Member, behind: int, first: bool, offset: int) -> None:
        remedy = "if it is a page, raise record_bytes_max (c4pipe.warc_records.RECORD_BYTES_MAX)"
        self._report("too_large", offset, f"a record of more than {self._limit:,} bytes; {remedy}")
        member.skip(behind)
        if not self._lands(member, member.at):
            self._leave(member, member.at, first)

    def _lose(self, member: Member, behind: int, first: bool, kind: str, offset: int, detail: str) -> None:
        if not member.damage:
            self._report(kind, offset, detail)
        self._leave(member, behind, first)

    def _leave(self, member: Member, behind: int, first: bool) -> None:
        """Move to the next record of the member if it may have one, else to its end."""
        if self._may_hold_several(member, first, behind):
            _resync(member, behind)
        else:
            member.drain()


def _resync(member: Member, begin: int) -> bool:
    """Move to the next record at or behind ``begin``; False if none is left in the member."""
    member.advance(begin)
    while True:
        found = find_record(member.data, member.at)
        if found is not None:
            member.advance(found)
            return True
        member.advance(max(member.at, len(member.data) - HEADER_BYTES_MAX))
        if not member.fill(len(member.data) + 1):
            member.advance(len(member.data))
            return False


def _blanks_end(member: Member, begin: int) -> int:
    """Return where the blank bytes at ``begin`` end, looking no further than a header is long."""
    while True:
        blanks = BLANKS.match(member.data, begin)
        assert blanks
        end = blanks.end()
        if end < len(member.data) or end - begin > HEADER_BYTES_MAX or not member.fill(end + 1):
            return end


def _skip_blanks(member: Member) -> bool:
    """Move over blank bytes; False if nothing but them is left in the member."""
    while member.fill(member.at + 1):
        member.advance(_blanks_end(member, member.at))
        if member.at < len(member.data):
            return True
    return False
