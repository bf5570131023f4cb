"""What a build may take of a machine's memory, and that what it holds at a time changes no byte."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from beam_jobs import build_c4, memory_budget
from beam_jobs.exchange import files as through_files
from beam_jobs.memory_budget import ITEM_BYTES, MIB, PARENT_BYTES, WORKER_BYTES
from beam_jobs.plan import planner
from beam_jobs.steps import dedup, sharding
from tests.support import builds
from tests.support.builds import Built

ONE = PARENT_BYTES + WORKER_BYTES + ITEM_BYTES


@pytest.mark.parametrize(
    ("text", "size"), [("1", 1), ("1k", 1024), ("512MiB", 512 * MIB), ("1.5 g", 1536 * MIB), ("2T", 2**41)]
)
def test_sizes(text: str, size: int) -> None:
    assert memory_budget.parse_size(text) == size


@pytest.mark.parametrize("text", ["", "G", "-1G", "8 parsecs", "1..5G"])
def test_no_sizes(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="must be a number of bytes such as 8G"):
        memory_budget.parse_size(text)


def test_a_worker_more_where_there_is_memory_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_budget, "cores", lambda: 3)
    assert memory_budget.divide_memory(ONE, None) == memory_budget.Budget(1, ITEM_BYTES)
    two = ONE + WORKER_BYTES + ITEM_BYTES
    assert memory_budget.divide_memory(two - 1, None).workers == 1
    assert (
        memory_budget.divide_memory(two, None)
        == memory_budget.divide_memory(two, 2)
        == memory_budget.Budget(2, ITEM_BYTES)
    )
    assert memory_budget.divide_memory(10 * two, None).workers == 3
    assert memory_budget.divide_memory(two + 2 * MIB, 2).item_bytes == ITEM_BYTES + MIB


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="the system gives each process all cores")
def test_a_worker_for_each_core_that_the_process_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {3, 5})
    assert memory_budget.divide_memory(100 * ONE, None).workers == 2


@pytest.mark.parametrize(
    ("groups", "limits", "least"),
    [
        ("0::/", {"memory.max": "3000"}, 3000),
        ("0::/user/job", {"memory.max": "max", "user/memory.max": "4000", "user/job/memory.max": "max"}, 4000),
        ("0::/user/job", {"user/job/memory.max": "2000", "user/other/memory.max": "1000"}, 2000),
        ("3:cpu:/a\n4:memory,x:/job\n0::/", {"memory/job/memory.limit_in_bytes": "5000"}, 5000),
        ("4:memory:/not-seen-here", {"memory/memory.limit_in_bytes": "6000"}, 6000),
    ],
)
def test_a_group_of_processes_has_its_own_limit(
    groups: str, limits: dict[str, str], least: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A container's or a batch job's, or one of those that these are in."""
    (tmp_path / "cgroup").write_text(groups + "\n", "ascii")
    for name, limit in limits.items():
        (tmp_path / "fs" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "fs" / name).write_text(limit + "\n", "ascii")
    monkeypatch.setattr(memory_budget, "GROUP", tmp_path / "cgroup")
    monkeypatch.setattr(memory_budget, "GROUPS", tmp_path / "fs")
    assert memory_budget.machine_bytes() == least


def test_raw_text_takes_more() -> None:
    enough = PARENT_BYTES + 2 * (WORKER_BYTES + memory_budget.RAW_ITEM_BYTES)
    assert memory_budget.divide_memory(enough, 2, raw=True) == memory_budget.Budget(2, memory_budget.RAW_ITEM_BYTES)
    with pytest.raises(ValueError, match="--memory is"):
        memory_budget.divide_memory(enough - 1, 2, raw=True)


@pytest.mark.parametrize(("memory", "workers"), [(ONE - 1, None), (ONE - 1, 1), (ONE, 2)])
def test_too_little(memory: int, workers: int | None) -> None:
    with pytest.raises(
        ValueError, match=r"--memory is [\d,]+M, but --workers \d takes [\d,]+M; give more memory, or fewer workers"
    ):
        memory_budget.divide_memory(memory, workers)


def test_unasked_a_build_goes_on_with_what_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_budget, "machine_bytes", lambda: MIB)
    assert memory_budget.divide_memory(None, None).workers == 1
    assert memory_budget.divide_memory(None, 4) == memory_budget.Budget(4, ITEM_BYTES)


@pytest.mark.parametrize(("held", "slices"), [(0, 1), (1, 1), (100, 1), (101, 2), (200, 2), (201, 3)])
def test_slices(held: int, slices: int) -> None:
    assert memory_budget.slice_count(held, 100) == slices


@pytest.mark.parametrize("item_bytes", [1000, 5000])
def test_slices_change_no_byte(small: Built, item_bytes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bucket or shard taken in slices, down to some of a line each, gives what it gives as a whole."""
    cut: list[int] = []
    slices = memory_budget.slice_count

    def counted(held: int, fits: int) -> int:
        cut.append(slices(held, fits))
        return cut[-1]

    planned = planner.planned

    def small_items(arguments: argparse.Namespace) -> tuple[object, object]:
        job, selection = planned(arguments)
        return replace(job, item_bytes=item_bytes), selection

    monkeypatch.setattr(memory_budget, "slice_count", counted)
    monkeypatch.setattr(build_c4, "planned", small_items)
    argv = builds.arguments(small.wet, tmp_path, "--shards", "3", format=builds.ALL_FORMATS)
    assert build_c4.main(argv) == 0
    assert max(cut) > 2
    assert builds.tree(tmp_path / "en") == builds.tree(small.folder)


def test_too_little_is_told(small: Built, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert build_c4.main([*builds.arguments(small.wet, tmp_path), "--memory", "1G"]) == 1
    assert "--memory is 1,024M, but --workers 1 takes 1,400M" in capsys.readouterr().err


def test_no_memory_is_enough_for_more_urls_than_a_column_holds(
    small: Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settled: list[int] = []
    settle = dedup.decide_urls

    def counted(claims: pa.Table, *more: Any) -> Any:
        settled.append(claims.nbytes)
        return settle(claims, *more)

    monkeypatch.setattr(dedup, "decide_urls", counted)
    monkeypatch.setattr(through_files, "URL_CLAIMS_BYTES_MAX", 3000)
    builds.plain(builds.arguments(small.wet, tmp_path, "--shards", "3", format=builds.ALL_FORMATS))
    assert sum(settled) > 12_000
    assert max(settled) < 6000
    assert builds.tree(tmp_path / "en") == builds.tree(small.folder)


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="the system does not tell which files are mapped")
@pytest.mark.parametrize("more", [0, -1], ids=["few parts", "many parts"])
def test_a_shard_keeps_no_more_parts_mapped(
    more: int, small: Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process can have some 65,000 maps, and there may be more parts."""
    mapped: list[int] = []
    in_order = sharding.sort_documents

    def counted(tables: Sequence[pa.Table]) -> pa.Table:
        mapped.append(Path("/proc/self/maps").read_text("utf-8").count(f"{tmp_path}/store/documents/"))
        return in_order(tables)

    monkeypatch.setattr(sharding, "sort_documents", counted)
    monkeypatch.setattr(through_files, "MAPPED_PARTS_MAX", 6 + more)  # of the six files of ``small``
    builds.plain(builds.arguments(small.wet, tmp_path, "--shards", "3"))
    assert mapped
    assert [bool(n) for n in mapped] == [not more] * len(mapped)
