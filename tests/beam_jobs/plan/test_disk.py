"""A build that the disk cannot hold is refused before it begins."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from beam_jobs import build_c4
from c4pipe.fs import files
from tests.support import builds, crawls


@pytest.fixture
def argv(tmp_path: Path) -> list[str]:
    wet = crawls.write(tmp_path / "wet", crawls.dealt(crawls.crawl(seed=7, records=20), 2))
    return builds.arguments(wet, tmp_path / "build")


def free(bytes: int | None) -> Callable[[str], int | None]:
    return lambda path: bytes


def test_one_byte_too_few_and_just_enough(
    argv: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(files, "free_bytes", free(0))
    assert build_c4.main(argv) == 1
    said = capsys.readouterr().err
    wanted = r"build has 0 bytes free, but the build of ([\d,]+) bytes of gzipped WET needs about ([\d,]+) more"
    found = re.search(wanted, said)
    assert found
    assert "--output on a larger disk" in said
    size, needed = (int(number.replace(",", "")) for number in found.groups())
    assert size == sum(path.stat().st_size for path in (tmp_path / "wet").iterdir())
    assert needed > size / 2
    monkeypatch.setattr(files, "free_bytes", free(needed - 1))
    assert build_c4.main(argv) == 1
    assert set(builds.tree(tmp_path / "build")) == set()  # only the lock was made
    monkeypatch.setattr(files, "free_bytes", free(needed))
    assert build_c4.main(argv) == 0


def test_what_is_written_needs_no_room_again(argv: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A build that lost its manifest goes on where no byte is free, as far as anyone can tell."""
    builds.plain(argv)
    (tmp_path / "build" / "en" / "manifest.json").unlink()
    monkeypatch.setattr(files, "free_bytes", free(0))
    assert build_c4.main(argv) == 0


def test_more_formats_need_more(
    argv: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(files, "free_bytes", free(0))
    needed = []
    for format in ("jsonl", "jsonl,parquet", builds.ALL_FORMATS):
        assert build_c4.main([*argv, "--format", format]) == 1
        (number,) = re.findall(r"about ([\d,]+)", capsys.readouterr().err)
        needed.append(int(number.replace(",", "")))
    assert needed[0] < needed[1] < needed[2]


def test_a_store_without_a_limit(argv: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "free_bytes", free(None))
    assert build_c4.main(argv) == 0
