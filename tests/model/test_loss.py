from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from runs import mean_loss
from torch import Tensor

from model.loss import loss_sums, per_sequence, real_tokens, target_weights

TARGETS = torch.tensor([[4, 2, 9, 1, 0], [7, 1, 0, 0, 0]])


def det(seed: int, shape: tuple[int, ...], std: float) -> np.ndarray[Any, Any]:
    """The golden files' own numbers: uniform, of that standard deviation, without a random generator."""
    i = np.arange(math.prod(shape), dtype=np.float64)
    v = np.sin((i + 1) * 12.9898 + seed * 78.233) * 43758.5453
    return (((v - np.floor(v)) - 0.5) * math.sqrt(12) * std).astype(np.float32).reshape(shape)


@pytest.fixture(scope="module")
def vectors(shared: Path) -> Any:
    return json.loads((shared / "golden/t5/loss.json").read_text())


def test_sums_and_gradients_of_t5x(vectors: Any) -> None:
    assert len(vectors["rows"]) == 6
    for row in vectors["rows"]:
        logits = torch.tensor(det(3, (2, 5, 11), 2.0), requires_grad=True)
        sums = loss_sums(logits, TARGETS, z_loss=row["z_loss"], label_smoothing=row["label_smoothing"])
        sums.total.backward()
        gradient = logits.grad
        assert gradient is not None
        assert sums.total.item() == pytest.approx(row["loss_sum_incl_z"], abs=1e-5)
        assert sums.z.item() == pytest.approx(row["z_loss_sum"], abs=1e-5)
        assert sums.weight.item() == row["weight_sum"]
        assert gradient.flatten()[:6].tolist() == pytest.approx(row["grad_first6"], abs=1e-6)
        assert gradient[0, 3, :4].tolist() == pytest.approx(row["grad_token_0_3_first4"], abs=1e-6)
        assert gradient.double().square().sum().item() == pytest.approx(row["grad_sq_sum"], abs=2e-5)
        assert gradient[TARGETS == 0].abs().max() == 0


def test_divisors_of_t5x(vectors: Any) -> None:
    for case in vectors["loss_normalizing_cases"]:
        inputs = {name: torch.tensor(values) for name, values in case["inputs"].items()}
        targets = inputs["decoder_target_tokens"]
        weights = inputs.get("decoder_loss_weights", real_tokens(targets))
        logits = torch.tensor(det(5, (*targets.shape, 13), 1.5))
        each = per_sequence(weights, inputs.get("decoder_segment_ids"))
        summed, averaged = loss_sums(logits, targets, weights=weights), loss_sums(logits, targets, weights=each)
        means = {
            "NUM_REAL_TARGET_TOKENS": mean_loss(logits, targets, weights=weights),
            "NUM_TOTAL_TARGET_TOKENS": summed.total / targets.numel(),
            "AVERAGE_PER_SEQUENCE": averaged.total / averaged.weight,
            "none (t5x default)": summed.total,
        }
        assert set(means) == set(case["results"])
        for rule, value in means.items():
            assert value.item() == pytest.approx(case["results"][rule]["loss_incl_z"], abs=1e-5), (case["name"], rule)
        torch.testing.assert_close(
            each, torch.tensor(case["results"]["AVERAGE_PER_SEQUENCE"]["weights"]), atol=1e-6, rtol=0
        )


def test_loss_is_the_mean_over_real_targets() -> None:
    """Uniform logits cost ln V a token, however much padding there is."""
    assert mean_loss(torch.zeros(2, 5, 11), TARGETS, z_loss=0).item() == pytest.approx(math.log(11))
    with_z = mean_loss(torch.zeros(2, 5, 11), TARGETS, z_loss=0.5).item()
    assert with_z == pytest.approx(math.log(11) + 0.5 * math.log(11) ** 2)


def test_micro_batches_add_up() -> None:
    logits = torch.tensor(det(7, (2, 5, 11), 2.0))
    parts = [loss_sums(logits[i : i + 1], TARGETS[i : i + 1]) for i in range(2)]
    whole = sum(part.total for part in parts) / sum(part.weight for part in parts)
    assert float(whole) == pytest.approx(mean_loss(logits, TARGETS).item(), rel=1e-6)


def test_bfloat16_logits_are_summed_in_float32() -> None:
    logits = torch.tensor(det(7, (2, 5, 11), 2.0)).bfloat16()
    assert mean_loss(logits, TARGETS).dtype == torch.float32
    assert mean_loss(logits, TARGETS) == mean_loss(logits.float(), TARGETS)


def test_targets_are_weighted_alike_or_examples_are() -> None:
    segments = torch.tensor([[1, 1, 1, 2, 0], [1, 1, 0, 0, 0]])
    assert target_weights(TARGETS, segments, "tokens").tolist() == [[1, 1, 1, 1, 0], [1, 1, 0, 0, 0]]
    third = pytest.approx(1 / 3)
    assert target_weights(TARGETS, segments, "examples").tolist() == [[third] * 3 + [1, 0], [0.5, 0.5, 0, 0, 0]]


@pytest.mark.parametrize(
    ("weights", "segments", "expected"),
    [
        ([[1.0, 1.0, 0.0]], None, [[0.5, 0.5, 0.0]]),
        ([[0.0, 0.0, 0.0]], None, [[0.0, 0.0, 0.0]]),
        ([[1.0, 1.0, 1.0]], [[1, 2, 2]], [[1.0, 0.5, 0.5]]),
        ([[1.0, 1.0, 1.0]], [[1, 2, 3]], [[1.0, 1.0, 1.0]]),  # as many examples as tokens
    ],
)
def test_per_sequence(
    weights: list[list[float]], segments: list[list[int]] | None, expected: list[list[float]]
) -> None:
    given: Tensor | None = None if segments is None else torch.tensor(segments)
    assert per_sequence(torch.tensor(weights), given).tolist() == expected
