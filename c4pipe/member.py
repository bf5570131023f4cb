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
    data: bytes = b""
    at: int = 0  # the reader's place in data
    start: int = 0  # inflated offset of data[0]
    ended: bool = False
    damage: str = ""  # kind of the fault that ended the member early
    detail: str = ""

    def fill(self, size: int) -> bool:
        """Inflate until data holds ``size`` bytes; False if the member has fewer."""
        while len(self.data) < size and not self.ended:
            piece = next(self.pieces, None)
            if piece is None:
                self.ended = True
            else:
                self.data += piece
        return len(self.data) >= size

    def advance(self, to: int) -> None:
        """Move the place to ``to``, and forget what is behind it once that is much."""
        self.at = to
        if to > OUTPUT_BYTES:
            self.start += to
            self.data = self.data[to:]
            self.at = 0

    def skip(self, to: int) -> None:
        """Move the place to ``to``, which may lie beyond data, without holding what is between."""
        while not self.ended and to > len(self.data):
            to -= len(self.data)
            self.start += len(self.data)
            self.data, self.at = b"", 0
            self.fill(1)
        self.advance(min(to, len(self.data)))

    def drain(self) -> None:
        """Inflate the rest of the member, for its checksum and its end, and forget it."""
        while not self.ended:
            self.skip(len(self.data) + 1)
        self.at = len(self.data)
