"""T5's loss: cross entropy with a z-loss, after t5x (``losses.py``), and what it is divided by.

B batch, T target positions, V embedding rows.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from model.config import PAD

Z_LOSS = 1e-4  # T5, in training only: keeps the normaliser near 1


class LossSums(NamedTuple):
    """Sums over weighted target tokens: ``total`` has ``z`` in it, ``weight`` is the number of tokens."""

    total: Tensor
    z: Tensor
    weight: Tensor


def real_tokens(targets: Tensor) -> Tensor:
    """Weight 1 for each target that is no padding, else 0; (B, T)."""
    return (targets != PAD).float()


def loss_sums(
    logits: Tensor,
    targets: Tensor,
    *,
    z_loss: float = Z_LOSS,
    label_smoothing: float = 0.0,
    weights: Tensor | None = None,
) -> LossSums:
    """Cross entropy and ``z_loss * ln(Z)**2``, summed over the targets (B, T) that are no padding, or as weighted.

    Smoothing gives each wrong row ``label_smoothing / (V - 1)`` and takes off the entropy that this leaves.
    Logits of any precision are summed in float32.
    """
    logits = logits.float()
    weights = real_tokens(targets) if weights is None else weights.float()
    log_z = logits.logsumexp(-1)  # (B, T)
    right = logits.gather(-1, targets[..., None].long()).squeeze(-1)
    if label_smoothing:
        others = logits.shape[-1] - 1
        low, high = torch.tensor([label_smoothing / others, 1 - label_smoothing], device=logits.device)
        least = -(high * high.log() + others * low * low.log())
        entropy = log_z - (high - low) * right - low * logits.sum(-1) - least
    else:
        entropy = log_z - right
    z = z_loss * log_z.square()
    return LossSums(((entropy + z) * weights).sum(), (z * weights).sum(), weights.sum())


def loss(logits: Tensor, targets: Tensor, *, z_loss: float = Z_LOSS, weights: Tensor | None = None) -> Tensor:
    """The mean over real target tokens (t5x NUM_REAL_TARGET_TOKENS); ``z_loss=0`` gives plain cross entropy.

    t5x offers two other means. For NUM_TOTAL_TARGET_TOKENS divide ``loss_sums(...).total`` by ``targets.numel()``;
    for AVERAGE_PER_SEQUENCE pass ``per_sequence(...)`` as ``weights``. With several micro-batches add up
    ``loss_sums`` and divide once.
    """
    sums = loss_sums(logits, targets, z_loss=z_loss, weights=weights)
    return sums.total / sums.weight


def per_sequence(weights: Tensor, segments: Tensor | None = None) -> Tensor:
    """Weights (B, T) scaled to sum to 1 in each sequence: a row, or with ``segments`` (B, T) a packed example.

    A sequence without weight stays at 0; padding may have any segment if its weight is 0.
    """
    weights = weights.float()
    if segments is None:
        segments = torch.zeros_like(weights, dtype=torch.long)
    sums = torch.zeros(weights.shape[0], weights.shape[1] + 1, device=weights.device)  # no more examples than tokens
    own = sums.scatter_add(1, segments.long(), weights).gather(1, segments.long())
    return torch.where(own > 0, weights / own.clamp(min=torch.finfo(own.dtype).tiny), 0.0)
