"""Inflating a gzip member in one go, if it is whole, sound and small; the door to zlib-ng.

Which inflater is installed makes no difference: bytes are taken only with the right checksum and size, and what is not
taken here is inflated by zlib. zlib-ng refuses what zlib refuses. Others are a little faster, but ISA-L takes
incomplete codes and reserved flags for sound, and libdeflate does not tell where a member ends.
"""

from __future__ import annotations

import zlib
from typing import Any

zlib_ng: Any
try:
    from zlib_ng import zlib_ng  # half again to twice as fast as zlib; see benchmarks/RESULTS.md
except ModuleNotFoundError:
    zlib_ng = zlib

GZIP_WBITS = 31  # zlib: largest window, gzip header and trailer, checksum verified
WHOLE_BYTES = 1 << 17  # compressed, in which a member must end
WHOLE_MAX_BYTES = 1 << 20  # inflated
STEP_BYTES = 1 << 13  # compressed; most members have fewer, and what is too much is copied


def whole_member(buffer: bytearray, at: int) -> tuple[bytes, int] | None:
    """Return what the member at ``at`` inflates to, and where it ends; None if it is not whole, sound and small."""
    inflater = zlib_ng.decompressobj(GZIP_WBITS)
    data, most = b"", at + WHOLE_BYTES
    while not inflater.eof:
        step = buffer[at : min(at + STEP_BYTES, most)]
        if not step or len(data) >= WHOLE_MAX_BYTES:
            return None
        try:
            data += inflater.decompress(step, WHOLE_MAX_BYTES - len(data))
        except zlib_ng.error:
            return None
        if inflater.unconsumed_tail and not inflater.eof:
            return None
        at += len(step)
    return data, at - len(inflater.unused_data)
