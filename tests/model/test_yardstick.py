"""Held-out documents: which they are, what they are scored by, and that scoring changes nothing."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from runs import CONFIG, CPU, fresh, go, lines_of, network, poison, write_split

from c4pipe.shards import read_write
from model import metrics, yardstick
from model.forward import logits_of
from model.progress import Log
from model.stream import DataStream
from model.t5 import T5
from model.tokenizer import Tokenizer

pytestmark = pytest.mark.usefixtures("one_thread")


def held_out_of(folder: Path, stream: DataStream, tokenizer: Tokenizer) -> yardstick.HeldOut:
    documents = yardstick.choose(str(folder), "train", 10)
    stream = replace(stream, held_out=yardstick.keys(documents))
    return yardstick.HeldOut.of(documents, stream, tokenizer, rows=4)


@pytest.mark.parametrize(("validation", "expected"), [(0, "train"), (2, "train"), (3, "validation"), (9, "validation")])
def test_where_held_out_documents_come_from(validation: int, expected: str, tmp_path: Path) -> None:
    write_split(tmp_path, "train", range(30))
    if validation:
        write_split(tmp_path, "validation", range(30, 30 + validation))
    chosen = yardstick.choose(str(tmp_path), "train", 3)
    assert {document["url"].split("/")[-2] for document in chosen} == {expected}
    assert chosen == yardstick.choose(str(tmp_path), "train", 3)
    assert yardstick.choose(str(tmp_path), "train", 2)[0] == chosen[0] or validation == 2


def test_more_held_out_documents_than_there_are(tmp_path: Path) -> None:
    write_split(tmp_path, "train", range(3))
    assert len(yardstick.choose(str(tmp_path), "train", 3)) == 3
    with pytest.raises(ValueError, match="has 3 documents, fewer than the 4 to hold out"):
        yardstick.choose(str(tmp_path), "train", 4)
    assert yardstick.choose(str(tmp_path), "train", 0) == []


def test_the_yardstick_counts_training_text_alone(folder: Path, stream: DataStream, tokenizer: Tokenizer) -> None:
    """Its shares are those of the training text, with 1 added to each count; they score the held-out text tokens."""
    documents = yardstick.choose(str(folder), "train", 10)
    urls = {document["url"] for document in documents}
    trained = [d for path in stream.shards for d in read_write.read_documents(path) if d["url"] not in urls]
    assert len(trained) == 50
    tokens = [token for document in trained for token in tokenizer.encode(document["text"])]
    held_out = held_out_of(folder, stream, tokenizer)
    shares = {token: (tokens.count(token) + 1) / (len(tokens) + tokenizer.pieces) for token in range(tokenizer.pieces)}
    text = [
        token for batch in held_out.batches for token in batch.targets.ravel().tolist() if 1 < token < tokenizer.pieces
    ]
    score = held_out.score(T5(network(tokenizer), seed=0), CPU)
    assert score.text_tokens == len(text) > 100
    assert score.unigram_entropy == pytest.approx(-sum(math.log(shares[token]) for token in text) / len(text))


def test_the_held_out_losses(folder: Path, stream: DataStream, tokenizer: Tokenizer) -> None:
    held_out, model = held_out_of(folder, stream, tokenizer), T5(network(tokenizer, dropout=0.5), seed=0)
    model.train()
    state = torch.get_rng_state()
    score = held_out.score(model, CPU)
    assert torch.equal(torch.get_rng_state(), state)
    assert model.training
    model.eval()
    every, text = [], []
    for batch in held_out.batches:
        logits, targets = logits_of(model, batch, CPU)
        losses = torch.nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none")
        every += losses[targets.flatten() != 0].tolist()
        text += losses[(targets.flatten() > 1) & (targets.flatten() < tokenizer.pieces)].tolist()
    assert score.loss == pytest.approx(np.mean(every), abs=1e-5)
    assert score.text_loss == pytest.approx(np.mean(text), abs=1e-5)


def test_held_out_documents_are_scored_in_a_run(
    folder: Path, stream: DataStream, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    """Before the first step, in between, and at the end; the losses of training stay what they are."""
    held_out = held_out_of(folder, stream, tokenizer)
    go(fresh(network(tokenizer, dropout=0.1)), stream, tmp_path / "with", held_out=held_out)
    go(fresh(network(tokenizer, dropout=0.1)), stream, tmp_path / "without")
    scored = [line for line in lines_of(tmp_path / "with") if line["kind"] == "held_out"]
    assert [line["step"] for line in scored] == [0, 4, 8, 9]
    assert scored[-1]["loss"] < scored[0]["loss"]
    assert [line for line in lines_of(tmp_path / "with") if line["kind"] == "train"] == lines_of(tmp_path / "without")


def test_counting_stops_at_its_limit(stream: DataStream, tokenizer: Tokenizer) -> None:
    first = next(islice(read_write.read_documents(stream.shards[0]), 1))
    counted = yardstick.unigram(stream, tokenizer, counted_tokens=1)
    tokens = tokenizer.encode(first["text"])
    assert np.exp(counted).sum() == pytest.approx(1.0)
    assert np.exp(counted[tokens[0]]) == pytest.approx((tokens.count(tokens[0]) + 1) / (len(tokens) + tokenizer.pieces))


@pytest.mark.parametrize(
    ("loss", "said"), [(6.0, "0.5000 nat below"), (6.5, "0.0000 nat below"), (7.0, "0.5000 nat above")]
)
def test_the_yardstick_is_told(
    loss: float, said: str, tokenizer: Tokenizer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    class Fixed:
        def score(self, *_: Any) -> yardstick.Score:
            return yardstick.Score(5.0, loss, 6.5, 100)

    log = Log(CONFIG.steps, 128, tmp_path, metrics.Metrics(tmp_path, 0), 0)
    log.evaluate(4, Fixed(), T5(network(tokenizer)), CPU)  # type: ignore[arg-type]
    assert f"on text tokens {loss:.4f}: {said} their unigram entropy 6.5000" in capsys.readouterr().err


def test_a_held_out_loss_that_is_not_finite_stops_the_run(
    folder: Path, stream: DataStream, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    state = fresh(network(tokenizer))
    poison(state)
    with pytest.raises(FloatingPointError, match="held-out loss is nan after step 0"):
        go(state, stream, tmp_path, held_out=held_out_of(folder, stream, tokenizer))
