"""The options of ``python -m model.pretrain``, and their defaults by preset."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from pathlib import Path

from c4pipe.shards.read_write import FORMATS
from model.command import number
from model.config import PRESETS, VERSIONS
from model.loss import WEIGHTINGS
from model.optim import SCHEDULES

# Defaults: T5's own baseline, and for the tiny preset what learns something in minutes on two cores.
BASELINE = {"steps": 2**19, "batch_size": 128, "input_length": 512, "learning_rate": 0.01, "warmup_steps": 10_000}
BASELINE |= {"log_every": 50, "evaluate_every": 1000, "checkpoint_every": 1000}
TINY = {"steps": 1000, "batch_size": 16, "input_length": 128, "learning_rate": 0.02, "warmup_steps": 250}
TINY |= {"log_every": 20, "evaluate_every": 200, "checkpoint_every": 200}
SIZES = tuple(dict.fromkeys(name.partition("-")[2] for name in PRESETS))
COUNT, COUNT_OR_NONE = number(int, least=1), number(int, least=0)
EXAMPLE = """example:
  python -m model.pretrain --shards build/en --tokenizer build/spiece.model --output run --preset tiny --steps 1000

The same command again goes on from the newest checkpoint. Its losses are those of a run that never stopped."""


def arguments() -> argparse.ArgumentParser:
    """The command's options."""
    parser = argparse.ArgumentParser(
        prog="python -m model.pretrain",
        description="Pretrain a T5 with span corruption on the shards of a build.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--shards", required=True, metavar="DIR", help=f"folder of the shards: {', '.join(FORMATS)}")
    add("--split", default="train", help="split to train on (default: train)")
    add("--tokenizer", required=True, type=Path, metavar="FILE", help="spiece.model of python -m model.train_tokenizer")
    add("--output", required=True, type=Path, metavar="DIR", help="folder for checkpoints/ and metrics.jsonl")
    add("--preset", choices=SIZES, default="tiny", help="size of the network (default: tiny)")
    add("--version", choices=VERSIONS, default="v1.1", help="version of T5 (default: v1.1)")
    rate = "dropout rate (default: that of the version, 0.1 for v1.0 and 0 for v1.1)"
    add("--dropout", type=number(float, least=0, below=1), metavar="RATE", help=rate)
    add("--device", default="auto", help="cpu, cuda, or auto (default)")
    seed = "seed of the weights, the noise spans and the order (default: 0)"
    add("--seed", type=number(int, least=0, below=2**63), default=0, metavar="N", help=seed)
    held_out = "documents to evaluate on, never trained on; of the validation split if it has N (default: 50; 0: none)"
    add("--held_out_documents", type=COUNT_OR_NONE, default=50, metavar="N", help=held_out)
    resume = "insist on a checkpoint in the output, or on none (default: go on from a checkpoint if there is one)"
    add("--resume", action=argparse.BooleanOptionalAction, help=resume)
    add_task(parser)
    add_pace(parser)
    return parser


def add_task(parser: argparse.ArgumentParser) -> None:
    """Add the options of the objective."""
    add = parser.add_argument_group("task").add_argument
    density = "share of the tokens that are noise (default: 0.15)"
    add("--noise_density", type=number(float, above=0, below=1), default=0.15, metavar="SHARE", help=density)
    span = "mean length of a noise span, in tokens (default: 3.0)"
    add("--mean_span", type=number(float, least=1), default=3.0, metavar="TOKENS", help=span)
    weights = "what weighs the same in the loss: all target tokens, as in T5, or all examples (default: tokens)"
    add("--loss_weights", choices=WEIGHTINGS, default="tokens", help=weights)
    add("--no_pack", action="store_true", help="give every example a row of its own")


def add_pace(parser: argparse.ArgumentParser) -> None:
    """Add the options that say how long and how fast to train."""
    title = "pace (defaults: T5's baseline; for the tiny preset, what learns on a CPU)"
    add = parser.add_argument_group(title).add_argument
    rate = number(float, least=0, below=math.inf)
    for name, kind, meaning in (
        ("steps", COUNT_OR_NONE, "steps in all"),
        ("batch_size", COUNT, "rows in the batch of a step"),
        ("input_length", number(int, least=3), "tokens of an encoder input, EOS included"),
        ("learning_rate", rate, "peak learning rate"),
        ("warmup_steps", COUNT, "steps at the peak, after which the rate falls with the root of the step"),
        ("log_every", COUNT, "steps between two lines on the training loss"),
        ("evaluate_every", COUNT, "steps between two evaluations"),
        ("checkpoint_every", COUNT, "steps between two checkpoints"),
    ):
        default = f"(default: {BASELINE[name]}; tiny: {TINY[name]})"
        add(f"--{name}", type=kind, metavar="N", help=f"{meaning} {default}")
    schedule = "how the rate changes: inverse_sqrt, as in T5 (default); noam, which ends at 0; relative; constant"
    add("--schedule", choices=SCHEDULES, default="inverse_sqrt", help=schedule)
    add("--accumulate", type=COUNT, default=1, metavar="N", help="split a batch into N, to save memory (default: 1)")
    kept = "checkpoints to keep; older ones are deleted (default: 3)"
    add("--checkpoints_kept", type=COUNT, default=3, metavar="N", help=kept)


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """The values of all options, by default those of the preset."""
    options = arguments().parse_args(argv)
    for name, value in (TINY if options.preset == "tiny" else BASELINE).items():
        if getattr(options, name) is None:
            setattr(options, name, value)
    return options
