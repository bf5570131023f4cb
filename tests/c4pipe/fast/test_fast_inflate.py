"""What the compiled inflating of gzip members takes is what zlib takes, to the last bit, and inflates to the same."""

from __future__ import annotations

import random
import zlib
from itertools import islice, product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz import fuzz_inflate
from tests.support.deflate_builder import (
    END,
    FIXED_LITERALS,
    GZIP_HEADER,
    bits_of,
    by_zlib,
    codes,
    dynamic,
    fixed,
    member_of,
    mended,
    packed,
    written,
)

room = pytest.importorskip("c4pipe.fast.records")
MOST = 1 << 20
STRATEGIES = (zlib.Z_DEFAULT_STRATEGY, zlib.Z_FILTERED, zlib.Z_HUFFMAN_ONLY, zlib.Z_RLE, zlib.Z_FIXED)
LITERAL = codes(FIXED_LITERALS)
TEXT = b"The quick brown fox jumps over the lazy dog, and the lazy dog over the quick brown fox. " * 40


@pytest.fixture(scope="module")
def inflater() -> Any:
    return room.Inflater(MOST, MOST)


def same(inflater: Any, member: bytes) -> bool:
    """It is taken as zlib takes it; whether it is."""
    expected = by_zlib(member)
    assert inflater(bytearray(member), 0) == expected, member
    return expected is not None


