from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from runs import have_equal_weights, mean_loss
from safetensors import SafetensorError
from safetensors.torch import save_file

from model import checkpoint
from model.config import T5Config, preset
from model.optim import Adafactor, inverse_sqrt, set_lr
from model.t5 import T5, shift_right

CONFIG = replace(preset("v1.1-tiny", 256), num_layers=1, num_decoder_layers=1, dropout_rate=0.1)


def trainer(config: T5Config = CONFIG, seed: int = 0) -> tuple[T5, Adafactor]:
    model = T5(config, seed=seed)
    return model, Adafactor(model.parameters())


def train(model: T5, optimizer: torch.optim.Optimizer, steps: range) -> list[float]:
    """The losses of these steps, on batches that the step's number decides."""
    losses = []
    model.train()
    for step in steps:
        generator = torch.Generator().manual_seed(step)
        inputs, targets = (torch.randint(3, 256, (4, length), generator=generator) for length in (24, 12))
        set_lr(optimizer, inverse_sqrt(step, warmup=2))
        value = mean_loss(model(inputs, shift_right(targets)), targets)
        value.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        losses.append(value.item())
    return losses


def test_resumed_training_has_the_same_losses(tmp_path: Path) -> None:
    """To the last bit, with dropout, after a run of its own random numbers in between."""
    torch.manual_seed(3)
    model, optimizer = trainer()
    train(model, optimizer, range(3))
    path = checkpoint.save(tmp_path, model, optimizer, step=3, position={"shard": "a", "rows": [1, 2]})
    expected = train(model, optimizer, range(3, 7))

    torch.manual_seed(99)
    resumed, again = trainer(seed=1)
    train(resumed, again, range(1))
    header = checkpoint.load(path, resumed, again)
    assert (header.step, header.position, header.config) == (3, {"shard": "a", "rows": [1, 2]}, CONFIG)
    assert train(resumed, again, range(3, 7)) == expected
    assert have_equal_weights(model, resumed)


def test_other_optimisers_resume_too(tmp_path: Path) -> None:
    torch.manual_seed(3)
    model = T5(CONFIG)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    train(model, optimizer, range(2))
    path = checkpoint.save(tmp_path, model, optimizer, step=2, position={})
    expected = train(model, optimizer, range(2, 4))
    resumed = T5(CONFIG, seed=1)
    again = torch.optim.AdamW(resumed.parameters(), lr=1.0)
    checkpoint.load(path, resumed, again)
    assert train(resumed, again, range(2, 4)) == expected


def test_the_same_state_makes_the_same_bytes(tmp_path: Path) -> None:
    model, optimizer = trainer()
    train(model, optimizer, range(1))
    places = {"x": {"a": 2, "b": 1}, "y": {"b": 1, "a": 2}}
    files = [checkpoint.save(tmp_path / name, model, optimizer, step=1, position=at) for name, at in places.items()]
    assert files[0].read_bytes() == files[1].read_bytes()


def test_a_new_optimiser_has_nothing_to_save_and_resumes(tmp_path: Path) -> None:
    model, optimizer = trainer()
    path = checkpoint.save(tmp_path, model, optimizer, step=0, position={})
    resumed, again = trainer(seed=1)
    train(resumed, again, range(1))
    checkpoint.load(path, resumed, again)
    assert torch.equal(resumed.embedding.weight, model.embedding.weight)
    assert not again.state


@pytest.mark.parametrize(
    ("saved", "keep", "kept"), [(1, 2, [1]), (2, 2, [1, 2]), (3, 2, [2, 3]), (3, 1, [3]), (3, 4, [1, 2, 3])]
)
def test_the_newest_are_kept(tmp_path: Path, saved: int, keep: int, kept: list[int]) -> None:
    model, optimizer = trainer()
    for step in range(1, saved + 1):
        checkpoint.save(tmp_path, model, optimizer, step=step, position={}, keep=keep)
    assert checkpoint.all_in(tmp_path) == [checkpoint.path_of(tmp_path, step) for step in kept]


def test_a_checkpoint_just_written_is_never_the_one_deleted(tmp_path: Path) -> None:
    """Someone who went back to step 2 keeps it beside the newer ones of before."""
    model, optimizer = trainer()
    for step in (8, 9, 2):
        checkpoint.save(tmp_path, model, optimizer, step=step, position={}, keep=2)
    assert [path.name for path in checkpoint.all_in(tmp_path)] == [
        "step-00000002.safetensors",
        "step-00000009.safetensors",
    ]


def test_keeping_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="keep is 0 checkpoints"):
        checkpoint.save(tmp_path, *trainer(), step=1, position={}, keep=0)


