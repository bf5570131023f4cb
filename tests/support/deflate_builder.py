"""Deflate streams written by hand, as no compressor does, gzip members around them, and what zlib says of both."""

from __future__ import annotations

import contextlib
import zlib
from collections.abc import Mapping, Sequence

GZIP_HEADER = b"\x1f\x8b\x08\0\0\0\0\0\0\x03"
CODE_LENGTHS_ORDER = (16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15)  # RFC 1951, section 3.2.7
END = 256  # the symbol that ends a block
FIXED_LITERALS = [8] * 144 + [9] * 112 + [7] * 24 + [8] * 8
FIXED_DISTANCES = [5] * 32


def bits_of(value: int, count: int) -> str:
    """A number as its bits come in the stream, the lowest first."""
    return "".join(str(value >> i & 1) for i in range(count))


def packed(bits: str) -> bytes:
    return bytes(int(bits[i : i + 8][::-1], 2) for i in range(0, len(bits), 8))


def codes(lengths: Sequence[int]) -> dict[int, str]:
    """The canonical code of each symbol with a length, its first bit first; of an overfull code some are wrong."""
    found, code, before = {}, 0, 0
    for length, symbol in sorted((length, symbol) for symbol, length in enumerate(lengths) if length):
        code <<= length - before
        found[symbol] = format(code & ((1 << length) - 1), f"0{length}b")
        code, before = code + 1, length
    return found


def written(codes_of: Mapping[int, str], symbols: Sequence[int | str]) -> str:
    """The codes of symbols, and bits as they stand between them."""
    return "".join(one if isinstance(one, str) else codes_of[one] for one in symbols)


def fixed(body: str, *, last: bool = True) -> str:
    return str(int(last)) + bits_of(1, 2) + body


def dynamic(
    literals: Sequence[int],
    distances: Sequence[int],
    body: str,
    *,
    last: bool = True,
    lengths: Sequence[int] = (4,) * 16 + (0, 0, 0),
    told: Sequence[int | str] | None = None,
) -> str:
    """A block with codes of these lengths, told one by one or as ``told`` says it, in a code of ``lengths``."""
    head = bits_of(len(literals) - 257, 5) + bits_of(len(distances) - 1, 5) + bits_of(15, 4)
    head += "".join(bits_of(lengths[symbol], 3) for symbol in CODE_LENGTHS_ORDER)
    head += written(codes(lengths), [*literals, *distances] if told is None else told)
    return str(int(last)) + bits_of(2, 2) + head + body


def member_of(stream: bytes, data: bytes, header: bytes = GZIP_HEADER) -> bytes:
    """The gzip member of a deflate stream that inflates to the data."""
    return header + stream + zlib.crc32(data).to_bytes(4, "little") + (len(data) & 0xFFFFFFFF).to_bytes(4, "little")


def mended(stream: bytes) -> bytes:
    """The member of a stream, without what is behind its end, with checksum and size right where zlib inflates it."""
    inflater = zlib.decompressobj(-15)
    data = b""
    with contextlib.suppress(zlib.error):  # whoever is asked then will say so
        data = inflater.decompress(stream)
    if inflater.eof and inflater.unused_data:
        stream = stream[: -len(inflater.unused_data)]
    return member_of(stream, data)


def by_zlib(data: bytes) -> tuple[bytes, int] | None:
    """What a member inflates to and where it ends, as zlib has it; None for an error, and if there is no end."""
    inflater = zlib.decompressobj(31)
    try:
        inflated = inflater.decompress(data)
    except zlib.error:
        return None
    return (inflated, len(data) - len(inflater.unused_data)) if inflater.eof else None
