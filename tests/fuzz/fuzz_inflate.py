"""Fuzzing of the compiled inflating of gzip members against zlib, which must take the same ones, to the same bytes."""

from __future__ import annotations

import random
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

from c4pipe import engine
from tests.support.deflate_builder import GZIP_HEADER, by_zlib, codes, dynamic, mended, packed

COMPILED = "records"  # the room that inflates
MOST = 1 << 20  # bytes, compressed and inflated: more than any of these gets
DEPTHS = (3, 7, 9, 11, 12, 15, 15)

LIMITS = (MOST, 1000, 70)  # of what is inflated

_inflaters: list[Any] = []


def inputs(rng: random.Random, lines: Sequence[str]) -> Iterator[bytes]:
    """Members of text and noise, sound and changed, and of codes that no compressor would choose."""
    while True:
        way = rng.randrange(4)
        if way == 0:
            yield GZIP_HEADER + _deflated(rng, _data(rng, lines), 15) + rng.choice((b"", b"", b"\0", b"\x1f\x8b"))
        elif way == 1:
            stream = packed(_block(rng) + rng.choice(("", "", _block(rng), _block(rng))))
            yield mended(stream + rng.randbytes(rng.choice((0, 8, 60))))
        else:
            stream = _deflated(rng, _data(rng, lines), -15)
            yield mended(_changed(rng, stream) + rng.choice((b"", rng.randbytes(20))))


def agree(member: bytes) -> None:
    """Both take it, to the same bytes and with the same end, or neither does."""
    if not _inflaters:
        room = engine.twin("records")
        assert room, "the room is not compiled, or the engine plain was asked for"
        _inflaters.extend(room.Inflater(MOST, limit) for limit in LIMITS)
    expected = by_zlib(member)
    for inflater in _inflaters:
        small = expected is not None and len(expected[0]) <= inflater.whole_max_bytes
        assert inflater(bytearray(member), 0) == (expected if small else None), member


def _data(rng: random.Random, lines: Sequence[str]) -> bytes:
    """Text, noise and runs, up to some ten thousand bytes."""
    parts = []
    for _ in range(rng.choice((0, 1, 3, 20, 60))):
        way = rng.randrange(6)
        if way == 0:
            parts.append(rng.randbytes(rng.choice((1, 5, 300))))
        elif way == 1:
            parts.append(rng.randbytes(rng.randrange(1, 20)) * rng.choice((2, 9, 200)))
        elif way == 2 and parts:
            parts.append(rng.choice(parts)[: rng.choice((3, 20, 258, 259, 9999))])
        else:
            parts.append(rng.choice(lines).encode("utf-8", "surrogatepass"))
    return b"".join(parts)


def _deflated(rng: random.Random, data: bytes, wbits: int) -> bytes:
    strategy = rng.choice(
        (zlib.Z_DEFAULT_STRATEGY,) * 3 + (zlib.Z_FILTERED, zlib.Z_HUFFMAN_ONLY, zlib.Z_RLE, zlib.Z_FIXED)
    )
    deflater = zlib.compressobj(rng.choice((0, 1, 1, 6, 6, 9)), zlib.DEFLATED, -15, rng.choice((1, 8, 8, 9)), strategy)
    cut = rng.randrange(len(data) + 1)
    stream = deflater.compress(data[:cut])
    if not rng.randrange(3):
        stream += deflater.flush(rng.choice((zlib.Z_SYNC_FLUSH, zlib.Z_FULL_FLUSH, zlib.Z_BLOCK)))
    stream += deflater.compress(data[cut:]) + deflater.flush()
    if wbits < 0:
        return stream
    size = len(data) if rng.randrange(9) else len(data) ^ 1 << rng.randrange(32)
    checksum = zlib.crc32(data) if rng.randrange(9) else zlib.crc32(data) ^ 1 << rng.randrange(32)
    stream += checksum.to_bytes(4, "little") + size.to_bytes(4, "little")
    return stream[: rng.randrange(len(stream) + 1)] if not rng.randrange(9) else stream


def _changed(rng: random.Random, stream: bytes) -> bytes:
    """Bits turned over, mostly where a block tells its codes; bytes taken out or put in."""
    changed = bytearray(stream)
    for _ in range(rng.choice((1, 1, 2, 4))):
        at = rng.randrange(min(len(changed), rng.choice((2, 8, 80, 9999)))) if changed else 0
        way = rng.randrange(8)
        if way == 0:
            del changed[at : at + rng.choice((1, 1, 8))]
        elif way == 1:
            changed[at:at] = rng.randbytes(rng.choice((1, 1, 8)))
        elif changed:
            changed[at] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _lengths(rng: random.Random, symbols: int, depth: int, needed: int | None = None) -> list[int]:
    """Lengths of a complete code of some of the symbols, now and then one that is not."""
    count = rng.choice((1, 2, 3, 20, symbols, symbols))
    chosen = rng.sample(range(symbols), min(count, symbols))
    if needed is not None and needed not in chosen and rng.randrange(30):
        chosen[0] = needed
    leaves = [0]
    while len(leaves) < len(chosen):
        open_leaves = [i for i, leaf in enumerate(leaves) if leaf < depth]
        if not open_leaves:
            break
        at = rng.choice(open_leaves) if rng.randrange(3) else open_leaves[-1]
        leaves[at] += 1
        leaves.append(leaves[at])
    lengths = [0] * symbols
    for symbol, leaf in zip(chosen, leaves, strict=False):
        lengths[symbol] = max(leaf, 1)
    if not rng.randrange(12):
        lengths[rng.randrange(symbols)] = rng.randrange(depth + 1)
    return lengths


def _block(rng: random.Random) -> str:
    """The codes of a block, and some of their symbols: literals, and matches that may reach too far back."""
    literals = _lengths(rng, rng.choice((257, 258, 265, 286, 286, 287, 288)), rng.choice(DEPTHS), 256)
    distances = _lengths(rng, rng.choice((1, 2, 4, 30, 30, 31, 32)), rng.choice(DEPTHS))
    if not rng.randrange(6):
        distances = [0]
    code, behind = codes(literals), "".join(codes(distances).values()) + "0"
    symbols = list(code)
    body = ""
    count = rng.choice((0, 1, 5, 40, 400))
    for _ in range(count if symbols else 0):
        symbol = rng.choice(symbols)
        if symbol == 256 and rng.randrange(8):
            continue
        body += code[symbol]
        if symbol > 256:
            body += "".join(rng.choices("01", k=rng.randrange(8))) + rng.choice(
                (behind[:15], *codes(distances).values())
            )
    end = code.get(256, "") if rng.randrange(12) else ""
    return dynamic(literals, distances, body + end, last=bool(rng.randrange(3)))
