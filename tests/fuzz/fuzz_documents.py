"""What the compiled bytes of documents are held equal to the plain ones on: ``make fuzz ROOM=documents``."""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterator, Sequence

import pyarrow as pa

from c4pipe.columns import utf8
from c4pipe.fast import documents
from c4pipe.shards import jsonl, tfrecord
from c4pipe.shards.documents import DIGESTED, FIELDS

Document = dict[str, str]

# All that JSON escapes, their neighbours, and bytes of UTF-8 that have their low bits.
ODD = '"\\/\x20\x21\x23\x5b\x5d\x7f\x80\xa2\xdc\u0122\u2028\u2029\uff02\U0001f622' + "".join(map(chr, range(32)))
# Around what is looked at in one go, and where a length takes a byte more in an Example.
SIZES = (0, 1, 15, 16, 17, 31, 32, 33, 47, 48, 100, 118, 120, 122, 124, 126, 127, 128, 500, 16_360, 16_383, 16_384)


def inputs(rng: random.Random, lines: Sequence[str]) -> Iterator[list[Document]]:
    """Some documents of real lines, cut to lengths at borders, with odd characters in them."""
    while True:
        yield [{field: _value(rng, lines) for field in FIELDS} for _ in range(rng.choice((1, 1, 2, 5)))]


def _value(rng: random.Random, lines: Sequence[str]) -> str:
    text = "\n".join(rng.choice(lines) for _ in range(rng.randint(1, 4)))
    text = text[rng.randint(0, len(text)) :]
    if rng.random() < 0.1:
        text += "x" * 16_384
    text = text[: rng.choice(SIZES)]
    for _ in range(rng.choice((0, 0, 1, 3, 20))):
        at = rng.choice((0, 1, 15, 16, 17, len(text) - 1, len(text), rng.randint(0, len(text))))
        odd = rng.choice(ODD) if rng.random() < 0.9 else chr(rng.randint(0, sys.maxunicode))
        text = text[:at] + odd * rng.choice((1, 1, 2, 17)) + text[at:]
    return text.encode("utf-8", "ignore").decode()


def agree(rows: Sequence[Document]) -> None:
    """Raise where the two differ, for all rows and for those that are left of a longer column."""
    for first in {0, len(rows) // 2}:
        columns = {field: utf8(pa.array([row[field] for row in rows]).slice(first)) for field in FIELDS}
        asked = rows[first:]
        released = [{field: row[field] for field in jsonl.RELEASED} for row in asked]
        lines = [json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n" for row in released]
        found = documents.json_lines(jsonl.AROUND, [columns[field] for field in jsonl.RELEASED])
        assert found == "".join(lines).encode(), ascii(asked)
        values = [row[field].encode() for row in asked for field in DIGESTED]
        frames = b"".join(len(value).to_bytes(8, "little") + value for value in values)
        assert documents.framed([columns[field] for field in DIGESTED]) == frames, ascii(asked)
        names = sorted(FIELDS)
        encoded = [tfrecord.example({name: value.encode() for name, value in row.items()}) for row in asked]
        packed = documents.examples(tuple(name.encode() for name in names), [columns[name] for name in names])
        assert packed == encoded, ascii(asked)
