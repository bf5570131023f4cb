"""Whole builds by the command with their folders on an object store, or named by a URL of this disk."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from beam_jobs import build_c4
from beam_jobs.drivers import files as files_driver
from c4pipe.fs import files
from tests.support import builds, crawls


@pytest.fixture(scope="module")
def wet(tmp_path_factory: pytest.TempPathFactory) -> str:
    return crawls.write(tmp_path_factory.mktemp("wet"), crawls.dealt(crawls.crawl(seed=8, records=40), 2))


@pytest.fixture(scope="module")
def here(wet: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The same build in a folder named as folders are."""
    output = tmp_path_factory.mktemp("here")
    builds.plain(builds.arguments(wet, output))
    return shards(output / "en")


@pytest.fixture
def bucket(tmp_path: Path) -> Iterator[str]:
    """A folder of an object store in this process."""
    yield f"memory://{tmp_path.name}"
    fsspec.filesystem("memory").store.clear()


def shards(folder: Path) -> dict[str, str]:
    found = builds.tree(folder)
    del found["manifest.json"]  # names the input
    return found


def fetched(folder: str, to: Path) -> dict[str, str]:
    fsspec.filesystem("memory").get(f"{folder}/", str(to), recursive=True)
    return shards(to)


@pytest.mark.parametrize("exchange", ["files", "shuffle"])
def test_from_and_to_an_object_store(
    exchange: str, wet: str, here: dict[str, str], bucket: str, tmp_path: Path
) -> None:
    fsspec.filesystem("memory").put(str(Path(wet).parent) + "/", f"{bucket}/wet/", recursive=True)
    argv = builds.arguments(f"{bucket}/wet/*", f"{bucket}/build", *builds.by(exchange))
    assert build_c4.main(argv) == 0
    assert fetched(f"{bucket}/build/en", tmp_path / "en") == here
    assert build_c4.main(argv) == 0  # nothing to do


def test_from_a_store_on_an_object_store(wet: str, here: dict[str, str], bucket: str, tmp_path: Path) -> None:
    builds.plain(builds.arguments(wet, f"{bucket}/first", "--variant", "en.noblocklist"))
    argv = builds.arguments(wet, f"{bucket}/second", "--from_store", f"{bucket}/first")[2:]  # without --input
    assert argv[0] == "--output"
    builds.plain(argv)
    assert fetched(f"{bucket}/second/en", tmp_path / "en") == here


def test_a_url_of_this_disk(wet: str, here: dict[str, str], tmp_path: Path) -> None:
    assert build_c4.main(builds.arguments(f"file://{wet}", f"file://{tmp_path}/build")) == 0
    assert shards(tmp_path / "build" / "en") == here


def test_a_store_whose_library_is_not_installed(
    wet: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Told in a line, with what to install."""
    monkeypatch.setitem(__import__("sys").modules, "s3fs", None)
    assert build_c4.main(builds.arguments("s3://bucket/*.gz", tmp_path)) == 1
    message = capsys.readouterr().err
    assert "pip install -e '.[aws]' in a clone" in message
    assert len(message.splitlines()) == 1


def test_what_remains_is_asked_for_at_a_time(wet: str, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    job = builds.plain(builds.arguments(wet, f"{bucket}/build"))
    (step,) = (step for step in files_driver.STEPS if step.name == "dedup_urls")
    meeting = threading.Barrier(2, timeout=30)
    exists = files.exists
    monkeypatch.setattr(files, "exists", lambda path: meeting.wait() >= 0 and exists(path))
    assert job.buckets % 2 == 0  # each meets another
    assert step.remaining(job) == []
