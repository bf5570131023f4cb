"""The command that shows what a network has learned: it hides spans of a text and lets the network fill them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from model import checkpoint, command, yardstick
from model.decode import fill, greedy
from model.export import load_hf
from model.objectives import Ids, SpanCorruption, generator
from model.stream import tokens_of
from model.t5 import T5
from model.tokenizer import Tokenizer
from model.train import CHECKPOINTS

EXAMPLE = """examples:
  python -m model.infill --model run --text "Thank you for inviting me to your party last week."
  python -m model.infill --model run --shards build/en"""


@dataclass(frozen=True)
class Infilling:
    """A text with hidden spans, and what the network wrote for them."""

    original: str
    corrupted: str  # the text with a sentinel for each hidden span
    expected: str  # the right answer: each sentinel with its span
    answer: str  # the network's
    merged: str  # the corrupted text with the spans of the answer

    def __str__(self) -> str:
        return "\n".join(f"{name:<10} {text}" for name, text in vars(self).items())


def infill(model: T5, tokenizer: Tokenizer, tokens: Ids, *, seed: int = 0) -> Infilling:
    """Hide spans of the tokens as pretraining does, and let the network write them."""
    objective = SpanCorruption(tokenizer.sentinel_id(0), sentinels=tokenizer.sentinels)
    tokens = tokens[: objective.tokens_length]
    inputs, targets = objective.corrupt(tokens, generator(seed, epoch=0, index=0))
    longest = min(2 * len(targets), objective.targets_length)
    (answer,) = greedy(model, torch.from_numpy(inputs).long()[None], max_length=longest)
    merged = fill(inputs.tolist(), answer, range(tokenizer.pieces, tokenizer.vocab_size))
    return Infilling(*(tokenizer.decode(ids) for ids in (tokens, inputs, targets, answer, merged)))


def load(path: Path, tokenizer: Path | None) -> tuple[T5, Tokenizer]:
    """The network of an exported folder, a run, a folder of checkpoints or a checkpoint, and its tokenizer.

    Without ``tokenizer`` it is the spiece.model in the exported folder or in the run.
    """
    if (path / "config.json").exists():
        model, folder = load_hf(path), path
    else:
        file = newest(path)
        model, folder = checkpoint.load_model(file)[1], file.parent.parent
    tokens = Tokenizer.load(tokenizer or folder / "spiece.model")
    if tokens.padded_vocab_size != model.config.vocab_size:
        raise ValueError(
            f"the tokenizer makes {tokens.padded_vocab_size} rows, but the network has {model.config.vocab_size}: "
            "give --tokenizer, the spiece.model that the network was trained with"
        )
    return model, tokens


def newest(path: Path) -> Path:
    """The checkpoint at ``path``, or the newest one in the folder or the run at ``path``."""
    if path.is_file():
        return path
    if not path.exists():
        raise FileNotFoundError(f"{path} is not there: give --model an exported folder, a run, or a checkpoint")
    file = checkpoint.latest(path / CHECKPOINTS if (path / CHECKPOINTS).is_dir() else path)
    if file is None:
        raise FileNotFoundError(
            f"{path} holds neither a config.json nor checkpoints (step-XXXXXXXX.safetensors): give --model an exported"
            " folder, a run, or a checkpoint"
        )
    return file


def arguments() -> argparse.ArgumentParser:
    """The command's options."""
    parser = argparse.ArgumentParser(
        prog="python -m model.infill",
        description="Hide spans of a text as pretraining does, and show how a network fills them.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--model", required=True, type=Path, metavar="PATH", help="an exported folder, a run, or a checkpoint")
    add("--tokenizer", type=Path, metavar="FILE", help="spiece.model (default: the one beside the network)")
    text = parser.add_mutually_exclusive_group(required=True)
    text.add_argument("--text", help="the text whose spans are hidden")
    text.add_argument("--shards", metavar="DIR", help="take the first held-out document of these shards")
    add("--split", default="train", help="split of the shards (default: train)")
    tokens = "take the first N tokens of the text (default: 100)"
    add("--tokens", type=command.number(int, least=2), default=100, metavar="N", help=tokens)
    seed = "seed of the choice of spans (default: 0)"
    add("--seed", type=command.number(int, least=0, below=2**63), default=0, metavar="N", help=seed)
    return parser


def show(options: argparse.Namespace) -> None:
    """Load the network, choose the text, and print how the network fills it."""
    model, tokenizer = load(options.model, options.tokenizer)
    text = options.text
    if text is None:
        text = yardstick.choose(options.shards, options.split, 1)[0]["text"]
    tokens = tokens_of(text, tokenizer)[: options.tokens]
    if len(tokens) < 2:
        raise ValueError(f"the text has {len(tokens)} tokens, but 2 are needed to hide one: give a longer text")
    print(infill(model, tokenizer, tokens, seed=options.seed))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    options = arguments().parse_args(argv)
    return command.run("infill", lambda: show(options), interrupted=lambda: "nothing is shown")


if __name__ == "__main__":
    sys.exit(main())
