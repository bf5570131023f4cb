"""Rows and batches: the reference's packing and chunks, and the same stream from any position on."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from c4pipe.shards import read_write
from model.objectives import Ids, SpanCorruption, generator
from model.packing import Example, Row, pack, trim_and_pack
from model.stream import Batch, DataPosition, DataStream, chunks, random_part, url_key

OBJECTIVE = SpanCorruption(999, inputs_length=32)
START = DataPosition()


class Letters:
    """A vocabulary in which a text is its own list of numbers."""

    def encode(self, text: str) -> list[int]:
        return [int(word) for word in text.split()]


def numbers(start: int, count: int) -> str:
    return " ".join(str(2 + (start + i) % 800) for i in range(count))


TEXTS = [numbers(101 * i, 5 + 37 * i % 90) for i in range(40)]


def write(folder: Path, texts: list[str], *, format: str = "jsonl", count: int = 1) -> tuple[str, ...]:
    """Shards of consecutive texts."""
    folder.mkdir(exist_ok=True)
    size = -(-len(texts) // count)
    for index in range(count):
        rows = [
            {"text": text, "url": f"http://a.example/{number}", "timestamp": "2019-04-18T00:00:00Z"}
            | {"content-type": "text/plain", "content-length": "1"}
            for number, text in list(enumerate(texts))[index * size : (index + 1) * size]
        ]
        name = read_write.shard_name(format, "train", index, count)
        with open(folder / name, "wb") as file:
            read_write.write_shard(format, file, read_write.table(rows), name=name)
    return tuple(read_write.find_shards(folder, "train"))


@pytest.fixture
def stream(tmp_path: Path) -> DataStream:
    return DataStream(write(tmp_path, TEXTS, count=3), Letters(), OBJECTIVE, seed=5, group_documents=7)


def ids(values: list[int]) -> Ids:
    return np.array(values, np.int32)


def as_lists(row: Row) -> dict[str, list[int]]:
    lists = {}
    for name, feature in zip(("inputs", "targets"), row, strict=True):
        lists |= {name: feature.ids.tolist(), f"{name}_positions": feature.positions.tolist()}
        lists[f"{name}_segment_ids"] = feature.segments.tolist()
    return lists


# Packing


def test_packing_is_the_references(shared: Path) -> None:
    file = json.loads((shared / "golden" / "t5" / "packing.json").read_text())
    cases = file["cases"] + file["more_cases"]
    assert len(cases) >= 7
    for case in cases:
        examples = [(ids(row["inputs"]), ids(row["targets"])) for row in case["examples"]]
        lengths = (case["lengths"]["inputs"], case["lengths"]["targets"])
        packed = [as_lists(row) for row in trim_and_pack(examples, lengths)]
        assert packed == case["packed"], case.get("name")


def test_a_row_is_full_or_closed() -> None:
    """The lengths' last place is used, one more is not there."""
    two, three = ids([5, 1]), ids([5, 6, 1])
    assert len(pack([(two, two), (three, two)], (5, 4))) == 1
    assert len(pack([(two, two), (three, two)], (4, 4))) == 2
    assert len(pack([(two, two), (three, two)], (5, 3))) == 2
    assert pack([], (5, 5)) == []


# Chunks


def test_chunks_are_the_references(shared: Path) -> None:
    """Documents of a group joined, an empty one dropped before they are counted; the last chunk of a group is short."""
    case = json.loads((shared / "golden" / "t5" / "concat_split.json").read_text())
    documents = [ids(document) for document in case["docs"] if document]
    groups = [documents[:3], documents[3:]]
    assert [np.concatenate(group).tolist() for group in groups] == case["reduce_concat_batch3"]
    assert [chunk.tolist() for group in groups for chunk in chunks(group, 4)] == case["split_4"]


class Plain:
    """No corruption: what a chunk is can be seen."""

    tokens_length, inputs_length, targets_length = 4, 5, 5

    def corrupt(self, tokens: Ids, random: np.random.Generator) -> tuple[Ids, Ids]:
        return np.append(tokens, np.int32(1)), np.append(tokens, np.int32(1))


def test_a_stream_has_the_references_chunks(shared: Path, tmp_path: Path) -> None:
    """Through shards: empty documents and zeros are gone; each epoch has the same chunks, shuffled within a group."""
    case = json.loads((shared / "golden" / "t5" / "concat_split.json").read_text())
    texts = [" ".join(map(str, [*document[:2], 0, *document[2:]])) for document in case["docs"]]
    stream = DataStream(write(tmp_path, texts), Letters(), Plain(), group_documents=3)
    made = list(islice(stream.examples(DataPosition()), 14))
    expected = case["split_4"]
    for epoch in (0, 1):
        seen = [(position, inputs[:-1].tolist()) for position, (inputs, _) in made if position.epoch == epoch]
        assert [position.group for position, _ in seen] == [0, 0, 0, 0, 1, 1, 1]
        assert sorted(chunk for _, chunk in seen[:4]) == sorted(expected[:4])
        assert sorted(chunk for _, chunk in seen[4:]) == sorted(expected[4:])


@pytest.mark.parametrize(("length", "starts"), [(1, {0}), (10, {0}), (11, {0, 10}), (20, {0, 10}), (21, {0, 10, 20})])
def test_of_a_long_document_one_aligned_part_is_taken(length: int, starts: set[int]) -> None:
    tokens = np.arange(length, dtype=np.int32)
    seen = set()
    for index in range(60):
        part = random_part(tokens, generator(0, epoch=0, index=index), longest=10)
        assert part.tolist() == list(range(part[0], min(part[0] + 10, length)))
        seen.add(int(part[0]))
    assert seen == starts


