"""Hands a network to transformers, and takes one from it: its names, its files.

All files are written by hand. ``save_pretrained`` of transformers 5 writes a v1.1 network as tied and without its head.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from safetensors.torch import load_file

from model import atomic, checkpoint
from model.config import EOS, PAD, T5Config, embedding_rows
from model.t5 import T5
from model.tokenizer import Tokenizer

# In transformers' state_dict, but not in its files: other names of shared.weight.
ALIASES = ("encoder.embed_tokens.weight", "decoder.embed_tokens.weight")


def hf_name(name: str) -> str:
    """transformers' name of one of our parameters.

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
    places = {"self_attention": (0, "SelfAttention"), "cross_attention": (1, "EncDecAttention")}
    number, module = {**places, "feed_forward": (last, "DenseReluDense")}[sublayer.removesuffix("_norm")]
    inside = "layer_norm.weight" if sublayer.endswith("_norm") else ".".join([module, *matrix])
    return f"{stack}.block.{block}.layer.{number}.{inside}"


def load_hf(folder: Path) -> tuple[T5Config, T5]:
    """The network in a folder with ``config.json`` and ``model.safetensors``, in float32, on the CPU."""
    config = T5Config.from_hf(json.loads((folder / "config.json").read_text(encoding="utf-8")))
    model = T5(config, seed=None)
    path = folder / "model.safetensors"
    if not path.is_file():
        raise FileNotFoundError(f"{path} is not there; a network in several files or in a pickle must be joined first")
    tensors = load_file(path)
    names = {hf_name(name): name for name in model.state_dict()}
    spare = {*ALIASES, "lm_head.weight"} - set(names)
    missing, unknown = sorted(set(names) - set(tensors)), sorted(set(tensors) - set(names) - spare)
    if missing or unknown:
        raise ValueError(f"{path} does not fit its config.json: it lacks {missing} and has {unknown} too many")
    model.load_state_dict({ours: tensors[theirs].float() for theirs, ours in names.items()})
    return config, model.eval()


def save_hf(model: T5, output: Path, *, tokenizer: Path | None = None, step: int | None = None) -> None:
    """Write a folder that transformers 4 and 5 load.

    ``config.json`` is removed first and written last, so a folder that has it is whole: no reader takes new weights
    with the old configuration of another network.
    """
    tokens = None if tokenizer is None else _fitting(Tokenizer.load(tokenizer), model.config, tokenizer)
    tensors = {hf_name(name): value.float() for name, value in model.state_dict().items()}
    atomic.remove(output / "config.json")
    checkpoint.write_tensors(output / "model.safetensors", tensors, {"format": "pt"})
    _write_json(
        output / "generation_config.json",
        {"decoder_start_token_id": PAD, "eos_token_id": EOS, "pad_token_id": PAD},
    )
    if tokenizer is not None and tokens is not None:
        atomic.write_bytes(output / "spiece.model", tokenizer.read_bytes())
        _write_json(output / "tokenizer_config.json", tokenizer_config(tokens))
    atomic.write_text(output / "README.md", card(model.config, tokens, step))
    _write_json(output / "config.json", model.config.to_hf())


def _fitting(tokens: Tokenizer, config: T5Config, path: Path) -> Tokenizer:
    if embedding_rows(tokens.vocab_size) != config.vocab_size:
        raise ValueError(
            f"{path} has {tokens.vocab_size} tokens, which make {embedding_rows(tokens.vocab_size)} rows,"
            f" but the network has {config.vocab_size}: give the tokenizer that it was trained with"
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
        "legacy": True,  # as T5's own; the other way merges words after a sentinel
    }


def _write_json(path: Path, values: Mapping[str, Any]) -> None:
    atomic.write_text(path, json.dumps(values, indent=2) + "\n")


