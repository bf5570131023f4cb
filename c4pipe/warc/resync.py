"""Moves within a member: to the next record, or over blank lines. The window grows as needed."""

from __future__ import annotations

import re

from c4pipe.warc.gzip_member import Member
from c4pipe.warc.headers import HEADER_BYTES_MAX, find_record

BLANKS = re.compile(rb"\s*")


def next_record_within(member: Member, begin: int, size: int) -> int | None:
    """Return the start of the next record in the data, at most ``size`` bytes after ``begin``, or None."""
    at = begin
    while True:
        position = find_record(member.data, at)
        if position is not None or len(member.data) > begin + size:
            return position if position is not None and position - begin <= size else None
        at = max(at, len(member.data) - HEADER_BYTES_MAX)
        if not member.fill(len(member.data) + 1):
            return None


def resync(member: Member, begin: int) -> bool:
    """Move to the next record at or after ``begin``, however far. Without one, move to the end and return False."""
    member.advance(begin)
    while True:
        position = find_record(member.data, member.at)
        if position is not None:
            member.advance(position)
            return True
        member.advance(max(member.at, len(member.data) - HEADER_BYTES_MAX))
        if not member.fill(len(member.data) + 1):
            member.advance(len(member.data))
            return False


def blanks_end(member: Member, begin: int) -> int:
    """Return the end of the blank bytes at ``begin``. The search stops after the longest allowed header."""
    while True:
        blanks = BLANKS.match(member.data, begin)
        assert blanks  # it matches nothing at all, too
        end = blanks.end()
        if end < len(member.data) or end - begin > HEADER_BYTES_MAX or not member.fill(end + 1):
            return end


def skip_blanks(member: Member) -> bool:
    """Move over blank bytes. Return False if only blank bytes are left in the member."""
    while member.fill(member.at + 1):
        member.advance(blanks_end(member, member.at))
        if member.at < len(member.data):
            return True
    return False
