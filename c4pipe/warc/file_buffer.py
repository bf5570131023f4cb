"""A buffered file that can read ahead on demand and step back up to 1 MiB."""

from __future__ import annotations

import re
from typing import BinaryIO

READ_BYTES = 1 << 18  # read from the file at a time
LOOK_BACK_BYTES = 1 << 20  # kept before the position: damage shows only after the place where it is
BUFFER_BYTES = 1 << 22  # least size of the buffer; when it is full, the bytes still needed move to the front
NOT_ZERO = re.compile(rb"[^\0]")


class Lookahead:
    """The bytes of a file in a buffer, with a position ``at`` and some bytes before it.

    Bytes of the buffer after ``end`` are stale. Once the whole file is read, there are none.
    """

    def __init__(self, stream: BinaryIO, head: bytes) -> None:
        self.buffer = bytearray(BUFFER_BYTES)
        self.at = self.end = 0
        self.start = 0  # file offset of buffer[0]
        self.read_all = False
        self._stream = stream
        self._append(head)

    @property
    def offset(self) -> int:
        """The position as an offset in the file."""
        return self.start + self.at

    def read_ahead(self, size: int) -> None:
        """Buffer ``size`` bytes from the position on; fewer only at the end of the file."""
        while self.end - self.at < size and self._read_block():
            pass

    def peek(self, size: int) -> bytes:
        """Return ``size`` bytes from the position on, fewer only at the end of the file. The position stays."""
        self.read_ahead(size)
        return bytes(self.buffer[self.at : min(self.at + size, self.end)])

    def startswith(self, prefix: bytes) -> bool:
        """True if the buffered bytes at the position start with ``prefix``."""
        return self.buffer.startswith(prefix, self.at, self.end)

    def step_back(self, least: int) -> None:
        """Step back as far as the buffer surely reaches, but not before the file offset ``least``."""
        self.at = max(self.at - LOOK_BACK_BYTES, least - self.start)

    def skip_zeros(self) -> bool:
        """Move over zero bytes. Return False if only zero bytes are left."""
        if self.at < self.end and self.buffer[self.at]:
            return True  # as nearly always
        while not (match := NOT_ZERO.search(self.buffer, self.at, self.end)):
            self.at = self.end
            if not self._read_block():
                return False
        self.at = match.start()
        return True

    def find(self, pattern: bytes) -> bool:
        """Move to the next occurrence of ``pattern``. Without one, move to the end of the file and return False."""
        while (position := self.buffer.find(pattern, self.at, self.end)) < 0:
            self.at = max(self.at, self.end - len(pattern) + 1)
            if not self._read_block():
                self.at = self.end
                return False
        self.at = position
        return True

    def _read_block(self) -> bool:
        """Read one more block. Return False at the end of the file."""
        block = self._stream.read(READ_BYTES)
        self.read_all = not block
        if block:
            self._append(block)
        else:
            del self.buffer[self.end :]
        return bool(block)

    def _append(self, block: bytes) -> None:
        """Append a block in place: a bytearray that grows would be copied again and again."""
        if self.end + len(block) > len(self.buffer) and (forgotten := self.at - LOOK_BACK_BYTES) > 0:
            self.buffer[: self.end - forgotten] = self.buffer[forgotten : self.end]
            self.start += forgotten
            self.at -= forgotten
            self.end -= forgotten
        if (lacking := self.end + len(block) - len(self.buffer)) > 0:
            self.buffer += bytes(lacking)
        self.buffer[self.end : self.end + len(block)] = block
        self.end += len(block)
