"""What a training run reports: lines on the terminal and in metrics.jsonl, and the error that stops it."""

from __future__ import annotations

import math
import time
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor

from model import checkpoint
from model.command import say
from model.metrics import Metrics, duration
from model.t5 import T5
from model.yardstick import HeldOut

ABOVE_UNIFORM = 0.9  # nats; T5's initial loss is no farther above ln V (10.6 to 11.2, where ln V is 10.4)


def diverged(folder: Path, reason: str) -> FloatingPointError:
    """The error that stops a run whose numbers are not finite; it names the last good checkpoint."""
    path = checkpoint.latest(folder)
    return FloatingPointError(f"{reason}; last good checkpoint: {path}. Lower --learning_rate or change --seed")


class Log:
    """The losses since the last line, and the lines. Losses stay on the device until the next line is due."""

    def __init__(self, steps: int, rows: int, checkpoints: Path, metrics: Metrics, step: int) -> None:
        self.steps, self.rows, self.checkpoints, self.metrics = steps, rows, checkpoints, metrics
        self.first, self.tokens, self.losses = step, 0, list[Tensor]()
        self.began = self.since = time.monotonic()

    def add(self, loss: Tensor, tokens: int) -> None:
        """Add the loss of a step, and the number of its tokens."""
        self.losses.append(loss)
        self.tokens += tokens

    def write(self, step: int, rate: float, epoch: int) -> None:
        """Write a line on the steps since the last line; an error if the loss of one of them is not finite."""
        losses = torch.stack(self.losses).tolist()  # the only device sync of the loop
        for number, loss in enumerate(losses, step - len(losses)):
            if not math.isfinite(loss):
                raise diverged(self.checkpoints, f"the loss is {loss} at step {number}")
        now, loss = time.monotonic(), sum(losses) / len(losses)
        speed = self.tokens / max(now - self.since, 1e-9)
        left = (self.steps - step) * (now - self.began) / (step - self.first)
        if step == 1:
            self.check_start(loss)
        self.metrics.write("train", step, loss=loss, learning_rate=rate, epoch=epoch, tokens_per_second=round(speed))
        say(
            f"step {step}/{self.steps}  loss {loss:.4f}  lr {rate:.3g}  epoch {epoch}  "
            f"{speed:,.0f} tokens/s  {duration(left)} left"
        )
        self.losses, self.tokens, self.since = [], 0, now

    def check_start(self, loss: float) -> None:
        """Print the initial loss, and a warning if it is not what T5's initialisation gives."""
        uniform = math.log(self.rows)
        say(f"loss at step 0: {loss:.4f}; ln V = {uniform:.4f} for {self.rows} rows")
        if not uniform <= loss <= uniform + ABOVE_UNIFORM:
            say(f"warning: the loss at step 0 should lie between ln V and ln V + {ABOVE_UNIFORM}; check the data")

    def evaluate(self, step: int, held_out: HeldOut, model: T5, device: torch.device) -> None:
        """Write a line on the held-out loss; an error if it is not finite."""
        score = held_out.score(model, device)
        if not math.isfinite(score.loss):
            raise diverged(self.checkpoints, f"the held-out loss is {score.loss} after step {step}")
        self.metrics.write("held_out", step, **asdict(score))
        gap, entropy = score.unigram_entropy - score.text_loss, score.unigram_entropy
        side = "below" if gap >= 0 else "above"
        say(
            f"step {step}/{self.steps}  held-out loss {score.loss:.4f}, on text tokens {score.text_loss:.4f}: "
            f"{abs(gap):.4f} nat {side} their unigram entropy {entropy:.4f}"
        )
        self.since = time.monotonic()
