from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from model.config import preset
from model.decode import fill, greedy, spans
from model.export import load_hf
from model.t5 import T5


@pytest.mark.parametrize("version", ["v1.0", "v1.1"])
def test_greedy_is_the_reference_s(shared: Path, version: str) -> None:
    golden = json.loads((shared / "golden/t5/forward_tiny.json").read_text())
    model = load_hf(shared / "golden/t5/tiny_ckpt" / version)
    expected = [row[1:] for row in golden["results"]["transformers_5.23.0"][version]["greedy"]]
    inputs = torch.tensor(golden["inputs"]["input_ids"])
    assert greedy(model, inputs, max_length=8) == expected
    assert greedy(model, inputs, max_length=3) == [row[:3] for row in expected]


class Scripted(nn.Module):
    """Writes what its script says, a row of tokens for each row of the inputs, and counts its steps."""

    def __init__(self, script: list[list[int]]) -> None:
        super().__init__()
        self.script, self.steps, self.modes = torch.tensor(script), 0, set[bool]()

    def encode(self, inputs: Tensor) -> Tensor:
        return inputs

    def decode(self, written: Tensor, memory: Tensor, mask: Tensor) -> Tensor:
        assert written[:, 0].tolist() == [0] * len(written)
        self.steps += 1
        self.modes.add(self.training)
        return nn.functional.one_hot(self.script[:, : written.shape[1]], 20).float()


@pytest.mark.parametrize(
    ("script", "max_length", "expected", "steps"),
    [
        ([[5, 1, 7, 7], [5, 6, 7, 1]], 4, [[5, 1], [5, 6, 7, 1]], 4),
        ([[5, 1, 7, 7], [1, 6, 7, 1]], 4, [[5, 1], [1]], 2),  # all have ended
        ([[5, 6, 1, 7]], 2, [[5, 6]], 2),  # the EOS would have been next
        ([[5, 6, 1, 7]], 3, [[5, 6, 1]], 3),
        ([[0, 6, 1, 7]], 4, [[0, 6, 1]], 3),  # a pad that the network chose is a token
    ],
)
def test_a_row_ends_with_its_first_eos(
    script: list[list[int]], max_length: int, expected: list[list[int]], steps: int
) -> None:
    model = Scripted(script)
    assert greedy(model, torch.ones(len(script), 3, dtype=torch.long), max_length=max_length) == expected  # type: ignore[arg-type]
    assert model.steps == steps


@pytest.mark.parametrize("training", [True, False])
def test_decoding_is_without_dropout_and_leaves_the_mode(training: bool) -> None:
    model = Scripted([[5, 1]]).train(training)
    greedy(model, torch.ones(1, 3, dtype=torch.long), max_length=2)  # type: ignore[arg-type]
    assert (model.modes, model.training) == ({False}, training)


def test_rows_do_not_depend_on_their_neighbours() -> None:
    """Padding for a longer neighbour changes nothing."""
    model = T5(preset("v1.1-tiny", 256))
    inputs = torch.tensor([[5, 6, 7, 1, 0, 0], [9, 8, 7, 6, 5, 1]])
    both = greedy(model, inputs, max_length=6)
    assert both == [*greedy(model, inputs[:1, :4], max_length=6), *greedy(model, inputs[1:], max_length=6)]


def test_no_length_is_refused() -> None:
    with pytest.raises(ValueError, match="max_length is 0 tokens"):
        greedy(T5(preset("v1.1-tiny", 256)), torch.ones(1, 1, dtype=torch.long), max_length=0)


@pytest.mark.parametrize(
    ("inputs", "outputs", "expected"),
    [
        ([5, 99, 6, 98, 1], [99, 7, 8, 98, 9, 1], [5, 7, 8, 6, 9]),
        ([5, 99, 6, 98, 1], [99, 7, 1, 98, 9], [5, 7, 6, 98]),  # cut at EOS: no span for 98
        ([5, 99, 6, 98], [98, 9, 99, 7], [5, 7, 6, 9]),  # any order
        ([5, 99, 6], [99, 98, 7], [5, 6]),  # an empty span
        ([5, 99, 6], [4, 99, 7], [5, 7, 6]),  # tokens before any sentinel
        ([5, 99, 6], [99, 7, 99, 8], [5, 7, 6]),  # the first counts
        ([5, 99, 6], [99, 7, 97, 8], [5, 7, 6]),  # a sentinel that was not asked for
        ([5, 0, 6, 0, 1, 7, 99], [99, 0, 7], [5, 6]),  # padding and what follows EOS
        ([5, 6], [], [5, 6]),
    ],
)
def test_fill(inputs: list[int], outputs: list[int], expected: list[int]) -> None:
    assert fill(inputs, outputs, sentinels=range(90, 100)) == expected


@given(st.lists(st.tuples(st.integers(2, 89), st.booleans()), max_size=30))
def test_filling_undoes_span_corruption(marked: list[tuple[int, bool]]) -> None:
    """Runs of noise and of the rest trade places with descending sentinels; filled, the text is as before."""
    inputs: list[int] = []
    targets: list[int] = []
    sentinel, before = 200, False
    for token, noise in marked:
        if noise and not before:
            sentinel -= 1
            inputs.append(sentinel)
            targets.append(sentinel)
        (targets if noise else inputs).append(token)
        before = noise
    assert fill([*inputs, 1, 0], [*targets, 1, 0], range(sentinel, 200)) == [token for token, _ in marked]


def test_spans_start_at_their_sentinel() -> None:
    assert spans([4, 99, 7, 8, 98, 1, 97], {99, 98, 97}) == {99: [7, 8], 98: []}
