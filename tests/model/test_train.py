"""The training loop: masks of packed rows, gradients in parts, checkpoints that change nothing, a NaN that stops."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from c4pipe import shards
from model import checkpoint, held_out, metrics
from model.batches import Batch, Place, Source
from model.config import T5Config
from model.forward import decoder_inputs, is_packed, logits_of, same_example
from model.loss import loss_sums
from model.objectives import SpanCorruption
from model.optim import Adafactor
from model.packing import pack
from model.t5 import T5
from model.tokenizer import Tokenizer
from model.tokenizer import train as train_tokenizer
from model.train import Log, State, TrainConfig, backward, train

CPU = torch.device("cpu")
LETTERS = random.Random(1)
WORDS = ["".join(LETTERS.choices("abcdefghijklmnoprstuwyz", k=LETTERS.randint(2, 7))) for _ in range(60)]
TEXTS = [" ".join(random.Random(i).choices(WORDS[i % 5 :: 5], k=40)) for i in range(60)]


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Networks this small only wait for a second thread."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer(train_tokenizer(TEXTS, vocab_size=60))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shards")
    write_split(folder, "train", range(60))
    return folder


def write_split(folder: Path, split: str, numbers: range) -> None:
    rows = [
        {"text": TEXTS[number], "url": f"http://a.example/{split}/{number}", "timestamp": "2019-04-18T00:00:00Z"}
        | {"content-type": "text/plain", "content-length": "1"}
        for number in numbers
    ]
    name = shards.shard_name("jsonl", split, 0, 1)
    with open(folder / name, "wb") as stream:
        shards.write_shard("jsonl", stream, shards.table(rows), name=name)


@pytest.fixture(scope="module")
def source(folder: Path, tokenizer: Tokenizer) -> Source:
    objective = SpanCorruption(tokenizer.sentinel_id(0), inputs_length=32)
    return Source(tuple(shards.find_shards(folder, "train")), tokenizer, objective, group_documents=8)


def network(tokenizer: Tokenizer, *, version: str = "v1.1", dropout: float = 0.0) -> T5Config:
    return T5Config(version, tokenizer.padded_vocab_size, 32, 8, 48, 1, 1, 4, dropout_rate=dropout)


def fresh(config: T5Config) -> State:
    torch.manual_seed(0)
    model = T5(config, seed=3)
    return State(model, Adafactor(model.parameters()), {"data": "these"})


CONFIG = TrainConfig(steps=9, batch_size=4, log_every=2, evaluate_every=4, checkpoint_every=3, warmup_steps=10_000)


def lines_of(folder: Path) -> list[dict[str, Any]]:
    """All that was measured, but not how fast."""
    lines = list(metrics.read(folder))
    return [{key: value for key, value in line.items() if key != "tokens_per_second"} for line in lines]


def go(state: State, source: Source, folder: Path, config: TrainConfig = CONFIG, **more: Any) -> None:
    folder.mkdir(exist_ok=True)
    train(
        state, source, config, checkpoints=folder / "checkpoints", metrics=metrics.Metrics(folder, state.step), **more
    )


# Forward


def test_masks_and_decoder_inputs_are_the_references(shared: Path) -> None:
    file = json.loads((shared / "golden" / "t5" / "packing.json").read_text())
    rows = file["attention_masks"]["rows"]
    assert rows
    for case in rows:
        row = {key: torch.tensor([values]) for key, values in case["row"].items()}
        inputs, targets = row["encoder_segment_ids"], row["decoder_segment_ids"]
        causal = torch.ones(targets.shape[1], targets.shape[1], dtype=torch.bool).tril()
        masks = {
            "encoder": same_example(inputs, inputs),
            "decoder": same_example(targets, targets) & causal,
            "cross": same_example(targets, inputs),
        }
        for name, mask in masks.items():
            assert ["".join(str(int(bit)) for bit in line) for line in mask[0]] == case["masks"][name]
        assert torch.equal(decoder_inputs(row["decoder_target_tokens"], targets), row["decoder_input_tokens"])
    converted = [row for case in file["more_cases"][:2] for row in case["encdec_converter"]]
    for row in [*file["encdec_converter"], *converted]:
        shifted = decoder_inputs(*(torch.tensor([row[f"decoder_{key}"]]) for key in ("target_tokens", "segment_ids")))
        assert shifted[0].tolist() == row["decoder_input_tokens"]


def test_packed_examples_do_not_see_each_other(tokenizer: Tokenizer) -> None:
    """Three examples in one row give the logits that each gives by itself."""
    model = T5(network(tokenizer), seed=0).eval()
    examples = [(np.array([7, 8, 9, 1], np.int32) + i, np.array([30, 31, 1], np.int32) + i) for i in range(3)]
    together, alone = Batch.of(pack(examples, (14, 10))), Batch.of([pack([e], (14, 10))[0] for e in examples])
    assert (is_packed(together), is_packed(alone)) == (True, False)
    (packed, _), (single, _) = logits_of(model, together, CPU), logits_of(model, alone, CPU)
    for number in range(3):
        torch.testing.assert_close(packed[0, 3 * number : 3 * number + 3], single[number, :3], atol=1e-5, rtol=1e-5)


def test_rows_without_padding_need_no_mask_of_their_own(tokenizer: Tokenizer) -> None:
    """A full batch gives the logits that its rows have beside a padded one."""
    model = T5(network(tokenizer), seed=0).eval()
    full = (np.arange(7, 21, dtype=np.int32), np.arange(30, 40, dtype=np.int32))
    padded = (full[0][:9], full[1])
    (alone, _), (beside, _) = (
        logits_of(model, Batch.of([*pack([full], (14, 10)), *rows]), CPU) for rows in ([], pack([padded], (14, 10)))
    )
    torch.testing.assert_close(alone[0], beside[0], atol=1e-5, rtol=1e-5)
    assert not torch.allclose(beside[0], beside[1], atol=1e-3)


def test_gradients_do_not_depend_on_the_parts_of_a_batch(tokenizer: Tokenizer, source: Source) -> None:
    """Also where the parts have different numbers of targets."""
    (batch, _) = next(replace(source, packed=False).batches(64, Place(group=0)))
    weights = [(part.targets != 0).sum() for part in batch.parts(4)]
    assert len(set(weights)) > 1
    gradients, losses = [], []
    for parts in (1, 4):
        model = T5(network(tokenizer), seed=0)
        config = replace(CONFIG, batch_size=64, accumulate=parts)
        losses.append(float(backward(model, batch, config, CPU)))
        gradients.append([parameter.grad for parameter in model.parameters()])
    assert losses[0] == pytest.approx(losses[1], abs=1e-5)
    torch.testing.assert_close(gradients[0], gradients[1], atol=1e-6, rtol=1e-4)


def test_the_loss_told_has_no_z_loss_in_it(tokenizer: Tokenizer, source: Source) -> None:
    model = T5(network(tokenizer), seed=0)
    (batch, _) = next(source.batches(4, Place()))
    told = float(backward(model, batch, replace(CONFIG, z_loss=1.0), CPU))
    logits, targets = logits_of(model, batch, CPU)
    plain = torch.nn.functional.cross_entropy(logits.detach().flatten(0, 1), targets.flatten())
    assert told == pytest.approx(float(plain))


# The loop


@pytest.mark.parametrize(("version", "dropout"), [("v1.1", 0.0), ("v1.0", 0.1)])
def test_a_run_taken_up_again_has_the_same_losses(
    tokenizer: Tokenizer, source: Source, tmp_path: Path, version: str, dropout: float
) -> None:
    """To the last bit, with dropout too, and the weights are the same in the end."""
    config = network(tokenizer, version=version, dropout=dropout)
    whole = fresh(config)
    go(whole, source, tmp_path / "whole")
    go(fresh(config), source, tmp_path / "parts", replace(CONFIG, steps=6))
    for path in checkpoint.all_in(tmp_path / "parts" / "checkpoints")[1:]:
        path.unlink()  # back to step 3
    again = fresh(config)
    torch.manual_seed(99)
    again.load(checkpoint.all_in(tmp_path / "parts" / "checkpoints")[0])
    assert again.step == 3
    go(again, source, tmp_path / "parts")
    assert lines_of(tmp_path / "parts") == lines_of(tmp_path / "whole")
    assert [line["step"] for line in lines_of(tmp_path / "whole")] == [1, 2, 3, 4, 6, 8, 9]
    for mine, theirs in zip(again.model.parameters(), whole.model.parameters(), strict=True):
        assert torch.equal(mine, theirs)
    assert again.place == whole.place


def test_another_runs_checkpoint_is_refused(tokenizer: Tokenizer, source: Source, tmp_path: Path) -> None:
    state = fresh(network(tokenizer))
    go(state, source, tmp_path, replace(CONFIG, steps=1))
    other = replace(fresh(network(tokenizer)), identity={"data": "those", "seed": 4})
    with pytest.raises(ValueError, match=r"of another run: data was these and is those; seed was None and is 4\. Give"):
        other.load(checkpoint.path_of(tmp_path / "checkpoints", 1))


def test_a_run_learns(tokenizer: Tokenizer, source: Source, tmp_path: Path) -> None:
    go(fresh(network(tokenizer)), source, tmp_path, replace(CONFIG, steps=60, log_every=20, checkpoint_every=60))
    losses = [line["loss"] for line in lines_of(tmp_path)]
    assert losses[-1] < losses[0] - 0.5


def poison(state: State) -> None:
    with torch.no_grad():
        next(state.model.parameters())[:] = math.nan


def test_a_loss_that_is_not_finite_stops_the_run(tokenizer: Tokenizer, source: Source, tmp_path: Path) -> None:
    """The step is named, and the checkpoint to go back to."""
    state = fresh(network(tokenizer))
    go(state, source, tmp_path, replace(CONFIG, steps=3))
    step = state.optimizer.step

    def broken(*_: Any) -> None:
        step()
        if state.step == 4:
            with torch.no_grad():
                state.model.embedding.weight.fill_(math.nan)

    state.optimizer.step = broken  # type: ignore[method-assign]
    with pytest.raises(FloatingPointError, match=r"loss is nan at step 5; last good checkpoint: .*step-00000003\.safe"):
        go(state, source, tmp_path)
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
    Log(CONFIG, 128, tmp_path, metrics.Metrics(tmp_path, 0), 0).check_start(loss)
    assert ("warning" in capsys.readouterr().err) is warned


def test_the_network_starts_where_it_should(tokenizer: Tokenizer, source: Source, tmp_path: Path) -> None:
    go(fresh(network(tokenizer)), source, tmp_path, replace(CONFIG, steps=1))
    uniform = math.log(tokenizer.padded_vocab_size)
    assert uniform <= lines_of(tmp_path)[0]["loss"] <= uniform + 0.9


@pytest.mark.parametrize(
    "bad",
    [{"steps": -1}, {"batch_size": 0}, {"accumulate": 3}, {"log_every": 0}, {"learning_rate": -0.1}, {"z_loss": -1.0}],
)
def test_impossible_configurations(bad: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"too little|no multiple"):
        replace(CONFIG, **bad)


# Metrics


def test_lines_after_the_checkpoint_go(tmp_path: Path) -> None:
    first = metrics.Metrics(tmp_path, 0)
    for step in (1, 2, 3):
        first.write("train", step, loss=1.0 / step)
    with open(first.path, "a") as stream:
        stream.write('{"kind": "train", "st')  # a kill in the middle of a line
    metrics.Metrics(tmp_path, 2).write("train", 3, loss=0.1)
    assert [(line["step"], line["loss"]) for line in metrics.read(tmp_path)] == [(1, 1.0), (2, 0.5), (3, 0.1)]


def test_a_run_killed_before_its_first_checkpoint_leaves_no_line(tmp_path: Path) -> None:
    first = metrics.Metrics(tmp_path, 0)
    first.write("held_out", 0, loss=1.0)
    first.write("train", 1, loss=1.0)
    metrics.Metrics(tmp_path, 0)
    assert list(metrics.read(tmp_path)) == []


@pytest.mark.parametrize(
    ("loss", "said"), [(6.0, "0.5000 nat below"), (6.5, "0.0000 nat below"), (7.0, "0.5000 nat above")]
)
def test_the_yardstick_is_told(
    loss: float, said: str, tokenizer: Tokenizer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    class Fixed:
        def score(self, *_: Any) -> held_out.Score:
            return held_out.Score(5.0, loss, 6.5, 100)

    log = Log(CONFIG, 128, tmp_path, metrics.Metrics(tmp_path, 0), 0)
    log.held_out(4, Fixed(), T5(network(tokenizer)), CPU)  # type: ignore[arg-type]
    assert f"on text tokens {loss:.4f}: {said} their unigram entropy 6.5000" in capsys.readouterr().err


def test_a_held_out_loss_that_is_not_finite_stops_the_run(
    folder: Path, source: Source, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    state = fresh(network(tokenizer))
    poison(state)
    with pytest.raises(FloatingPointError, match="held-out loss is nan after step 0"):
        go(state, source, tmp_path, held_out=held_out_of(folder, source, tokenizer))


# Held-out documents


@pytest.mark.parametrize(("validation", "expected"), [(0, "train"), (2, "train"), (3, "validation"), (9, "validation")])
def test_where_held_out_documents_come_from(validation: int, expected: str, tmp_path: Path) -> None:
    write_split(tmp_path, "train", range(30))
    if validation:
        write_split(tmp_path, "validation", range(30, 30 + validation))
    chosen = held_out.choose(str(tmp_path), "train", 3)
    assert {document["url"].split("/")[-2] for document in chosen} == {expected}
    assert chosen == held_out.choose(str(tmp_path), "train", 3)
    assert held_out.choose(str(tmp_path), "train", 2)[0] == chosen[0] or validation == 2


def test_more_held_out_documents_than_there_are(tmp_path: Path) -> None:
    write_split(tmp_path, "train", range(3))
    assert len(held_out.choose(str(tmp_path), "train", 3)) == 3
    with pytest.raises(ValueError, match="has 3 documents, fewer than the 4 to hold out"):
        held_out.choose(str(tmp_path), "train", 4)
    assert held_out.choose(str(tmp_path), "train", 0) == []


def held_out_of(folder: Path, source: Source, tokenizer: Tokenizer) -> held_out.HeldOut:
    documents = held_out.choose(str(folder), "train", 10)
    source = replace(source, held_out=held_out.keys(documents))
    return held_out.HeldOut.of(documents, source, tokenizer, rows=4)


def test_the_yardstick_counts_training_text_alone(folder: Path, source: Source, tokenizer: Tokenizer) -> None:
    """Add-one shares of the pieces in what is trained on, over the text tokens of held-out targets."""
    documents = held_out.choose(str(folder), "train", 10)
    urls = {document["url"] for document in documents}
    trained = [d for path in source.shards for d in shards.read_documents(path) if d["url"] not in urls]
    assert len(trained) == 50
    tokens = [token for document in trained for token in tokenizer.encode(document["text"])]
    yardstick = held_out_of(folder, source, tokenizer)
    shares = {token: (tokens.count(token) + 1) / (len(tokens) + tokenizer.pieces) for token in range(tokenizer.pieces)}
    text = [
        token for batch in yardstick.batches for token in batch.targets.ravel().tolist() if 1 < token < tokenizer.pieces
    ]
    score = yardstick.score(T5(network(tokenizer), seed=0), CPU)
    assert score.text_tokens == len(text) > 100
    assert score.unigram_entropy == pytest.approx(-sum(math.log(shares[token]) for token in text) / len(text))


def test_the_held_out_losses(folder: Path, source: Source, tokenizer: Tokenizer) -> None:
    yardstick, model = held_out_of(folder, source, tokenizer), T5(network(tokenizer, dropout=0.5), seed=0)
    model.train()
    state = torch.get_rng_state()
    score = yardstick.score(model, CPU)
    assert torch.equal(torch.get_rng_state(), state)
    assert model.training
    model.eval()
    every, text = [], []
    for batch in yardstick.batches:
        logits, targets = logits_of(model, batch, CPU)
        losses = torch.nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none")
        every += losses[targets.flatten() != 0].tolist()
        text += losses[(targets.flatten() > 1) & (targets.flatten() < tokenizer.pieces)].tolist()
    assert score.loss == pytest.approx(np.mean(every), abs=1e-5)
    assert score.text_loss == pytest.approx(np.mean(text), abs=1e-5)


def test_held_out_documents_are_scored_in_a_run(
    folder: Path, source: Source, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    """Before the first step, in between, and at the end; the losses of training stay what they are."""
    yardstick = held_out_of(folder, source, tokenizer)
    go(fresh(network(tokenizer, dropout=0.1)), source, tmp_path / "with", held_out=yardstick)
    go(fresh(network(tokenizer, dropout=0.1)), source, tmp_path / "without")
    scored = [line for line in lines_of(tmp_path / "with") if line["kind"] == "held_out"]
    assert [line["step"] for line in scored] == [0, 4, 8, 9]
    assert scored[-1]["loss"] < scored[0]["loss"]
    assert [line for line in lines_of(tmp_path / "with") if line["kind"] == "train"] == lines_of(tmp_path / "without")


def test_counting_stops_at_its_limit(source: Source, tokenizer: Tokenizer) -> None:
    first = next(islice(shards.read_documents(source.shards[0]), 1))
    counted = held_out.unigram(source, tokenizer, counted_tokens=1)
    tokens = tokenizer.encode(first["text"])
    assert np.exp(counted).sum() == pytest.approx(1.0)
    assert np.exp(counted[tokens[0]]) == pytest.approx((tokens.count(tokens[0]) + 1) / (len(tokens) + tokenizer.pieces))


def test_loss_sums_agree_with_the_trainers(tokenizer: Tokenizer, source: Source) -> None:
    """The mean that is trained on is the sum over real targets, by their number."""
    model = T5(network(tokenizer), seed=0)
    (batch, _) = next(source.batches(4, Place()))
    sums = loss_sums(*logits_of(model, batch, CPU))
    assert int(sums.weight) == (batch.targets != 0).sum()
