"""Write a network as a folder that transformers loads, and read one from such a folder.

All files are written by hand: ``save_pretrained`` of transformers 5 writes a v1.1 network as tied, without its head.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from model import atomic, checkpoint, command
from model.card import card
from model.config import EOS, PAD, T5Config, embedding_rows
from model.t5 import T5
from model.tokenizer import Tokenizer

# Further names of shared.weight: in the state_dict of transformers, but not in its files.
ALIASES = ("encoder.embed_tokens.weight", "decoder.embed_tokens.weight")


def hf_name(name: str) -> str:
    """The name that transformers gives to our parameter.

    >>> hf_name("decoder.blocks.3.feed_forward.wi_0.weight")
    'decoder.block.3.layer.2.DenseReluDense.wi_0.weight'
    """
    if name in ("embedding.weight", "head.weight"):
        return {"embedding.weight": "shared.weight", "head.weight": "lm_head.weight"}[name]
    stack, part, *rest = name.split(".")
    if part == "norm":
        return f"{stack}.final_layer_norm.weight"
    if part == "relative_bias":
        return f"{stack}.block.0.layer.0.SelfAttention.relative_attention_bias.weight"
    block, sublayer, *matrix = rest
    last = 2 if stack == "decoder" else 1
    modules = {"self_attention": (0, "SelfAttention"), "cross_attention": (1, "EncDecAttention")}
    number, module = {**modules, "feed_forward": (last, "DenseReluDense")}[sublayer.removesuffix("_norm")]
    inside = "layer_norm.weight" if sublayer.endswith("_norm") else ".".join([module, *matrix])
    return f"{stack}.block.{block}.layer.{number}.{inside}"


def load_hf(folder: Path) -> T5:
    """The network of a folder with ``config.json`` and ``model.safetensors``, in float32, on the CPU."""
    config = read_config(folder / "config.json")
    model = T5(config, seed=None)
    path = folder / "model.safetensors"
    tensors = read_tensors(path)
    names = {hf_name(name): name for name in model.state_dict()}
    ignored = {*ALIASES, "lm_head.weight"} - set(names)
    missing, unknown = sorted(set(names) - set(tensors)), sorted(set(tensors) - set(names) - ignored)
    if missing or unknown:
        raise ValueError(
            f"{path} does not fit its config.json: it lacks {missing} and has {unknown} too many; copy both files anew"
        )
    model.load_state_dict({ours: tensors[theirs].float() for theirs, ours in names.items()})
    return model.eval()


def read_config(path: Path) -> T5Config:
    """The configuration in a ``config.json``; an error names the file."""
    text = path.read_text(encoding="utf-8", errors="replace")
    try:
        values = json.loads(text)
    except ValueError as error:
        raise ValueError(f"{path} is no JSON ({error}): copy or export it again") from None
    try:
        return T5Config.from_hf(values if isinstance(values, dict) else {})
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file; an error names the file and a remedy."""
    if not path.is_file():
        raise FileNotFoundError(f"{path} is not there: join a network in several files, or in a pickle, to this file")
    try:
        return load_file(path)
    except SafetensorError as error:
        raise ValueError(f"{path} is no whole safetensors file ({error}): copy or export it again") from None


def save_hf(model: T5, output: Path, *, tokenizer: Path | None = None, step: int | None = None) -> None:
    """Write a folder that transformers 4 and 5 load.

    ``config.json`` is removed first and written last, so a folder that has one is whole. No reader finds new weights
    beside the configuration of an older network.
    """
    tokens = None if tokenizer is None else load_fitting(tokenizer, model.config)
    tensors = {hf_name(name): value.float() for name, value in model.state_dict().items()}
    atomic.remove(output / "config.json")
    checkpoint.write_tensors(output / "model.safetensors", tensors, {"format": "pt"})
    write_json(
        output / "generation_config.json",
        {"decoder_start_token_id": PAD, "eos_token_id": EOS, "pad_token_id": PAD},
    )
    if tokenizer is not None and tokens is not None:
        atomic.write_bytes(output / "spiece.model", tokenizer.read_bytes())
        write_json(output / "tokenizer_config.json", tokenizer_config(tokens))
    atomic.write_text(output / "README.md", card(model.config, tokens, step))
    write_json(output / "config.json", model.config.to_hf())


def load_fitting(path: Path, config: T5Config) -> Tokenizer:
    """The tokenizer; an error if its embedding has another number of rows than the network's."""
    tokens = Tokenizer.load(path)
    if embedding_rows(tokens.vocab_size) != config.vocab_size:
        raise ValueError(
            f"{path} has {tokens.vocab_size} tokens, which make {embedding_rows(tokens.vocab_size)} rows,"
            f" but the network has {config.vocab_size}: name the spiece.model that the network was trained with"
        )
    return tokens


def tokenizer_config(tokens: Tokenizer) -> dict[str, Any]:
    """The content of ``tokenizer_config.json``; transformers adds the sentinels to ``spiece.model`` itself."""
    return {
        "tokenizer_class": "T5Tokenizer",
        "extra_ids": tokens.sentinels,
        "additional_special_tokens": [f"<extra_id_{i}>" for i in range(tokens.sentinels)],
        "pad_token": "<pad>",
        "eos_token": "</s>",
        "unk_token": "<unk>",
        "legacy": True,  # as in T5's own; False joins the words after a sentinel
    }


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Replace the file by one with these values."""
    atomic.write_text(path, json.dumps(values, indent=2) + "\n")


def arguments() -> argparse.ArgumentParser:
    """The command's options."""
    parser = argparse.ArgumentParser(
        prog="python -m model.export",
        description="Write the network of a checkpoint as a folder that transformers 4 and 5 load.",
        epilog="example:\n  python -m model.export run/checkpoints run/export --tokenizer run/spiece.model",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("checkpoint", type=Path, help="a checkpoint, or a folder of checkpoints: the newest is taken")
    parser.add_argument("output", type=Path, help="the folder to write; files of the same names are replaced")
    parser.add_argument(
        "--tokenizer", type=Path, metavar="FILE", help="spiece.model of the training (default: export no tokenizer)"
    )
    return parser


def export(options: argparse.Namespace) -> None:
    """Read the checkpoint, write the folder and print its path."""
    atomic.check_folder(options.output)
    path = options.checkpoint
    if path.is_dir() and (path := checkpoint.latest(path)) is None:
        raise FileNotFoundError(f"{options.checkpoint} holds no checkpoint (step-XXXXXXXX.safetensors): name another")
    header, model = checkpoint.load_model(path)
    save_hf(model, options.output, tokenizer=options.tokenizer, step=header.step)
    print(options.output)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    options = arguments().parse_args(argv)
    return command.run(
        "export", lambda: export(options), interrupted=lambda: f"{options.output} may lack files; export again"
    )


if __name__ == "__main__":
    sys.exit(main())
