from __future__ import annotations

import contextlib
import json
import math
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from runs import mean_loss
from torch import Tensor, nn

from model.config import PRESETS, T5Config, preset
from model.t5 import T5, RelativeBias, mixed_precision, shift_right

VERSIONS = ["v1.0", "v1.1"]


def tiny(version: str, **changes: Any) -> T5Config:
    sizes = {"num_layers": 2, "num_decoder_layers": 2, "dropout_rate": 0.0}
    return replace(preset(f"{version}-tiny", 256), **(sizes | changes))


def tokens(rows: int, length: int, *, top: int = 256, seed: int = 0) -> Tensor:
    return torch.randint(3, top, (rows, length), generator=torch.Generator().manual_seed(seed))


@torch.no_grad()
def logits_of(model: T5, inputs: Tensor, targets: Tensor, **masks: Tensor) -> Tensor:
    return model.eval()(inputs, shift_right(targets), **masks)


@pytest.mark.parametrize("direction", ["bidirectional", "unidirectional"])
def test_buckets_of_the_reference(shared: Path, direction: str) -> None:
    rows = json.loads((shared / "golden/t5/relative_position_buckets.json").read_text())[direction]
    bias = RelativeBias(PRESETS["v1.1-small"], bidirectional=direction == "bidirectional")
    first, last = rows["range"]
    assert bias.bucket(torch.arange(first, last + 1)).tolist() == rows["buckets"]


@pytest.mark.parametrize(("buckets", "farthest"), [(32, 128), (32, 256), (64, 256), (16, 64), (8, 32)])
@pytest.mark.parametrize("bidirectional", [True, False])
def test_buckets_are_the_logarithms_of_the_reference(buckets: int, farthest: int, bidirectional: bool) -> None:
    """The formula in float32, as the reference computes it, gives the same up to a distance of 600."""
    config = tiny("v1.0", relative_attention_num_buckets=buckets, relative_attention_max_distance=farthest)
    offset = torch.arange(-600, 601)
    distance = offset.abs() if bidirectional else (-offset).clamp(min=0)
    each = buckets // 2 if bidirectional else buckets
    half = each // 2
    far = half + (torch.log(distance / half) / math.log(farthest / half) * (each - half)).long()
    expected = torch.where(distance < half, distance, far.clamp(max=each - 1))
    if bidirectional:
        expected = expected + each * (offset > 0)
    assert torch.equal(RelativeBias(config, bidirectional=bidirectional).bucket(offset), expected)


def by_kind(model: T5) -> dict[str, list[Tensor]]:
    """The weights under the kinds that the golden file names."""
    kinds: dict[str, list[Tensor]] = defaultdict(list)
    for name, weight in model.named_parameters():
        kind = name.split(".")[-2]
        kinds["norm" if kind.endswith("norm") else kind].append(weight.detach().flatten())
    return kinds


def cut(fan_in: int) -> tuple[float, float]:
    """Spread and limit of flax's truncated normal: 2 standard deviations of the parent, corrected by .87962566."""
    return fan_in**-0.5, 2 / 0.87962566 * fan_in**-0.5


@pytest.mark.parametrize("version", VERSIONS)
def test_initialisation_follows_t5x_s_rules(version: str) -> None:
    config = tiny(version, vocab_size=2048, d_model=256, d_kv=32, num_heads=12, d_ff=512)
    glorot = (6 / (12 + 32)) ** 0.5
    laws = {  # standard deviation, largest size
        "embedding": (1.0, 6.0),
        "q": ((256 * 32) ** -0.5, 1.0),
        "k": (256**-0.5, 1.0),
        "v": (256**-0.5, 1.0),
        "o": ((12 * 32) ** -0.5, 1.0),
        "relative_bias": (glorot / 3**0.5, glorot),
        "wo": cut(512),
        **({"wi": cut(256)} if config.tied else dict.fromkeys(("wi_0", "wi_1", "head"), cut(256))),
    }
    kinds = by_kind(T5(config, seed=1))
    assert set(kinds) == {*laws, "norm"}
    assert torch.cat(kinds["norm"]).unique().tolist() == [1.0]
    for kind, (std, limit) in laws.items():
        values = torch.cat(kinds[kind])
        assert values.std().item() == pytest.approx(std, rel=0.08 if kind == "relative_bias" else 0.02), kind
        assert abs(values.mean()) < 4 * std / len(values) ** 0.5, kind
        assert values.abs().max() <= limit * (1 + 1e-6), kind
        assert values.abs().max() > (4 * std if limit >= 1 else 0.95 * limit), kind  # whole tails, or all up to the cut