@pytest.mark.parametrize("level", [0, 1, 6, 9])
def test_what_zlib_deflates(inflater: Any, level: int) -> None:
    rng = random.Random(level)
    noise, few = rng.randbytes(70_000), bytes(rng.choices(b"ab\n", k=70_000))
    for data, strategy, window, memory in product((TEXT, noise, few, b"a" * 99_999), STRATEGIES, (9, 15), (1, 9)):
        for size in (0, 1, 2, 3, 300, len(data)):
            deflater = zlib.compressobj(level, zlib.DEFLATED, -window, memory, strategy)
            stream = deflater.compress(data[: size // 2]) + deflater.flush(zlib.Z_FULL_FLUSH)
            stream += deflater.compress(data[size // 2 : size]) + deflater.flush()
            assert same(inflater, member_of(stream, data[:size]))


def test_mutated_members() -> None:
    lines = [TEXT.decode()[:300], "Москва — столица.", "日本語の行。", "x" * 300]
    for member in islice(fuzz_inflate.inputs(random.Random(1), lines), 4000):
        fuzz_inflate.agree(member)


def test_inputs_to_fuzz_are_of_both_kinds() -> None:
    """Else agreement would mean little."""
    taken = [by_zlib(member) is not None for member in islice(fuzz_inflate.inputs(random.Random(2), ["a b c"]), 2000)]
    assert 400 < sum(taken) < 1600


def test_a_block_without_any_code_is_an_input_to_fuzz_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """One in some hundred thousand: no symbol of its literals has a code."""
    monkeypatch.setattr(fuzz_inflate, "_lengths", lambda *_: [0] * 257)
    for seed in range(50):
        fuzz_inflate.agree(mended(packed(fuzz_inflate._block(random.Random(seed)))))


@given(st.binary(max_size=60))
def test_any_stream(stream: bytes) -> None:
    same(room.Inflater(MOST, MOST), mended(stream))


@pytest.mark.parametrize("at_most", [8, 64, 256])
def test_checksums(at_most: int) -> None:
    """By every width of steps, of whatever is left behind them, and from wherever they begin."""
    data = random.Random(at_most).randbytes(1200)
    for size in range(len(data) - 7):
        part = data[size % 7 :][:size]
        assert room.crc32(part, at_most=at_most) == zlib.crc32(part)


def test_every_size(inflater: Any) -> None:
    """Stored blocks, each with its checksum and size."""
    data = random.Random(0).randbytes(500)
    for size in range(400):
        stream = b"\x01" + size.to_bytes(2, "little") + (size ^ 0xFFFF).to_bytes(2, "little") + data[size % 7 :][:size]
        assert same(inflater, member_of(stream, data[size % 7 :][:size]))


def test_a_member_cut_or_changed_anywhere_is_left(inflater: Any) -> None:
    """Checksum and size are looked at; what is behind a member is not."""
    member = member_of(zlib.compress(TEXT, 6, -15), TEXT)
    for behind in (b"", b"\0", b"x" * 9, member):
        assert inflater(bytearray(b"##" + member + behind), 2) == (TEXT, 2 + len(member))
    for cut in range(len(member)):
        assert inflater(bytearray(member[:cut]), 0) is None
        changed = bytearray(member)
        changed[cut] ^= 1 << cut % 8
        assert inflater(changed, 0) == (None if cut == 3 else by_zlib(bytes(changed)))


def test_no_header_but_the_plain_one_is_taken(inflater: Any) -> None:
    """Not even where zlib takes it: what fields are there is for zlib to say."""
    stream = zlib.compress(b"abc", 6, -15)
    for flags in range(256):
        member = member_of(stream, b"abc", b"\x1f\x8b\x08" + bytes([flags]) + b"\0\0\0\0\0\x03")
        assert (inflater(bytearray(member), 0) is not None) == (flags == 0)
    for rest in (b"\x12\x34\x56\x78\x02\xff", b"\xff" * 6):
        assert same(inflater, member_of(stream, b"abc", GZIP_HEADER[:4] + rest))


ONE = [0] * 256 + [1]  # lengths with which only the end of a block has a code, of one bit
TWO = [1] + [0] * 255 + [1]  # a literal zero and the end
MATCH = [2] + [0] * 255 + [2, 1]  # ... and a match of 3
DEEP = [*range(1, 15), 15, *[0] * 241, 15]  # the longest codes


@pytest.mark.parametrize(
    ("bits", "taken"),
    [
        ("1" + bits_of(3, 2), False),  # no such kind of block
        (fixed(written(LITERAL, [65, END])), True),
        (fixed(written(LITERAL, [65])), False),  # no end
        (fixed(written(LITERAL, [65, END]), last=False), False),  # not the last
        (fixed(written(LITERAL, [65, END]), last=False) + fixed(written(LITERAL, [66, END])), True),
        (fixed(written(LITERAL, [65, 257, "00000", END])), True),  # a match of 3, as far back as there is something
        (fixed(written(LITERAL, [65, 257, "00001", END])), False),  # one more
        (fixed(written(LITERAL, [257, "00000", END])), False),
        (fixed(written(LITERAL, [65, 285, "00000", END])), True),  # 258
        (fixed(written(LITERAL, [65, 284, "11111", "00000", END])), True),  # 258 in another way
        (fixed(written(LITERAL, [65, 286, "00000", END])), False),
        (fixed(written(LITERAL, [65, 287, "00000", END])), False),
        (
            fixed(written(LITERAL, [65] * 40 + [285, "00000"] * 130 + [257, "11101", "1" * 13, END])),
            True,
        ),  # 32,768 back
        (fixed(written(LITERAL, [65] * 40 + [285, "00000"] * 130 + [257, "11110", "1" * 13, END])), False),
        (fixed(written(LITERAL, [65] * 40 + [285, "00000"] * 130 + [257, "11111", "1" * 13, END])), False),
        (dynamic(ONE, [0], "0"), True),
        (dynamic(ONE, [0], "1"), False),  # the other bit has no meaning
        (dynamic(TWO, [0], "0001"), True),
        (dynamic([1] + [0] * 256, [0], "0"), False),  # the end has no code
        (dynamic([0] * 256 + [2], [0], "00"), False),  # incomplete, and not one bit
        (dynamic([2] + [0] * 255 + [1], [0], "0"), False),
        (dynamic([1, 1] + [0] * 254 + [1], [0], "0"), False),  # too full
        (dynamic([2, 2] + [0] * 254 + [1], [0], "10110"), True),
        (dynamic(MATCH, [0], "1011"), True),  # no distances, and none is used
        (dynamic(MATCH, [0], "100011"), False),  # one is
        (dynamic(MATCH, [1], "100011"), True),
        (dynamic(MATCH, [1], "100111"), False),
        (dynamic(MATCH, [0, 1], "10" * 2 + "0011"), True),
        (dynamic(MATCH, [2], "1000011"), False),
        (dynamic(MATCH, [1, 2], "100011"), False),
        (dynamic(MATCH, [1, 1], "100011"), True),
        (dynamic(MATCH, [1, 1], "10" * 2 + "0111"), True),
        (dynamic(MATCH, [1, 1, 1], "100011"), False),
        (dynamic(DEEP, [0], "0" + "10" + "1" * 14 + "0" + "1" * 15), True),
        (dynamic(ONE + [0] * 29, [0] * 30, "0"), True),  # as many as there may be
        (dynamic(ONE + [0] * 30, [0], "0"), False),
        (dynamic(ONE, [0] * 31, "0"), False),
        (dynamic(ONE, [0], "0", lengths=[1, 1] + [0] * 17), True),
        (dynamic(ONE, [0], "0", lengths=[1, 2] + [0] * 17), False),  # the code of lengths is incomplete
        (dynamic(ONE, [0], "0", lengths=[0, 1] + [0] * 17, told=[1] * 258), False),
        (dynamic(ONE, [0], "0", lengths=[1, 1, 1] + [0] * 16), False),
        (dynamic(ONE, [0], "0", lengths=[0] * 19, told=["0" * 258]), False),
        *(
            (dynamic(ONE, [0], "0", lengths=[2, 2, *[0] * 14, 0, 2, 2], told=[18, bits_of(first, 7), *more]), taken)
            for first, more, taken in (
                (127, [18, bits_of(107, 7), 1, 0], True),  # 138 and 118 zeros
                (127, [18, bits_of(107, 7), 1, 17, bits_of(0, 3)], False),  # three where one is left
                (127, [18, bits_of(106, 7), 17, bits_of(0, 3)], False),
            )
        ),
        *(
            (dynamic([1, *[0] * 255, 1], distances, "1", lengths=[2, 2, *[0] * 14, 2, 0, 2], told=told), taken)
            for distances, told, taken in (
                ([0], [16, "00", *[0] * 253, 1, 0], False),  # nothing to repeat
                ([0], [1, 0, *[16, "11"] * 42, 0, 0, 1, 0], True),
                ([0] * 4, [1, 0, *[16, "11"] * 42, 0, 0, 1, 0, 16, "00"], True),  # over all distances
                ([1] * 4, [1, 0, *[16, "11"] * 42, 0, 0, 1, 16, "01"], False),  # from lengths into distances: too full
                ([0] * 3, [1, 0, *[16, "11"] * 42, 0, 0, 1, 0, 16, "00"], False),  # one too many
            )
        ),
        ("1" + bits_of(0, 2) + "0" * 5 + bits_of(1, 16) + bits_of(0xFFFE, 16) + bits_of(65, 8), True),
        ("1" + bits_of(0, 2) + "1" * 5 + bits_of(1, 16) + bits_of(0xFFFE, 16) + bits_of(65, 8), True),
        ("1" + bits_of(0, 2) + "0" * 5 + bits_of(1, 16) + bits_of(0xFFFF, 16) + bits_of(65, 8), False),
        ("1" + bits_of(0, 2) + "0" * 5 + bits_of(2, 16) + bits_of(0xFFFD, 16) + bits_of(65, 8), False),
    ],
)
def test_what_zlib_takes_of_deflate(inflater: Any, bits: str, taken: bool) -> None:
    assert same(inflater, mended(packed(bits))) == taken
    assert same(inflater, mended(packed(bits)) + b"\0" * 99) == taken


@pytest.mark.parametrize("more", [-1, 0, 1])
@pytest.mark.parametrize("end", ["stored", "a literal", "a match", "noise"])
def test_no_more_is_inflated_than_was_asked_for(end: str, more: int) -> None:
    data = {
        "stored": TEXT,
        "a literal": TEXT[:-1] + b"\xff",
        "a match": b"a" * 3000,
        "noise": random.Random(0).randbytes(3000),
    }
    member = member_of(zlib.compress(data[end], 0 if end == "stored" else 9, -15), data[end])
    small = room.Inflater(MOST, len(data[end]) + more)
    assert (small(bytearray(member), 0) is not None) == (more >= 0)


@pytest.mark.parametrize("more", [-1, 0, 1])
def test_no_more_is_looked_at_than_was_asked_for(more: int) -> None:
    member = member_of(zlib.compress(TEXT, 6, -15), TEXT)
    small = room.Inflater(len(member) + more, MOST)
    assert (small(bytearray(b"#" + member + member), 1) is not None) == (more >= 0)


@pytest.mark.parametrize("at", [-1, 4])
def test_a_place_outside_the_data_is_an_error(inflater: Any, at: int) -> None:
    assert inflater(bytearray(3), 3) is None
    with pytest.raises(IndexError, match=rf"no byte {at} of 3"):
        inflater(bytearray(3), at)


@pytest.mark.parametrize("sizes", [(-1, 9), (9, -1)])
def test_limits_are_not_negative(sizes: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match=rf"a member of {sizes[0]} bytes inflates to {sizes[1]} at most"):
        room.Inflater(*sizes)


def test_real_files(inflater: Any, ten_wet_files: list[Path]) -> None:
    for path in ten_wet_files:
        data, at, parts = bytearray(path.read_bytes()), 0, []
        while at < len(data):
            found = inflater(data, at)
            assert found, (path.name, at)
            part, at = found
            parts.append(part)
        view, plain = memoryview(data), []
        while view:
            one = zlib.decompressobj(31)
            plain.append(one.decompress(view))
            view = view[len(view) - len(one.unused_data) :]
        assert parts == plain
