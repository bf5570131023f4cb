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
from model import atomic, checkpoint, yardstick
from model.config import PRESETS, VERSIONS, T5Config, preset
from model.metrics import Metrics, read, say
from model.objectives import SpanCorruption
from model.optim import Adafactor
from model.stream import DataStream
from model.t5 import T5
from model.tokenizer import Tokenizer
from model.train import CHECKPOINTS, TrainConfig, TrainState, train

# Options where they are not given: T5's own baseline, and for the tiny preset what learns in minutes on two cores.
BASELINE = {"steps": 2**19, "batch_size": 128, "input_length": 512, "learning_rate": 0.01, "warmup_steps": 10_000}
BASELINE |= {"log_every": 50, "evaluate_every": 1000, "checkpoint_every": 1000}
TINY = {"steps": 1000, "batch_size": 16, "input_length": 128, "learning_rate": 0.02, "warmup_steps": 250}
TINY |= {"log_every": 20, "evaluate_every": 200, "checkpoint_every": 200}
SIZES = tuple(dict.fromkeys(name.partition("-")[2] for name in PRESETS))
EXAMPLE = """example:
  python -m model.pretrain --shards build/en --tokenizer build/spiece.model --output run --preset tiny --steps 1000

The same command again goes on from the newest checkpoint, with the losses that it would have had."""


def arguments() -> argparse.ArgumentParser:
    """The command's options."""
    parser = argparse.ArgumentParser(
        prog="python -m model.pretrain",
        description="Pretrain a T5 with span corruption on the shards of a build.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--shards", required=True, metavar="DIR", help="folder of shards: tfrecord, parquet or jsonl")
    add("--split", default="train", help="split to train on (default: train)")
    add("--tokenizer", required=True, type=Path, metavar="FILE", help="spiece.model of python -m model.train_tokenizer")
    add("--output", required=True, type=Path, metavar="DIR", help="where checkpoints/ and metrics.jsonl go")
    add("--preset", choices=SIZES, default="tiny", help="size of the network (default: tiny)")
    add("--version", choices=VERSIONS, default="v1.1", help="of T5 (default: v1.1)")
    add("--dropout", type=float, help="(default: the version's, 0.1 for v1.0 and 0 for v1.1)")
    add("--device", default="auto", help="cpu, cuda, or auto (default)")
    add("--seed", type=int, default=0, help="of weights, masks and order (default: 0)")
    held = "for evaluation, never trained on: of the validation split, if it has so many (default: 50; 0: none)"
    add("--held_out_documents", type=int, default=50, help=held)
    resume = "insist on a checkpoint in the output, or on none (default: go on from one if there is one)"
    add("--resume", action=argparse.BooleanOptionalAction, help=resume)
    task_options(parser)
    pace_options(parser)
    return parser


def task_options(parser: argparse.ArgumentParser) -> None:
    """What is learned."""
    add = parser.add_argument_group("task").add_argument
    add("--noise_density", type=float, default=0.15, help="share of tokens that are hidden (default: 0.15)")
    add("--mean_span", type=float, default=3.0, help="tokens of a hidden span, on average (default: 3.0)")
    add("--no_pack", action="store_true", help="give every example a row of its own")


def pace_options(parser: argparse.ArgumentParser) -> None:
    """How long and how fast; defaults differ between the tiny preset and the others."""
    add = parser.add_argument_group(
        "pace (defaults: T5's baseline; for the tiny preset, what learns on a CPU)"
    ).add_argument
    told = {
        "steps": "of the optimiser, in all",
        "batch_size": "rows of a step",
        "input_length": "tokens of an encoder input, EOS included",
        "learning_rate": "at its peak",
        "warmup_steps": "before the rate falls with the root of the step",
        "log_every": "steps",
        "evaluate_every": "steps",
        "checkpoint_every": "steps",
    }
    for name, text in told.items():
        kind, default = type(BASELINE[name]), f"(default: {BASELINE[name]}; tiny: {TINY[name]})"
        add(f"--{name}", type=kind, metavar="N", help=f"{text} {default}")
    add("--accumulate", type=int, default=1, metavar="N", help="parts of a batch, to save memory (default: 1)")
    add("--checkpoints_kept", type=int, default=3, metavar="N", help="older ones are deleted (default: 3)")


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """The options, each as told or by default."""
    options = arguments().parse_args(argv)
    for name, value in (TINY if options.preset == "tiny" else BASELINE).items():
        if getattr(options, name) is None:
            setattr(options, name, value)
    return options


def configuration(options: argparse.Namespace) -> TrainConfig:
    """How to train."""
    names = [each.name for each in fields(TrainConfig) if hasattr(options, each.name)]
    return TrainConfig(**{name: getattr(options, name) for name in names})


