"""The training loop: gradients in parts, checkpoints that change nothing, a NaN that stops."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from runs import CONFIG, CPU, fresh, go, lines_of, network, poison

from model import checkpoint, metrics
from model.forward import logits_of
from model.loss import loss_sums
from model.progress import Log
from model.stream import DataPosition, DataStream
from model.t5 import T5
from model.tokenizer import Tokenizer
from model.train import backward

pytestmark = pytest.mark.usefixtures("one_thread")


def test_gradients_do_not_depend_on_the_parts_of_a_batch(tokenizer: Tokenizer, stream: DataStream) -> None:
    """Also where the parts have different numbers of targets."""
    (batch, _) = next(replace(stream, packed=False).batches(64, DataPosition(group=0)))
    weights = [(part.targets != 0).sum() for part in batch.split(4)]
    assert len(set(weights)) > 1
    gradients, losses = [], []
    for parts in (1, 4):
        model = T5(network(tokenizer), seed=0)
        config = replace(CONFIG, batch_size=64, accumulate=parts)
        losses.append(float(backward(model, batch, config, CPU)))
        gradients.append([parameter.grad for parameter in model.parameters()])
    assert losses[0] == pytest.approx(losses[1], abs=1e-5)
    torch.testing.assert_close(gradients[0], gradients[1], atol=1e-6, rtol=1e-4)


def test_the_reported_loss_has_no_z_loss_in_it(tokenizer: Tokenizer, stream: DataStream) -> None:
    model = T5(network(tokenizer), seed=0)
    (batch, _) = next(stream.batches(4, DataPosition()))
    value = float(backward(model, batch, replace(CONFIG, z_loss=1.0), CPU))
    logits, targets = logits_of(model, batch, CPU)
    plain = torch.nn.functional.cross_entropy(logits.detach().flatten(0, 1), targets.flatten())
    assert value == pytest.approx(float(plain))


@pytest.mark.parametrize("parts", [1, 2])
def test_examples_may_weigh_the_same(tokenizer: Tokenizer, stream: DataStream, parts: int) -> None:
    """The mean over the examples of the batch of their mean losses, however the batch is split."""
    model = T5(network(tokenizer), seed=0)
    (batch, _) = next(replace(stream, packed=False).batches(64, DataPosition()))
    config = replace(CONFIG, batch_size=64, accumulate=parts, loss_weights="examples")
    mean = float(backward(model, batch, config, CPU))
    logits, targets = logits_of(model, batch, CPU)
    losses = torch.nn.functional.cross_entropy(
        logits.detach().transpose(1, 2), targets, reduction="none", ignore_index=0
    )
    assert len(set((targets != 0).sum(1).tolist())) > 1
    assert mean == pytest.approx(float((losses.sum(1) / (targets != 0).sum(1)).mean()), abs=1e-5)


def test_the_rate_follows_the_schedule(tokenizer: Tokenizer, stream: DataStream, tmp_path: Path) -> None:
    config = replace(CONFIG, steps=10, log_every=1, schedule="noam", warmup_steps=1, learning_rate=0.01)
    go(fresh(network(tokenizer)), stream, tmp_path, config)
    rates = [line["learning_rate"] for line in lines_of(tmp_path)]
    assert rates == pytest.approx([0.01 / max(step, 1) ** 0.5 for step in range(10)])
    assert config.rate(10) == 0


def test_loss_sums_agree_with_the_trainers(tokenizer: Tokenizer, stream: DataStream) -> None:
    """The mean that is trained on is the sum over real targets, by their number."""
    model = T5(network(tokenizer), seed=0)
    (batch, _) = next(stream.batches(4, DataPosition()))
    sums = loss_sums(*logits_of(model, batch, CPU))
    assert int(sums.weight) == (batch.targets != 0).sum()


@pytest.mark.parametrize(("version", "dropout"), [("v1.1", 0.0), ("v1.0", 0.1)])
def test_a_run_taken_up_again_has_the_same_losses(
    tokenizer: Tokenizer, stream: DataStream, tmp_path: Path, version: str, dropout: float
) -> None:
    """To the last bit, with dropout too, and the weights are the same in the end."""
    config = network(tokenizer, version=version, dropout=dropout)
    whole = fresh(config)
    go(whole, stream, tmp_path / "whole")
    go(fresh(config), stream, tmp_path / "parts", replace(CONFIG, steps=6))
    for path in checkpoint.all_in(tmp_path / "parts" / "checkpoints")[1:]:
        path.unlink()  # back to step 3
    again = fresh(config)
    torch.manual_seed(99)
    again.load(checkpoint.all_in(tmp_path / "parts" / "checkpoints")[0])
    assert again.step == 3
    go(again, stream, tmp_path / "parts")
    assert lines_of(tmp_path / "parts") == lines_of(tmp_path / "whole")
    assert [line["step"] for line in lines_of(tmp_path / "whole")] == [1, 2, 3, 4, 6, 8, 9]
    for mine, theirs in zip(again.model.parameters(), whole.model.parameters(), strict=True):
        assert torch.equal(mine, theirs)
    assert again.position == whole.position


def test_another_runs_checkpoint_is_refused(tokenizer: Tokenizer, stream: DataStream, tmp_path: Path) -> None:
    state = fresh(network(tokenizer))
    go(state, stream, tmp_path, replace(CONFIG, steps=1))
    another = replace(fresh(network(tokenizer)), identity={"data": "those", "seed": 4})
    with pytest.raises(ValueError, match=r"of another run: data was these and is those; seed was None and is 4\. Give"):
        another.load(checkpoint.path_of(tmp_path / "checkpoints", 1))


def test_a_run_learns(tokenizer: Tokenizer, stream: DataStream, tmp_path: Path) -> None:
    go(fresh(network(tokenizer)), stream, tmp_path, replace(CONFIG, steps=60, log_every=20, checkpoint_every=60))
    losses = [line["loss"] for line in lines_of(tmp_path)]
    assert losses[-1] < losses[0] - 0.5


def test_a_loss_that_is_not_finite_stops_the_run(tokenizer: Tokenizer, stream: DataStream, tmp_path: Path) -> None:
    """The step is named, and the checkpoint to go back to."""
    state = fresh(network(tokenizer))
    go(state, stream, tmp_path, replace(CONFIG, steps=3))
    step = state.optimizer.step

    def broken(*_: Any) -> None:
        step()
        if state.step == 4:
            with torch.no_grad():
                state.model.embedding.weight.fill_(math.nan)

    state.optimizer.step = broken  # type: ignore[method-assign]
    with pytest.raises(FloatingPointError, match=r"loss is nan at step 5; last good checkpoint: .*step-00000003\.safe"):
        go(state, stream, tmp_path)
    assert [path.name for path in checkpoint.all_in(tmp_path / "checkpoints")] == ["step-00000003.safetensors"]


def test_weights_that_are_not_finite_are_not_saved(tokenizer: Tokenizer, tmp_path: Path) -> None:
    state = fresh(network(tokenizer))
    poison(state)
    with pytest.raises(FloatingPointError, match=r"embedding\.weight is not finite; last good checkpoint: None"):
        state.save(tmp_path, keep=1)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("loss", "warned"), [(4.84, True), (4.853, False), (5.75, False), (5.76, True), (94.0, True)])
def test_the_start_is_checked(loss: float, warned: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """ln 128 is 4.852."""
    Log(CONFIG.steps, 128, tmp_path, metrics.Metrics(tmp_path, 0), 0).check_start(loss)
    assert ("warning" in capsys.readouterr().err) is warned


def test_the_network_starts_where_it_should(tokenizer: Tokenizer, stream: DataStream, tmp_path: Path) -> None:
    go(fresh(network(tokenizer)), stream, tmp_path, replace(CONFIG, steps=1))
    uniform = math.log(tokenizer.padded_vocab_size)
    assert uniform <= lines_of(tmp_path)[0]["loss"] <= uniform + 0.9


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"steps": -1}, "steps is -1, but must be at least 0"),
        ({"batch_size": 0}, "batch_size is 0, but must be at least 1"),
        ({"accumulate": 3}, "batch_size 4 is no multiple of accumulate 3"),
        ({"log_every": 0}, "log_every is 0, but must be at least 1"),
        ({"learning_rate": -0.1}, "learning_rate is -0.1, but must be at least 0"),
        ({"z_loss": -1.0}, "z_loss is -1.0, but must be at least 0"),
        ({"schedule": "cosine"}, "schedule is 'cosine', but must be one of inverse_sqrt, noam"),
        ({"loss_weights": "rows"}, "loss_weights is 'rows', but must be one of tokens, examples"),
    ],
)
def test_impossible_configurations(bad: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(CONFIG, **bad)
