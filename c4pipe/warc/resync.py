"""Moving over the bytes of a member: to the next record, over blank lines. The window grows as far as that needs."""

from __future__ import annotations

import re

from c4pipe.warc.gzip_member import Member
from c4pipe.warc.headers import HEADER_BYTES_MAX, find_record

BLANKS = re.compile(rb"\s*")


def next_record_within(member: Member, begin: int, size: int) -> int | None:
    """Return where in the member's data the next record begins, at most ``size`` bytes behind ``begin``."""
    at = begin
    while True:
        found = find_record(member.data, at)
        if found is not None or len(member.data) > begin + size:
            return found if found is not None and found - begin <= size else None
        at = max(at, len(member.data) - HEADER_BYTES_MAX)
        if not member.fill(len(member.data) + 1):
            return None


def resync(member: Member, begin: int) -> bool:
    """Move to the next record at or behind ``begin``, however far; False, and at the end, if the member has none."""
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


def blanks_end(member: Member, begin: int) -> int:
    """Return where the blank bytes at ``begin`` end, looking no further than a header may be long."""
    while True:
        blanks = BLANKS.match(member.data, begin)
        assert blanks  # it matches nothing at all, too
        end = blanks.end()
        if end < len(member.data) or end - begin > HEADER_BYTES_MAX or not member.fill(end + 1):
            return end


def skip_blanks(member: Member) -> bool:
    """Move over blank bytes; False if nothing but them is left in the member."""
    while member.fill(member.at + 1):
        member.advance(blanks_end(member, member.at))
        if member.at < len(member.data):
            return True
    return False
