"""The bytes of a build come from its pages, options and versions: from nothing else."""

from __future__ import annotations

import random
import shutil
from pathlib import Path
from typing import Any

import datasets
import fsspec
import pytest

from beam_jobs import build_c4
from c4pipe.shards import read_write
from tests.support import builds, crawls
from tests.support.builds import Built
from tests.support.crawls import Record

SHARDS = ("--shards", "3")  # as the small build has


def of_pages(tree: dict[str, str]) -> dict[str, str]:
    """What says nothing of the files that the pages came from."""
    return {name: digest for name, digest in tree.items() if name != "manifest.json"}


@pytest.fixture(scope="session")
def whole(small: Built) -> dict[str, str]:
    return builds.tree(small.folder)


def test_what_a_build_leaves(small: Built) -> None:
    """Shards of both splits in each format, and what is told of them."""
    expected = {
        read_write.shard_name(format, split, index, count)
        for format in read_write.FORMATS
        for split, count in (("train", 3), ("validation", 1))
        for index in range(count)
    }
    beside_shards = {"stats.json", "manifest.json", "dataset_info.json", "features.json"}
    assert {path.name for path in small.folder.iterdir()} == expected | beside_shards
    assert builds.verified(small.folder) == []
    assert builds.temporary(small.output) == []
    stored = {name.split("/")[1] for name in builds.tree(small.output) if name.startswith("store/")}
    assert stored == {"identity.json", "inputs.json", "pages", "done"}  # the exchanges are gone


@pytest.mark.parametrize("format", read_write.FORMATS)
def test_formats_hold_the_same_documents(small: Built, format: str) -> None:
    found = builds.documents(small.folder, format)
    whole = builds.documents(small.folder, "tfrecord")
    fields = {"text", "timestamp", "url", "split"} if format == "jsonl" else {*read_write.FIELDS, "split"}
    assert found == [{name: one[name] for name in one if name in fields} for one in whole]
    assert len(found) == sum(builds.told(small.folder, "stats.json")["documents"].values()) > 0


def test_without_beam(small: Built, tmp_path: Path) -> None:
    """The other tests build so, where Beam is not their subject."""
    builds.plain(builds.arguments(small.wet, tmp_path, *SHARDS, format=builds.ALL_FORMATS))
    assert builds.tree(tmp_path / "en") == builds.tree(small.folder)


def test_through_the_shuffle(small: Built, whole: dict[str, str], tmp_path: Path) -> None:
    argv = builds.arguments(small.wet, tmp_path, *SHARDS, *builds.by("shuffle"), format=builds.ALL_FORMATS)
    assert build_c4.main(argv) == 0
    assert builds.tree(tmp_path / "en") == whole
    assert builds.temporary(tmp_path) == []


@pytest.mark.slow
def test_four_workers(small: Built, whole: dict[str, str], tmp_path: Path) -> None:
    assert build_c4.main(builds.arguments(small.wet, tmp_path, *SHARDS, workers=4, format=builds.ALL_FORMATS)) == 0
    assert builds.tree(tmp_path / "en") == whole


def test_on_an_object_store(small: Built, whole: dict[str, str], tmp_path: Path) -> None:
    """Through fsspec, where files are neither renamed nor mapped."""
    folder = f"memory://{tmp_path.name}"
    builds.plain(builds.arguments(small.wet, folder, *SHARDS, format=builds.ALL_FORMATS))
    store = fsspec.filesystem("memory")
    store.get(f"{folder}/en/", str(tmp_path / "en"), recursive=True)
    assert builds.tree(tmp_path / "en") == whole


def test_files_with_other_names_in_another_order(small: Built, whole: dict[str, str], tmp_path: Path) -> None:
    paths = sorted(Path(small.wet).parent.iterdir())
    order = random.Random(2).sample(range(len(paths)), len(paths))
    assert order != sorted(order)
    for path, place in zip(paths, order, strict=True):
        (tmp_path / f"wet-{place}").mkdir()
        shutil.copy(path, tmp_path / f"wet-{place}" / f"file.{place}")
    builds.plain(builds.arguments(f"{tmp_path}/wet-*/*", tmp_path, *SHARDS, format=builds.ALL_FORMATS))
    assert of_pages(builds.tree(tmp_path / "en")) == of_pages(whole)
    manifests = [builds.told(folder, "manifest.json") for folder in (tmp_path / "en", small.folder)]
    assert manifests[0].pop("inputs") != manifests[1].pop("inputs")
    assert manifests[0] == manifests[1]


