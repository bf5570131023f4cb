"""The pretraining command: killed and started again it has the same losses; each failure is an error line."""

from __future__ import annotations

import json
import math
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from c4pipe.shards import read_write
from model import checkpoint, metrics, pretrain, pretrain_options
from model.tokenizer import train as train_tokenizer

ROOT = Path(__file__).resolve().parent.parent.parent
LETTERS = random.Random(1)
WORDS = ["".join(LETTERS.choices("abcdefghijklmnoprstuwyz", k=LETTERS.randint(2, 7))) for _ in range(60)]
TEXTS = [" ".join(random.Random(i).choices(WORDS[i % 5 :: 5], k=40)) for i in range(60)]
STEPS = 12


# Losses are compared to the last bit, so all runs have one thread.
pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of shards in two formats and a tokenizer."""
    folder = tmp_path_factory.mktemp("build")
    rows = [
        {"text": text, "url": f"http://a.example/{number}", "timestamp": "2019-04-18T00:00:00Z"}
        | {"content-type": "text/plain", "content-length": "1"}
        for number, text in enumerate(TEXTS)
    ]
    for format in ("jsonl", "parquet"):
        for index in range(2):
            name = read_write.shard_name(format, "train", index, 2)
            with open(folder / name, "wb") as stream:
                read_write.write_shard(format, stream, read_write.table(rows[index::2]), name=name)
    (folder / "spiece.model").write_bytes(train_tokenizer(TEXTS, vocab_size=60))
    return folder


def command(build: Path, output: Path, *more: str) -> list[str]:
    options = ["--shards", str(build), "--tokenizer", str(build / "spiece.model"), "--output", str(output)]
    options += ["--steps", str(STEPS), "--batch_size", "2", "--input_length", "32", "--held_out_documents", "4"]
    return [*options, "--log_every", "1", "--evaluate_every", "4", "--checkpoint_every", "2", *more]


def lines_of(output: Path) -> list[dict[str, Any]]:
    """All that was measured, but not how fast."""
    lines = list(metrics.read(output))
    return [{key: value for key, value in line.items() if key != "tokens_per_second"} for line in lines]


@pytest.fixture(scope="module")
def whole(build: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run from beginning to end."""
    output = tmp_path_factory.mktemp("runs") / "whole"
    assert pretrain.main(command(build, output)) == 0
    return output


