"""A buffer on a file gives what the whole file in memory would, however little it holds."""

from __future__ import annotations

import io
import random

import pytest

from c4pipe.warc import file_buffer
from c4pipe.warc.file_buffer import Lookahead


@pytest.mark.parametrize("seed", range(30))
def test_the_buffer_is_the_file(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(seed)
    for name, value in (
        ("READ", rng.randint(1, 40)),
        ("LOOK_BACK", rng.randint(1, 60)),
        ("BUFFER", rng.randint(1, 99)),
    ):
        monkeypatch.setattr(file_buffer, f"{name}_BYTES", value)
    data = b"".join(rng.choice((b"\0" * rng.randint(1, 90), rng.randbytes(rng.randint(1, 90)))) for _ in range(20))
    buffer, at, kept = Lookahead(io.BytesIO(data[5:]), data[:5]), 0, 0
    while at < len(data):
        size = rng.randint(1, 50)
        assert buffer.peek(size) == data[at : at + size]
        act = rng.choice(("go", "go", "zeros", "find", "back"))
        if act == "go":
            buffer.at += (step := min(size, len(data) - at))
            at += step
        elif act == "zeros":
            rest = data[at:].lstrip(b"\0")
            at = len(data) - len(rest)
            assert buffer.skip_zeros() is bool(rest)
        elif act == "find":
            found = data.find(pattern := rng.randbytes(1), at)
            at = found if found >= 0 else len(data)
            assert buffer.find(pattern) is (found >= 0)
        else:
            kept = at = max(at - file_buffer.LOOK_BACK_BYTES, kept)
            buffer.step_back(kept)
        assert buffer.offset == at
    assert buffer.peek(1) == b""
    assert buffer.read_all
    assert not buffer.skip_zeros()


@pytest.mark.parametrize(
    ("begin", "begins"), [(b"", True), (b"a", True), (b"abc", True), (b"abcd", False), (b"b", False)]
)
def test_what_stands_at_the_place(begin: bytes, begins: bool) -> None:
    assert Lookahead(io.BytesIO(), b"abc").startswith(begin) is begins
