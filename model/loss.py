"""T5's loss: cross entropy with a z-loss, and the weights of its targets, after t5x (``losses.py``).

B batch, T target positions, V embedding rows.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from model.config import PAD

Z_LOSS = 1e-4  # T5, in training only: keeps the normaliser near 1
WEIGHTINGS = ("tokens", "examples")


class LossSums(NamedTuple):
    """Sums over target tokens. Several batches have the sums of their sums."""

    total: Tensor  # of the weighted losses, the z-loss included
    z: Tensor  # of the weighted z-losses
    weight: Tensor  # of the weights


def real_tokens(targets: Tensor) -> Tensor:
    """Weight 1 for each target but padding, which has weight 0; (B, T)."""
    return (targets != PAD).float()


def loss_sums(
    logits: Tensor,
    targets: Tensor,
    *,
    z_loss: float = Z_LOSS,
    label_smoothing: float = 0.0,
    weights: Tensor | None = None,
) -> LossSums:
    """The sums of cross entropy and ``z_loss * ln(Z)**2`` over the targets (B, T).

    Without ``weights`` (B, T) every target but padding has weight 1. Smoothing gives each wrong row a share of
    ``label_smoothing / (V - 1)``; the least loss that this leaves is subtracted. All sums are in float32.
    """
    logits = logits.float()
    weights = real_tokens(targets) if weights is None else weights.float()
    log_z = logits.logsumexp(-1)  # (B, T)
    right = logits.gather(-1, targets[..., None].long()).squeeze(-1)
    if label_smoothing:
        wrong_rows = logits.shape[-1] - 1
        low, high = torch.tensor([label_smoothing / wrong_rows, 1 - label_smoothing], device=logits.device)
        least = -(high * high.log() + wrong_rows * low * low.log())
        entropy = log_z - (high - low) * right - low * logits.sum(-1) - least
    else:
        entropy = log_z - right
    z = z_loss * log_z.square()
    return LossSums(((entropy + z) * weights).sum(), (z * weights).sum(), weights.sum())


def target_weights(targets: Tensor, segments: Tensor, weighting: str) -> Tensor:
    """The weight of each target (B, T); the loss is the sum of weighted losses, divided by the sum of the weights.

    By "tokens" every real target has weight 1 (t5x NUM_REAL_TARGET_TOKENS). By "examples" the targets of a packed
    example share a weight of 1 (t5x AVERAGE_PER_SEQUENCE).
    """
    weights = real_tokens(targets)
    return per_sequence(weights, segments) if weighting == "examples" else weights


def per_sequence(weights: Tensor, segments: Tensor | None = None) -> Tensor:
    """The weights (B, T), scaled so that those of each sequence sum to 1.

    A sequence is a row, or with ``segments`` (B, T) a packed example. A sequence whose weights are all 0 keeps them.
    Padding may have any segment if its weight is 0.
    """
    weights = weights.float()
    if segments is None:
        segments = torch.zeros_like(weights, dtype=torch.long)
    sums = torch.zeros(weights.shape[0], weights.shape[1] + 1, device=weights.device)  # no more examples than tokens
    own = sums.scatter_add(1, segments.long(), weights).gather(1, segments.long())
    return torch.where(own > 0, weights / own.clamp(min=torch.finfo(own.dtype).tiny), 0.0)
