"""Documents that training never sees, and the loss on them beside what counting tokens alone would give."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from c4pipe.shards.read_write import find_shards, read_documents
from model.config import EOS, PAD
from model.forward import logits_of
from model.loss import loss_sums
from model.objectives import Mask, Objective, generator
from model.packing import Example, trim_and_pack
from model.stream import GROUP_DOCUMENTS, Batch, DataStream, chunks, tokens_of, url_key
from model.t5 import T5
from model.tokenizer import Tokenizer

Document = Mapping[str, str]

VALIDATION = "validation"
SEED, PURPOSE = 0, 4  # of the masks: always the same, whatever the seed of the training
COUNTED_TOKENS = 10_000_000  # of training text: enough for a unigram distribution


def choose(folder: str, split: str, count: int) -> list[Document]:
    """The ``count`` documents with the smallest keyed hashes of their URLs.

    They come from the validation split, or from the training split where the validation split has fewer.
    """
    chosen: list[Document] = []
    for candidate in (VALIDATION, split):
        try:
            shards = find_shards(folder, candidate)
        except FileNotFoundError:
            if candidate == split:
                raise
            continue
        documents = (document for shard in shards for document in read_documents(shard))
        chosen = heapq.nsmallest(count, documents, key=lambda document: (url_key(document["url"]), document["text"]))
        if len(chosen) == count:
            return chosen
    raise ValueError(
        f"{folder}: split {split!r} has {len(chosen)} documents, fewer than the {count} to hold out; hold out fewer"
    )


def examples(documents: Sequence[Document], tokenizer: Tokenizer, objective: Objective) -> Iterator[Example]:
    """The documents as training would see them, with masks that are the same each time."""
    tokens = [ids for document in documents if len(ids := tokens_of(document["text"], tokenizer))]
    for start in range(0, len(tokens), GROUP_DOCUMENTS):
        for number, chunk in enumerate(chunks(tokens[start : start + GROUP_DOCUMENTS], objective.tokens_length)):
            yield objective.corrupt(chunk, generator(SEED, epoch=0, index=start << 32 | number, purpose=PURPOSE))


def unigram(
    stream: DataStream, tokenizer: Tokenizer, *, counted_tokens: int = COUNTED_TOKENS
) -> npt.NDArray[np.float64]:
    """The natural logarithm of each piece's share of the training text, with one added to every count."""
    counts = np.ones(tokenizer.pieces, np.int64)
    documents = (document for shard in stream.shards for _, document in stream.documents(shard))
    for document in documents:
        counts += np.bincount(tokens_of(document["text"], tokenizer), minlength=len(counts))
        if counts.sum() >= counted_tokens + len(counts):
            break
    log_shares: npt.NDArray[np.float64] = np.log(counts / counts.sum())
    return log_shares


@dataclass(frozen=True, slots=True)
class Score:
    """Means over the targets of held-out documents, in nats."""

    loss: float  # of every target token, as training has it
    text_loss: float  # of those that are text: no sentinel, no EOS
    unigram_entropy: float  # of the same text tokens, under the unigram distribution of the training text
    text_tokens: int


@dataclass(frozen=True)
class HeldOut:
    """Fixed batches of held-out text, and the yardstick."""

    batches: tuple[Batch, ...]
    log_shares: npt.NDArray[np.float64]  # of each piece

    @classmethod
    def of(cls, documents: Sequence[Document], stream: DataStream, tokenizer: Tokenizer, *, rows: int) -> HeldOut:
        """Batches of ``rows`` rows at most, from the documents, and the yardstick of the stream's text."""
        packed = list(trim_and_pack(examples(documents, tokenizer, stream.objective), stream.lengths))
        if not packed:
            raise ValueError(f"the {len(documents)} held-out documents have no text")
        batches = tuple(Batch.of(packed[start : start + rows]) for start in range(0, len(packed), rows))
        return cls(batches, unigram(stream, tokenizer))

    @torch.no_grad()
    def score(self, model: T5, device: torch.device) -> Score:
        """The loss of the network as it is; it is left in the mode, training or not, in which it came."""
        was_training = model.training
        model.eval()
        sums = torch.zeros(4, dtype=torch.float64)
        entropy = 0.0
        for batch in self.batches:
            text = self.is_text(batch)
            logits, targets = logits_of(model, batch, device)
            every = loss_sums(logits, targets, z_loss=0.0)
            of_text = loss_sums(logits, targets, z_loss=0.0, weights=torch.from_numpy(text).to(device))
            parts = (every.total, every.weight, of_text.total, of_text.weight)
            sums += torch.stack(parts).double().cpu()
            entropy -= float(self.log_shares[batch.targets[text]].sum())
        model.train(was_training)
        loss, tokens, text_loss, text_tokens = sums.tolist()
        return Score(loss / tokens, text_loss / text_tokens, entropy / text_tokens, int(text_tokens))

    def is_text(self, batch: Batch) -> Mask:
        """Targets that are pieces of text; (B, T)."""
        targets = batch.targets
        text: Mask = (targets != PAD) & (targets != EOS) & (targets < len(self.log_shares))
        return text


def keys(documents: Iterable[Document]) -> frozenset[bytes]:
    """What keeps the documents out of training."""
    return frozenset(url_key(document["url"]) for document in documents)
