"""Run a batch through the network. Examples that share a row do not see each other.

B batch, S source and T target positions, V embedding rows.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from model.config import PAD
from model.objectives import Ids
from model.stream import Batch
from model.t5 import T5, mixed_precision, shift_right


def logits_of(model: T5, batch: Batch, device: torch.device) -> tuple[Tensor, Tensor]:
    """The logits (B, T, V) and the targets (B, T) of a batch, in mixed precision if the device has it."""
    inputs, targets, input_segments, target_segments = (
        to_device(ids, device) for ids in (batch.inputs, batch.targets, batch.input_segments, batch.target_segments)
    )
    masks = {}
    if is_packed(batch):
        causal = torch.ones(targets.shape[1], targets.shape[1], dtype=torch.bool, device=device).tril()
        masks = {
            "encoder_mask": same_example(input_segments, input_segments),
            "decoder_mask": same_example(target_segments, target_segments) & causal,
            "cross_mask": same_example(target_segments, input_segments),
        }
    elif (batch.inputs != PAD).all():  # one mask for all rows, so that attention needs one bias for all rows
        masks = dict.fromkeys(("encoder_mask", "cross_mask"), torch.ones(1, 1, 1, dtype=torch.bool, device=device))
    with mixed_precision(device):
        return model(inputs, decoder_inputs(targets, target_segments), **masks), targets


def to_device(ids: Ids, device: torch.device) -> Tensor:
    """The ids as a tensor on the device."""
    return torch.from_numpy(ids.astype(np.int64)).to(device, non_blocking=True)


def is_packed(batch: Batch) -> bool:
    """True if any row holds more than one example. Otherwise only padding needs a mask."""
    return bool(max(batch.input_segments.max(), batch.target_segments.max()) > 1)


def same_example(queries: Tensor, keys: Tensor) -> Tensor:
    """True where query and key are of one example, not of padding (t5x ``make_attention_mask``); (B, Q, K)."""
    return (queries[:, :, None] == keys[:, None, :]) & (queries[:, :, None] > 0)


def decoder_inputs(targets: Tensor, segments: Tensor) -> Tensor:
    """The targets, shifted right by one within each example; the first input of an example is a pad; (B, T)."""
    first = segments != shift_right(segments)
    return shift_right(targets).masked_fill(first, PAD)
