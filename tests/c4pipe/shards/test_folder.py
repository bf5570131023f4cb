"""Names of shards, finding and checking them in a folder, and what TFDS needs beside them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import fsspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from c4pipe.shards import read_write
from c4pipe.shards.formats import recognised_format
from c4pipe.shards.read_write import FIELDS, FORMATS, ShardInfo, ShardName

NAMES = [
    ("tfrecord", "train", 0, 8, "c4-train.tfrecord-00000-of-00008"),
    ("parquet", "train", 7, 8, "c4-train-00007-of-00008.parquet"),
    ("jsonl", "validation", 0, 1, "c4-validation.00000-of-00001.json.gz"),
    ("tfrecord", "bg-Latn-validation", 1023, 1024, "c4-bg-Latn-validation.tfrecord-01023-of-01024"),
    ("parquet", "en-validation", 100_000, 100_001, "c4-en-validation-100000-of-100001.parquet"),
    ("jsonl", "en-validation", 3, 99_999, "c4-en-validation.00003-of-99999.json.gz"),
]


@pytest.mark.parametrize(("format", "split", "index", "count", "name"), NAMES)
def test_names_are_made_and_parsed(format: str, split: str, index: int, count: int, name: str) -> None:
    assert read_write.shard_name(format, split, index, count) == name
    assert read_write.parse_name(name) == ShardName(format, split, index, count)
    assert recognised_format(name) is FORMATS[format]


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_has_names_above(format: str) -> None:
    """A published name never changes: each format has a row in ``NAMES``."""
    assert format in {row[0] for row in NAMES}


@given(
    st.sampled_from(sorted(FORMATS)),
    st.sampled_from(["train", "a", "Z9", "en-validation", "bg-Latn-validation", "x-00000-of-00001"]),
    st.integers(0, 10**6),
    st.integers(1, 10**6),
)
def test_every_name_is_parsed_as_it_was_made(format: str, split: str, index: int, more: int) -> None:
    name = read_write.shard_name(format, split, index, index + more)
    assert read_write.parse_name(name) == ShardName(format, split, index, index + more)
    assert recognised_format(name) is FORMATS[format]


@pytest.mark.parametrize(
    "name",
    [
        "",
        "stats.json",
        "c4-train.tfrecord-00000-of-00008.tmp",
        ".c4-train.tfrecord-00000-of-00008",
        "c4-train.tfrecord-0000-of-00008",
        "c4-train.json.gz",
        "c4-train-00000-of-00008.parquet\n",
        "c4--00000-of-00008.parquet",
        "x/c4-train-00000-of-00008.parquet",
    ],
)
def test_what_is_no_shard_is_not_parsed(name: str) -> None:
    assert read_write.parse_name(name) is None


@pytest.mark.parametrize(
    ("format", "split", "index", "count", "message"),
    [
        ("json", "train", 0, 1, f"format 'json' is unknown; there are {', '.join(FORMATS)}$"),
        ("jsonl", "", 0, 1, "split '' must be"),
        ("jsonl", "a.b", 0, 1, "split 'a.b' must be"),
        ("jsonl", "../a", 0, 1, "split '../a' must be"),
        ("jsonl", "a-", 0, 1, "split 'a-' must be"),
        ("jsonl", "train", 8, 8, r"shard 8 of 8: the index must lie in \[0, 8\)"),
        ("jsonl", "train", -1, 8, "shard -1 of 8"),
        ("jsonl", "train", 0, 0, "shard 0 of 0"),
    ],
)
def test_impossible_names_are_refused(format: str, split: str, index: int, count: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_write.shard_name(format, split, index, count)


def document(number: int) -> dict[str, str]:
    return dict(zip(FIELDS, (f"Text {number}.", f"http://e.org/{number}", "t", "text/plain", "1"), strict=True))


def build(folder: Path, formats: Iterable[str] = FORMATS, **splits: list[int]) -> list[ShardInfo]:
    """Write shards of so many documents each."""
    infos = []
    for format in formats:
        for split, sizes in splits.items():
            for index, size in enumerate(sizes):
                name = read_write.shard_name(format, split.replace("_", "-"), index, len(sizes))
                with open(folder / name, "wb") as stream:
                    made = read_write.table(document(100 * index + number) for number in range(size))
                    infos.append(read_write.write_shard(format, stream, made, name=name))
    return infos


@pytest.mark.parametrize("format", FORMATS)
def test_shards_are_found_in_order(format: str, tmp_path: Path) -> None:
    folder = tmp_path / "odd [name]*"
    folder.mkdir()
    build(folder, train=[1] * 11, en_validation=[1], validation=[1])
    names = [read_write.shard_name(format, "train", index, 11) for index in range(11)]
    assert read_write.find_shards(folder, "train", format) == [str(folder / name) for name in names]
    assert read_write.find_shards(folder, "validation", format) == [
        str(folder / read_write.shard_name(format, "validation", 0, 1))
    ]


@pytest.mark.parametrize(
    ("present", "chosen"),
    [
        (("jsonl", "tfrecord", "parquet"), "parquet"),
        (("jsonl", "tfrecord"), "tfrecord"),
        (("jsonl",), "jsonl"),
        (tuple(FORMATS), "parquet"),
    ],
)
def test_the_cheapest_format_is_taken_unless_one_is_named(
    present: tuple[str, ...], chosen: str, tmp_path: Path
) -> None:
    build(tmp_path, present, train=[1, 1])
    assert read_write.find_shards(tmp_path, "train") == read_write.find_shards(tmp_path, "train", chosen)


def test_missing_shards_are_named(tmp_path: Path) -> None:
    build(tmp_path, ("parquet", "jsonl"), train=[1, 1, 1, 1])
    (tmp_path / "c4-train-00001-of-00004.parquet").unlink()
    (tmp_path / "c4-train-00003-of-00004.parquet").unlink()
    lacking = "lacks c4-train-00001-of-00004.parquet, c4-train-00003-of-00004.parquet; finish the build"
    with pytest.raises(FileNotFoundError, match=lacking):
        read_write.find_shards(tmp_path, "train")
    assert len(read_write.find_shards(tmp_path, "train", "jsonl")) == 4


def test_two_builds_in_one_folder_are_named(tmp_path: Path) -> None:
    build(tmp_path, ("jsonl",), train=[1])
    build(tmp_path, ("jsonl",), train=[1, 1])
    with pytest.raises(ValueError, match="mixes jsonl shards of 'train' of builds with 1 and 2 of them; remove"):
        read_write.find_shards(tmp_path, "train")


@pytest.mark.parametrize(
    ("split", "format", "message"),
    [
        ("test", None, r"has no shards of split 'test'; it has train \(jsonl\), train \(tfrecord\)$"),
        ("train", "parquet", r"has no shards of split 'train' as parquet; it has train \(jsonl\), train \(tfrecord\)$"),
    ],
)
def test_an_absent_split_or_format_is_named(split: str, format: str | None, message: str, tmp_path: Path) -> None:
    build(tmp_path, ("jsonl", "tfrecord"), train=[1])
    with pytest.raises(FileNotFoundError, match=message):
        read_write.find_shards(tmp_path, split, format)


def test_a_folder_without_shards_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=f"^{tmp_path} has no shards of split 'train'; it has none at all$"):
        read_write.find_shards(tmp_path, "train")
    with pytest.raises(ValueError, match="format 'xml' is unknown"):
        read_write.find_shards(tmp_path, "train", "xml")


@pytest.fixture
def memory_folder() -> Iterator[str]:
    yield "memory://bucket/en"
    fsspec.filesystem("memory").rm("/bucket", recursive=True)


def test_remote_shards_are_found_and_read(memory_folder: str) -> None:
    for format in FORMATS:
        name = read_write.shard_name(format, "train", 0, 1)
        with fsspec.open(f"{memory_folder}/{name}", "wb") as stream:
            info = read_write.write_shard(format, stream, read_write.table([document(1), document(2)]), name=name)
        (path,) = read_write.find_shards(memory_folder, "train", format)
        assert path == f"{memory_folder}/{name}"
        assert [one["url"] for one in read_write.read_documents(path, 1)] == ["http://e.org/2"]
        assert [difference for difference in read_write.verify(memory_folder, [info]) if name in difference] == []


def test_verify_finds_nothing_in_a_whole_folder(tmp_path: Path) -> None:
    infos = build(tmp_path, train=[2, 0, 1], validation=[1])
    (tmp_path / "stats.json").write_text("{}")
    assert read_write.verify(tmp_path, infos) == []


def test_verify_names_every_difference(tmp_path: Path) -> None:
    infos = build(tmp_path, ("jsonl",), train=[2, 2, 2])
    names = [info.name for info in infos]
    (tmp_path / names[0]).unlink()
    changed = bytearray((tmp_path / names[1]).read_bytes())
    changed[9] ^= 1
    (tmp_path / names[1]).write_bytes(changed)
    with open(tmp_path / names[2], "ab") as stream:
        stream.write(b"x")
    build(tmp_path, ("parquet",), train=[1])
    assert [difference.split(",")[0] for difference in read_write.verify(tmp_path, infos)] == [
        f"{names[0]} is missing",
        read_write.verify(tmp_path, infos[1:2])[0].split(",")[0],
        f"{names[2]} has {infos[2].bytes + 1} bytes",
        "c4-train-00000-of-00001.parquet is not of this build",
    ]
    assert read_write.verify(tmp_path, infos[1:2])[0].startswith(f"{names[1]} has SHA-256 ")


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize(("numbers", "says"), [((1, 2), "are the same"), ((2, 1), "differ"), ((1,), "differ")])
def test_verify_says_whether_the_documents_differ(
    format: str, numbers: tuple[int, ...], says: str, tmp_path: Path
) -> None:
    """A manifest of other bytes, as another version of a library would have left it."""
    name = read_write.shard_name(format, "train", 0, 1)
    with open(tmp_path / name, "wb") as stream:
        info = read_write.write_shard(format, stream, read_write.table(map(document, (1, 2))), name=name)
    expected = read_write.content_digest(map(document, numbers))
    for other in (replace(info, sha256="0" * 64), replace(info, bytes=info.bytes + 1)):
        (difference,) = read_write.verify(tmp_path, [replace(other, content_digest=expected)])
        assert difference.endswith(f"; its documents {says}")


@pytest.mark.parametrize("format", FORMATS)
def test_verify_says_that_a_shard_is_damaged(format: str, tmp_path: Path) -> None:
    (info,) = build(tmp_path, (format,), train=[2])
    path = tmp_path / info.name
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    (difference,) = read_write.verify(tmp_path, [info])
    assert f"; it is damaged: {path}, " in difference


def test_files_beside_describe_tfrecord_splits_with_documents(tmp_path: Path) -> None:
    infos = build(tmp_path, train=[2, 0, 1], en_validation=[1], validation=[0, 0])
    told = read_write.files_beside(reversed(infos), variant="en", version="3.0.1")
    assert set(told) == {"dataset_info.json", "features.json"}
    data_bytes = {info.name: str(info.bytes - 16 * info.documents) for info in infos}
    train_bytes = sum(int(data_bytes[f"c4-train.tfrecord-0000{index}-of-00003"]) for index in range(3))
    template = "{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}"
    assert json.loads(told["dataset_info.json"]) == {
        "name": "c4",
        "version": "3.0.1",
        "configName": "en",
        "fileFormat": "tfrecord",
        "splits": [
            {
                "name": "en-validation",
                "filepathTemplate": template,
                "shardLengths": ["1"],
                "numBytes": data_bytes["c4-en-validation.tfrecord-00000-of-00001"],
            },
            {
                "name": "train",
                "filepathTemplate": template,
                "shardLengths": ["2", "0", "1"],
                "numBytes": str(train_bytes),
            },
        ],
    }
    text = {"pythonClassName": "tensorflow_datasets.core.features.text_feature.Text", "text": {}}
    assert json.loads(told["features.json"]) == {
        "pythonClassName": "tensorflow_datasets.core.features.features_dict.FeaturesDict",
        "featuresDict": {"features": dict.fromkeys(FIELDS, text)},
    }
    assert told == read_write.files_beside(infos, variant="en", version="3.0.1")


@pytest.mark.parametrize(
    ("format", "names"),
    [("tfrecord", {"dataset_info.json", "features.json"}), ("parquet", set()), ("jsonl", set())],
)
def test_only_tfrecord_has_files_beside_it(format: str, names: set[str], tmp_path: Path) -> None:
    assert set(read_write.files_beside(build(tmp_path, (format,), train=[1]), variant="en")) == names


def test_no_shards_have_no_files_beside_them() -> None:
    assert read_write.files_beside([], variant="en") == {}


def test_a_split_without_documents_is_not_described(tmp_path: Path) -> None:
    beside = read_write.files_beside(build(tmp_path, ("tfrecord",), train=[0, 0]), variant="en")
    assert json.loads(beside["dataset_info.json"])["splits"] == []


def test_files_beside_refuse_a_split_that_is_not_whole(tmp_path: Path) -> None:
    infos = build(tmp_path, ("tfrecord",), train=[1, 1, 1])
    with pytest.raises(ValueError, match=r"train' must be 3 shards, each once; not so 00001-of-00003$"):
        read_write.files_beside([infos[0], infos[2]], variant="en")
    other = build(tmp_path, ("tfrecord",), train=[1, 1])
    with pytest.raises(ValueError, match=r"not so 00001-of-00002$"):
        read_write.files_beside([*infos, other[1]], variant="en")
