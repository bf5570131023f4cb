"""A WET file as a sequence of gzip members; a plain file is one member. Knows nothing of records.

Bytes are inflated on demand, a window at a time, so memory never holds a whole file or large member. Damage ends a
member and is noted on it. Reading goes on at the next gzip member that begins with a WARC version line.

Small complete members are first offered to ``take``, the compiled reader of regular ones. All others are read through
windows, whose bounds do not depend on earlier members.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from typing import BinaryIO, TypeVar

from c4pipe.warc.file_buffer import Lookahead
from c4pipe.warc.gzip_member import OUTPUT_BYTES, Member
from c4pipe.warc.headers import VERSION_LINE, WARC_BEGINS

INPUT_BYTES = 1 << 16  # most compressed bytes inflated at a time
PROBE_BYTES = 1 << 12  # more than the gzip header and the first line of a member need
WHOLE_BYTES = 1 << 17  # most compressed bytes of a member that is offered to ``take``

GZIP_WBITS = 31  # zlib: largest window, gzip header and trailer, checksum verified
GZIP_MAGIC = b"\x1f\x8b\x08"  # RFC 1952: ID1, ID2, CM = deflate

Taken = TypeVar("Taken")
# take(buffer, start, end) consumes complete gzip members that start in [start, end). It reads at most WHOLE_BYTES of
# each; bytes past that may be stale. It returns its result, or None if it declined the first member, and the position
# after the last consumed member.
Take = Callable[[bytearray, int, int], tuple[Taken | None, int]]


def members(stream: BinaryIO, take: Take[Taken] | None = None) -> Iterator[Member | Taken]:
    """Yield the members of a file in order. Read each before asking for the next. A plain file is one member.

    If ``take`` consumes members, its result is yielded in their place.
    """
    head = _read_full(stream, INPUT_BYTES)
    if _looks_compressed(head):
        yield from _GzipFile(stream, head).members(take)
    elif head:
        yield Member(0, 0, True, _plain_pieces(stream, head), lambda: False, lambda _: False)


def _looks_compressed(head: bytes) -> bool:
    """True if the file is gzip, perhaps with one of its first three bytes damaged, or with junk before its members."""
    matching = sum(a == b for a, b in zip(head, GZIP_MAGIC, strict=False))
    return matching >= min(2, len(head)) > 0 or (GZIP_MAGIC in head and not VERSION_LINE.search(head))


def _read_full(stream: BinaryIO, size: int) -> bytes:
    """Read ``size`` bytes, fewer only at the end of the file, even if each read returns little."""
    data = b""
    while len(data) < size and (block := stream.read(size - len(data))):
        data += block
    return data


def _plain_pieces(stream: BinaryIO, head: bytes) -> Iterator[bytes]:
    yield head
    while piece := stream.read(OUTPUT_BYTES):
        yield piece


class _GzipFile:
    """The members of a gzip file. The position of its bytes is the start of the next member."""

    def __init__(self, stream: BinaryIO, head: bytes) -> None:
        self._bytes = Lookahead(stream, head)
        self._in_blocks = False  # members end anywhere, so a member may begin inside a body

    def members(self, take: Take[Taken] | None) -> Iterator[Member | Taken]:
        index = 0
        while self._bytes.skip_zeros():
            taken = self._take_whole(take) if take else None
            if taken is not None:
                yield taken
            else:
                member = Member(self._bytes.offset, index, False, iter(()), self._bytes.skip_zeros, self._join_next)
                member.pieces = self._pieces(member)
                yield member
                member.drain()
            index += 1

    def _join_next(self, member: Member) -> bool:
        """Append the next member to one that has ended. Refuse if it begins a record and no member was joined before.

        A version line after blanks does not count as a beginning: the blanks may end a header or a record.
        """
        if not self._bytes.skip_zeros() or (start := self._inflated_start()) is None:
            return False
        if start.startswith(b"WARC/") and not self._in_blocks:
            return False
        self._in_blocks = True
        member.offset = self._bytes.offset
        member.pieces = self._pieces(member)
        return True

    def _take_whole(self, take: Take[Taken]) -> Taken | None:
        """Offer the members at the position to ``take``. Return its result and move past them; None if it declines."""
        file = self._bytes
        file.read_ahead(WHOLE_BYTES)
        end = file.end - (
            0 if file.read_all else WHOLE_BYTES - 1
        )  # members that begin before are complete in the buffer
        taken, file.at = take(file.buffer, file.at, end)
        return taken

    def _pieces(self, member: Member) -> Iterator[bytes]:
        """Inflate the member at the position, and leave the position at the start of the next."""
        broken = "corrupt_gzip" if self._bytes.startswith(GZIP_MAGIC[:2]) else "not_gzip"
        inflater = zlib.decompressobj(GZIP_WBITS)
        while not inflater.eof:
            block = self._bytes.peek(INPUT_BYTES)
            if not block:
                yield inflater.flush()
                self._resume(member, "truncated_gzip", "the file ends inside this gzip member")
                return
            before = inflater.copy()
            try:
                piece = inflater.decompress(block, OUTPUT_BYTES)
            except zlib.error as error:
                yield _until_error(before, block)
                self._resume(member, broken, str(error))
                return
            left = inflater.unused_data if inflater.eof else inflater.unconsumed_tail  # at the end zlib may set both
            self._bytes.at += len(block) - len(left)
            if piece:
                yield piece

    def _resume(self, member: Member, damage: str, detail: str) -> None:
        """Note the damage. Move to the next member where reading can go on, or to the end of the file."""
        self._bytes.step_back(member.offset + 1)
        while (next_found := self._bytes.find(GZIP_MAGIC)) and not self._resumable():
            self._bytes.at += 1
        if damage == "truncated_gzip" and next_found:
            damage, detail = "corrupt_gzip", "its compressed data have no end"  # zlib read on over the next members
        member.damage, member.detail = damage, detail

    def _resumable(self) -> bool:
        """True if the bytes at the position inflate, and to a WARC version line unless members end anywhere."""
        start = self._inflated_start()
        return start is not None and (self._in_blocks or WARC_BEGINS.match(start) is not None)

    def _inflated_start(self) -> bytes | None:
        """The first inflated bytes at the position, or None if they are not gzip."""
        try:
            return zlib.decompressobj(GZIP_WBITS).decompress(self._bytes.peek(PROBE_BYTES), 64)
        except zlib.error:
            return None


def _until_error(inflater: zlib._Decompress, block: bytes) -> bytes:
    """Return the bytes before the error, which zlib withholds, by inflating byte by byte."""
    pieces = []
    try:
        for i in range(len(block)):
            pieces.append(inflater.decompress(block[i : i + 1]))
    except zlib.error:
        pass
    return b"".join(pieces)
