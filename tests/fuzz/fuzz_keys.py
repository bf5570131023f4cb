"""Inputs on which the compiled keys of lines are held equal to the plain ones: ``make fuzz ROOM=keys``."""

from __future__ import annotations

import itertools
import random
import sys
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa

from c4pipe.columns import binaries, laid_out, strings, utf8
from c4pipe.dedup.lines import line_key
from c4pipe.fast import keys
from c4pipe.text.digests import md5

# Line ends of every kind and blanks of every kind, characters that change their length or their neighbours' case.
ODD = "\n\n\n\r\v\f\x1c\x1d\x1e\x1f\x85\u2028\u2029 \t\xa0\u1680\u2003\u202f\u3000\u200b"
ODD += "\u0130\u03a3\u03c3\u212a\u1e9e\u023a\u2c6f"
LANES = (4, 16, 64)  # as many as a processor takes side by side, or fewer
OFTEN = 9  # texts are hashed, so that there are lanes enough


def inputs(rng: random.Random, lines: Sequence[str]) -> Iterator[list[str]]:
    """Columns of texts of real lines, cut, recased, with odd characters in them and lengths around MD5's blocks."""
    while True:
        texts = ("\n".join(_line(rng, lines) for _ in range(rng.randint(0, 6))) for _ in range(rng.randint(1, 4)))
        yield [text.encode("utf-8", "ignore").decode() for text in texts]


def _line(rng: random.Random, lines: Sequence[str]) -> str:
    line = rng.choice(lines)
    line = line[rng.randint(0, len(line)) :][: rng.choice((0, 1, 47, 55, 56, 63, 64, 119, 120, 500))]
    line = rng.choice((str, str, str.upper, str.title, str.swapcase))(line)
    for _ in range(rng.choice((0, 0, 1, 3))):
        at = rng.choice((0, len(line), rng.randint(0, len(line))))
        odd = rng.choice(ODD) if rng.random() < 0.8 else chr(rng.randint(0, sys.maxunicode))
        line = line[:at] + odd + line[at:]
    return line


def agree(texts: Sequence[str]) -> None:
    """Raise where the two differ: in the keys, and in what each text keeps that owns every second or third of them."""
    column = utf8(pa.array(texts, pa.large_string()))
    lines = [text.split("\n") for text in texts]
    of = [list(map(line_key, each)) for each in lines]
    packed = binaries(*keys.line_keys(*column))
    assert packed.to_pylist() == [b"".join(each) for each in of], ascii(texts)
    # As a part of the page store gives them: others stand before and behind.
    packed = pa.concat_arrays([pa.array([b"before" * 8], packed.type), packed, packed]).slice(1, len(texts))
    digests, many = b"".join(map(md5, texts)), pa.concat_arrays([pa.array(texts, pa.large_string())] * OFTEN)
    for lanes in LANES:
        assert keys.line_keys(*column, lanes)[1] == b"".join(b"".join(each) for each in of), (lanes, ascii(texts))
        assert keys.md5s(*utf8(many), lanes) == digests * OFTEN, (lanes, ascii(texts))
    for step in (1, 2, 3):
        owned = [set(each[step - 1 :: step]) for each in of]
        places = [sorted({each.index(key) for key in some}) for each, some in zip(of, owned, strict=True)]
        bounds = np.cumsum([0, *map(len, places)])
        told = bounds, np.array(list(itertools.chain(*places)), np.uint32)
        offsets, data, numbers = keys.kept_lines(*column, *laid_out(packed), *told)
        kept = ["\n".join(each[place] for place in some) for each, some in zip(lines, places, strict=True)]
        assert strings(offsets, data).to_pylist() == kept, ascii(texts)
        foreign = [sum(key not in some for key in each) for each, some in zip(of, owned, strict=True)]
        assert np.frombuffer(numbers, np.int64).tolist() == foreign, ascii(texts)
