"""The example that shows what a network has learned."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from c4pipe.shards import read_write
from model import checkpoint, export, infill
from model.config import T5Config
from model.optim import Adafactor
from model.t5 import T5
from model.tokenizer import Tokenizer
from model.tokenizer import train as train_tokenizer

LETTERS = random.Random(1)
WORDS = ["".join(LETTERS.choices("abcdefghijklmnoprstuwyz", k=LETTERS.randint(2, 7))) for _ in range(60)]
TEXTS = [" ".join(random.Random(i).choices(WORDS, k=40)) for i in range(20)]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run's folder with shards in it too, and an export."""
    folder = tmp_path_factory.mktemp("run")
    (folder / "spiece.model").write_bytes(train_tokenizer(TEXTS, vocab_size=60))
    model = T5(T5Config("v1.1", 256, 16, 4, 24, 1, 1, 2), seed=0)
    checkpoint.save(folder / "checkpoints", model, Adafactor(model.parameters()), step=3, position={})
    export.save_hf(model, folder / "export", tokenizer=folder / "spiece.model")
    rows = [
        {"text": text, "url": f"http://a.example/{number}", "timestamp": "2019-04-18T00:00:00Z"}
        | {"content-type": "text/plain", "content-length": "1"}
        for number, text in enumerate(TEXTS)
    ]
    name = read_write.shard_name("jsonl", "train", 0, 1)
    with open(folder / name, "wb") as stream:
        read_write.write_shard("jsonl", stream, read_write.table(rows), name=name)
    return folder


def test_an_answer_that_is_right_gives_the_text_back(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, tokenizer = infill.load(run, None)
    tokens = np.array(tokenizer.encode(TEXTS[0]), np.int32)
    expected = infill.infill(model, tokenizer, tokens)
    assert "<extra_id_0>" in expected.corrupted
    assert "<extra_id_0>" in expected.expected
    right = [int(token) for token in targets_of(tokenizer, tokens)]
    monkeypatch.setattr(infill, "greedy", lambda *_, **__: [right])
    filled = infill.infill(model, tokenizer, tokens)
    assert filled.original == filled.merged == TEXTS[0]
    assert filled.answer == filled.expected


def targets_of(tokenizer: Tokenizer, tokens: np.ndarray) -> np.ndarray:
    objective = infill.SpanCorruption(tokenizer.sentinel_id(0), sentinels=tokenizer.sentinels)
    return objective.corrupt(tokens, infill.generator(0, epoch=0, index=0))[1]


def test_every_kind_of_network_gives_the_same_lines(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    checkpoint_path = run / "checkpoints" / "step-00000003.safetensors"
    outputs = []
    for path in (run, run / "checkpoints", checkpoint_path, run / "export"):
        assert infill.main(["--model", str(path), "--text", TEXTS[1]]) == 0
        outputs.append(capsys.readouterr().out)
    assert outputs[0] == outputs[1] == outputs[2] == outputs[3]
    assert [line.split()[0] for line in outputs[0].splitlines()] == [
        "original", "corrupted", "expected", "answer", "merged",
    ]  # fmt: skip


def test_shards_give_a_held_out_text(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert infill.main(["--model", str(run), "--shards", str(run), "--tokens", "30"]) == 0
    original = capsys.readouterr().out.splitlines()[0].removeprefix("original").strip()
    assert any(text.startswith(original) for text in TEXTS)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--text", ""], "the text has 0 tokens, but 2 are needed"),
        (["--shards", "nowhere"], "nowhere has no shards"),
        (["--text", "a b c", "--tokenizer", "nowhere"], "nowhere is not there: train a tokenizer"),
    ],
)
def test_what_is_wrong_is_said(run: Path, more: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert infill.main(["--model", str(run), *more]) == 1
    assert said in capsys.readouterr().err


def test_no_network(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert infill.main(["--model", str(tmp_path), "--text", "a b c"]) == 1
    assert "holds neither a config.json nor checkpoints" in capsys.readouterr().err
    assert infill.main(["--model", str(tmp_path / "nowhere"), "--text", "a b c"]) == 1
    assert "nowhere is not there: give --model an exported folder" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ([], "one of the arguments --text --shards is required"),
        (["--text", "a b c", "--tokens", "1"], "argument --tokens: 1 is less than 2"),
        (["--text", "a b c", "--seed", "-1"], "argument --seed: -1 is less than 0"),
    ],
)
def test_wrong_usage(run: Path, more: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        infill.main(["--model", str(run), *more])
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err


def test_ctrl_c(run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(infill, "greedy", interrupted)
    assert infill.main(["--model", str(run), "--text", TEXTS[0]]) == 130
    assert capsys.readouterr().err == "infill: interrupted; nothing is shown\n"


def test_the_tokenizer_of_another_network(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    smaller = tmp_path / "spiece.model"
    smaller.write_bytes(train_tokenizer(TEXTS, vocab_size=28))
    assert infill.main(["--model", str(run), "--text", "a b c", "--tokenizer", str(smaller)]) == 1
    assert "makes 128 rows, but the network has 256" in capsys.readouterr().err


def test_help_has_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        infill.main(["--help"])
    assert "python -m model.infill --model run --text" in capsys.readouterr().out
