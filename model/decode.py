"""Decode greedily, and put decoded spans in place of the sentinels."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from itertools import takewhile

import torch
from torch import Tensor

from model.config import EOS, PAD
from model.t5 import T5, mixed_precision


@torch.inference_mode()
def greedy(model: T5, inputs: Tensor, *, max_length: int) -> list[list[int]]:
    """The most likely tokens for each row of ``inputs`` (B, S), chosen one after another.

    A row ends with its first EOS, or after ``max_length`` tokens. The network's mode, training or not, stays as it was.
    """
    if max_length < 1:
        raise ValueError(f"max_length is {max_length} tokens, but must be at least 1")
    was_training = model.training
    model.eval()
    mask = (inputs != PAD)[:, None]
    written = torch.full((len(inputs), 1), PAD, device=inputs.device)  # the decoder starts from a pad
    ended = torch.zeros(len(inputs), dtype=torch.bool, device=inputs.device)
    with mixed_precision(inputs.device):
        memory = model.encode(inputs)
        for _ in range(max_length):
            token = model.decode(written, memory, mask)[:, -1].argmax(-1)
            written = torch.cat([written, token.masked_fill(ended, PAD)[:, None]], 1)
            ended |= token == EOS
            if ended.all():
                break
    model.train(was_training)
    return [through_eos(row) for row in written[:, 1:].tolist()]


def through_eos(ids: Sequence[int]) -> list[int]:
    """The ids up to the first EOS, which is included; all ids if there is no EOS.

    >>> through_eos([7, 1, 0, 9]), through_eos([7, 9])
    ([7, 1], [7, 9])
    """
    return list(ids[: ids.index(EOS) + 1]) if EOS in ids else list(ids)


def spans(outputs: Iterable[int], sentinels: Collection[int]) -> dict[int, list[int]]:
    """The span after each sentinel of the outputs, up to EOS; if a sentinel occurs twice, its first span."""
    by_sentinel: dict[int, list[int]] = {}
    current: list[int] = []  # collects, and drops, the tokens before the first sentinel
    for token in takewhile(lambda token: token != EOS, outputs):
        if token in sentinels:
            current = []
            by_sentinel.setdefault(token, current)
        elif token != PAD:
            current.append(token)
    return by_sentinel


def fill(inputs: Iterable[int], outputs: Iterable[int], sentinels: Collection[int]) -> list[int]:
    """The inputs, each sentinel replaced by its span in the outputs, without EOS and padding.

    A sentinel that the outputs lack stays.

    >>> fill([5, 99, 6, 98, 1, 0], [99, 7, 8, 98, 9, 1], sentinels=(99, 98))
    [5, 7, 8, 6, 9]
    """
    by_sentinel = spans(outputs, sentinels)
    filled: list[int] = []
    for token in takewhile(lambda token: token != EOS, inputs):
        if token != PAD:
            filled += by_sentinel.get(token, [token])
    return filled
