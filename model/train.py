"""The training loop: a function of a configuration, a stream of batches and a state that a checkpoint holds."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from model import checkpoint
from model.command import say
from model.forward import logits_of
from model.loss import WEIGHTINGS, Z_LOSS, loss_sums, target_weights
from model.metrics import Metrics, duration
from model.optim import SCHEDULES, Adafactor, rate_at, set_lr
from model.stream import Batch, DataPosition, DataStream
from model.t5 import T5
from model.yardstick import HeldOut

CHECKPOINTS = "checkpoints"  # in the folder of a run, beside metrics.jsonl and spiece.model
ABOVE_UNIFORM = 0.9  # nats; T5's initialisation starts no farther above ln V (10.6 to 11.2 where ln V is 10.4)


@dataclass(frozen=True)
class TrainConfig:
    """How to train. Counts are of optimiser steps; ``batch_size`` counts rows of one step."""

    steps: int
    batch_size: int = 128  # T5
    accumulate: int = 1  # parts of a batch that go through the network one after another
    learning_rate: float = 0.01  # T5, 1/sqrt(warmup_steps)
    warmup_steps: int = 10_000  # T5: flat for so long, then falling with the root of the step
    schedule: str = "inverse_sqrt"  # T5; one of SCHEDULES
    loss_weights: str = "tokens"  # T5; one of WEIGHTINGS
    z_loss: float = Z_LOSS
    log_every: int = 50
    evaluate_every: int = 1000
    checkpoint_every: int = 1000
    checkpoints_kept: int = 3

    def __post_init__(self) -> None:
        for name, choices in (("schedule", SCHEDULES), ("loss_weights", WEIGHTINGS)):
            if (choice := getattr(self, name)) not in choices:
                raise ValueError(f"{name} is {choice!r}, but must be one of {', '.join(choices)}")
        for name, value in asdict(self).items():
            least = 0 if name in ("z_loss", "learning_rate", "steps") else 1
            if not isinstance(value, str) and not value >= least:
                raise ValueError(f"{name} is {value}, but must be at least {least}")
        if self.batch_size % self.accumulate:
            raise ValueError(f"batch_size {self.batch_size} is no multiple of accumulate {self.accumulate}")

    def rate(self, step: int) -> float:
        """The learning rate at a step, counted from 0."""
        return rate_at(step, self.schedule, peak=self.learning_rate, warmup=self.warmup_steps, total=max(self.steps, 1))

    def due(self, step: int, every: int) -> bool:
        """Something done ``every`` so many steps is done after this one; the last step has everything."""
        return step % every == 0 or step == self.steps


@dataclass
class TrainState:
    """What a checkpoint holds, and what must be equal in a run that takes it up again."""

    model: T5
    optimizer: Adafactor
    identity: Mapping[str, Any] = field(default_factory=dict)
    step: int = 0  # steps done
    position: DataPosition = field(default_factory=DataPosition)

    def save(self, folder: Path, *, keep: int) -> Path:
        """Write a checkpoint; weights that are not finite are never written."""
        wrong = [name for name, weight in self.model.named_parameters() if not torch.isfinite(weight).all()]
        if wrong:
            raise diverged(folder, f"after step {self.step} {wrong[0]} is not finite")
        position = {"place": asdict(self.position), "identity": dict(self.identity)}
        return checkpoint.save(folder, self.model, self.optimizer, step=self.step, position=position, keep=keep)

    def load(self, path: Path) -> None:
        """Go to where the checkpoint stands."""
        position = checkpoint.read(path).position
        theirs = position["identity"]
        names = [name for name in {**theirs, **self.identity} if theirs.get(name) != self.identity.get(name)]
        if names:
            changes = "; ".join(f"{name} was {theirs.get(name)} and is {self.identity.get(name)}" for name in names)
            raise ValueError(f"{path} is of another run: {changes}. Give the old options or another --output")
        found = checkpoint.load(path, self.model, self.optimizer)
        self.step, self.position = found.step, DataPosition(**position["place"])


def diverged(folder: Path, what: str) -> FloatingPointError:
    """The error that stops a run, with the checkpoint to go back to."""
    return FloatingPointError(
        f"{what}; last good checkpoint: {checkpoint.latest(folder)}. Lower --learning_rate or change --seed"
    )


def backward(model: T5, batch: Batch, config: TrainConfig, device: torch.device) -> Tensor:
    """Add the gradients of the batch's mean loss; return this loss without the z-loss, on the device."""
    segments = torch.from_numpy(batch.target_segments)
    weights = target_weights(torch.from_numpy(batch.targets), segments, config.loss_weights)
    total = weights.sum().item()
    loss = torch.zeros((), device=device)
    for part, part_weights in zip(batch.parts(config.accumulate), weights.chunk(config.accumulate), strict=True):
        sums = loss_sums(*logits_of(model, part, device), z_loss=config.z_loss, weights=part_weights.to(device))
        torch.autograd.backward(sums.total / total)
        loss += (sums.total - sums.z).detach() / total
    return loss