@pytest.mark.parametrize(
    "how", [{"level": 1}, {"level": 9}, {"level": None}, {"one_member": True}], ids=["fast", "best", "plain", "joined"]
)
def test_files_packed_otherwise(small: Built, whole: dict[str, str], how: dict[str, Any], tmp_path: Path) -> None:
    wet = crawls.write(tmp_path / "wet", crawls.dealt(small.records, 6), **how)
    assert builds.tree(tmp_path / "wet") != builds.tree(Path(small.wet).parent)
    builds.plain(builds.arguments(wet, tmp_path, *SHARDS, format=builds.ALL_FORMATS))
    assert of_pages(builds.tree(tmp_path / "en")) == of_pages(whole)


@pytest.mark.parametrize("count", [1, 2, 17])
def test_pages_dealt_to_another_number_of_files(
    small: Built, whole: dict[str, str], count: int, tmp_path: Path
) -> None:
    """Only the number of files themselves is counted otherwise."""
    shuffled = random.Random(count).sample(small.records, len(small.records))
    wet = crawls.write(tmp_path / "wet", crawls.dealt(shuffled, count))
    builds.plain(builds.arguments(wet, tmp_path, *SHARDS, format=builds.ALL_FORMATS))
    found = of_pages(builds.tree(tmp_path / "en"))
    assert found.pop("stats.json") != whole["stats.json"]
    assert found == {name: digest for name, digest in of_pages(whole).items() if name != "stats.json"}
    stats, others = (builds.told(folder, "stats.json") for folder in (tmp_path / "en", small.folder))
    for name in ("wet-file", "filtered:no_url"):  # a warcinfo record a file
        assert stats["counters"].pop(f"split-wet-file/{name}") == count
        assert others["counters"].pop(f"split-wet-file/{name}") == 6
    assert stats == others


@pytest.mark.parametrize("buckets", [1, 3, 64])
def test_buckets(small: Built, whole: dict[str, str], buckets: int, tmp_path: Path) -> None:
    builds.plain(builds.arguments(small.wet, tmp_path, *SHARDS, format=builds.ALL_FORMATS), buckets=buckets)
    assert builds.tree(tmp_path / "en") == whole


@pytest.mark.parametrize(("count", "validation"), [(1, 1), (8, 1), (256, 2)])
def test_numbers_of_shards(small: Built, count: int, validation: int, tmp_path: Path) -> None:
    """Whatever the number, the documents and the order are the same; most of 256 shards are empty, and valid."""
    builds.plain(builds.arguments(small.wet, tmp_path, "--shards", str(count), format="parquet"))
    folder = tmp_path / "en"
    assert [len(read_write.find_shards(folder, split)) for split in builds.SPLITS] == [count, validation]
    for split in builds.SPLITS:
        found, other = (in_order(place, split) for place in (folder, small.folder))
        assert found == other
        assert len(found) > 0
    assert builds.verified(folder) == []


def in_order(folder: Path, split: str) -> builds.Documents:
    return [one for path in read_write.find_shards(folder, split, "parquet") for one in read_write.read_documents(path)]


def test_another_seed_is_another_order_of_the_same_documents(small: Built, tmp_path: Path) -> None:
    builds.plain(builds.arguments(small.wet, tmp_path, *SHARDS, "--seed", "1", format="parquet"))
    assert builds.documents(tmp_path / "en") == builds.documents(small.folder, "parquet")
    assert in_order(tmp_path / "en", "train") != in_order(small.folder, "train")


ONE = Record("http://a.example/1", "\n".join(crawls.ENGLISH[:4]))


