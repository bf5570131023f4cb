"""Ten real WET files, all variants in one pass, by both drivers and both engines: the reference's documents and counts,
and the same bytes.

The documents of ``en`` are compared here field by field, those of all variants by ``c4pipe conform``.
"""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

from beam_jobs import build_c4
from c4pipe import resources
from c4pipe.cli import main
from c4pipe.shards import read_write
from c4pipe.stages import language
from tests.support import builds
from tests.support.required import is_required

pytestmark = pytest.mark.slow

FETCHED = "download_wet_url/exists"  # the reference's cache; these files are read where they lie
# Body lines that look like header fields: the reference takes them for its record's, we do not.
IETF = "http://unknown.invalid/mozilla/readability/test/test-pages/ietf-1/source.html"
DEVIATIONS = {IETF: {"content-type": "text/plain", "content-length": "44279"}}
WAYS = {  # exchange, engine, processes
    "files": ("files", "fast", 2),
    "shuffle": ("shuffle", "fast", 1),
    "plain": ("files", "plain", 2),
}
VARIANTS = ("en", "en.noblocklist", "en.noclean", "realnewslike", "webtextlike", "multilingual")
KNOWN = Path(__file__).parents[2] / "known-deviations.json"


@pytest.fixture(scope="module")
def variants() -> tuple[str, ...]:
    """All six, but where cld3 is not installed; C4_REQUIRE_EXTRAS=1 wants it."""
    if importlib.util.find_spec("gcld3") is None and not is_required("EXTRAS"):
        return VARIANTS[:-1]
    return VARIANTS


@pytest.fixture(scope="module")
def built(
    shared: Path,
    ten_wet_files: list[Path],
    variants: tuple[str, ...],
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Path]:
    """The folder of ``en`` by each way; those of the others lie beside it."""
    place = tmp_path_factory.mktemp("golden")
    previous = resources.source()
    for way, (exchange, engine, workers) in WAYS.items():
        argv = builds.arguments(
            ",".join(map(str, ten_wet_files)),
            place / way,
            *(*builds.by(exchange), "--engine", engine, "--shards", "4", "--variant", ",".join(variants)),
            *("--urls", str(shared / "golden" / "c4" / "webtextlike.urls.txt")),
            workers=workers,
            resources=shared / "data" / "resources",
            format=builds.ALL_FORMATS,
        )
        assert build_c4.main(argv) == 0
    resources.use(previous)
    return {way: place / way / "en" for way in WAYS}


@pytest.fixture(scope="module")
def expected(golden: Path) -> list[dict[str, Any]]:
    with gzip.open(golden / "en.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    assert len(rows) == 767
    return [row | DEVIATIONS.get(row["url"], {}) for row in rows]


@pytest.mark.parametrize("way", WAYS)
def test_documents(built: dict[str, Path], expected: list[dict[str, Any]], way: str) -> None:
    """Text, URL, timestamp, split and content fields."""
    found = builds.documents(built[way], "tfrecord")
    assert found == [{name: row[name] for name in (*read_write.FIELDS, "split")} for row in expected]
    digests = [hashlib.sha256(one["text"].encode()).hexdigest() for one in found]
    assert digests == [row["text_sha256"] for row in expected]


@pytest.mark.parametrize("way", WAYS)
def test_formats(built: dict[str, Path], expected: list[dict[str, Any]], way: str) -> None:
    for format, fields in (("parquet", read_write.FIELDS), ("jsonl", ("text", "timestamp", "url"))):
        found = builds.documents(built[way], format)
        assert found == [{name: row[name] for name in (*fields, "split")} for row in expected]


@pytest.mark.parametrize("way", WAYS)
def test_counters(built: dict[str, Path], golden: Path, way: str) -> None:
    counters = json.loads((golden / "en.counters.json").read_text("utf-8"))
    assert counters.pop(FETCHED) == 10
    stats = builds.told(built[way], "stats.json")
    assert stats == {"counters": counters, "documents": {"train": 766, "validation": 1}, "faults": {}}


@pytest.mark.parametrize("way", WAYS)
def test_files_are_as_the_manifest_says(built: dict[str, Path], way: str) -> None:
    assert builds.verified(built[way]) == []
    manifest = builds.told(built[way], "manifest.json")
    assert sum(info["documents"] for info in manifest["shards"]) == 3 * 767
    assert builds.temporary(built[way].parent) == []


def conform(name: str, golden: Path, output: Path, shared: Path, *more: str) -> int:
    """The exit code of the conformance kit."""
    named = ("--golden", str(golden), "--variant", name, "--deviations", str(KNOWN))
    return main.main(["conform", *named, "--resources", str(shared / "data" / "resources"), *more, str(output)])


@pytest.mark.parametrize("name", VARIANTS)
@pytest.mark.parametrize("way", WAYS)
def test_all_variants_conform(
    built: dict[str, Path], variants: tuple[str, ...], golden: Path, shared: Path, way: str, name: str
) -> None:
    """Every document and every counter."""
    if name not in variants:
        pytest.skip(f"cld3 is not installed: {language.CLD3_REMEDY}")
    assert conform(name, golden, built[way].parent / name, shared) == 0


@pytest.fixture(scope="module")
def released(
    built: dict[str, Path], shared: Path, variants: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """All variants as C4 3.0.1 made them, from the page store that the build of 3.1.0 left."""
    output = tmp_path_factory.mktemp("released") / "build"
    previous = resources.source()
    argv = ["--from_store", str(built["files"].parent), "--output", str(output), "--variant", ",".join(variants)]
    argv += ["--semantics", "3.0.1", "--format", "parquet", "--resources", str(shared / "data" / "resources")]
    assert build_c4.main([*argv, "--urls", str(shared / "golden" / "c4" / "webtextlike.urls.txt")]) == 0
    resources.use(previous)
    return output


@pytest.mark.parametrize("name", VARIANTS)
def test_all_variants_conform_to_the_released_version(
    released: Path, variants: tuple[str, ...], golden: Path, shared: Path, name: str
) -> None:
    if name not in variants:
        pytest.skip(f"cld3 is not installed: {language.CLD3_REMEDY}")
    assert conform(name, golden / "3.0.1", released / name, shared, "--semantics", "3.0.1") == 0


def test_another_build_does_not_conform(built: dict[str, Path], golden: Path, shared: Path) -> None:
    """Or the tests above would show nothing."""
    assert conform("en", golden, built["files"].parent / "en.noblocklist", shared) == 3


@pytest.mark.parametrize("name", VARIANTS)
@pytest.mark.parametrize("way", ["shuffle", "plain"])
def test_drivers_and_engines_leave_the_same_bytes(
    built: dict[str, Path], variants: tuple[str, ...], way: str, name: str
) -> None:
    if name not in variants:
        pytest.skip(f"cld3 is not installed: {language.CLD3_REMEDY}")
    one, other = (builds.tree(built[each].parent / name) for each in ("files", way))
    assert one == other
    if name == "en":
        beside_shards = ("stats.json", "manifest.json", "dataset_info.json", "features.json")
        assert len(one) == 3 * (4 + 1) + len(beside_shards)


def test_shards_of_all_formats_have_one_digest_a_place(built: dict[str, Path]) -> None:
    """The digest of the content outlives the format."""
    digests: dict[tuple[str, int], set[str]] = {}
    for info in builds.told(built["files"], "manifest.json")["shards"]:
        name = read_write.parse_name(info["name"])
        assert name is not None
        digests.setdefault((name.split, name.index), set()).add(info["content_digest"])
    assert len(digests) == 5
    assert all(len(found) == 1 for found in digests.values())
