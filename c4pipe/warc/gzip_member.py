"""A window on the inflated bytes of a gzip member, or on a plain file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

OUTPUT_BYTES = 1 << 20  # inflated at a time, at most


@dataclass(slots=True)
class Member:
    """A window on the inflated bytes of one gzip member, or of a plain file: grows behind, is forgotten in front."""

    offset: int  # of the member in the file
    index: int  # 0 for the first member of the file
    plain: bool  # not compressed
    pieces: Iterator[bytes] = field(repr=False)
    followed: Callable[[], bool] = field(repr=False)  # something stands behind this member; ask at its end only
    go_on: Callable[[Member], bool] = field(repr=False)  # with the gzip member behind it, if it may
    data: bytes = b""
    at: int = 0  # the reader's place in data
    start: int = 0  # inflated offset of data[0]
    joined: bool = False  # it went on with another
    ended: bool = False
    damage: str = ""  # kind of the fault that ended the member early
    detail: str = ""

    def fill(self, size: int) -> bool:
        """Inflate until data holds ``size`` bytes; False if the member has fewer."""
        while len(self.data) < size and (not self.ended or (self.joined and self._goes_on())):
            piece = next(self.pieces, None)
            if piece is None:
                self.ended = True
            else:
                self.data += piece
        return len(self.data) >= size

    def reach(self, size: int) -> bool:
        """``fill``, for what must be there: if need be, the member goes on with those that follow, and does ever after.

        It is no record then, but a block of a compressor's.
        """
        while not self.fill(size):
            if not self._goes_on():
                return False
        return True

    def _goes_on(self) -> bool:
        if self.plain or self.damage or not self.go_on(self):
            return False
        self.ended, self.joined = False, True
        return True

    def advance(self, to: int) -> None:
        """Move the place to ``to``, and forget what is behind it once that is much."""
        self.at = to
        if to > OUTPUT_BYTES:
            self.start += to
            self.data = self.data[to:]
            self.at = 0

    def skip(self, to: int) -> None:
        """Move the place to ``to``, which may lie beyond data, without holding what is between."""
        while to > len(self.data) and (not self.ended or self.reach(len(self.data) + 1)):
            to -= len(self.data)
            self._forget()
            self.fill(1)
        self.advance(min(to, len(self.data)))

    def drain(self) -> None:
        """Inflate the rest of the member, for its checksum and its end, and forget it."""
        while not self.ended:
            self._forget()
            self.fill(1)
        self.at = len(self.data)

    def _forget(self) -> None:
        self.start += len(self.data)
        self.data, self.at = b"", 0
