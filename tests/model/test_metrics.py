"""What a run wrote of itself, after it was stopped."""

from __future__ import annotations

from pathlib import Path

from model import metrics


def test_lines_after_the_checkpoint_go(tmp_path: Path) -> None:
    first = metrics.Metrics(tmp_path, 0)
    for step in (1, 2, 3):
        first.write("train", step, loss=1.0 / step)
    with open(first.path, "a") as stream:
        stream.write('{"kind": "train", "st')  # a kill in the middle of a line
    metrics.Metrics(tmp_path, 2).write("train", 3, loss=0.1)
    assert [(line["step"], line["loss"]) for line in metrics.read(tmp_path)] == [(1, 1.0), (2, 0.5), (3, 0.1)]


def test_a_run_killed_before_its_first_checkpoint_leaves_no_line(tmp_path: Path) -> None:
    first = metrics.Metrics(tmp_path, 0)
    first.write("held_out", 0, loss=1.0)
    first.write("train", 1, loss=1.0)
    metrics.Metrics(tmp_path, 0)
    assert list(metrics.read(tmp_path)) == []
