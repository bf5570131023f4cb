"""The model card of an exported network: what it is, how to load it, and why it has more rows than tokens."""

from __future__ import annotations

from model.config import T5Config
from model.tokenizer import Tokenizer

USE = """\
## Use

```python
from transformers import AutoTokenizer, T5ForConditionalGeneration

model = T5ForConditionalGeneration.from_pretrained("THIS_FOLDER")
tokenizer = AutoTokenizer.from_pretrained("THIS_FOLDER")
```

`dropout_rate` is {dropout}, as in pretraining; T5 fine-tunes with 0.1. \
Use bfloat16 or float32: T5 overflows in float16.
"""
UNTIED = """
Head and embedding are two matrices, and `tie_word_embeddings` is false; transformers 4 obeys that. \
transformers 5 takes every T5 for tied, whatever its config says. It then finds two matrices here and warns that it \
will not tie them. That is right: there is nothing to update. Do not save the network with `save_pretrained` of \
transformers 5 for use in 4.
"""
RELEASED = "T5 itself has 32100 tokens and 32128 rows."


def card(config: T5Config, tokens: Tokenizer | None, step: int | None) -> str:
    """The model card; ``tokens`` and ``step`` are None where they are not known."""
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
        f" ({kind}). Pretrained on C4 with span corruption: it fills gaps, and is meant to be fine-tuned.",
        "",
        "## Vocabulary",
        "",
        vocabulary(config.vocab_size, tokens),
        "",
        USE.format(dropout=config.dropout_rate),
    ]
    return "\n".join(lines) + ("" if config.tied else UNTIED)


def vocabulary(rows: int, tokens: Tokenizer | None) -> str:
    """The paragraph on tokens and rows of the embedding."""
    if tokens is None:
        rounded = f"The embedding has {rows} rows: the number of tokens, rounded up to a multiple of 128."
        return f"{rounded} This folder has no tokenizer. {RELEASED}"
    size, sentinels = tokens.vocab_size, tokens.sentinels
    unused = f"Rows {size} to {rows - 1} stand for no token" if rows > size else "Every row stands for a token"
    return (
        f"The tokenizer has {size} tokens: {tokens.pieces} pieces, then {sentinels} sentinels, `<extra_id_0>` ="
        f" {tokens.sentinel_id(0)} down to `<extra_id_{sentinels - 1}>` = {tokens.sentinel_id(sentinels - 1)}."
        f" The embedding, and `vocab_size` in `config.json`, have {rows} rows, the next multiple of 128. {unused}."
        f" {RELEASED} Do not resize the embedding to the length of the tokenizer."
    )
