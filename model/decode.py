"""Greedy decoding, and putting decoded spans back where the sentinels stand."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from itertools import takewhile

import torch
from torch import Tensor

from model.config import EOS, PAD
from model.t5 import T5, mixed_precision


@torch.inference_mode()
def greedy(model: T5, inputs: Tensor, *, max_length: int) -> list[list[int]]:
    """The likeliest next token again and again, for each row of ``inputs`` (B, S).

    A row ends with its first EOS, which it keeps, or after ``max_length`` tokens. The network is left in the mode,
    training or not, in which it came.
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
    """The ids up to and with the first EOS, or all of them.

    >>> through_eos([7, 1, 0, 9]), through_eos([7, 9])
    ([7, 1], [7, 9])
    """
    return list(ids[: ids.index(EOS) + 1]) if EOS in ids else list(ids)


def spans(outputs: Iterable[int], sentinels: Collection[int]) -> dict[int, list[int]]:
    """What the outputs put after each sentinel, up to EOS; the first time counts if one comes twice."""
    found: dict[int, list[int]] = {}
    current: list[int] = []  # tokens before any sentinel belong nowhere
    for token in takewhile(lambda token: token != EOS, outputs):
        if token in sentinels:
            current = []
            found.setdefault(token, current)
        elif token != PAD:
            current.append(token)
    return found


def fill(inputs: Iterable[int], outputs: Iterable[int], sentinels: Collection[int]) -> list[int]:
    """``inputs`` with each sentinel replaced by its span in ``outputs``, without EOS and padding.

    A sentinel that the outputs do not mention stays where it is.

    >>> fill([5, 99, 6, 98, 1, 0], [99, 7, 8, 98, 9, 1], sentinels=(99, 98))
    [5, 7, 8, 6, 9]
    """
    found = spans(outputs, sentinels)
    filled: list[int] = []
    for token in takewhile(lambda token: token != EOS, inputs):
        if token != PAD:
            filled += found.get(token, [token])
    return filled
