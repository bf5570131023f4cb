"""The training loop: a function of a configuration, a stream of batches, and a state that checkpoints hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from model import checkpoint
from model.forward import logits_of
from model.loss import WEIGHTINGS, Z_LOSS, loss_sums, target_weights
from model.metrics import Metrics
from model.optim import SCHEDULES, Adafactor, rate_at, set_lr
from model.progress import Log, diverged
from model.stream import Batch, DataPosition, DataStream
from model.t5 import T5
from model.yardstick import HeldOut

CHECKPOINTS = "checkpoints"  # in the folder of a run, beside metrics.jsonl and spiece.model


@dataclass(frozen=True)
class TrainConfig:
    """The settings of the training loop. They count steps of the optimiser; ``batch_size`` counts rows."""

    steps: int
    batch_size: int = 128  # T5
    accumulate: int = 1  # the number of splits of a batch, which go through the network one after another
    learning_rate: float = 0.01  # T5, 1/sqrt(warmup_steps)
    warmup_steps: int = 10_000  # T5: so many steps at the peak, then the rate falls with the root of the step
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
            raise ValueError(
                f"batch_size {self.batch_size} is no multiple of accumulate {self.accumulate}: change one of the two"
            )

    def rate(self, step: int) -> float:
        """The learning rate at a step, counted from 0."""
        return rate_at(step, self.schedule, peak=self.learning_rate, warmup=self.warmup_steps, total=max(self.steps, 1))

    def is_due(self, step: int, every: int) -> bool:
        """True if a task that is done every ``every`` steps is due after this step; all tasks are after the last."""
        return step % every == 0 or step == self.steps


@dataclass
class TrainState:
    """The state of training, as a checkpoint holds it.

    ``identity`` holds the settings that a run and the checkpoint that it goes on from must share.
    """

    model: T5
    optimizer: Adafactor
    identity: Mapping[str, Any] = field(default_factory=dict)
    step: int = 0  # steps done
    position: DataPosition = field(default_factory=DataPosition)

    def save(self, folder: Path, *, keep: int) -> Path:
        """Write a checkpoint and return its path; an error if a weight is not finite."""
        for name, weight in self.model.named_parameters():
            if not torch.isfinite(weight).all():
                raise diverged(folder, f"after step {self.step} {name} is not finite")
        position = {"place": asdict(self.position), "identity": dict(self.identity)}
        return checkpoint.save(folder, self.model, self.optimizer, step=self.step, position=position, keep=keep)

    def load(self, path: Path) -> None:
        """Take over the state of the checkpoint; an error if it is of a run with another identity."""
        position = checkpoint.read(path).position
        before, now = position["identity"], self.identity
        if names := [name for name in {**before, **now} if before.get(name) != now.get(name)]:
            changes = "; ".join(f"{name} was {before.get(name)} and is {now.get(name)}" for name in names)
            raise ValueError(f"{path} is of another run: {changes}. Give the old options or another --output")
        header = checkpoint.load(path, self.model, self.optimizer)
        self.step, self.position = header.step, DataPosition(**position["place"])


def backward(model: T5, batch: Batch, config: TrainConfig, device: torch.device) -> Tensor:
    """Add the gradients of the batch's mean loss; return this loss without the z-loss, on the device."""
    segments = torch.from_numpy(batch.target_segments)
    weights = target_weights(torch.from_numpy(batch.targets), segments, config.loss_weights)
    total = weights.sum().item()
    loss = torch.zeros((), device=device)
    for part, part_weights in zip(batch.split(config.accumulate), weights.chunk(config.accumulate), strict=True):
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
    """Train from the step of ``state`` to ``config.steps``. The state changes with each step."""
    model, device = state.model, next(state.model.parameters()).device
    log = Log(config.steps, model.config.vocab_size, checkpoints, metrics, state.step)
    batches = stream.batches(config.batch_size, state.position)
    model.train()
    if held_out and state.step == 0:
        log.evaluate(0, held_out, model, device)
    while state.step < config.steps:
        batch, state.position = next(batches)
        set_lr(state.optimizer, rate := config.rate(state.step))
        log.add(backward(model, batch, config, device), batch.inputs.size + batch.targets.size)
        state.optimizer.step()
        state.optimizer.zero_grad(set_to_none=True)
        state.step += 1
        is_saved = config.is_due(state.step, config.checkpoint_every)
        if state.step == 1 or is_saved or config.is_due(state.step, config.log_every):
            log.write(state.step, rate, state.position.epoch)
        if held_out and config.is_due(state.step, config.evaluate_every):
            log.evaluate(state.step, held_out, model, device)
        if is_saved:
            state.save(checkpoints, keep=config.checkpoints_kept)