def test_only_documents_of_more_than_65536_tokens_are_cut(tmp_path: Path) -> None:
    lengths = {}
    for name, count in (("whole", 65_536), ("cut", 65_537)):
        stream = DataStream(write(tmp_path / name, [numbers(0, count)]), Letters(), OBJECTIVE)
        ((_, (tokens,)),) = stream.groups(DataPosition())
        lengths[name] = len(tokens)
    assert lengths["whole"] == 65_536
    assert lengths["cut"] in (65_536, 1)


# The stream


def first_rows(
    stream: DataStream, count: int, start: DataPosition = START
) -> list[tuple[dict[str, list[int]], DataPosition]]:
    return [(as_lists(row), position) for row, position in islice(stream.rows(start), count)]


@pytest.mark.parametrize("packed", [True, False])
def test_from_every_position_on_the_stream_is_the_same(stream: DataStream, packed: bool) -> None:
    """Also across the ends of groups, shards, packing groups and epochs; a position survives JSON."""
    stream = replace(stream, packed=packed)
    whole = first_rows(stream, 150)
    assert {position.epoch for _, position in whole} >= {0, 1, 2}
    for stop in (*range(1, 40), 60, 90, 120):
        position = DataPosition(**json.loads(json.dumps(asdict(whole[stop - 1][1]))))
        assert first_rows(stream, 12, position) == whole[stop : stop + 12]


def test_batches_are_the_rows_in_order(stream: DataStream) -> None:
    rows = first_rows(stream, 12)
    for number, (batch, position) in enumerate(islice(stream.batches(4, DataPosition()), 3)):
        expected = rows[4 * number : 4 * number + 4]
        assert batch.inputs.tolist() == [row["inputs"] for row, _ in expected]
        assert batch.targets.tolist() == [row["targets"] for row, _ in expected]
        assert batch.input_segments.tolist() == [row["inputs_segment_ids"] for row, _ in expected]
        assert batch.target_segments.tolist() == [row["targets_segment_ids"] for row, _ in expected]
        assert position == expected[-1][1]


def test_formats_give_the_same_rows(tmp_path: Path) -> None:
    streams = [
        first_rows(DataStream(write(tmp_path / format, TEXTS, format=format, count=3), Letters(), OBJECTIVE), 60)
        for format in read_write.FORMATS
    ]
    assert streams[0] == streams[1] == streams[2]


def test_seeds_and_epochs_have_masks_of_their_own(stream: DataStream) -> None:
    def epoch_of(seed: int, epoch: int) -> list[list[int]]:
        made = replace(stream, seed=seed).examples(DataPosition(epoch=epoch))
        return [inputs.tolist() for position, (inputs, _) in islice(made, 60) if position.epoch == epoch]

    assert epoch_of(5, 0) == epoch_of(5, 0)
    other_epochs = [epoch_of(6, 0), epoch_of(5, 1), epoch_of(5, 2)]
    assert epoch_of(5, 0) not in other_epochs


def shards_seen(stream: DataStream, epoch: int) -> list[int]:
    """The shards in the order in which an epoch reads them; the first number of a document identifies its shard."""
    firsts = {int(text.split()[0]): number // 14 for number, text in enumerate(TEXTS)}
    order: list[int] = []
    for _, documents in replace(stream, group_documents=1).groups(DataPosition(epoch=epoch)):
        shard = firsts[int(documents[0][0])]
        order += [shard] if not order or order[-1] != shard else []
    return order


def test_every_epoch_reads_all_shards_in_an_order_of_its_own(stream: DataStream) -> None:
    orders = [shards_seen(stream, epoch) for epoch in range(8)]
    assert all(sorted(order) == [0, 1, 2] for order in orders)
    assert len({tuple(order) for order in orders}) > 1


def test_an_epoch_holds_every_token_once(stream: DataStream) -> None:
    seen = [token for _, group in stream.groups(DataPosition()) for tokens in group for token in tokens.tolist()]
    assert sorted(seen) == sorted(int(word) for text in TEXTS for word in text.split())


def test_held_out_documents_are_never_seen(stream: DataStream) -> None:
    held_out = frozenset(url_key(f"http://a.example/{number}") for number in (0, 7, 39))
    seen = [
        " ".join(map(str, tokens))
        for epoch in (0, 1)
        for _, group in replace(stream, held_out=held_out).groups(DataPosition(epoch=epoch))
        for tokens in group
    ]
    expected = [text for number, text in enumerate(TEXTS) if number not in (0, 7, 39)]
    assert sorted(seen) == sorted(expected * 2)


@pytest.mark.parametrize("texts", [["", ""], ["0 0"]])
def test_no_text_at_all(texts: list[str], tmp_path: Path) -> None:
    stream = DataStream(write(tmp_path, texts), Letters(), OBJECTIVE)
    with pytest.raises(ValueError, match="no text to train on in 1 shards"):
        next(stream.rows(DataPosition()))


def test_a_split_batch(stream: DataStream) -> None:
    (batch, _) = next(stream.batches(6, DataPosition()))
    parts = batch.split(3)
    assert [len(part.inputs) for part in parts] == [2, 2, 2]
    assert np.array_equal(np.concatenate([part.target_segments for part in parts]), batch.target_segments)
    assert np.array_equal(np.concatenate([part.targets for part in parts]), batch.targets)


def test_full_chunks_fill_their_rows(stream: DataStream) -> None:
    """Packing touches the short tails of groups alone."""
    made = list(islice(stream.examples(DataPosition()), 60))
    examples: list[Example] = [example for _, example in made]
    full = [example for example in examples if len(example[0]) == OBJECTIVE.inputs_length]
    assert len(full) > 40
    batch = Batch.of(pack(full, stream.lengths))
    assert (batch.inputs != 0).all()
    assert (batch.targets != 0).all()
    assert (batch.input_segments == 1).all()
