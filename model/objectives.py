"""Pretraining objectives: they turn a chunk of token ids into encoder inputs and decoder targets.

Names and arithmetic follow t5.data.preprocessors (t5 0.9.4). Random draws do not: each example has its own generator,
keyed by (seed, epoch, index). So an example never depends on the examples before it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from model.config import EOS
from model.tokenizer import SENTINELS

Ids = npt.NDArray[np.int32]
Mask = npt.NDArray[np.bool_]


def generator(seed: int, *, epoch: int, index: int, purpose: int = 0) -> np.random.Generator:
    """The random stream of one example; only these four numbers decide it.

    Philox counts in 256 bits, with index and purpose in the upper words, so streams never overlap.
    """
    key, counter = np.array([seed, epoch], np.uint64), np.array([0, 0, index, purpose], np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=counter))


class Objective(Protocol):
    """Turns a chunk of tokens into inputs and targets."""

    @property
    def tokens_length(self) -> int:
        """The number of tokens in a full chunk."""
        ...

    @property
    def inputs_length(self) -> int:
        """The largest length of an encoder input, EOS included."""
        ...

    @property
    def targets_length(self) -> int:
        """The largest length of a decoder target, EOS included."""
        ...

    def corrupt(self, tokens: Ids, random: np.random.Generator) -> tuple[Ids, Ids]:
        """The inputs and the targets of a chunk, trimmed, each with EOS."""
        ...


def span_lengths(inputs_length: int, *, noise_density: float, mean_span: float) -> tuple[int, int]:
    """The number of tokens that give inputs of ``inputs_length``, and the length of their targets; EOS is included.

    >>> span_lengths(512, noise_density=0.15, mean_span=3.0)
    (568, 114)
    """

    def lengths(tokens: int) -> tuple[int, int, int]:
        noise = round(tokens * noise_density)  # half to even, in float64, as random_spans_helper
        spans = round(noise / mean_span)
        return tokens - noise + spans + 1, noise + spans + 1, spans

    tokens = inputs_length - 1
    while lengths(tokens + 1)[0] <= inputs_length:
        tokens += 1
    inputs, targets, spans = lengths(tokens)
    if spans < 1:
        # The reference counts no span here, but its mask has one: EOS and a sentinel would be cut off.
        raise ValueError(
            f"inputs of {inputs_length} tokens at noise density {noise_density} hold less than half a span of "
            f"{mean_span} tokens: take longer inputs, more noise or shorter spans"
        )
    if noise_density == 0.5 and targets > inputs:
        tokens, targets = tokens - 1, targets - 1
    return tokens, targets


def span_counts(length: int, *, noise_density: float, mean_span: float) -> tuple[int, int]:
    """The numbers of noise tokens and noise spans in a chunk; at least one token is noise, and at least one is not.

    Both are rounded in float32, half to even, as in the reference. At density 0.15 and lengths such as 190 that gives
    one noise token more than float64. The trim then cuts the last two tokens of the targets. 568 is no such length.
    """
    length = max(length, 2)
    noise = int(np.round(np.float32(length) * np.float32(noise_density)))
    noise = min(max(noise, 1), length - 1)
    spans = max(int(np.round(np.float32(noise) / np.float32(mean_span))), 1)
    return noise, min(spans, length - noise)  # each span needs a gap before it; the reference fails without one


def composition(total: int, parts: int, random: np.random.Generator) -> npt.NDArray[np.int64]:
    """A random sequence of ``parts`` positive lengths with the sum ``total``; each sequence is equally likely."""
    cuts = np.sort(random.choice(total - 1, size=parts - 1, replace=False)) + 1
    return np.diff(cuts, prepend=0, append=total)


def span_mask(length: int, *, noise_density: float, mean_span: float, random: np.random.Generator) -> Mask:
    """The noise mask of a chunk: random runs that are no noise and random noise spans in turn; a noise span is last."""
    noise, spans = span_counts(length, noise_density=noise_density, mean_span=mean_span)
    kept_runs = composition(max(length, 2) - noise, spans, random)
    noise_runs = composition(noise, spans, random)
    runs = np.stack([kept_runs, noise_runs], axis=1).reshape(-1)
    mask: Mask = np.repeat(np.arange(len(runs)) % 2 == 1, runs)[:length]
    return mask


def spans_to_sentinels(tokens: Ids, mask: Mask, *, first_sentinel: int, sentinels: int) -> Ids:
    """The tokens, each run of masked ones replaced by a sentinel; sentinels fall from ``first_sentinel``."""
    starts = mask & ~np.concatenate([[False], mask[:-1]])
    count = int(starts.sum())
    if count > sentinels:
        raise ValueError(
            f"a chunk of {len(tokens)} tokens has {count} spans, but the vocabulary has {sentinels} sentinels: take "
            "shorter inputs, less noise or longer spans"
        )
    marked: Ids = np.where(starts, first_sentinel + 1 - np.cumsum(starts), tokens).astype(np.int32)
    ids: Ids = marked[starts | ~mask]
    return ids


def trim_and_end(ids: Ids, length: int) -> Ids:
    """The first ``length - 1`` ids at most, then EOS."""
    return np.append(ids[: length - 1], np.int32(EOS)).astype(np.int32)


@dataclass(frozen=True)
class SpanCorruption:
    """T5's objective: in the inputs a sentinel replaces each noise span; the targets list sentinels and their spans."""

    first_sentinel: int  # <extra_id_0>, the last id of the vocabulary
    inputs_length: int = 512  # T5
    noise_density: float = 0.15  # T5
    mean_span: float = 3.0  # T5
    sentinels: int = SENTINELS
    tokens_length: int = field(init=False, repr=False)
    targets_length: int = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not 0 < self.noise_density < 1 or self.mean_span < 1 or self.inputs_length < 3:
            raise ValueError(
                f"there is no such corruption: noise_density {self.noise_density} must lie in (0, 1), mean_span"
                f" {self.mean_span} must be at least 1, inputs_length {self.inputs_length} at least 3"
            )
        tokens, targets = span_lengths(self.inputs_length, noise_density=self.noise_density, mean_span=self.mean_span)
        object.__setattr__(self, "tokens_length", tokens)
        object.__setattr__(self, "targets_length", targets)
        spans = span_counts(tokens, noise_density=self.noise_density, mean_span=self.mean_span)[1]
        if spans > self.sentinels:
            raise ValueError(
                f"inputs of {self.inputs_length} tokens at noise density {self.noise_density} have {spans} spans, but"
                f" the vocabulary has {self.sentinels} sentinels: take shorter inputs, less noise or longer spans"
            )

    def corrupt(self, tokens: Ids, random: np.random.Generator) -> tuple[Ids, Ids]:
        """The inputs and the targets of a chunk, trimmed, each with EOS."""
        mask = span_mask(len(tokens), noise_density=self.noise_density, mean_span=self.mean_span, random=random)
        sentinels = {"first_sentinel": self.first_sentinel, "sentinels": self.sentinels}
        inputs = spans_to_sentinels(tokens, mask, **sentinels)
        targets = spans_to_sentinels(tokens, ~mask, **sentinels)
        return trim_and_end(inputs, self.inputs_length), trim_and_end(targets, self.targets_length)
