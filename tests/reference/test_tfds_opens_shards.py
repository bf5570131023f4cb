"""TFDS opens a folder of TFRecord shards that were written without TensorFlow."""

from __future__ import annotations

from pathlib import Path

import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

from c4pipe.shards import read_write, tfrecord
from c4pipe.shards.read_write import FIELDS

Documents = list[dict[str, str]]
FEATURES = tfds.features.FeaturesDict(dict.fromkeys(FIELDS, tfds.features.Text()))  # as TFDS's c4 has them


def document(number: int) -> dict[str, str]:
    text = f'Text {number}: "é" \u2028 \x85 \0 \r\n{{}} \\ 🜁\n' * (number % 7)
    return dict(zip(FIELDS, (text, f"http://e.org/{number}", "2019-04-18T10:38:25Z", "text/plain", "7"), strict=True))


def documents(*numbers: int) -> Documents:
    return [document(number) for number in numbers]


def build(folder: Path, splits: dict[str, list[Documents]]) -> None:
    infos = []
    for split, parts in splits.items():
        for index, part in enumerate(parts):
            name = read_write.shard_name("tfrecord", split, index, len(parts))
            with open(folder / name, "wb") as stream:
                infos.append(read_write.write_shard("tfrecord", stream, read_write.table(part), name=name))
    for name, data in read_write.files_beside(infos, variant="en").items():
        (folder / name).write_bytes(data)


def read(builder: tfds.core.DatasetBuilder, split: str) -> Documents:
    config = tfds.ReadConfig(interleave_cycle_length=1)  # shard after shard
    rows = tfds.as_numpy(builder.as_dataset(split=split, shuffle_files=False, read_config=config))
    return [{name: value.decode() for name, value in row.items()} for row in rows]


def test_splits_and_shards_come_back(tmp_path: Path) -> None:
    splits = {
        "train": [documents(*range(0, 20)), documents(20), [], documents(*range(21, 300))],
        "validation": [documents(300, 301)],
    }
    build(tmp_path, splits)
    builder = tfds.builder_from_directory(tmp_path)
    assert (builder.info.name, str(builder.version), builder.builder_config.name) == ("c4", "3.1.0", "en")
    assert {split: info.num_examples for split, info in builder.info.splits.items()} == {"train": 300, "validation": 2}
    assert repr(builder.info.features) == repr(FEATURES)
    assert set(builder.as_dataset()) == set(splits)
    for split, parts in splits.items():
        assert read(builder, split) == [one for part in parts for one in part]
    assert read(builder, "train[15:25]") == documents(*range(15, 25))


@pytest.mark.parametrize("empty", [{}, {"validation": [[]]}, {"validation": [[], []]}])
def test_a_split_without_documents_is_not_there(empty: dict[str, list[Documents]], tmp_path: Path) -> None:
    build(tmp_path, {"train": [documents(1, 2), documents(3)], **empty})
    builder = tfds.builder_from_directory(tmp_path)
    assert set(builder.as_dataset()) == {"train"}
    assert read(builder, "train") == documents(1, 2, 3)


def test_splits_of_languages_come_back(tmp_path: Path) -> None:
    build(tmp_path, {"bg-Latn": [documents(1)], "bg-Latn-validation": [documents(2)]})
    builder = tfds.builder_from_directory(tmp_path)
    assert read(builder, "bg-Latn") == documents(1)
    assert read(builder, "bg-Latn-validation") == documents(2)


def test_examples_are_those_of_tensorflow() -> None:
    """The same bytes as protobuf's deterministic serialization."""
    for one in documents(0, 1, 6):
        values = {name: value.encode() for name, value in one.items()}
        features = {name: tf.train.Feature(bytes_list=tf.train.BytesList(value=[v])) for name, v in values.items()}
        example = tf.train.Example(features=tf.train.Features(feature=features))
        assert tfrecord.example(values) == example.SerializeToString(deterministic=True)
        assert tf.train.Example.FromString(tfrecord.example(values)) == example


def test_files_are_those_of_tensorflow(tmp_path: Path) -> None:
    """Each side writes the other's bytes and reads what it wrote."""
    name = read_write.shard_name("tfrecord", "train", 0, 1)
    with open(tmp_path / name, "wb") as stream:
        read_write.write_shard("tfrecord", stream, read_write.table(documents(*range(9))), name=name)
    found = [record.numpy() for record in tf.data.TFRecordDataset(str(tmp_path / name))]
    with tf.io.TFRecordWriter(str(tmp_path / "theirs.tfrecord")) as writer:
        for record in found:
            writer.write(record)
    assert (tmp_path / "theirs.tfrecord").read_bytes() == (tmp_path / name).read_bytes()
    assert list(read_write.read_documents(tmp_path / "theirs.tfrecord")) == documents(*range(9))


def test_shards_that_tfds_wrote_are_read(tmp_path: Path) -> None:
    with tf.io.TFRecordWriter(str(tmp_path / "c4-train.tfrecord-00000-of-00001")) as writer:
        for one in documents(*range(9)):
            writer.write(FEATURES.serialize_example(one))
    (path,) = read_write.find_shards(tmp_path, "train")
    assert list(read_write.read_documents(path)) == documents(*range(9))
