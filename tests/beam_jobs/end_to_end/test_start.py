"""What a build lacks is told when it begins, in a line, before anything is written or a worker starts."""

from __future__ import annotations

import os
import shutil
import sys
from collections import namedtuple
from pathlib import Path

import pytest

from beam_jobs import build_c4
from c4pipe.stages import language
from tests.support import builds, crawls

STAGES = """
from dataclasses import dataclass, replace
from c4pipe.page import keep
from c4pipe.variants import variant

@dataclass(frozen=True)
class Blocked:
    name: str = "blocked"

    def judge(self, page):
        return keep(page) if open("no-such-list").read() else None

MINE = replace(variant("en"), name="mine", stages=(*variant("en").stages, Blocked()))
"""


@pytest.fixture(scope="module")
def wet(tmp_path_factory: pytest.TempPathFactory) -> str:
    return crawls.write(tmp_path_factory.mktemp("wet"), crawls.dealt(crawls.crawl(seed=9, records=30), 1))


def told(argv: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """The error of a build that fails."""
    assert build_c4.main(argv) == 1
    (line,) = (line for line in capsys.readouterr().err.splitlines() if line.startswith("build_c4:"))
    return line


def test_resources_that_are_not_there(wet: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    argv = builds.arguments(wet, tmp_path / "build", resources=tmp_path / "nowhere")
    assert "nowhere is no folder, but --resources" in told(argv, capsys)
    assert not (tmp_path / "build").exists()


@pytest.mark.parametrize("option", ["--output", "--input"])
def test_a_protocol_that_nobody_knows(
    option: str, wet: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = [*builds.arguments(wet, tmp_path / "build"), option, "unheard-of://x"]  # the last one counts
    assert "unheard-of:// is no protocol that fsspec knows" in told(argv, capsys)
    assert not (tmp_path / "build").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="names of files are text there")
@pytest.mark.parametrize("option", ["--output", "--input"])
def test_a_name_that_is_not_utf8(option: str, wet: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No manifest could tell it."""
    odd = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9")
    shutil.copytree(Path(wet).parent, odd)
    value = odd if option == "--output" else f"{tmp_path}/caf*/*"
    said = told([*builds.arguments(wet, tmp_path / "build"), option, value], capsys)
    assert "caf\\udce9" in said
    assert "is not UTF-8 on the disk; rename it" in said
    assert not (tmp_path / "build").exists()


def test_languages_without_their_library(
    wet: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "gcld3", None)
    language._cld3.cache_clear()
    argv = builds.arguments(wet, tmp_path / "build", "--variant", "multilingual")
    assert "pip install -e '.[multilingual]' in a clone" in told(argv, capsys)
    assert not (tmp_path / "build").exists()


def test_a_stage_of_ones_own_that_fails(wet: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "stages_for_test_start.py"
    path.write_text(STAGES, "utf-8")
    assert "no-such-list" in told(builds.arguments(wet, tmp_path / "build", "--variant", f"{path}:MINE"), capsys)
    assert not (tmp_path / "build").exists()


def test_a_build_that_is_whole_needs_no_disk(
    wet: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    argv = builds.arguments(wet, tmp_path)
    builds.plain(argv)
    usage = namedtuple("usage", "free")(0)
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage)
    assert build_c4.main(argv) == 0
    (tmp_path / "en" / "manifest.json").unlink()
    monkeypatch.setattr("beam_jobs.plan.planner.EXCHANGE_SHARE", 1e6)
    assert "0 bytes free" in told(argv, capsys)