def card(config: T5Config, tokens: Tokenizer | None, step: int | None) -> str:
    """The model card: what the network is, and why it has more rows than tokens."""
    rows = config.vocab_size
    kind = "gated GELU, a head of its own" if config.gated else "ReLU, one matrix for embedding and head"
    trained = "" if step is None else f" after {step:,} steps"
    lines = [
        "---",
        "library_name: transformers",
        "tags: [t5]",
        "---",
        "",
        f"# T5 {config.version}{trained}",
        "",
        f"{config.parameter_count():,} parameters: {config.num_layers} encoder and {config.num_decoder_layers} decoder"
        f" layers, width {config.d_model}, {config.num_heads} heads of {config.d_kv}, feed-forward {config.d_ff}"
        f" ({kind}). Pretrained on C4 with span corruption; it fills gaps and is meant to be fine-tuned.",
        "",
        "## Vocabulary",
        "",
        *_vocabulary(rows, tokens),
        "",
        *_use(config),
    ]
    return "\n".join(lines) + "\n"


def _use(config: T5Config) -> list[str]:
    lines = [
        "## Use",
        "",
        "```python",
        "from transformers import AutoTokenizer, T5ForConditionalGeneration",
        "",
        'model = T5ForConditionalGeneration.from_pretrained("THIS_FOLDER")',
        'tokenizer = AutoTokenizer.from_pretrained("THIS_FOLDER")',
        "```",
        "",
        f"`dropout_rate` is {config.dropout_rate}, as in pretraining; T5 fine-tunes with 0.1. Use bfloat16 or float32:"
        " T5 overflows in float16.",
    ]
    if not config.tied:
        lines += [
            "",
            "Head and embedding are two matrices (`tie_word_embeddings` is false, by which transformers 4 goes)."
            " transformers 5 takes every T5 for tied, whatever its config says, then finds two matrices here and warns"
            " that it will not tie them, which is right: there is nothing to update. Do not save the network with"
            " `save_pretrained` of transformers 5 for use in 4.",
        ]
    return lines


def _vocabulary(rows: int, tokens: Tokenizer | None) -> list[str]:
    released = "T5 itself has 32100 tokens and 32128 rows."
    if tokens is None:
        return [
            f"The embedding has {rows} rows, the number of tokens rounded up to a multiple of 128; this folder has no"
            f" tokenizer. {released}"
        ]
    size, sentinels = tokens.vocab_size, tokens.sentinels
    unused = f"Rows {size} to {rows - 1} stand for no token" if rows > size else "Every row stands for a token"
    return [
        f"The tokenizer has {size} tokens: {tokens.pieces} pieces, then {sentinels} sentinels, `<extra_id_0>` ="
        f" {tokens.sentinel_id(0)} down to `<extra_id_{sentinels - 1}>` = {tokens.sentinel_id(sentinels - 1)}."
        f" The embedding, and `vocab_size` in `config.json`, have {rows} rows, the next multiple of 128. {unused}."
        f" {released} Do not resize the embedding to the length of the tokenizer."
    ]


def main(argv: Sequence[str] | None = None) -> int:
    """Export a checkpoint."""
    parser = argparse.ArgumentParser(
        prog="python -m model.export",
        description="Write a checkpoint as a folder that transformers 4 and 5 load.",
        epilog="example: python -m model.export run/checkpoints run/export --tokenizer run/spiece.model",
    )
    parser.add_argument("checkpoint", type=Path, help="a checkpoint, or a folder of them, of which the newest is taken")
    parser.add_argument("output", type=Path, help="the folder to write; files of the same names are replaced")
    parser.add_argument("--tokenizer", type=Path, metavar="SPIECE_MODEL", help="the tokenizer that it was trained with")
    arguments = parser.parse_args(argv)
    path = arguments.checkpoint
    if path.is_dir() and (path := checkpoint.latest(path)) is None:
        parser.error(f"{arguments.checkpoint} holds no checkpoint (step-XXXXXXXX.safetensors)")
    try:
        found, model = checkpoint.load_model(path)
        save_hf(model, arguments.output, tokenizer=arguments.tokenizer, step=found.step)
    except (OSError, ValueError) as error:
        parser.error(str(error))
    print(arguments.output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
