"""Bytes are UTF-8 for the compiled room where they are for Python's strict decoder."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

room = pytest.importorskip("c4pipe.fast.records")

STEP = 32  # bytes looked at together
EDGES = bytes.fromhex("00 7f 80 8f 90 9f a0 bf c0 c1 c2 df e0 e1 ec ed ee ef f0 f1 f3 f4 f5 f7 f8 ff")
PIECES = ["a", "\x7f", "\u0080", "\u07ff", "\u0800", "\ud7ff", "\ue000", "\uffff", "\U00010000", "\U0010ffff"]


def decodes(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def agree(data: bytes) -> None:
    asked = decodes(data)
    assert room.is_utf8(data) is asked, data
    assert room.is_utf8(data, anywhere=True) is asked, data


@pytest.mark.parametrize("before", [0, STEP - 3, STEP - 2, STEP - 1, 2 * STEP - 1])
@pytest.mark.parametrize("behind", [b"", b"." * STEP])
def test_any_two_bytes(before: int, behind: bytes) -> None:
    """The first of them last in a step, or the second."""
    for pair in itertools.product(range(256), repeat=2):
        agree(b"." * before + bytes(pair) + behind)


@pytest.mark.parametrize("before", ["." * (STEP - 3), "\u4e00" * 9 + "." * 4, "." * (2 * STEP - 2)])
@pytest.mark.parametrize("behind", [b"", b"." * STEP, "\u4e00".encode() * STEP])
def test_any_four_bytes_of_the_edges(before: str, behind: bytes) -> None:
    for four in itertools.product(EDGES, EDGES[2:], EDGES[:12] + EDGES[-1:], EDGES[1:9] + EDGES[-1:]):
        agree(before.encode() + bytes(four) + behind)


@pytest.mark.parametrize("shift", range(4))
@pytest.mark.parametrize("piece", PIECES)
def test_a_character_cut_anywhere(piece: str, shift: int) -> None:
    """At the end of the bytes, which may be the end of a step."""
    data = b"." * shift + (piece * 80).encode()
    for end in range(len(data) + 1):
        agree(data[:end])
        agree(data[:end] + b"." * (STEP - end % STEP))


@given(
    st.lists(
        st.sampled_from([*(piece.encode() for piece in PIECES), b"\x80", b"\xed\xa0\x80", b"." * STEP])
        | st.binary(max_size=4)
    )
)
def test_any_bytes(pieces: list[bytes]) -> None:
    agree(b"".join(pieces))
