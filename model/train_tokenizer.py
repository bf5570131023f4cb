"""The command that trains a SentencePiece vocabulary from shards."""

from __future__ import annotations

import argparse
import hashlib
import heapq
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from tqdm import tqdm

from c4pipe.shards.read_write import find_shards, read_documents
from model import atomic, tokenizer

MAX_BYTES = 200_000_000  # of text; SentencePiece holds about 20 bytes of memory for each
EXAMPLE = """example:
  python -m model.train_tokenizer --shards build/en --split train --vocab_size 32000 --output build/spiece.model"""


def order_key(text: str, seed: int) -> bytes:
    """Where a text stands in the order that training draws from: its content and the seed alone decide."""
    return hashlib.blake2b(text.encode(), digest_size=16, key=str(seed).encode()).digest()


def sample(texts: Iterable[str], *, max_documents: int | None, max_bytes: int, seed: int) -> list[str]:
    """The texts with the smallest keyed hashes that fit both limits, in the order of their hashes.

    How the texts were dealt out to shards, and in which format, leaves no trace. One text at least is kept.
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


def texts_of(shards: Sequence[str]) -> Iterator[str]:
    """The text of every document, with a progress bar over the shards."""
    for shard in tqdm(shards, desc="reading shards", unit="shard", disable=None):
        for document in read_documents(shard):
            yield document["text"]


def positive(text: str) -> int:
    """An option's whole number, 1 at least."""
    if (number := int(text)) < 1:
        raise argparse.ArgumentTypeError(f"{number} is less than 1")
    return number


def arguments() -> argparse.ArgumentParser:
    """The command's options."""
    parser = argparse.ArgumentParser(
        prog="python -m model.train_tokenizer",
        description="Train a SentencePiece unigram vocabulary, laid out as T5's, from the shards of a build. "
        "The same documents, options and versions give the same bytes, in whatever shards and format they come.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--shards", required=True, metavar="DIR", help="folder of shards: tfrecord, parquet or jsonl")
    parser.add_argument("--split", default="train", help="split to read (default: train)")
    parser.add_argument("--output", required=True, type=Path, metavar="FILE", help="where spiece.model goes")
    parser.add_argument(
        "--vocab_size",
        type=positive,
        default=tokenizer.VOCABULARY_SIZE,
        help="pieces, the 3 control symbols among them, the 100 sentinels not (default: %(default)s, T5's)",
    )
    parser.add_argument("--max_documents", type=positive, help="train on so many documents, chosen by hash")
    parser.add_argument(
        "--max_bytes",
        type=positive,
        default=MAX_BYTES,
        help="train on so many bytes of text, documents chosen by hash (default: %(default)s)",
    )
    parser.add_argument("--seed", type=int, default=0, help="of the choice of documents (default: 0)")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    options = arguments().parse_args(argv)
    try:
        shards = find_shards(options.shards, options.split)
        texts = sample(
            texts_of(shards), max_documents=options.max_documents, max_bytes=options.max_bytes, seed=options.seed
        )
        size = sum(len(text.encode()) for text in texts)
        print(f"training {options.vocab_size} pieces on {len(texts)} documents, {size} bytes", file=sys.stderr)
        atomic.write_bytes(options.output, tokenizer.train(texts, vocab_size=options.vocab_size))
    except (OSError, ValueError) as error:
        print(f"train_tokenizer: {error}", file=sys.stderr)
        return 1
    print(options.output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
