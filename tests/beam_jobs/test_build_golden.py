"""Ten real WET files through both drivers: the reference's documents and counts, and the same bytes."""

from __future__ import annotations

import gzip
import hashlib
import json
from pathlib import Path
from typing import Any

import builds
import pytest

from beam_jobs import build_c4
from c4pipe import resources, shards

pytestmark = pytest.mark.slow

FETCHED = "download_wet_url/exists"  # the reference's cache; these files are read where they lie
# Body lines that look like header fields: the reference takes them for its record's, we do not.
IETF = "http://unknown.invalid/mozilla/readability/test/test-pages/ietf-1/source.html"
DEVIATIONS = {IETF: {"content-type": "text/plain", "content-length": "44279"}}
DRIVERS = {"files": 2, "shuffle": 1}  # exchange -> processes


@pytest.fixture(scope="module")
def built(shared: Path, ten_wet_files: list[Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The folder of ``en`` by each driver."""
    place = tmp_path_factory.mktemp("golden")
    previous = resources.source()
    for exchange, workers in DRIVERS.items():
        argv = builds.arguments(
            ",".join(map(str, ten_wet_files)),
            place / exchange,
            *("--exchange", exchange, "--shards", "4"),
            workers=workers,
            resources=shared / "data" / "resources",
            format=builds.ALL_FORMATS,
        )
        assert build_c4.main(argv) == 0
    resources.use(previous)
    return {exchange: place / exchange / "en" for exchange in DRIVERS}


@pytest.fixture(scope="module")
def expected(golden: Path) -> list[dict[str, Any]]:
    with gzip.open(golden / "en.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    assert len(rows) == 767
    return [row | DEVIATIONS.get(row["url"], {}) for row in rows]


@pytest.mark.parametrize("exchange", DRIVERS)
def test_documents(built: dict[str, Path], expected: list[dict[str, Any]], exchange: str) -> None:
    """Text, URL, timestamp, split and content fields."""
    found = builds.documents(built[exchange], "tfrecord")
    assert found == [{name: row[name] for name in (*shards.FIELDS, "split")} for row in expected]
    digests = [hashlib.sha256(one["text"].encode()).hexdigest() for one in found]
    assert digests == [row["text_sha256"] for row in expected]


@pytest.mark.parametrize("exchange", DRIVERS)
def test_formats(built: dict[str, Path], expected: list[dict[str, Any]], exchange: str) -> None:
    for format, fields in (("parquet", shards.FIELDS), ("jsonl", ("text", "timestamp", "url"))):
        found = builds.documents(built[exchange], format)
        assert found == [{name: row[name] for name in (*fields, "split")} for row in expected]


@pytest.mark.parametrize("exchange", DRIVERS)
def test_counters(built: dict[str, Path], golden: Path, exchange: str) -> None:
    counters = json.loads((golden / "en.counters.json").read_text("utf-8"))
    assert counters.pop(FETCHED) == 10
    stats = builds.told(built[exchange], "stats.json")
    assert stats == {"counters": counters, "documents": {"train": 766, "validation": 1}, "faults": {}}


@pytest.mark.parametrize("exchange", DRIVERS)
def test_files_are_as_the_manifest_says(built: dict[str, Path], exchange: str) -> None:
    assert builds.verified(built[exchange]) == []
    manifest = builds.told(built[exchange], "manifest.json")
    assert sum(info["documents"] for info in manifest["shards"]) == 3 * 767
    assert builds.temporary(built[exchange].parent) == []


def test_drivers_leave_the_same_bytes(built: dict[str, Path]) -> None:
    one, other = (builds.tree(folder) for folder in built.values())
    assert one == other
    assert len(one) == 3 * (4 + 1) + len(("stats.json", "manifest.json", "dataset_info.json", "features.json"))


def test_shards_of_all_formats_have_one_digest_a_place(built: dict[str, Path]) -> None:
    """The digest of the content outlives the format."""
    digests: dict[tuple[str, int], set[str]] = {}
    for info in builds.told(built["files"], "manifest.json")["shards"]:
        name = shards.parse_name(info["name"])
        assert name is not None
        digests.setdefault((name.split, name.index), set()).add(info["content_digest"])
    assert len(digests) == 5
    assert all(len(found) == 1 for found in digests.values())
