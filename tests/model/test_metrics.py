"""What a run wrote of itself, after it was stopped."""

from __future__ import annotations

from pathlib import Path

import pytest

from model import metrics


def test_lines_after_the_checkpoint_go(tmp_path: Path) -> None:
    first = metrics.Metrics(tmp_path, 0)
    for step in (1, 2, 3):
        first.write("train", step, loss=1.0 / step)
    with open(first.path, "a") as stream:
        stream.write('{"kind": "train", "st')  # a kill in the middle of a line
    metrics.Metrics(tmp_path, 2).write("train", 3, loss=0.1)
    assert [(line["step"], line["loss"]) for line in metrics.read(tmp_path)] == [(1, 1.0), (2, 0.5), (3, 0.1)]


def test_a_line_that_is_no_json_is_named(tmp_path: Path) -> None:
    metrics.Metrics(tmp_path, 0).write("train", 1, loss=1.0)
    with open(tmp_path / "metrics.jsonl", "a") as file:
        file.write("nonsense\n")
    with pytest.raises(ValueError, match=r"metrics\.jsonl, line 2 is no JSON: remove this line"):
        list(metrics.read(tmp_path))


def test_a_line_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    lines = metrics.Metrics(tmp_path / "run", 0)
    lines.path.unlink()
    lines.path.mkdir()
    with pytest.raises(OSError, match=r"metrics\.jsonl cannot be written \(Is a directory\)"):
        lines.write("train", 1, loss=1.0)


def test_a_run_killed_before_its_first_checkpoint_leaves_no_line(tmp_path: Path) -> None:
    first = metrics.Metrics(tmp_path, 0)
    first.write("held_out", 0, loss=1.0)
    first.write("train", 1, loss=1.0)
    metrics.Metrics(tmp_path, 0)
    assert list(metrics.read(tmp_path)) == []