def network(options: argparse.Namespace, tokenizer: Tokenizer) -> T5Config:
    """The network to train."""
    config = preset(f"{options.version}-{options.preset}", tokenizer.vocab_size)
    return config if options.dropout is None else replace(config, dropout_rate=options.dropout)


def data(options: argparse.Namespace, tokenizer: Tokenizer) -> tuple[DataStream, list[yardstick.Document]]:
    """The stream of batches, and the documents kept out of it."""
    objective = SpanCorruption(
        tokenizer.sentinel_id(0), options.input_length, options.noise_density, options.mean_span, tokenizer.sentinels
    )
    shards = tuple(find_shards(options.shards, options.split))
    documents = yardstick.choose(options.shards, options.split, options.held_out_documents)
    kept_out = yardstick.keys(documents)
    return DataStream(shards, tokenizer, objective, kept_out, options.seed, packed=not options.no_pack), documents


def identity(
    options: argparse.Namespace, config: TrainConfig, tokenizer: Tokenizer, stream: DataStream
) -> dict[str, Any]:
    """What must be equal in a run that goes on from a checkpoint, besides the network."""
    names = ("split", "seed", "input_length", "noise_density", "mean_span", "no_pack")
    return {
        "tokenizer": tokenizer.sha256,
        "shards": digest((os.path.basename(path), size_of(path)) for path in stream.shards),
        "held out": digest(sorted(key.hex() for key in stream.held_out)),
        **{name: getattr(options, name) for name in names},
        **{name: getattr(config, name) for name in ("batch_size", "accumulate", "learning_rate", "warmup_steps")},
    }


def digest(values: Iterable[object]) -> str:
    """A short fingerprint."""
    return hashlib.sha256(json.dumps(list(values)).encode()).hexdigest()[:16]


def size_of(path: str) -> int | None:
    """Bytes of a local shard; a remote one goes by its name."""
    return os.path.getsize(path) if os.path.exists(path) else None


def device(name: str) -> torch.device:
    """The device of that name; an error says which there are."""
    available = {"cpu": True, "mps": torch.backends.mps.is_available(), "cuda": torch.cuda.is_available()}
    there = [kind for kind, is_there in available.items() if is_there]
    there += [f"cuda:{number}" for number in range(torch.cuda.device_count())] if "cuda" in there else []
    if name not in ("auto", *there):
        raise ValueError(f"--device is {name!r}, but this machine has {', '.join(there)}; give one of them, or auto")
    return torch.device(name if name != "auto" else "cuda" if "cuda" in there else "cpu")


def newest(options: argparse.Namespace) -> Path | None:
    """The checkpoint to go on from."""
    folder = options.output / CHECKPOINTS
    found = checkpoint.latest(folder)
    if options.resume and found is None:
        raise FileNotFoundError(f"--resume: there is no checkpoint in {folder}")
    if options.resume is False and found:
        raise FileExistsError(f"--no-resume: {found} is there; give another --output or remove {folder}")
    return found


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Train, and return what came of it."""
    place, config = device(options.device), configuration(options)
    tokenizer, path = Tokenizer.load(options.tokenizer), newest(options)
    stream, documents = data(options, tokenizer)
    torch.manual_seed(options.seed)  # of dropout; weights have a generator of their own
    model = T5(network(options, tokenizer), seed=options.seed).to(place)
    optimizer = Adafactor(model.parameters(), lr=config.learning_rate)
    state = TrainState(model, optimizer, identity(options, config, tokenizer, stream))
    if path:
        state.load(path)
        say(f"going on from {path}, step {state.step}")
    atomic.write_bytes(options.output / "spiece.model", options.tokenizer.read_bytes())
    size = f"{model.config.parameter_count():,} parameters on {place}"
    say(f"{size}; {len(stream.shards)} shards, {len(documents)} documents held out")
    metrics = Metrics(options.output, state.step)
    held_out = None
    if documents:
        held_out = yardstick.HeldOut.of(documents, stream, tokenizer, rows=config.batch_size // config.accumulate)
    train(state, stream, config, checkpoints=options.output / CHECKPOINTS, metrics=metrics, held_out=held_out)
    return summary(options.output)


def summary(output: Path) -> dict[str, Any]:
    """The first and the last lines of a run, and its newest checkpoint."""
    lines = list(read(output))
    told: dict[str, Any] = {"checkpoint": str(checkpoint.latest(output / CHECKPOINTS))}
    for kind in ("train", "held_out"):
        if of_kind := [line for line in lines if line["kind"] == kind]:
            told |= {f"{kind}_first": of_kind[0], f"{kind}_last": of_kind[-1]}
    return told


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    options = parse(argv)
    try:
        print(json.dumps(run(options), indent=2))
    except (OSError, ValueError, FloatingPointError) as error:
        say(f"pretrain: {error}")
        return 1
    except KeyboardInterrupt:
        say(f"stopped; the same command goes on from {checkpoint.latest(options.output / CHECKPOINTS)}")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
