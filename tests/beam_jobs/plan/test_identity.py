"""A folder holds one build: any other is told what differs, and touches nothing."""

from __future__ import annotations

import importlib.metadata
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from beam_jobs import build_c4
from beam_jobs.plan import identity
from beam_jobs.plan.identity import differences
from beam_jobs.store.lock import held
from c4pipe.stages.clean_lines import CleanLines
from c4pipe.variants import VARIANTS, variant
from tests.support import builds, crawls


@pytest.fixture(scope="module")
def crawl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two WET files, and a third beside them that is not asked for."""
    folder = tmp_path_factory.mktemp("crawl")
    crawls.write(folder, crawls.dealt(crawls.crawl(seed=5, records=40), 3))
    return folder


@pytest.fixture
def begun(crawl: Path, tmp_path: Path) -> list[str]:
    """The command of a whole build of copies of two of the files."""
    for name in ("000", "001"):
        shutil.copy(crawl / f"{name}.warc.wet.gz", tmp_path)
    argv = builds.arguments(f"{tmp_path}/*.gz", tmp_path / "build", "--shards", "2", format="jsonl,parquet")
    builds.plain(argv)
    return argv


def with_option(argv: list[str], name: str, value: str) -> list[str]:
    return [*argv, name, value]  # the last one counts


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--variant", "en.noclean", r"variant en is gone\n  variant en\.noclean is new\n"),
        ("--variant", "en,en.noclean", r"variant en\.noclean is new\n"),
        ("--format", "jsonl", r"options\.formats: begun with \['jsonl', 'parquet'\], now \['jsonl'\]"),
        ("--shards", "3", r"options\.shards: begun with 2, now 3"),
        ("--seed", "1", r"options\.seed: begun with 0, now 1"),
    ],
)
def test_another_option(
    begun: list[str], option: str, value: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert re.search(message, refusal(with_option(begun, option, value), tmp_path, capsys))


def refusal(argv: list[str], place: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """Return what the command says; it must fail, name the remedy, and touch nothing."""
    before = builds.moments(place / "build")
    assert build_c4.main(argv) == 1
    said = capsys.readouterr().err
    assert "holds another build" in said
    assert "another --output" in said
    assert builds.moments(place / "build") == before
    return said


def test_a_file_more(begun: list[str], crawl: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copy(crawl / "002.warc.wet.gz", tmp_path)
    assert re.search(r"inputs: \S*/002\.warc\.wet\.gz is new", refusal(begun, tmp_path, capsys))


def test_a_file_less(begun: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "001.warc.wet.gz").unlink()
    assert re.search(r"inputs: \S*/001\.warc\.wet\.gz is no longer among them", refusal(begun, tmp_path, capsys))


def test_a_file_of_another_size(begun: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "001.warc.wet.gz"
    size = path.stat().st_size
    path.write_bytes(path.read_bytes() + b"\0")
    assert re.search(rf"inputs: {path} had {size:,} bytes, now {size + 1:,}\n", refusal(begun, tmp_path, capsys))


def test_a_folder_that_was_moved(begun: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each of its files is another; some of them say so."""
    (tmp_path / "many").mkdir()
    for number in range(30):
        shutil.copy(tmp_path / "000.warc.wet.gz", tmp_path / "many" / f"{number:02}.warc.wet.gz")
    argv = with_option(begun, "--input", f"{tmp_path}/many/*")
    assert re.search(r"\S*/many/17\.warc\.wet\.gz is new\n  and 12 more\n", refusal(argv, tmp_path, capsys))


