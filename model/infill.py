"""The command that shows what a network has learned: a text with gaps, and the network's way to fill them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from model import checkpoint, yardstick
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
class Filled:
    """A span-corruption example and its answer, as text."""

    original: str
    corrupted: str
    expected: str
    answer: str
    merged: str

    def __str__(self) -> str:
        return "\n".join(f"{name:<10} {text}" for name, text in vars(self).items())


def infill(model: T5, tokenizer: Tokenizer, tokens: Ids, *, seed: int = 0) -> Filled:
    """Hide spans of the tokens as pretraining does, and let the network write what they were."""
    objective = SpanCorruption(tokenizer.sentinel_id(0), sentinels=tokenizer.sentinels)
    tokens = tokens[: objective.tokens_length]
    inputs, targets = objective.corrupt(tokens, generator(seed, epoch=0, index=0))
    longest = min(2 * len(targets), objective.targets_length)
    (answer,) = greedy(model, torch.from_numpy(inputs).long()[None], max_length=longest)
    merged = fill(inputs.tolist(), answer, range(tokenizer.pieces, tokenizer.vocab_size))
    return Filled(*(tokenizer.decode(ids) for ids in (tokens, inputs, targets, answer, merged)))


def load(path: Path, tokenizer: Path | None) -> tuple[T5, Tokenizer]:
    """The network of an exported folder, a checkpoint, a folder of checkpoints or a run, and its tokenizer."""
    if (path / "config.json").exists():
        model, beside = load_hf(path)[1], path
    else:
        folder = path / CHECKPOINTS if (path / CHECKPOINTS).is_dir() else path
        found = path if path.is_file() else checkpoint.latest(folder)
        if found is None:
            raise FileNotFoundError(f"{path} holds neither a config.json nor checkpoints (step-XXXXXXXX.safetensors)")
        model, beside = checkpoint.load_model(found)[1], found.parent.parent
    tokens = Tokenizer.load(tokenizer or beside / "spiece.model")
    if tokens.padded_vocab_size != model.config.vocab_size:
        raise ValueError(
            f"the tokenizer makes {tokens.padded_vocab_size} rows, but the network has {model.config.vocab_size}: "
            "give --tokenizer, the spiece.model that it was trained with"
        )
    return model, tokens


def arguments() -> argparse.ArgumentParser:
    """The command's options."""
    parser = argparse.ArgumentParser(
        prog="python -m model.infill",
        description="Hide spans of a text as in pretraining, and show how a network fills them.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--model", required=True, type=Path, metavar="PATH", help="an exported folder, a run, or a checkpoint")
    add("--tokenizer", type=Path, metavar="FILE", help="spiece.model (default: the one beside the network)")
    text = parser.add_mutually_exclusive_group(required=True)
    text.add_argument("--text", help="the text to hide spans of")
    text.add_argument("--shards", metavar="DIR", help="take the first held-out document of these shards")
    add("--split", default="train", help="of the shards (default: train)")
    add("--tokens", type=int, default=100, metavar="N", help="take so many tokens of the text (default: 100)")
    add("--seed", type=int, default=0, help="of what is hidden (default: 0)")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    options = arguments().parse_args(argv)
    try:
        model, tokenizer = load(options.model, options.tokenizer)
        text = options.text
        if text is None:
            text = yardstick.choose(options.shards, options.split, 1)[0]["text"]
        tokens = tokens_of(text, tokenizer)[: options.tokens]
        if len(tokens) < 2:
            raise ValueError(f"the text has {len(tokens)} tokens, too few to hide some of them")
        print(infill(model, tokenizer, tokens, seed=options.seed))
    except (OSError, ValueError) as error:
        print(f"infill: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
