"""The command that trains a SentencePiece vocabulary on the shards of a build."""

from __future__ import annotations

import argparse
import hashlib
import heapq
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from tqdm import tqdm

from c4pipe.shards.read_write import FORMATS, find_shards, read_documents
from model import atomic, command, tokenizer

MAX_BYTES = 200_000_000  # of text; SentencePiece holds about 20 bytes of memory for each
EXAMPLE = """example:
  python -m model.train_tokenizer --shards build/en --split train --vocab_size 32000 --output build/spiece.model"""


def order_key(text: str, seed: int) -> bytes:
    """The keyed hash of a text: the order in which texts are chosen. Only the text and the seed decide it."""
    return hashlib.blake2b(text.encode(), digest_size=16, key=str(seed).encode()).digest()


def sample(texts: Iterable[str], *, max_documents: int | None, max_bytes: int, seed: int) -> list[str]:
    """The texts with the smallest keyed hashes, in the order of their hashes, as many as fit both limits.

    At least one text is kept. The number, order and format of the shards do not change the sample.
    """
    heap: list[tuple[int, str]] = []  # the largest hash on top
    held_bytes = 0
    for text in texts:
        if not text:
            continue
        heapq.heappush(heap, (-int.from_bytes(order_key(text, seed)), text))
        held_bytes += len(text.encode())
        while len(heap) > 1 and (held_bytes > max_bytes or len(heap) > (max_documents or len(heap))):
            held_bytes -= len(heapq.heappop(heap)[1].encode())
    return [text for _, text in sorted(heap, reverse=True)]


def read_texts(shards: Sequence[str]) -> Iterator[str]:
    """The text of every document, with a progress bar over the shards."""
    for shard in tqdm(shards, desc="reading shards", unit="shard", disable=None):
        for document in read_documents(shard):
            yield document["text"]


def arguments() -> argparse.ArgumentParser:
    """The command's options."""
    parser = argparse.ArgumentParser(
        prog="python -m model.train_tokenizer",
        description="Train a SentencePiece unigram vocabulary on the shards of a build. Its layout is T5's. "
        "The same documents, options and versions give the same bytes, for any number, order and format of shards.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add, count = parser.add_argument, command.number(int, least=1)
    add("--shards", required=True, metavar="DIR", help=f"folder of the shards: {', '.join(FORMATS)}")
    add("--split", default="train", help="split to train on (default: train)")
    add("--output", required=True, type=Path, metavar="FILE", help="the vocabulary to write, such as spiece.model")
    pieces = "pieces, including the 3 control symbols, without the 100 sentinels (default: %(default)s, T5's)"
    add("--vocab_size", type=count, default=tokenizer.VOCABULARY_SIZE, metavar="N", help=pieces)
    add("--max_documents", type=count, metavar="N", help="train on at most N documents, chosen by hash (default: all)")
    limit = "train on at most N bytes of text, documents chosen by hash (default: %(default)s)"
    add("--max_bytes", type=count, default=MAX_BYTES, metavar="N", help=limit)
    add("--seed", type=int, default=0, help="seed of the choice of documents (default: 0)")
    return parser


def train(options: argparse.Namespace) -> None:
    """Choose documents, train the vocabulary, write it and print its path."""
    atomic.check_writable(options.output)  # before hours of reading
    shards = find_shards(options.shards, options.split)
    texts = sample(
        read_texts(shards), max_documents=options.max_documents, max_bytes=options.max_bytes, seed=options.seed
    )
    size = sum(len(text.encode()) for text in texts)
    command.say(f"training {options.vocab_size} pieces on {len(texts)} documents, {size} bytes")
    atomic.write_bytes(options.output, tokenizer.train(texts, vocab_size=options.vocab_size))
    print(options.output)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    options = arguments().parse_args(argv)
    return command.run(
        "train_tokenizer", lambda: train(options), interrupted=lambda: f"{options.output} is not written"
    )


if __name__ == "__main__":
    sys.exit(main())