@pytest.mark.slow
@pytest.mark.parametrize("size", ["v1.0-small", "v1.1-small", "v1.0-base"])
def test_initialisation_is_t5x_s(shared: Path, size: str) -> None:
    """Spread and limits of every kind of weight in released sizes, and the loss of random tokens that they give."""
    golden = json.loads((shared / "golden/t5/init_stats.json").read_text())["models"][size]
    model = T5(replace(PRESETS[size], dropout_rate=0.0), seed=1)
    kinds = {{"head": "untied_head"}.get(kind, kind): weights for kind, weights in by_kind(model).items()}
    assert set(kinds) == set(golden["kinds"])
    for kind, weights in kinds.items():
        expected, values = golden["kinds"][kind], torch.cat(weights)
        tolerance = 0.08 if kind == "relative_bias" else 0.02
        assert (len(weights), len(values)) == (expected["tensors"], expected["count"]), kind
        assert values.std().item() == pytest.approx(expected["expected_std"], rel=tolerance, abs=1e-9), kind
        assert values.abs().max() <= expected.get("abs_limit", math.inf), kind
    targets = tokens(2, 114, top=32_000)
    logits = logits_of(model, tokens(2, 512, top=32_000, seed=1), targets)
    assert 10.6 < mean_loss(logits, targets, z_loss=0).item() < 11.2
    assert logits.std().item() == pytest.approx(1, rel=0.03)


@pytest.mark.parametrize("version", VERSIONS)
def test_random_tokens_cost_little_more_than_a_guess_at_first(version: str) -> None:
    """transformers' own v1.1 would start near 100.

    Not so for a tied network much wider than deep, by its nature: it expects the token that it has just read.
    """
    model = T5(tiny(version, vocab_size=4096, num_layers=3, num_decoder_layers=3))
    targets = tokens(8, 64, top=4096)
    value = mean_loss(logits_of(model, tokens(8, 64, top=4096, seed=1), targets), targets, z_loss=0).item()
    assert math.log(4096) < value < math.log(4096) + 0.9


def test_weights_depend_on_the_seed_alone() -> None:
    before = torch.get_rng_state()
    first, second, third = T5(tiny("v1.1"), seed=5), T5(tiny("v1.1"), seed=5), T5(tiny("v1.1"), seed=6)
    assert torch.equal(torch.get_rng_state(), before)
    for weight, same, different in zip(first.parameters(), second.parameters(), third.parameters(), strict=True):
        assert torch.equal(weight, same)
        assert not torch.equal(weight, different) or weight.dim() == 1  # norms are 1 whatever the seed


@pytest.mark.parametrize("version", VERSIONS)
def test_the_decoder_sees_nothing_after_itself(version: str) -> None:
    model, inputs, targets = T5(tiny(version)), tokens(1, 20), tokens(1, 12)
    changed = targets.clone()
    changed[0, 5] = 2
    before, after = logits_of(model, inputs, targets)[0], logits_of(model, inputs, changed)[0]
    assert torch.equal(before[:6], after[:6])  # the token at 5 is read at 6
    assert (before[6:] != after[6:]).any(-1).all()


@pytest.mark.parametrize("version", VERSIONS)
def test_padding_of_the_inputs_changes_nothing(version: str) -> None:
    model, inputs, targets = T5(tiny(version)), tokens(2, 20), tokens(2, 12)
    padded = nn.functional.pad(inputs, (0, 7))
    torch.testing.assert_close(logits_of(model, padded, targets), logits_of(model, inputs, targets), rtol=0, atol=1e-5)


def test_a_row_of_padding_alone_stays_finite() -> None:
    model = T5(tiny("v1.1")).train()
    inputs, targets = tokens(2, 9), tokens(2, 5)
    inputs[1], targets[1] = 0, 0
    value = mean_loss(model(inputs, shift_right(targets)), targets)
    value.backward()
    assert all(torch.isfinite(weight.grad).all() for weight in model.parameters() if weight.grad is not None)