def test_what_a_run_leaves(build: Path, whole: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = lines_of(whole)
    assert [line["step"] for line in lines if line["kind"] == "train"] == list(range(1, STEPS + 1))
    assert [line["step"] for line in lines if line["kind"] == "held_out"] == [0, 4, 8, 12]
    names = [path.name for path in checkpoint.all_in(whole / "checkpoints")]
    assert names == [f"step-{step:08d}.safetensors" for step in (8, 10, 12)]
    assert (whole / "spiece.model").read_bytes() == (build / "spiece.model").read_bytes()
    start = lines[1]["loss"]
    assert math.log(256) <= start <= math.log(256) + 0.9
    assert pretrain.main(command(build, whole)) == 0  # nothing is left to do
    summary = json.loads(capsys.readouterr().out)
    assert summary["checkpoint"] == str(whole / "checkpoints" / names[-1])
    assert (summary["train_first"]["step"], summary["train_first"]["loss"], summary["train_last"]["step"]) == (
        1,
        start,
        STEPS,
    )
    assert summary["held_out_last"]["step"] == STEPS
    assert lines_of(whole) == lines


def test_killed_and_started_again(build: Path, whole: Path, tmp_path: Path) -> None:
    """kill -9 in the middle; in the end the metrics equal those of a run that never stopped."""
    output = tmp_path / "run"
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    argv = [sys.executable, "-m", "model.pretrain", *command(build, output, "--steps", "100000")]
    with subprocess.Popen(argv, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + 120
            while not any(line["step"] >= 5 for line in metrics.read(output)) and time.monotonic() < deadline:
                time.sleep(0.005)
        finally:
            os.kill(process.pid, signal.SIGKILL)
    newest = checkpoint.latest(output / "checkpoints")
    assert newest is not None
    for path in checkpoint.all_in(output / "checkpoints"):  # the process may have been faster than the signal
        if checkpoint.read(path).step > 10:
            path.unlink()
    assert pretrain.main(command(build, output, "--resume")) == 0
    assert [line for line in lines_of(output) if line["step"] <= STEPS] == lines_of(whole)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--seed", "1"], "seed was 0 and is 1"),
        (["--batch_size", "4"], "batch_size was 2 and is 4"),
        (["--held_out_documents", "7"], "held out was"),
        (["--version", "v1.0"], "its version is 'v1.1', not 'v1.0'"),
        (["--learning_rate", "0.03"], "learning_rate was 0.02 and is 0.03"),
        (["--schedule", "constant"], "schedule was None and is constant"),
        (["--no-resume"], "give another --output or remove"),
    ],
)
def test_a_run_is_not_mixed_with_another(
    build: Path, whole: Path, more: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = lines_of(whole)
    assert pretrain.main(command(build, whole, *more)) == 1
    assert said in capsys.readouterr().err
    assert lines_of(whole) == before


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--resume"], "--resume: there is no checkpoint in"),
        (["--split", "test"], "has no shards of split 'test'"),
        (["--held_out_documents", "61"], "has 60 documents, fewer than the 61 to hold out; hold out fewer"),
        (["--held_out_documents", "60"], "no text to train on"),
        (["--tokenizer", "nowhere"], "nowhere is not there: train a tokenizer"),
        (["--tokenizer", "."], ". is a folder: name the file in it, such as spiece.model"),
        (["--output", __file__], "test_pretrain.py is a file, but must be a folder"),
    ],
)
def test_a_failure_is_an_error_line(
    build: Path, tmp_path: Path, more: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert pretrain.main(command(build, tmp_path / "run", *more)) == 1
    error = capsys.readouterr().err
    assert message in error
    assert error.splitlines()[-1].startswith("pretrain: ")
    assert checkpoint.all_in(tmp_path / "run" / "checkpoints") == []


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--batch_size", "3", "--accumulate", "2"], "batch_size 3 is no multiple of accumulate 2"),
        (["--noise_density", "0.001"], "hold less than half a span"),
        (["--preset", "xl", "--version", "v1.0"], "there is no preset 'v1.0-xl'; there are v1.0-tiny"),
        (["--device", "gpu"], "--device is 'gpu', but this machine has cpu"),
        (["--device", "cuda:99"], "--device is 'cuda:99', but this machine has cpu"),
    ],
)
def test_options_that_do_not_fit_are_wrong_usage(
    build: Path, tmp_path: Path, more: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert pretrain.main(command(build, tmp_path / "run", *more)) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("seed", "-1", "-1 is less than 0"),
        ("seed", str(2**63), f"{2**63} must be below 9223372036854775808"),
        ("steps", "-1", "-1 is less than 0"),
        ("steps", "ten", "'ten' is no whole number"),
        ("batch_size", "0", "0 is less than 1"),
        ("input_length", "2", "2 is less than 3"),
        ("held_out_documents", "-1", "-1 is less than 0"),
        ("noise_density", "0", "0 must be above 0 and below 1"),
        ("noise_density", "1", "1 must be above 0 and below 1"),
        ("mean_span", "0.5", "0.5 is less than 1"),
        ("dropout", "1", "1 must be below 1"),
        ("learning_rate", "nan", "nan is less than 0"),
        ("learning_rate", "fast", "'fast' is no number"),
    ],
)
def test_a_value_out_of_range_is_wrong_usage(
    build: Path, tmp_path: Path, option: str, value: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        pretrain.main(command(build, tmp_path / "run", f"--{option}", value))
    assert stopped.value.code == 2
    assert f"argument --{option}: {message}" in capsys.readouterr().err


@pytest.mark.parametrize("checkpoints", [True, False])
def test_ctrl_c_names_the_checkpoint_to_go_on_from(
    build: Path,
    whole: Path,
    tmp_path: Path,
    checkpoints: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(pretrain, "train", interrupted)
    assert pretrain.main(command(build, whole if checkpoints else tmp_path / "run")) == 130
    last = capsys.readouterr().err.splitlines()[-1]
    path = whole / "checkpoints" / "step-00000012.safetensors"
    wanted = f"the same command goes on from {path}" if checkpoints else "there is no checkpoint yet"
    assert last.startswith(f"pretrain: interrupted; {wanted}")


@pytest.mark.parametrize(
    ("name", "devices", "expected"),
    [
        ("auto", 0, "cpu"),
        ("cpu", 2, "cpu"),
        ("auto", 2, "cuda"),
        ("cuda", 1, "cuda"),
        ("cuda:1", 2, "cuda:1"),
        ("cuda", 0, "'cuda', but this machine has cpu; "),
        ("cuda:2", 2, "'cuda:2', but this machine has cpu, cuda, cuda:0, cuda:1; "),
    ],
)
def test_devices(name: str, devices: int, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: devices > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: devices)
    if "but" in expected:
        with pytest.raises(ValueError, match=expected):
            pretrain.device(name)
    else:
        assert pretrain.device(name) == torch.device(expected)


def test_defaults_are_t5s_and_tiny_has_its_own() -> None:
    def options(*more: str) -> Any:
        return pretrain_options.parse(["--shards", "a", "--tokenizer", "b", "--output", "c", *more])

    base = pretrain.configuration(options("--preset", "base"))
    assert (base.steps, base.batch_size, base.learning_rate, base.warmup_steps) == (2**19, 128, 0.01, 10_000)
    assert options("--preset", "base").input_length == 512
    assert {name: getattr(options(), name) for name in pretrain_options.TINY} == pretrain_options.TINY
    assert pretrain.configuration(options("--warmup_steps", "7")).warmup_steps == 7


def test_checkpoints_of_before_name_no_schedule_and_are_gone_on_from(build: Path, whole: Path) -> None:
    """T5's own schedule and weights are not in a checkpoint's identity; others are, with what they depend on."""
    assert not {"schedule", "loss_weights", "steps"} & set(
        checkpoint.read(checkpoint.all_in(whole / "checkpoints")[-1]).position["identity"]
    )
    options = pretrain_options.parse(command(build, whole, "--schedule", "noam", "--loss_weights", "examples"))
    departures = pretrain.departures(pretrain.configuration(options))
    assert departures == {"schedule": "noam", "loss_weights": "examples", "steps": STEPS}


def test_help_has_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        pretrain.main(["--help"])
    assert "python -m model.pretrain --shards build/en" in capsys.readouterr().out
