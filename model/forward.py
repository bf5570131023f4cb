"""A batch through the network: which tokens see which, when several examples share a row.

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
    """Logits (B, T, V) and targets (B, T) of a batch, in mixed precision where the device has it."""
    inputs, targets, input_segments, target_segments = (
        to(device, ids) for ids in (batch.inputs, batch.targets, batch.input_segments, batch.target_segments)
    )
    masks = {}
    if is_packed(batch):
        causal = torch.ones(targets.shape[1], targets.shape[1], dtype=torch.bool, device=device).tril()
        masks = {
            "encoder_mask": same_example(input_segments, input_segments),
            "decoder_mask": same_example(target_segments, target_segments) & causal,
            "cross_mask": same_example(target_segments, input_segments),
        }
    elif (batch.inputs != PAD).all():  # one mask for the whole batch: attention then needs a bias of no row's own
        masks = dict.fromkeys(("encoder_mask", "cross_mask"), torch.ones(1, 1, 1, dtype=torch.bool, device=device))
    with mixed_precision(device):
        return model(inputs, decoder_inputs(targets, target_segments), **masks), targets


def to(device: torch.device, ids: Ids) -> Tensor:
    """The ids where the network is."""
    return torch.from_numpy(ids.astype(np.int64)).to(device, non_blocking=True)


def is_packed(batch: Batch) -> bool:
    """A row holds more than one example; where none does, padding is all that needs a mask."""
    return bool(max(batch.input_segments.max(), batch.target_segments.max()) > 1)


def same_example(queries: Tensor, keys: Tensor) -> Tensor:
    """True where both are of one example and neither is padding (t5x, ``make_attention_mask``); (B, Q, K)."""
    return (queries[:, :, None] == keys[:, None, :]) & (queries[:, :, None] > 0)


def decoder_inputs(targets: Tensor, segments: Tensor) -> Tensor:
    """Targets one place to the right within each example, which starts from a pad; (B, T)."""
    first = segments != shift_right(segments)
    return shift_right(targets).masked_fill(first, PAD)