@pytest.mark.parametrize("version", VERSIONS)
def test_masks_keep_packed_examples_apart(version: str) -> None:
    """Two examples in one row, with masks of their segments, have the logits of two rows: only offsets count."""
    model = T5(tiny(version))
    inputs, targets = tokens(2, 10), tokens(2, 6)
    alone = logits_of(model, inputs, targets)
    source, target = torch.arange(20) // 10, torch.arange(12) // 6
    packed = model.eval()(
        inputs.view(1, 20),
        shift_right(targets).reshape(1, 12),
        encoder_mask=(source[:, None] == source)[None],
        decoder_mask=((target[:, None] == target).tril())[None],
        cross_mask=(target[:, None] == source)[None],
    )
    torch.testing.assert_close(packed.view(2, 6, -1), alone, rtol=0, atol=1e-5)


@pytest.mark.parametrize("version", VERSIONS)
def test_every_weight_learns(version: str) -> None:
    model, targets = T5(tiny(version)), tokens(2, 40)
    mean_loss(model(tokens(2, 40), shift_right(targets)), targets).backward()
    for name, weight in model.named_parameters():
        assert weight.grad is not None, name
        assert weight.grad.abs().max() > 0, name


@pytest.mark.parametrize(("training", "layers", "places"), [(True, 1, 11), (True, 2, 18), (False, 2, 18)])
def test_dropout_falls_on_every_place_of_the_reference(training: bool, layers: int, places: int) -> None:
    """Embeddings and output of each stack; in each block what a sublayer adds and the hidden feed-forward states."""
    model = T5(tiny("v1.0", num_layers=layers, num_decoder_layers=layers, dropout_rate=0.5)).train(training)
    zeroed: list[float] = []
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.register_forward_hook(lambda _, x, y: zeroed.append(((y == 0) & (x[0] != 0)).float().mean().item()))
    model(tokens(2, 30), tokens(2, 30))
    assert len(zeroed) == places
    # Of a ReLU's states half are 0 before.
    assert all((0.2 < share < 0.6) if training else share == 0 for share in zeroed)


def test_attention_drops_probabilities_in_training_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[float] = []
    attend = nn.functional.scaled_dot_product_attention

    def watched(*tensors: Tensor, dropout_p: float, **options: Any) -> Tensor:
        seen.append(dropout_p)
        return attend(*tensors, dropout_p=dropout_p, **options)

    monkeypatch.setattr(nn.functional, "scaled_dot_product_attention", watched)
    model = T5(tiny("v1.0", dropout_rate=0.25))
    for training in (True, False):
        model.train(training)(tokens(1, 4), tokens(1, 4))
    assert seen == [0.25] * 6 + [0.0] * 6


def test_shift_right_starts_with_a_pad_and_loses_the_last() -> None:
    assert shift_right(torch.tensor([[7, 8, 1], [9, 1, 0]])).tolist() == [[0, 7, 8], [0, 9, 1]]


def test_the_cpu_runs_in_float32() -> None:
    assert isinstance(mixed_precision(torch.device("cpu")), contextlib.nullcontext)


@pytest.mark.parametrize("version", VERSIONS)
def test_bfloat16_leaves_logits_in_float32_and_near(version: str) -> None:
    model, inputs, targets = T5(tiny(version)), tokens(2, 40), tokens(2, 20)
    exact = logits_of(model, inputs, targets)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rounded = logits_of(model, inputs, targets)
    assert rounded.dtype == torch.float32
    assert not torch.equal(rounded, exact)
    assert (rounded - exact).square().mean().sqrt() < 0.05  # of logits whose own spread is 1


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("version", VERSIONS)
def test_cuda_agrees_with_the_cpu(version: str) -> None:
    model, inputs, targets = T5(tiny(version)), tokens(2, 40), tokens(2, 20)
    exact = logits_of(model, inputs, targets)
    device = torch.device("cuda")
    model.to(device)
    same = logits_of(model, inputs.to(device), targets.to(device)).cpu()
    assert (same - exact).abs().max() < 1e-3
    with mixed_precision(device):
        rounded = model(inputs.to(device), shift_right(targets.to(device)))
        value = mean_loss(rounded, targets.to(device))
    value.backward()
    assert rounded.dtype == value.dtype == torch.float32
    assert (rounded.detach().cpu() - exact).square().mean().sqrt() < 0.05
    assert all(torch.isfinite(weight.grad).all() for weight in model.parameters() if weight.grad is not None)
