"""Keys, arrays and tables come out of the shuffle as they went in."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from beam_jobs.exchange import elements
from beam_jobs.exchange.elements import ScopeKey
from c4pipe.dedup import key_arrays

COUNT = 7


@pytest.mark.parametrize(
    ("key", "packed"),
    [
        (ScopeKey(0, 0), 0),
        (ScopeKey(0, COUNT - 1), COUNT - 1),
        (ScopeKey(1, 0), COUNT),
        (ScopeKey(1, 1), COUNT + 1),
        (ScopeKey(63, COUNT - 1), 64 * COUNT - 1),
    ],
)
def test_a_key_is_one_integer(key: ScopeKey, packed: int) -> None:
    assert key.pack(COUNT) == packed
    assert ScopeKey.unpack(packed, COUNT) == key


@pytest.mark.parametrize("key", [ScopeKey(0, -1), ScopeKey(0, COUNT), ScopeKey(-1, 0)])
def test_a_key_outside_its_range_is_refused(key: ScopeKey) -> None:
    """Its integer would be that of another key."""
    with pytest.raises(ValueError, match="has no integer: scope must be at least 0, and slot at least 0 and below 7"):
        key.pack(COUNT)


def test_row_ids_go_to_their_partitions() -> None:
    row_ids = np.array([(0, 4), (2, 1), (2, 3)], key_arrays.ROW_ID)
    sent = dict(elements.split_by_part(row_ids, 3, COUNT))
    assert {ScopeKey.unpack(packed, COUNT) for packed in sent} == {ScopeKey(3, 0), ScopeKey(3, 2)}
    assert elements.join_arrays([*sent.values()], key_arrays.ROW_ID).tolist() == row_ids.tolist()


@pytest.mark.parametrize(("more", "sizes"), [(-1, [2, 1]), (0, [3]), (1, [3])])
def test_a_batch_holds_at_most_so_many_bytes(more: int, sizes: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    table = pa.table({"text": pa.array(["x" * 800] * 3)})
    monkeypatch.setattr(elements, "BATCH_BYTES", table.nbytes + more)
    batches = list(elements.cut_into_batches(table))
    assert [len(batch) for batch in batches] == sizes
    assert pa.concat_tables(elements.table_from_bytes(elements.table_to_bytes(batch)) for batch in batches) == table


def test_a_document_larger_than_a_batch_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(elements, "BATCH_BYTES", 1)
    assert [len(batch) for batch in elements.cut_into_batches(pa.table({"text": ["x" * 800] * 2}))] == [1, 1]


def test_no_documents_make_no_batch() -> None:
    assert list(elements.cut_into_batches(pa.table({"text": pa.array([], pa.string())}))) == []
