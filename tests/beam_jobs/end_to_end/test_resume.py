"""A build that was killed and is started again by the same command ends as one that was not."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from beam_jobs import build_c4
from c4pipe.fs import files
from tests.support import builds, kill_loop
from tests.support.builds import Built

ROOT = Path(__file__).resolve().parents[3]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}
SHARDS = ("--shards", "3")  # as the small build has


def killed(argv: list[str], output: Path, *, seed: int, times: int, files: int) -> list[dict[str, list[int]]]:
    """Begin the build and kill it so many times; what stood at each kill."""
    finished = subprocess.run(
        [sys.executable, kill_loop.__file__, json.dumps([argv, str(output), seed, times, files])],
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    stood = json.loads(finished.stdout.splitlines()[-1])
    assert len(stood) == times
    return list(stood)


def reports(found: dict[str, list[int]], steps: str = "") -> dict[str, tuple[int, ...]]:
    """The reports of finished items among files."""
    done = {name: tuple(moment) for name, moment in found.items() if name.startswith(f"store/done/{steps}")}
    return {name: moment for name, moment in done.items() if name.endswith(".json")}


# Together 25 kills, of builds that leave some 54 files, or 44 through the shuffle; on a fast machine the last are done
# some 30 files in.
@pytest.mark.slow
@pytest.mark.parametrize(
    ("exchange", "seed", "times", "appear"), [("files", 1, 12, 4), ("files", 2, 6, 13), ("shuffle", 3, 7, 6)]
)
def test_killed_at_random_moments(
    small: Built, exchange: str, seed: int, times: int, appear: int, tmp_path: Path
) -> None:
    argv = builds.arguments(small.wet, tmp_path, *SHARDS, *builds.by(exchange), format=builds.ALL_FORMATS)
    stood = killed(argv, tmp_path, seed=seed, times=times, files=appear)
    assert len({tuple(one) for one in stood}) > times // 2  # at different moments
    assert build_c4.main(argv) == 0
    assert builds.tree(tmp_path / "en") == builds.tree(small.folder)
    assert builds.temporary(tmp_path) == []
    if exchange == "files":
        assert builds.tree(tmp_path) == builds.tree(small.output)
    last = builds.moments(tmp_path)
    for found in stood:  # what was done then was not done again
        done = reports(found, "" if exchange == "files" else "clean")
        assert done == {name: moment for name, moment in last.items() if name in done}
        cleaned = {name.rpartition("/")[2].removesuffix(".json") for name in reports(found, "clean")}
        pages = {f"store/pages/{part}.parquet" for part in cleaned}
        assert {name: tuple(found[name]) for name in pages} == {name: last[name] for name in pages}


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc, which Linux has")
def test_killed_with_its_workers_or_without(small: Built, tmp_path: Path) -> None:
    """The command itself, with two workers: killed alone, begun again and killed with its group, then on to the end."""
    argv = builds.arguments(small.wet, tmp_path, *SHARDS, workers=2, format=builds.ALL_FORMATS)
    command = [sys.executable, "-m", "beam_jobs.build_c4", *argv]
    for kill in (os.kill, os.killpg):
        before = kill_loop.names(tmp_path)
        process = subprocess.Popen(command, env=ENVIRONMENT, start_new_session=True)
        deadline = time.monotonic() + kill_loop.PATIENCE_SECONDS
        # Until it works: the command has its workers, and some files are new.
        while len(kill_loop.session(process.pid)) < 3 or len(kill_loop.names(tmp_path) - before) < 5:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(kill_loop.POLL_SECONDS)
        kill(process.pid, signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        assert kill_loop.waited_for(process.pid) == []
        assert not (tmp_path / "en" / "manifest.json").exists()
    assert build_c4.main(builds.arguments(small.wet, tmp_path, *SHARDS, format=builds.ALL_FORMATS)) == 0
    assert builds.tree(tmp_path) == builds.tree(small.output)
    assert builds.temporary(tmp_path) == []


def test_killed_while_it_tidied_up(small: Built, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The manifest stands, but some of the exchanges too."""
    argv = builds.arguments(small.wet, tmp_path, *SHARDS, format=builds.ALL_FORMATS)
    builds.plain(argv)
    left = builds.tree(tmp_path)
    assert build_c4.main(argv) == 0
    assert "nothing to do" in capsys.readouterr().err
    assert builds.tree(tmp_path) == builds.tree(small.output) != left