def test_latest_goes_by_number_and_overlooks_halves(tmp_path: Path) -> None:
    assert checkpoint.latest(tmp_path / "none") is None
    assert checkpoint.latest(tmp_path) is None
    for name in ("step-99999999.safetensors", "step-100000000.safetensors", ".step-200000000.safetensors.7f", "step-x"):
        (tmp_path / name).touch()
    assert checkpoint.latest(tmp_path) == tmp_path / "step-100000000.safetensors"


def test_a_failed_write_leaves_the_older_ones_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, optimizer = trainer()
    first = checkpoint.save(tmp_path, model, optimizer, step=1, position={}, keep=1)
    before = first.read_bytes()

    def half(tensors: Any, path: Path, metadata: Any) -> None:
        save_file(tensors, path, metadata)
        raise OSError("no space left on device")

    monkeypatch.setattr(checkpoint, "save_file", half)
    for step in (1, 2):
        with pytest.raises(OSError, match="no space"):
            checkpoint.save(tmp_path, model, optimizer, step=step, position={}, keep=1)
    assert list(tmp_path.iterdir()) == [first]
    assert first.read_bytes() == before


def test_a_full_disk_is_an_error_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """safetensors has an error of its own for it, which is no OSError."""

    def full(*_: Any) -> None:
        raise SafetensorError("I/O error: No space left on device (os error 28)")

    monkeypatch.setattr(checkpoint, "save_file", full)
    with pytest.raises(OSError, match=r"step-00000001\.safetensors cannot be written .*No space.*: free space"):
        checkpoint.save(tmp_path, *trainer(), step=1, position={})
    assert list(tmp_path.iterdir()) == []


def test_halves_of_a_killed_run_are_swept_away(tmp_path: Path) -> None:
    (tmp_path / ".step-00000001.safetensors.abc").write_bytes(b"half")
    path = checkpoint.save(tmp_path, *trainer(), step=2, position={})
    assert list(tmp_path.iterdir()) == [path]


def test_others_may_read_what_the_umask_allows(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    path = checkpoint.save(tmp_path, *trainer(), step=1, position={})
    assert path.stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_another_network_is_refused_by_its_differences(tmp_path: Path) -> None:
    path = checkpoint.save(tmp_path, *trainer(), step=1, position={})
    model, optimizer = trainer(replace(CONFIG, d_ff=128, num_heads=2))
    before = copy.deepcopy(model)
    with pytest.raises(ValueError, match="another network: its d_ff is 256, not 128; its num_heads is 4, not 2"):
        checkpoint.load(path, model, optimizer)
    assert have_equal_weights(model, before)


def test_an_optimiser_of_other_parameters_is_refused(tmp_path: Path) -> None:
    model, optimizer = trainer()
    path = checkpoint.save(tmp_path, model, optimizer, step=1, position={})
    with pytest.raises(ValueError, match="groups of parameters"):
        checkpoint.load(path, model, Adafactor([model.embedding.weight]))
    with pytest.raises(ValueError, match="not the model's"):
        checkpoint.save(tmp_path, model, trainer()[1], step=2, position={})


def test_broken_files_say_what_to_do(tmp_path: Path) -> None:
    path = checkpoint.save(tmp_path, *trainer(), step=1, position={})
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match=r"step-00000001.*is no whole checkpoint .*: name an older one"):
        checkpoint.read(path)
    with pytest.raises(FileNotFoundError, match=r"step-00000009.*is not there: name a checkpoint"):
        checkpoint.read(checkpoint.path_of(tmp_path, 9))
    with pytest.raises(FileNotFoundError, match=r"is a folder: name a checkpoint"):
        checkpoint.read(tmp_path)


@pytest.mark.parametrize("metadata", [None, {"c4pipe": '{"format": 2}'}])
def test_other_formats_are_refused(tmp_path: Path, metadata: dict[str, str] | None) -> None:
    save_file({"a": torch.ones(1)}, tmp_path / "x.safetensors", metadata)
    with pytest.raises(ValueError, match="this version reads 1"):
        checkpoint.read(tmp_path / "x.safetensors")


def test_load_model_reads_the_network_alone(tmp_path: Path) -> None:
    model, optimizer = trainer()
    train(model, optimizer, range(1))
    path = checkpoint.save(tmp_path, model, optimizer, step=1, position={})
    random = torch.get_rng_state()
    header, alone = checkpoint.load_model(path)
    assert torch.equal(torch.get_rng_state(), random)
    assert header.versions == {"torch": torch.__version__}
    assert not alone.training
    assert have_equal_weights(model, alone)
