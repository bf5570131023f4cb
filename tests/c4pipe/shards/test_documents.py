"""The table of documents, its pieces, its digest, and the key of its order."""

from __future__ import annotations

import hashlib
import mmap

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from c4pipe.shards import documents
from c4pipe.shards.documents import BATCH, FIELDS, content_digest, document_key

DOCUMENT = dict(zip(FIELDS, ("Some text.", "http://a.org/", "2019-04-18T10:38:25Z", "text/plain", "10"), strict=True))


def test_table_has_the_fields_in_their_order_and_no_more() -> None:
    made = documents.table([DOCUMENT | {"language": "en"}])
    assert made.schema == documents.SCHEMA
    assert made.to_pylist() == [DOCUMENT]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"text": "a\ud800b"}, r"document 1 \('http://a.org/'\): .*'text' .*lone surrogate at character 1, '\\ud800'"),
        ({"url": "\udfff"}, "'url' holds a lone surrogate at character 0"),
        ({"timestamp": None}, "'timestamp' is None, but must be a string"),
        ({"content-length": 10}, "'content-length' is 10"),
    ],
)
def test_table_names_the_document_that_cannot_be_written(change: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        documents.table([DOCUMENT, DOCUMENT | change])


def test_table_names_an_absent_field() -> None:
    with pytest.raises(ValueError, match=r"document 0 \('without URL'\): field 'url' is None"):
        documents.table([{"text": "a"}])


INVALID = pa.array([b"\xed\xa0\x80"], pa.binary()).view(pa.string())  # U+D800, as no UTF-8 has it


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (pa.array([None], pa.string()), "'text' holds 1 nulls"),
        (pa.array([1]), "'text' is of type int64"),
        (pa.array([b"a"]), "'text' is of type binary"),
        (INVALID, "'text' is not valid UTF-8"),
    ],
)
def test_checked_names_the_column_that_cannot_be_written(column: pa.Array, message: str) -> None:
    made = documents.table([DOCUMENT])
    with pytest.raises(ValueError, match=message):
        documents.check_columns(made.set_column(0, "text", column))


def test_checked_names_missing_columns() -> None:
    with pytest.raises(ValueError, match="lacks url, content-type; it has text, timestamp, content-length"):
        documents.check_columns(documents.table([DOCUMENT]).drop_columns(["url", "content-type"]))


@pytest.mark.parametrize("count", [0, 1, BATCH - 1, BATCH, BATCH + 1, 2 * BATCH + 1])
def test_batches_are_of_one_size_and_one_chunk(count: int) -> None:
    made = documents.table([DOCUMENT | {"text": str(number)} for number in range(count)])
    chunked = pa.concat_tables([made.slice(0, 3), made.slice(3)])
    pieces = list(documents.batches([chunked]))
    assert [piece.num_rows for piece in pieces] == [BATCH] * (count // BATCH) + [count % BATCH] * (count % BATCH > 0)
    assert all(column.num_chunks == 1 for piece in pieces for column in piece.columns)
    assert [row for piece in pieces for row in piece.to_pylist()] == made.to_pylist()


def test_columns_of_more_than_2_gb_are_cut_into_pieces() -> None:
    """Built on memory that is never touched; only the last rows are looked at."""
    size, count = 190_000, 12_000
    offsets = b"".join((size * number).to_bytes(8, "little") for number in range(count + 1))
    buffers = (pa.py_buffer(offsets), pa.py_buffer(mmap.mmap(-1, size * count)))
    text = pa.LargeStringArray.from_buffers(count, *buffers)
    assert size * count > 2**31
    rest = pa.table([text, *[pa.repeat(pa.scalar("x"), count)] * 4], names=FIELDS).slice(count - 3)
    (piece,) = documents.batches([documents.check_columns(rest)])
    assert piece.schema == documents.SCHEMA
    assert piece["text"].to_pylist() == ["\0" * size] * 3


def test_content_digest_is_what_its_definition_says() -> None:
    other = DOCUMENT | {"text": "é", "url": ""}
    expected = hashlib.sha256(
        b"\x0d\0\0\0\0\0\0\0http://a.org/"
        b"\x14\0\0\0\0\0\0\x002019-04-18T10:38:25Z"
        b"\x0a\0\0\0\0\0\0\0Some text."
        b"\0\0\0\0\0\0\0\0"
        b"\x14\0\0\0\0\0\0\x002019-04-18T10:38:25Z"
        b"\x02\0\0\0\0\0\0\0\xc3\xa9"
    )
    assert content_digest([DOCUMENT, other]) == expected.hexdigest()


texts = st.lists(st.fixed_dictionaries(dict.fromkeys(documents.DIGESTED, st.text(max_size=3))), max_size=3)


@given(texts, texts)
def test_content_digest_tells_documents_apart(some: list[dict[str, str]], others: list[dict[str, str]]) -> None:
    """However fields, documents and their borders are moved."""
    assert (content_digest(some) == content_digest(others)) is (some == others)


def test_content_digest_names_what_is_missing() -> None:
    with pytest.raises(ValueError, match=r"document 0 .*no field 'timestamp'"):
        content_digest([{"text": "a", "url": "b"}])


def test_document_key_is_keyed_blake2b() -> None:
    key = bytes([7, 1, 0, 0, 0, 0, 0, 0])
    assert document_key("é", 263) == hashlib.blake2b(b"\xc3\xa9", digest_size=16, key=key).digest()
    assert document_key("é", 263) != document_key("é", 264)


@pytest.mark.parametrize("seed", [-1, 2**64])
def test_document_key_refuses_seeds_beyond_64_bits(seed: int) -> None:
    with pytest.raises(ValueError, match=rf"seed is {seed}, but must lie in \[0, 2\*\*64\)"):
        document_key("a", seed)


@pytest.mark.parametrize("seed", [0, 2**64 - 1])
def test_document_key_takes_every_seed_of_64_bits(seed: int) -> None:
    assert len(document_key("a", seed)) == 16


@pytest.mark.parametrize("rows", [0, 1, documents.BATCH - 1, documents.BATCH, documents.BATCH + 1, 2 * documents.BATCH])
@pytest.mark.parametrize("cut", [1, 1000, documents.BATCH, 5000])
def test_how_documents_come_leaves_no_trace(rows: int, cut: int) -> None:
    whole = pa.table([[f"{name} {row}" for row in range(rows)] for name in FIELDS], schema=documents.SCHEMA)
    cut = max(cut, rows // 50)  # not thousands of tables
    tables = [whole.slice(start, cut) for start in range(0, rows, cut)]
    pieces = list(documents.batches([*tables, whole.slice(0, 0)]))
    assert [piece.num_rows for piece in pieces] == [
        min(documents.BATCH, rows - start) for start in range(0, rows, documents.BATCH)
    ]
    assert pa.concat_tables([documents.SCHEMA.empty_table(), *pieces]).equals(whole)
    assert all(column.num_chunks == 1 for piece in pieces for column in piece.columns)