def test_other_resources(begun: list[str], shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The built-in stand-ins, or the pinned lists."""
    argv = with_option(begun, "--resources", str(shared / "data" / "resources"))
    assert re.search(r"variants\.en\.resources\.ldnoobw/\S*: begun with None", refusal(argv, tmp_path, capsys))


def test_other_versions(
    begun: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    versions = identity.versions()
    monkeypatch.setattr(identity, "versions", lambda: {**versions, "langdetect": "9.9"})
    assert re.search(
        rf"versions\.langdetect: begun with '{versions['langdetect']}', now '9\.9'\n", refusal(begun, tmp_path, capsys)
    )


def test_other_semantics(
    begun: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another version of the reference, and what it does otherwise."""
    stages = tuple(
        replace(stage, min_sentences=5) if isinstance(stage, CleanLines) else stage for stage in variant("en").stages
    )
    monkeypatch.setitem(VARIANTS, ("en", "9.9.9"), replace(variant("en"), semantics="9.9.9", stages=stages))
    argv = with_option(begun, "--semantics", "9.9.9")
    differs = r"semantics: begun with '3\.1\.0', now '9\.9\.9'.*stages\.2\.min_sentences: begun with 3, now 5\n"
    assert re.search(differs, refusal(argv, tmp_path, capsys), re.DOTALL)


def test_another_rule_under_the_same_name(
    begun: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stages = variant("en").stages[:-1]
    monkeypatch.setitem(VARIANTS, ("en", "3.1.0"), replace(variant("en"), stages=stages))
    assert re.search(r"stages: begun with", refusal(begun, tmp_path, capsys))


@pytest.mark.parametrize(
    "more", [(), ("--max_bad_files", "3"), ("--workers", "2"), builds.by("shuffle"), ("--format", "parquet,jsonl")]
)
def test_what_makes_no_other_build(
    begun: list[str], more: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The build is whole, which is told; nothing is done but the exchanges removed."""
    before = builds.moments(tmp_path / "build")
    assert build_c4.main([*begun, *more]) == 0
    said = capsys.readouterr().err
    assert "nothing to do: the build is whole" in said
    assert "manifest.json" in said
    after = builds.moments(tmp_path / "build")
    assert after.items() <= before.items()
    assert {name.split("/")[1] for name in before.keys() - after.keys()} == {
        *("urls", "winners", "claims", "owners", "documents")
    }


def test_a_build_that_was_begun_goes_on(begun: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = builds.tree(tmp_path / "build" / "en")
    (tmp_path / "build" / "en" / "manifest.json").unlink()
    assert build_c4.main(begun) == 0
    assert "going on with the build that was begun there" in capsys.readouterr().err
    assert builds.tree(tmp_path / "build" / "en") == whole


def test_two_at_once(begun: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The second one ends at once; when the first has ended, it may."""
    before = builds.moments(tmp_path / "build")
    with held(str(tmp_path / "build")):
        assert build_c4.main(begun) == 1
    assert f"another build is at work in {tmp_path / 'build'}" in capsys.readouterr().err
    assert builds.moments(tmp_path / "build") == before
    assert build_c4.main(begun) == 0


def test_a_dry_run_touches_nothing(crawl: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert build_c4.main(builds.arguments(f"{crawl}/*", tmp_path / "build", "--dry_run")) == 0
    assert "nothing run" in capsys.readouterr().err
    assert not (tmp_path / "build").exists()


@pytest.mark.parametrize(
    ("begun", "wanted", "told"),
    [
        ({"a": 1, "b": {"c": [1, 2]}}, {"a": 1, "b": {"c": [1, 2]}}, []),
        ({"a": {"b": 1}}, {"a": {"b": 2}}, ["a.b: begun with 1, now 2"]),
        ({"a": {"b": 1}}, {"a": {}}, ["a.b: begun with 1, now None"]),
        ({}, {"a": {"b": 1}}, ["a: begun with None, now {'b': 1}"]),
        ({"a": 1, "b": 1}, {"a": 2, "b": 2}, ["a: begun with 1, now 2", "b: begun with 1, now 2"]),
        ({"a": [1, {"b": 2}]}, {"a": [1, {"b": 3}]}, ["a.1.b: begun with 2, now 3"]),
        ({"a": [1]}, {"a": [1, 2]}, ["a: begun with [1], now [1, 2]"]),
        ({}, {"a": "x" * 300}, [f"a: begun with None, now '{'x' * 199} [and 102 characters more]"]),
        ({"variants": {"a": {"b": 1}}}, {"variants": {"a": {"b": 2}}}, ["variants.a.b: begun with 1, now 2"]),
        ({"variants": {"a": {}, "b": {}}}, {"variants": {"b": {}, "c": {}}}, ["variant a is gone", "variant c is new"]),
        ({"inputs": []}, {"inputs": [{"path": "x", "bytes": 1}]}, ["inputs: x is new"]),
        ({"inputs": [{"path": "x", "bytes": 1}]}, {"inputs": []}, ["inputs: x is no longer among them"]),
        (
            {"inputs": [{"path": "x", "bytes": 1}]},
            {"inputs": [{"path": "x", "bytes": 2000}]},
            ["inputs: x had 1 bytes, now 2,000"],
        ),
    ],
)
def test_differences(begun: Any, wanted: Any, told: list[str]) -> None:
    assert list(differences(begun, wanted)) == told


def test_a_build_that_labels_languages_tells_the_version_of_cld3(
    crawl: Path, tmp_path: Path, real_resources: Path
) -> None:
    """Whose answers decide what its corpora hold; other builds need none."""
    pytest.importorskip("gcld3")
    for name, told in (("multilingual", importlib.metadata.version("gcld3")), ("en.noclean", None)):
        argv = builds.arguments(f"{crawl}/000*", tmp_path / name, "--variant", name, resources=real_resources)
        builds.plain(argv)
        assert builds.told(tmp_path / name / name, "manifest.json")["versions"].get("gcld3") == told


def test_a_whole_build_whose_store_is_gone(
    begun: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever the options are now, the manifest must not pass for that of this build."""
    shutil.rmtree(tmp_path / "build" / "store")
    before = builds.tree(tmp_path / "build")
    assert build_c4.main(with_option(begun, "--seed", "1")) == 1
    said = capsys.readouterr().err
    assert "a whole build without its store" in said
    assert "another --output" in said
    assert builds.tree(tmp_path / "build") == before
    shutil.rmtree(tmp_path / "build" / "en")
    assert build_c4.main(with_option(begun, "--seed", "1")) == 0
    assert builds.told(tmp_path / "build" / "en", "manifest.json")["options"]["seed"] == 1