def test_unfinished_files_are_swept(small: Built, tmp_path: Path) -> None:
    argv = builds.arguments(small.wet, tmp_path, *SHARDS, *builds.by("shuffle"), format=builds.ALL_FORMATS)
    for folder in ("store/pages", "store/done/clean", "en"):
        (tmp_path / folder).mkdir(parents=True)
        Path(files.temporary_name(str(tmp_path / folder / "00000.parquet"))).write_bytes(b"half")
    assert len(builds.temporary(tmp_path)) == 3
    (tmp_path / "wet").mkdir()
    fetched = files.temporary_name(str(tmp_path / "wet" / "a.warc.wet.gz"))  # by `c4pipe fetch`, at work
    Path(fetched).write_bytes(b"half")
    assert build_c4.main(argv) == 0
    assert builds.temporary(tmp_path) == [fetched]


@pytest.mark.parametrize("step", ["clean", "finalize"])
def test_a_build_goes_on_with_the_other_exchange(small: Built, step: str, tmp_path: Path) -> None:
    """Through Beam's shuffle up to the end, of which then something is lost; through files from there on."""
    argv = builds.arguments(small.wet, tmp_path, *SHARDS, format=builds.ALL_FORMATS)
    assert build_c4.main([*argv, *builds.by("shuffle")]) == 0
    (tmp_path / "en" / "manifest.json").unlink()
    for report in sorted((tmp_path / "store" / "done" / step).iterdir())[1:]:
        report.unlink()
    assert build_c4.main(argv) == 0
    assert builds.tree(tmp_path / "en") == builds.tree(small.folder)
    assert builds.tree(tmp_path) == builds.tree(small.output)


def test_files_first_then_the_shuffle(small: Built, tmp_path: Path) -> None:
    argv = builds.arguments(small.wet, tmp_path, *SHARDS, format=builds.ALL_FORMATS)
    builds.plain(argv)
    (tmp_path / "en" / "manifest.json").unlink()
    assert build_c4.main([*argv, *builds.by("shuffle")]) == 0
    assert builds.tree(tmp_path / "en") == builds.tree(small.folder)


@pytest.mark.parametrize(
    ("more", "lost"),
    [
        (("--variant", "en", "--format", "parquet,jsonl"), "en"),
        (("--variant", "en,en.noclean"), "en.noclean"),
        (("--variant", "webtextlike", "--urls", "{list}"), "webtextlike"),
    ],
)
def test_shards_that_were_removed_are_written_again(
    small: Built, more: tuple[str, ...], lost: str, tmp_path: Path
) -> None:
    """From the page store: the exchanges went when the build was whole, and a report alone makes no shard."""
    urls = tmp_path / "list.txt"
    urls.write_text("".join(f"{record.url}\n" for record in small.records[::2]), "utf-8")
    argv = builds.arguments(small.wet, tmp_path / "build", *SHARDS, *(word.format(list=urls) for word in more))
    assert build_c4.main(argv) == 0
    whole, pages = builds.tree(tmp_path / "build"), builds.moments(tmp_path / "build" / "store" / "pages")
    shutil.rmtree(tmp_path / "build" / lost)
    assert build_c4.main(argv) == 0
    assert builds.tree(tmp_path / "build") == whole
    assert builds.moments(tmp_path / "build" / "store" / "pages") == pages
    assert builds.verified(tmp_path / "build" / lost) == []
