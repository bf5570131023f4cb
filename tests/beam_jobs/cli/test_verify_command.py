"""``c4pipe verify``: a build that is whole, and each way in which one is not."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import fsspec
import pytest

from c4pipe.cli import main
from c4pipe.cli.command import DIFFERENT, FAILED
from tests.support import builds

MANIFEST = "manifest.json"


@pytest.fixture
def build(small: builds.Built, tmp_path: Path) -> Path:
    """A copy of the small build, which a test may damage."""
    return Path(shutil.copytree(small.output, tmp_path / "build"))


def shards(folder: Path, ending: str = "") -> list[Path]:
    return sorted(path for path in folder.glob("c4-*") if ending in path.name)


def change_byte(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def cut_byte(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def test_a_build_that_is_whole(build: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sizes = [path.stat().st_size for path in shards(build / "en")]
    for folder in (build, build / "en"):
        for more, how in (((), "whole"), (("--quick",), "whole by size"), (("--all",), "whole")):
            assert main.main(["verify", f"{folder}/", *more]) == 0
            line = f"{build}/en: {how}, {len(sizes)} shards, {sum(sizes):,} bytes\n"
            assert capsys.readouterr() == (line, "")


@pytest.mark.parametrize("ending", [".json.gz", ".parquet", ".tfrecord"])
@pytest.mark.parametrize(
    ("damage", "message", "quick"),
    [
        (change_byte, "has SHA-256 ", 0),
        (cut_byte, " bytes, not ", DIFFERENT),
        (Path.unlink, "is missing", DIFFERENT),
    ],
)
def test_a_damaged_shard_of_each_format(
    build: Path,
    capsys: pytest.CaptureFixture[str],
    ending: str,
    damage: Callable[[Path], None],
    message: str,
    quick: int,
) -> None:
    damaged = shards(build / "en", ending)[-1]
    damage(damaged)
    assert main.main(["verify", str(build)]) == DIFFERENT
    printed = capsys.readouterr()
    assert printed.out.startswith(f"{build}/en: {damaged.name} ")
    assert message in printed.out
    assert (printed.out.count("\n"), printed.err) == (1, "")
    assert main.main(["verify", str(build), "--quick"]) == quick


def test_an_extra_shard(build: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copy(shards(build / "en", ".parquet")[0], build / "en" / "c4-train-00000-of-00099.parquet")
    (build / "en" / "notes.txt").write_text("no shard", "utf-8")
    for more in ((), ("--quick",)):
        assert main.main(["verify", str(build), *more]) == DIFFERENT
        assert capsys.readouterr().out == f"{build}/en: c4-train-00000-of-00099.parquet is not of this build\n"


def test_the_first_difference_or_all(build: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path in shards(build / "en")[:3]:
        path.unlink()
    assert main.main(["verify", str(build)]) == DIFFERENT
    assert capsys.readouterr().out.count("is missing") == 1
    assert main.main(["verify", str(build), "--all"]) == DIFFERENT
    assert capsys.readouterr().out.count("is missing") == 3


def test_the_variants_beside_a_damaged_one_are_checked(build: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a", "z"):
        shutil.copytree(build / "en", build / name)
    cut_byte(shards(build / "en")[0])
    assert main.main(["verify", str(build)]) == DIFFERENT
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(": ")[0] for line in lines] == [f"{build}/{name}" for name in ("a", "en", "z")]
    assert ["whole" in line for line in lines] == [True, False, True]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", f"{MANIFEST} is no JSON ("),
        ("\udcff", f"{MANIFEST} is no JSON ("),
        ("[]", f"{MANIFEST} has no list of shards with name, split, format, "),
        ('{"shards": 3}', f"{MANIFEST} has no list of shards with "),
        ('{"shards": [{"name": "a"}]}', f"{MANIFEST} has no list of shards with "),
    ],
)
def test_a_damaged_manifest(build: Path, capsys: pytest.CaptureFixture[str], text: str, message: str) -> None:
    (build / "en" / MANIFEST).write_bytes(text.encode("utf-8", "surrogateescape"))
    for folder in (build, build / "en"):
        assert main.main(["verify", str(folder)]) == FAILED
        printed = capsys.readouterr()
        assert printed.out == ""
        assert printed.err.startswith(f"c4pipe verify: {build}/en/{message}")
        assert printed.err.endswith("; restore it, or remove it and give the command of the build again\n")


@pytest.mark.parametrize("field", ["bytes", "sha256"])
def test_a_manifest_with_a_value_of_another_type(build: Path, capsys: pytest.CaptureFixture[str], field: str) -> None:
    manifest = builds.told(build / "en", MANIFEST)
    manifest["shards"][0][field] = None
    (build / "en" / MANIFEST).write_text(json.dumps(manifest), "utf-8")
    assert main.main(["verify", str(build)]) == FAILED
    assert "has no list of shards with" in capsys.readouterr().err


def test_shards_without_a_manifest(build: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(build / "en", build / "unfinished")
    (build / "unfinished" / MANIFEST).unlink()
    assert main.main(["verify", str(build)]) == FAILED
    printed = capsys.readouterr()
    assert printed.out.startswith(f"{build}/en: whole, ")
    assert printed.err.startswith(f"c4pipe verify: {build}/unfinished/{MANIFEST} is missing; give the command")


def test_a_variant_whose_folder_is_gone(build: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The store still lists it."""
    shutil.rmtree(build / "en")
    assert main.main(["verify", str(build)]) == FAILED
    assert f"{build}/en/{MANIFEST} is missing" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["", "nowhere"])
def test_a_folder_that_is_no_build(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    assert main.main(["verify", str(tmp_path / name)]) == FAILED
    assert "name the --output of a build or the folder of a variant" in capsys.readouterr().err


def test_without_a_folder_it_is_wrong_usage() -> None:
    with pytest.raises(SystemExit) as stopped:
        main.main(["verify"])
    assert stopped.value.code == 2


def test_a_remote_build(build: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = fsspec.filesystem("memory")
    store.put(str(build / "en"), "/verified/en", recursive=True)
    assert main.main(["verify", "memory://verified"]) == 0
    assert capsys.readouterr().out.startswith("memory://verified/en: whole, ")
    damaged = shards(build / "en")[0].name
    store.rm_file(f"/verified/en/{damaged}")
    assert main.main(["verify", "memory://verified/en"]) == DIFFERENT
    assert capsys.readouterr().out == f"memory://verified/en: {damaged} is missing\n"
