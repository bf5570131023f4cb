"""The held-out loss of a network, and a yardstick for it: what a count of tokens alone would reach."""

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
SEED, PURPOSE = 0, 4  # of the noise masks: the same for every seed of training
COUNTED_TOKENS = 10_000_000  # of training text: enough for a unigram distribution


def choose(folder: str, split: str, count: int) -> list[Document]:
    """The ``count`` documents with the smallest keyed hashes of their URLs, to be held out.

    They come from the validation split; if it has fewer than ``count`` documents, from ``split``.
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
    """The examples of the documents, made as for training, with the same noise masks each time."""
    tokens = [ids for document in documents if len(ids := tokens_of(document["text"], tokenizer))]
    for start in range(0, len(tokens), GROUP_DOCUMENTS):
        for number, chunk in enumerate(chunks(tokens[start : start + GROUP_DOCUMENTS], objective.tokens_length)):
            yield objective.corrupt(chunk, generator(SEED, epoch=0, index=start << 32 | number, purpose=PURPOSE))


def unigram(
    stream: DataStream, tokenizer: Tokenizer, *, counted_tokens: int = COUNTED_TOKENS
) -> npt.NDArray[np.float64]:
    """The natural logarithm of each piece's share of the training text; 1 is added to every count."""
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
    """The held-out loss and its yardstick: means over held-out targets, in nats."""

    loss: float  # over all target tokens, as in training
    text_loss: float  # over the text tokens, which are all but sentinels and EOS
    unigram_entropy: float  # the yardstick: of the text tokens under the unigram distribution of the training text
    text_tokens: int  # their number


@dataclass(frozen=True)
class HeldOut:
    """Fixed batches of held-out text, and the unigram distribution of the training text."""

    batches: tuple[Batch, ...]
    log_shares: npt.NDArray[np.float64]  # of each piece

    @classmethod
    def of(cls, documents: Sequence[Document], stream: DataStream, tokenizer: Tokenizer, *, rows: int) -> HeldOut:
        """Batches of at most ``rows`` rows, made of the documents, and the distribution of the stream's text."""
        packed = list(trim_and_pack(examples(documents, tokenizer, stream.objective), stream.lengths))
        if not packed:
            raise ValueError(f"the {len(documents)} held-out documents have no text: hold out more, or none")
        batches = tuple(Batch.of(packed[start : start + rows]) for start in range(0, len(packed), rows))
        return cls(batches, unigram(stream, tokenizer))

    @torch.no_grad()
    def score(self, model: T5, device: torch.device) -> Score:
        """The score of the network, without dropout; the network's mode, training or not, stays as it was."""
        was_training = model.training
        model.eval()
        sums = torch.zeros(4, dtype=torch.float64)
        entropy = 0.0
        for batch in self.batches:
            text = self.is_text(batch)
            logits, targets = logits_of(model, batch, device)
            all_sums = loss_sums(logits, targets, z_loss=0.0)
            text_sums = loss_sums(logits, targets, z_loss=0.0, weights=torch.from_numpy(text).to(device))
            batch_sums = (all_sums.total, all_sums.weight, text_sums.total, text_sums.weight)
            sums += torch.stack(batch_sums).double().cpu()
            entropy -= float(self.log_shares[batch.targets[text]].sum())
        model.train(was_training)
        loss, tokens, text_loss, text_tokens = sums.tolist()
        return Score(loss / tokens, text_loss / text_tokens, entropy / text_tokens, int(text_tokens))

    def is_text(self, batch: Batch) -> Mask:
        """True for the targets that are pieces of text; (B, T)."""
        targets = batch.targets
        text: Mask = (targets != PAD) & (targets != EOS) & (targets < len(self.log_shares))
        return text


def keys(documents: Iterable[Document]) -> frozenset[bytes]:
    """The keys by which a ``DataStream`` leaves the documents out."""
    return frozenset(url_key(document["url"]) for document in documents)
