"""A sliding window on the inflated bytes of one gzip member, or on a plain file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

OUTPUT_BYTES = 1 << 20  # most bytes inflated at a time


@dataclass(slots=True)
class Member:
    """A window on the inflated bytes of one gzip member or plain file. It grows at its end and forgets its start."""

    offset: int  # of the member in the file
    index: int  # 0 for the first member of the file
    plain: bool  # not compressed
    pieces: Iterator[bytes] = field(repr=False)
    followed: Callable[[], bool] = field(
        repr=False
    )  # True if more bytes follow this member; call it only at the end of the member
    join_next: Callable[[Member], bool] = field(repr=False)  # append the next gzip member, if that is allowed
    data: bytes = b""
    at: int = 0  # position of the reader in data
    start: int = 0  # inflated offset of data[0]
    joined: bool = False  # a following member was appended
    ended: bool = False
    damage: str = ""  # kind of the fault that ended the member early
    detail: str = ""

    def fill(self, size: int) -> bool:
        """Inflate until data holds ``size`` bytes. Return False if the member has fewer."""
        while len(self.data) < size and (not self.ended or (self.joined and self._grow_by_next())):
            piece = next(self.pieces, None)
            if piece is None:
                self.ended = True
            else:
                self.data += piece
        return len(self.data) >= size

    def reach(self, size: int) -> bool:
        """Like ``fill``, but when the member is too short, append the following members to it, from then on for good.

        Such a member is not a record but a block of the compressor (bgzip).
        """
        while not self.fill(size):
            if not self._grow_by_next():
                return False
        return True

    def _grow_by_next(self) -> bool:
        if self.plain or self.damage or not self.join_next(self):
            return False
        self.ended, self.joined = False, True
        return True

    def advance(self, to: int) -> None:
        """Move the position to ``to``, and forget the bytes before it once they are many."""
        self.at = to
        if to > OUTPUT_BYTES:
            self.start += to
            self.data = self.data[to:]
            self.at = 0

    def skip(self, to: int) -> None:
        """Move the position to ``to``, which may lie beyond data, without keeping the bytes between."""
        while to > len(self.data) and (not self.ended or self.reach(len(self.data) + 1)):
            to -= len(self.data)
            self._forget()
            self.fill(1)
        self.advance(min(to, len(self.data)))

    def drain(self) -> None:
        """Inflate and forget the rest of the member: zlib checks its checksum, and its end is found."""
        while not self.ended:
            self._forget()
            self.fill(1)
        self.at = len(self.data)

    def _forget(self) -> None:
        self.start += len(self.data)
        self.data, self.at = b"", 0
