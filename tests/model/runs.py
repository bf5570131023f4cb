"""Runs of a tiny network on sixty texts of made words."""

from __future__ import annotations

import math
import random
from pathlib import Path
from typing import Any

import torch

from c4pipe.shards import read_write
from model import metrics
from model.config import T5Config
from model.loss import Z_LOSS, loss_sums
from model.optim import Adafactor
from model.stream import DataStream
from model.t5 import T5
from model.tokenizer import Tokenizer
from model.train import TrainConfig, TrainState, train

CPU = torch.device("cpu")
LETTERS = random.Random(1)
WORDS = ["".join(LETTERS.choices("abcdefghijklmnoprstuwyz", k=LETTERS.randint(2, 7))) for _ in range(60)]
TEXTS = [" ".join(random.Random(i).choices(WORDS[i % 5 :: 5], k=40)) for i in range(60)]


def mean_loss(
    logits: torch.Tensor, targets: torch.Tensor, *, z_loss: float = Z_LOSS, weights: torch.Tensor | None = None
) -> torch.Tensor:
    """The mean over weighted targets, by default over those that are no padding."""
    sums = loss_sums(logits, targets, z_loss=z_loss, weights=weights)
    return sums.total / sums.weight


def have_equal_weights(first: T5, second: T5) -> bool:
    return all(torch.equal(*pair) for pair in zip(first.parameters(), second.parameters(), strict=True))


def write_split(folder: Path, split: str, numbers: range) -> None:
    rows = [
        {"text": TEXTS[number], "url": f"http://a.example/{split}/{number}", "timestamp": "2019-04-18T00:00:00Z"}
        | {"content-type": "text/plain", "content-length": "1"}
        for number in numbers
    ]
    name = read_write.shard_name("jsonl", split, 0, 1)
    with open(folder / name, "wb") as file:
        read_write.write_shard("jsonl", file, read_write.table(rows), name=name)


def network(tokenizer: Tokenizer, *, version: str = "v1.1", dropout: float = 0.0) -> T5Config:
    return T5Config(version, tokenizer.padded_vocab_size, 32, 8, 48, 1, 1, 4, dropout_rate=dropout)


def fresh(config: T5Config) -> TrainState:
    torch.manual_seed(0)
    model = T5(config, seed=3)
    return TrainState(model, Adafactor(model.parameters()), {"data": "these"})


CONFIG = TrainConfig(steps=9, batch_size=4, log_every=2, evaluate_every=4, checkpoint_every=3, warmup_steps=10_000)


def lines_of(folder: Path) -> list[dict[str, Any]]:
    """All that was measured, but not how fast."""
    lines = list(metrics.read(folder))
    return [{key: value for key, value in line.items() if key != "tokens_per_second"} for line in lines]


def go(state: TrainState, stream: DataStream, folder: Path, config: TrainConfig = CONFIG, **more: Any) -> None:
    folder.mkdir(exist_ok=True)
    train(
        state, stream, config, checkpoints=folder / "checkpoints", metrics=metrics.Metrics(folder, state.step), **more
    )


def poison(state: TrainState) -> None:
    with torch.no_grad():
        next(state.model.parameters())[:] = math.nan