def test_a_split_without_documents_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wet = crawls.write(tmp_path / "wet", [[ONE]])
    assert build_c4.main(builds.arguments(wet, tmp_path, "--shards", "2", format=builds.ALL_FORMATS)) == 0
    said = capsys.readouterr().err
    size = (tmp_path / "wet" / "000.warc.wet.gz").stat().st_size
    assert said.startswith(f"1 part, {size:,} bytes of gzipped WET, into ")
    assert "  en 3.1.0: 1 partition, of no named crawl\n" in said
    assert f"{tmp_path}/en: 1 document: 1 train, 0 validation\n" in said
    folder = tmp_path / "en"
    assert not [path for path in folder.iterdir() if "validation" in path.name]
    assert [split["name"] for split in builds.told(folder, "dataset_info.json")["splits"]] == ["train"]
    assert builds.told(folder, "stats.json")["documents"] == {"train": 1, "validation": 0}
    assert builds.told(folder, "manifest.json")["documents"] == {"train": 1, "validation": 0}
    assert {info["split"] for info in builds.told(folder, "manifest.json")["shards"]} == {"train"}


@pytest.mark.parametrize("exchange", ["files", "shuffle"])
def test_a_build_without_documents_has_no_shards(
    exchange: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wet = crawls.write(tmp_path / "wet", [[Record("http://a.example/1", "Menu")], []])
    argv = builds.arguments(wet, tmp_path, *builds.by(exchange), format=builds.ALL_FORMATS)
    assert build_c4.main(argv) == 0
    assert f"{tmp_path}/en: 0 documents: 0 train, 0 validation\n" in capsys.readouterr().err
    folder = tmp_path / "en"
    assert set(builds.tree(folder)) == {"stats.json", "manifest.json"}
    assert builds.told(folder, "manifest.json")["shards"] == []
    assert builds.told(folder, "stats.json")["documents"] == {"train": 0, "validation": 0}


@pytest.mark.parametrize("exchange", ["files", "shuffle"])
def test_an_empty_shard_among_others_is_a_file_like_them(
    exchange: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    wet = crawls.write(tmp_path / "wet", [[ONE]])
    argv = builds.arguments(wet, tmp_path, *SHARDS, *builds.by(exchange), format=builds.ALL_FORMATS)
    assert build_c4.main(argv) == 0
    folder = tmp_path / "en"
    assert builds.verified(folder) == []
    infos = builds.told(folder, "manifest.json")["shards"]
    assert [info["documents"] for info in infos if info["format"] == "jsonl"] == [1, 0, 0]
    for format, builder in (("parquet", "parquet"), ("jsonl", "json")):
        loaded = datasets.load_dataset(
            builder, data_files=read_write.find_shards(folder, "train", format), cache_dir=str(tmp_path / "cache")
        )
        assert [row["url"] for row in loaded["train"]] == [ONE.url]
    (split,) = builds.told(folder, "dataset_info.json")["splits"]
    assert split["shardLengths"] == ["1", "0", "0"]


def test_a_folder_whose_name_has_marks_of_a_glob(small: Built, whole: dict[str, str], tmp_path: Path) -> None:
    output = tmp_path / "c4[1]*?"
    assert build_c4.main(builds.arguments(small.wet, output, *SHARDS, format=builds.ALL_FORMATS)) == 0
    assert builds.tree(output / "en") == whole
    assert builds.tree(output) == builds.tree(small.output)


def test_one_file_named_twice_counts_once(small: Built, whole: dict[str, str], tmp_path: Path) -> None:
    path = sorted(Path(small.wet).parent.iterdir())[0]
    builds.plain(builds.arguments(f"{small.wet},{path}", tmp_path, *SHARDS, format=builds.ALL_FORMATS))
    assert builds.tree(tmp_path / "en") == whole


def test_a_file_that_is_there_twice_changes_no_document(small: Built, tmp_path: Path) -> None:
    """Each of its pages has a twin of the same rank."""
    path = sorted(Path(small.wet).parent.iterdir())[0]
    shutil.copy(path, tmp_path / "copy")
    builds.plain(builds.arguments(f"{small.wet},{tmp_path}/copy", tmp_path, *SHARDS, format="parquet"))
    assert builds.documents(tmp_path / "en") == builds.documents(small.folder, "parquet")
    counters = [builds.told(folder, "stats.json")["counters"] for folder in (tmp_path / "en", small.folder)]
    for name in ("split-wet-file", "too-long-filter"):
        for counter in [counter for counter in counters[0] if counter.startswith(name)]:
            assert counters[0].pop(counter) >= counters[1].pop(counter)
    assert counters[0] == counters[1]
