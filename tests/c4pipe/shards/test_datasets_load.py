"""The ``datasets`` library reads what is written, with no network and nothing but its own readers."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import datasets
import pytest

from c4pipe.shards import read_write
from c4pipe.shards.read_write import FIELDS

BUILDERS = {"parquet": "parquet", "jsonl": "json"}
RELEASED = ("text", "timestamp", "url")


def document(number: int) -> dict[str, str]:
    text = f'Text {number}: "é" \u2028 \x85 \0 \r\n{{}} \\ 🜁\n' * (number + 1)
    return dict(zip(FIELDS, (text, f"http://e.org/{number}", "2019-04-18T10:38:25Z", "text/plain", "7"), strict=True))


SPLITS = {"train": [[document(n) for n in range(5)], [], [document(5), document(6)]], "validation": [[document(7)]]}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two splits, with an empty shard among the others, in both formats; and ``datasets`` offline."""
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    folder = tmp_path / "en"
    folder.mkdir()
    for format in BUILDERS:
        for split, parts in SPLITS.items():
            for index, documents in enumerate(parts):
                name = read_write.shard_name(format, split, index, len(parts))
                with open(folder / name, "wb") as stream:
                    read_write.write_shard(format, stream, read_write.table(documents), name=name)
    return folder


def load(folder: Path, format: str, streaming: bool, cache: Path, *splits: str) -> dict[str, list[dict[str, str]]]:
    loaded = datasets.load_dataset(
        BUILDERS[format],
        data_files={split: read_write.find_shards(folder, split, format) for split in splits},
        cache_dir=str(cache),
        streaming=streaming,
    )
    assert set(loaded) == set(splits)
    return {split: [one | {"timestamp": as_text(one["timestamp"])} for one in loaded[split]] for split in splits}


def as_text(timestamp: str | datetime) -> str:
    """From JSON lines, the released ones as ours, ``datasets`` makes dates of the texts that look like dates."""
    return timestamp if isinstance(timestamp, str) else timestamp.strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.mark.parametrize("streaming", [False, True])
def test_parquet_and_json_lines_give_the_same_documents(folder: Path, streaming: bool, tmp_path: Path) -> None:
    expected = {split: [one for part in parts for one in part] for split, parts in SPLITS.items()}
    parquet = load(folder, "parquet", streaming, tmp_path / "cache", *SPLITS)
    jsonl = load(folder, "jsonl", streaming, tmp_path / "cache", *SPLITS)
    assert parquet == expected
    assert jsonl == {
        split: [{field: one[field] for field in RELEASED} for one in documents] for split, documents in parquet.items()
    }
    for split, documents in parquet.items():
        assert read_write.content_digest(documents) == read_write.content_digest(jsonl[split])


def test_parquet_columns_are_strings(folder: Path, tmp_path: Path) -> None:
    files = read_write.find_shards(folder, "train", "parquet")
    loaded = datasets.load_dataset("parquet", data_files=files, split="train", cache_dir=str(tmp_path / "cache"))
    assert loaded.features == datasets.Features(dict.fromkeys(FIELDS, datasets.Value("string")))


def test_a_split_without_documents_is_simply_not_there(folder: Path, tmp_path: Path) -> None:
    for path in folder.glob("c4-validation*"):
        path.unlink()
    assert set(load(folder, "parquet", False, tmp_path / "cache", "train")) == {"train"}
    with pytest.raises(FileNotFoundError, match="no shards of split 'validation'"):
        read_write.find_shards(folder, "validation")
