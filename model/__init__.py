"""Train a tokenizer and a text-to-text Transformer on the shards of a C4 build."""
