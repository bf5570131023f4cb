"""The command that pretrains a T5 on the shards of a build."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import torch

from c4pipe.shards.read_write import find_shards
from model import atomic, checkpoint, command, yardstick
from model.command import say
from model.config import T5Config, preset
from model.metrics import Metrics, read
from model.objectives import SpanCorruption
from model.optim import Adafactor
from model.pretrain_options import parse
from model.stream import DataStream
from model.t5 import T5
from model.tokenizer import Tokenizer
from model.train import CHECKPOINTS, TrainConfig, TrainState, train


def configuration(options: argparse.Namespace) -> TrainConfig:
    """The configuration of the training loop."""
    names = [field.name for field in fields(TrainConfig) if hasattr(options, field.name)]
    with command.usage():
        return TrainConfig(**{name: getattr(options, name) for name in names})


def network(options: argparse.Namespace, tokenizer: Tokenizer) -> T5Config:
    """The configuration of the network."""
    with command.usage():
        config = preset(f"{options.version}-{options.preset}", tokenizer.vocab_size)
    return config if options.dropout is None else replace(config, dropout_rate=options.dropout)


def objective(options: argparse.Namespace, tokenizer: Tokenizer) -> SpanCorruption:
    """Span corruption as the options have it."""
    with command.usage():
        return SpanCorruption(
            tokenizer.sentinel_id(0),
            options.input_length,
            options.noise_density,
            options.mean_span,
            tokenizer.sentinels,
        )


def data(options: argparse.Namespace, tokenizer: Tokenizer) -> tuple[DataStream, list[yardstick.Document]]:
    """The stream of training batches, and the held-out documents, which the stream leaves out."""
    task = objective(options, tokenizer)
    shards = tuple(find_shards(options.shards, options.split))
    documents = yardstick.choose(options.shards, options.split, options.held_out_documents)
    held_out = yardstick.keys(documents)
    return DataStream(shards, tokenizer, task, held_out, options.seed, packed=not options.no_pack), documents


def identity(
    options: argparse.Namespace, config: TrainConfig, tokenizer: Tokenizer, stream: DataStream
) -> dict[str, Any]:
    """What a run and the checkpoint that it goes on from must share, besides the network."""
    names = ("split", "seed", "input_length", "noise_density", "mean_span", "no_pack")
    return {
        "tokenizer": tokenizer.sha256,
        "shards": digest((os.path.basename(path), size_of(path)) for path in stream.shards),
        "held out": digest(sorted(key.hex() for key in stream.held_out)),
        **{name: getattr(options, name) for name in names},
        **{name: getattr(config, name) for name in ("batch_size", "accumulate", "learning_rate", "warmup_steps")},
        **departures(config),
    }


def departures(config: TrainConfig) -> dict[str, Any]:
    """The schedule and the weights of the loss where they are not T5's; older checkpoints do not name them."""
    values = {"schedule": config.schedule, "loss_weights": config.loss_weights}
    chosen: dict[str, Any] = {name: value for name, value in values.items() if value != getattr(TrainConfig, name)}
    return chosen | ({"steps": config.steps} if config.schedule == "noam" else {})


def digest(values: Iterable[object]) -> str:
    """A short fingerprint of the values."""
    return hashlib.sha256(json.dumps(list(values)).encode()).hexdigest()[:16]


def size_of(path: str) -> int | None:
    """The bytes of a local shard; None for a remote shard, which only its name identifies."""
    return os.path.getsize(path) if os.path.exists(path) else None


def device(name: str) -> torch.device:
    """The device of that name; an error lists those of this machine."""
    available = {"cpu": True, "mps": torch.backends.mps.is_available(), "cuda": torch.cuda.is_available()}
    names = [kind for kind, is_available in available.items() if is_available]
    names += [f"cuda:{number}" for number in range(torch.cuda.device_count())] if "cuda" in names else []
    if name not in ("auto", *names):
        raise command.WrongUsage(
            f"--device is {name!r}, but this machine has {', '.join(names)}; give one of them, or auto"
        )
    return torch.device(name if name != "auto" else "cuda" if "cuda" in names else "cpu")


def newest(options: argparse.Namespace) -> Path | None:
    """The checkpoint to go on from, or None for a new run."""
    folder = options.output / CHECKPOINTS
    path = checkpoint.latest(folder)
    if options.resume and path is None:
        raise FileNotFoundError(f"--resume: there is no checkpoint in {folder}; leave --resume out to begin a run")
    if options.resume is False and path:
        raise FileExistsError(f"--no-resume: there is {path}; give another --output or remove {folder}")
    return path


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Train, and return the summary of the run."""
    hardware, config = device(options.device), configuration(options)
    atomic.check_folder(options.output / CHECKPOINTS)
    tokenizer, path = Tokenizer.load(options.tokenizer), newest(options)
    stream, documents = data(options, tokenizer)
    torch.manual_seed(options.seed)  # of dropout; weights have a generator of their own
    model = T5(network(options, tokenizer), seed=options.seed).to(hardware)
    optimizer = Adafactor(model.parameters(), lr=config.learning_rate)
    state = TrainState(model, optimizer, identity(options, config, tokenizer, stream))
    if path:
        state.load(path)
        say(f"going on from {path}, step {state.step}")
    atomic.write_bytes(options.output / "spiece.model", options.tokenizer.read_bytes())
    size = f"{model.config.parameter_count():,} parameters on {hardware}"
    say(f"{size}; {len(stream.shards)} shards, {len(documents)} held-out documents")
    metrics = Metrics(options.output, state.step)
    held_out = None
    if documents:
        held_out = yardstick.HeldOut.of(documents, stream, tokenizer, rows=config.batch_size // config.accumulate)
    train(state, stream, config, checkpoints=options.output / CHECKPOINTS, metrics=metrics, held_out=held_out)
    return summary(options.output)


def summary(output: Path) -> dict[str, Any]:
    """The newest checkpoint of a run, and the first and the last line of each kind in its metrics."""
    lines = list(read(output))
    values: dict[str, Any] = {"checkpoint": str(checkpoint.latest(output / CHECKPOINTS))}
    for kind in ("train", "held_out"):
        if same_kind := [line for line in lines if line["kind"] == kind]:
            values |= {f"{kind}_first": same_kind[0], f"{kind}_last": same_kind[-1]}
    return values


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    options = parse(argv)
    return command.run(
        "pretrain",
        lambda: print(json.dumps(run(options), indent=2)),
        interrupted=lambda: after_interrupt(checkpoint.latest(options.output / CHECKPOINTS)),
    )


def after_interrupt(path: Path | None) -> str:
    """What the same command does next, by the newest checkpoint."""
    return f"the same command goes on from {path}" if path else "there is no checkpoint yet, so the run begins anew"


if __name__ == "__main__":
    sys.exit(main())
