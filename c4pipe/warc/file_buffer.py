"""A file read through a buffer: ahead of a place as far as is asked, and back to what was not far before it."""

from __future__ import annotations

import re
from typing import BinaryIO

READ_BYTES = 1 << 18  # read from the file at a time
LOOK_BACK_BYTES = 1 << 20  # kept of what is before the place: damage shows only behind where it is
BUFFER_BYTES = 1 << 22  # held of a file, at least: once they are full, what is still needed is moved to the front
NOT_ZERO = re.compile(rb"[^\0]")


class Lookahead:
    """The bytes of a file: a buffer with a place in it, and what was not far before it where it has been.

    What stands in the buffer behind ``end`` is no part of the file; once the file is read to its end, nothing does.
    """

    def __init__(self, stream: BinaryIO, head: bytes) -> None:
        self.buffer = bytearray(BUFFER_BYTES)
        self.at = self.end = 0
        self.start = 0  # file offset of buffer[0]
        self.read_all = False
        self._stream = stream
        self._put(head)

    @property
    def offset(self) -> int:
        """Where in the file the place is."""
        return self.start + self.at

    def ahead(self, size: int) -> None:
        """Have ``size`` bytes from the place on, fewer at the end of the file alone."""
        while self.end - self.at < size and self._more():
            pass

    def next(self, size: int) -> bytes:
        """Return ``size`` bytes from the place on, fewer at the end of the file alone; the place stays."""
        self.ahead(size)
        return bytes(self.buffer[self.at : min(self.at + size, self.end)])

    def begins(self, with_bytes: bytes) -> bool:
        """These bytes stand at the place, as far as it is read."""
        return self.buffer.startswith(with_bytes, self.at, self.end)

    def back(self, least: int) -> None:
        """Move back as far as the buffer is sure to reach, but not before the offset ``least`` of the file."""
        self.at = max(self.at - LOOK_BACK_BYTES, least - self.start)

    def skip_zeros(self) -> bool:
        """Move over zero bytes; False if nothing but them is left."""
        if self.at < self.end and self.buffer[self.at]:
            return True  # as nearly always
        while not (found := NOT_ZERO.search(self.buffer, self.at, self.end)):
            self.at = self.end
            if not self._more():
                return False
        self.at = found.start()
        return True

    def find(self, these: bytes) -> bool:
        """Move to where these bytes stand next; False, and to the end of the file, if nowhere."""
        while (found := self.buffer.find(these, self.at, self.end)) < 0:
            self.at = max(self.at, self.end - len(these) + 1)
            if not self._more():
                self.at = self.end
                return False
        self.at = found
        return True

    def _more(self) -> bool:
        """Read another block; False at the end of the file."""
        block = self._stream.read(READ_BYTES)
        self.read_all = not block
        if block:
            self._put(block)
        else:
            del self.buffer[self.end :]
        return bool(block)

    def _put(self, block: bytes) -> None:
        """Put a block behind what is there, in place: a bytearray that grows would be copied again and again."""
        if self.end + len(block) > len(self.buffer) and (far := self.at - LOOK_BACK_BYTES) > 0:
            self.buffer[: self.end - far] = self.buffer[far : self.end]
            self.start += far
            self.at -= far
            self.end -= far
        if (lacking := self.end + len(block) - len(self.buffer)) > 0:
            self.buffer += bytes(lacking)
        self.buffer[self.end : self.end + len(block)] = block
        self.end += len(block)
