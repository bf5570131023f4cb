"""A WET file as a run of members: the members of a gzip file, or a plain file as one. Knows nothing of records.

Bytes are inflated on demand, a window at a time, so neither a file nor a large member is ever held whole. Damage ends
a member and is noted on it; reading goes on at the next gzip member that begins with a WARC version line.

Small members may be offered whole to someone who takes those that are regular; what is not taken is read by windows,
and where these begin and end depends on nothing that was before.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from typing import BinaryIO, TypeVar

from c4pipe.warc.file_buffer import Lookahead
from c4pipe.warc.gzip_member import OUTPUT_BYTES, Member
from c4pipe.warc.headers import VERSION_LINE, WARC_BEGINS

INPUT_BYTES = 1 << 16  # inflated at a time, at most
PROBE_BYTES = 1 << 12  # more than the header of a member and its first line take
WHOLE_BYTES = 1 << 17  # compressed, in which a member must end that is offered whole

GZIP_WBITS = 31  # zlib: largest window, gzip header and trailer, checksum verified
GZIP_MAGIC = b"\x1f\x8b\x08"  # RFC 1952: ID1, ID2, CM = deflate

Taken = TypeVar("Taken")
# Takes whole members from a place in a buffer on; the last begins before an end, and of none more than WHOLE_BYTES are
# looked at: what stands further behind need not be of the file. Returns what was made of them, None if the first was
# left, and the place behind the last that was taken.
Take = Callable[[bytearray, int, int], tuple[Taken | None, int]]


def members(stream: BinaryIO, take: Take[Taken] | None = None) -> Iterator[Member | Taken]:
    """Yield the members of a file in order, each to be read before the next; a plain file is one member.

    Where ``take`` makes something of one or more of them, that is yielded in their place.
    """
    head = _read_full(stream, INPUT_BYTES)
    if _looks_compressed(head):
        yield from _GzipFile(stream, head).members(take)
    elif head:
        yield Member(0, 0, True, _plain_pieces(stream, head), lambda: False, lambda _: False)


def _looks_compressed(head: bytes) -> bool:
    """The file is gzip, perhaps with one byte of its first three gone wrong, or with something before its members."""
    matching = sum(a == b for a, b in zip(head, GZIP_MAGIC, strict=False))
    return matching >= min(2, len(head)) > 0 or (GZIP_MAGIC in head and not VERSION_LINE.search(head))


def _read_full(stream: BinaryIO, size: int) -> bytes:
    """Read ``size`` bytes, fewer at the end of the file alone, also from a stream that hands them out in drops."""
    data = b""
    while len(data) < size and (block := stream.read(size - len(data))):
        data += block
    return data


def _plain_pieces(stream: BinaryIO, head: bytes) -> Iterator[bytes]:
    yield head
    while piece := stream.read(OUTPUT_BYTES):
        yield piece


class _GzipFile:
    """The members of a gzip file; the place in its bytes is where the next one begins."""

    def __init__(self, stream: BinaryIO, head: bytes) -> None:
        self._bytes = Lookahead(stream, head)
        self._in_blocks = False  # members end wherever they do, also where a body has lines like those of a record

    def members(self, take: Take[Taken] | None) -> Iterator[Member | Taken]:
        index = 0
        while self._bytes.skip_zeros():
            taken = self._whole(take) if take else None
            if taken is not None:
                yield taken
            else:
                member = Member(self._bytes.offset, index, False, iter(()), self._bytes.skip_zeros, self._go_on)
                member.pieces = self._pieces(member)
                yield member
                member.drain()
            index += 1

    def _go_on(self, member: Member) -> bool:
        """Let a member that has ended go on with the next one, if that begins no record, or where one has before.

        Blanks before a version line may be those that end a header or a record.
        """
        if not self._bytes.skip_zeros() or (start := self._inflated_start()) is None:
            return False
        if start.startswith(b"WARC/") and not self._in_blocks:
            return False
        self._in_blocks = True
        member.offset = self._bytes.offset
        member.pieces = self._pieces(member)
        return True

    def _whole(self, take: Take[Taken]) -> Taken | None:
        """Return what is made of the members at the place, and move behind them; None, and not moved, if nothing is."""
        here = self._bytes
        here.ahead(WHOLE_BYTES)
        end = here.end - (0 if here.read_all else WHOLE_BYTES - 1)  # all that begin before are whole there
        taken, here.at = take(here.buffer, here.at, end)
        return taken

    def _pieces(self, member: Member) -> Iterator[bytes]:
        """Inflate the member at the place, and leave the place where the next one begins."""
        broken = "corrupt_gzip" if self._bytes.begins(GZIP_MAGIC[:2]) else "not_gzip"
        inflater = zlib.decompressobj(GZIP_WBITS)
        while not inflater.eof:
            block = self._bytes.next(INPUT_BYTES)
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
        """Note the damage, and move to the next member that reading may go on at, or to the end."""
        self._bytes.back(member.offset + 1)
        while (found := self._bytes.find(GZIP_MAGIC)) and not self._may_be_read():
            self._bytes.at += 1
        if damage == "truncated_gzip" and found:
            damage, detail = "corrupt_gzip", "its compressed data have no end"  # zlib read on over the next members
        member.damage, member.detail = damage, detail

    def _may_be_read(self) -> bool:
        """The bytes at the place inflate, to a WARC version line unless members are blocks."""
        start = self._inflated_start()
        return start is not None and (self._in_blocks or WARC_BEGINS.match(start) is not None)

    def _inflated_start(self) -> bytes | None:
        """What the first bytes at the place inflate to; None if they are no gzip."""
        try:
            return zlib.decompressobj(GZIP_WBITS).decompress(self._bytes.next(PROBE_BYTES), 64)
        except zlib.error:
            return None


def _until_error(inflater: zlib._Decompress, block: bytes) -> bytes:
    """Return what comes out before the error, which zlib withholds: inflated byte by byte."""
    pieces = []
    try:
        for i in range(len(block)):
            pieces.append(inflater.decompress(block[i : i + 1]))
    except zlib.error:
        pass
    return b"".join(pieces)
