"""A batch through the network: masks of packed rows."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from runs import CPU, network

from model.forward import decoder_inputs, is_packed, logits_of, same_example
from model.packing import pack
from model.stream import Batch
from model.t5 import T5
from model.tokenizer import Tokenizer

pytestmark = pytest.mark.usefixtures("one_thread")


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