def train(
    state: TrainState,
    stream: DataStream,
    config: TrainConfig,
    *,
    checkpoints: Path,
    metrics: Metrics,
    held_out: HeldOut | None = None,
) -> None:
    """Train from the state's step to ``config.steps``; the state moves along."""
    model, device = state.model, next(state.model.parameters()).device
    log = Log(config, model.config.vocab_size, checkpoints, metrics, state.step)
    batches = stream.batches(config.batch_size, state.position)
    model.train()
    if held_out and state.step == 0:
        log.held_out(0, held_out, model, device)
    while state.step < config.steps:
        batch, state.position = next(batches)
        rate = config.rate(state.step)
        set_lr(state.optimizer, rate)
        log.add(backward(model, batch, config, device), batch.inputs.size + batch.targets.size)
        state.optimizer.step()
        state.optimizer.zero_grad(set_to_none=True)
        state.step += 1
        saving = config.due(state.step, config.checkpoint_every)
        if state.step == 1 or saving or config.due(state.step, config.log_every):
            log.tell(state.step, rate, state.position.epoch)
        if held_out and config.due(state.step, config.evaluate_every):
            log.held_out(state.step, held_out, model, device)
        if saving:
            state.save(checkpoints, keep=config.checkpoints_kept)


class Log:
    """Losses since the last line; they stay on the device until a line is due."""

    def __init__(self, config: TrainConfig, rows: int, checkpoints: Path, metrics: Metrics, step: int) -> None:
        self.config, self.rows, self.checkpoints, self.metrics = config, rows, checkpoints, metrics
        self.first, self.tokens, self.losses = step, 0, list[Tensor]()
        self.began = self.since = time.monotonic()

    def add(self, loss: Tensor, tokens: int) -> None:
        """Remember a step."""
        self.losses.append(loss)
        self.tokens += tokens

    def tell(self, step: int, rate: float, epoch: int) -> None:
        """A line about the steps since the last one; an error if one of them has no finite loss."""
        losses = torch.stack(self.losses).tolist()  # the only device sync of the loop
        for number, loss in enumerate(losses, step - len(losses)):
            if not math.isfinite(loss):
                raise diverged(self.checkpoints, f"the loss is {loss} at step {number}")
        now, loss = time.monotonic(), sum(losses) / len(losses)
        speed = self.tokens / max(now - self.since, 1e-9)
        left = (self.config.steps - step) * (now - self.began) / (step - self.first)
        if step == 1:
            self.check_start(loss)
        self.metrics.write("train", step, loss=loss, learning_rate=rate, epoch=epoch, tokens_per_second=round(speed))
        say(
            f"step {step}/{self.config.steps}  loss {loss:.4f}  lr {rate:.3g}  epoch {epoch}  "
            f"{speed:,.0f} tokens/s  {duration(left)} left"
        )
        self.losses, self.tokens, self.since = [], 0, now

    def check_start(self, loss: float) -> None:
        """Say whether the network starts where T5's initialisation puts it."""
        uniform = math.log(self.rows)
        say(f"loss at step 0: {loss:.4f}; ln V = {uniform:.4f} for {self.rows} rows")
        if not uniform <= loss <= uniform + ABOVE_UNIFORM:
            say(f"warning: the loss at step 0 should lie between ln V and ln V + {ABOVE_UNIFORM}: is something broken?")

    def held_out(self, step: int, held_out: HeldOut, model: T5, device: torch.device) -> None:
        """A line about held-out documents."""
        score = held_out.score(model, device)
        if not math.isfinite(score.loss):
            raise diverged(self.checkpoints, f"the held-out loss is {score.loss} after step {step}")
        self.metrics.write("held_out", step, **asdict(score))
        gap, entropy = score.unigram_entropy - score.text_loss, score.unigram_entropy
        side = "below" if gap >= 0 else "above"
        say(
            f"step {step}/{self.config.steps}  held-out loss {score.loss:.4f}, on text tokens {score.text_loss:.4f}: "
            f"{abs(gap):.4f} nat {side} their unigram entropy {entropy:.4f}"
        )
        self.since = time.monotonic()
