"""Checkpoints: one file holds all that training needs to go on as if it had never stopped.

A file is ``step-00001000.safetensors``: the weights under ``model/``, the optimiser's tensors under ``optimizer/``, the
state of the random generators under ``random/``, and in the header a JSON text with the rest. Nothing in it is code.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from model import atomic
from model.config import T5Config
from model.t5 import T5

FORMAT = 1
NAME = re.compile(r"step-(\d{8,})\.safetensors")
OLDER_KEPT = 3


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint says besides its tensors."""

    step: int  # steps done, so the number of the next one
    config: T5Config
    position: Mapping[str, Any]  # where the data stood, as the trainer wrote it
    groups: list[dict[str, Any]]  # the optimiser's settings, with its parameters by name
    versions: Mapping[str, str]


def path_of(folder: Path, step: int) -> Path:
    """Where the checkpoint of that step lies."""
    return folder / f"step-{step:08d}.safetensors"


def all_in(folder: Path) -> list[Path]:
    """The whole checkpoints in the folder, oldest first; none if there is no folder."""
    found = [(int(match[1]), path) for path in folder.glob("step-*") if (match := NAME.fullmatch(path.name))]
    return [path for _, path in sorted(found)]


def latest(folder: Path) -> Path | None:
    """The checkpoint with the highest step, or None."""
    checkpoints = all_in(folder)
    return checkpoints[-1] if checkpoints else None


def save(
    folder: Path,
    model: T5,
    optimizer: torch.optim.Optimizer,
    *,
    step: int,
    position: Mapping[str, Any],
    keep: int = OLDER_KEPT,
) -> Path:
    """Write a checkpoint and delete all but the newest ``keep``; a reader never sees half of one.

    ``position`` is anything that JSON can hold.
    """
    if keep < 1:
        raise ValueError(f"keep is {keep} checkpoints, but must be at least 1")
    names = _names(model, optimizer)
    tensors = {f"model/{name}": value for name, value in model.state_dict().items()}
    for parameter, state in optimizer.state.items():
        tensors |= {f"optimizer/{names[parameter]}/{key}": torch.as_tensor(value) for key, value in state.items()}
    header = {"format": FORMAT, "step": step, "config": model.config.to_json(), "position": dict(position)}
    header |= {"groups": _groups(optimizer, names), "versions": {"torch": torch.__version__}}
    # One key: safetensors writes several in any order, and the bytes would differ.
    metadata = {"c4pipe": json.dumps(header, sort_keys=True, allow_nan=False)}
    path = path_of(folder, step)
    write_tensors(path, tensors | _random_state(), metadata)
    _remove_older(path, keep)
    return path


def _remove_older(path: Path, keep: int) -> None:
    """Leave the checkpoint and others up to ``keep`` in all, and nothing of a run that was killed while it wrote."""
    older = [other for other in all_in(path.parent) if other != path]
    halves = list(path.parent.glob(".step-*"))
    for stale in older[: max(0, len(older) + 1 - keep)] + halves:
        stale.unlink()


def write_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: dict[str, str]) -> None:
    """Replace the file by a safetensors file of these tensors."""
    with atomic.replacing(path) as temporary:
        try:
            save_file({name: value.detach().contiguous() for name, value in tensors.items()}, temporary, metadata)
        except SafetensorError as error:  # safetensors' own name for a full disk
            raise atomic.NotWritten(f"{path} cannot be written ({error}): free space on its disk") from error


def _names(model: T5, optimizer: torch.optim.Optimizer) -> dict[Tensor, str]:
    names: dict[Tensor, str] = {parameter: name for name, parameter in model.named_parameters()}
    if any(parameter not in names for group in optimizer.param_groups for parameter in group["params"]):
        raise ValueError("the optimiser has parameters that are not the model's")
    return names


def _groups(optimizer: torch.optim.Optimizer, names: Mapping[Tensor, str]) -> list[dict[str, Any]]:
    """The optimiser's settings, with its parameters by name."""
    return [{**group, "params": [names[each] for each in group["params"]]} for group in optimizer.param_groups]


def _random_state() -> dict[str, Tensor]:
    states = {"random/cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        states |= {f"random/cuda:{i}": state for i, state in enumerate(torch.cuda.get_rng_state_all())}
    return states


def _open(path: Path) -> Any:
    try:
        return safe_open(path, "pt")
    except FileNotFoundError:
        raise FileNotFoundError(f"{path}: no such checkpoint") from None
    except SafetensorError as error:
        raise ValueError(f"{path}: no whole checkpoint ({error}); resume from an older one") from None


def read(path: Path) -> Checkpoint:
    """What the checkpoint says besides its tensors."""
    with _open(path) as file:
        text = (file.metadata() or {}).get("c4pipe")
    header = json.loads(text) if text else {}
    if header.get("format") != FORMAT:
        raise ValueError(f"{path}: its format is {header.get('format')}, but this version reads {FORMAT}")
    config = T5Config.from_json(header["config"])
    return Checkpoint(header["step"], config, header["position"], header["groups"], header["versions"])


def load_model(path: Path) -> tuple[Checkpoint, T5]:
    """The network alone, on the CPU, for export and evaluation."""
    found = read(path)
    model = T5(found.config, seed=None)
    _load_weights(path, model)
    return found, model.eval()


def load(path: Path, model: T5, optimizer: torch.optim.Optimizer) -> Checkpoint:
    """Bring model, optimiser and random generators to where they were; refuse a checkpoint of another network."""
    found = read(path)
    if differences := found.config.differences(model.config):
        raise ValueError(f"{path} is of another network: its {'; its '.join(differences)}")
    names = _names(model, optimizer)
    ours = [group["params"] for group in _groups(optimizer, names)]
    if ours != [group["params"] for group in found.groups]:
        raise ValueError(f"{path}: the optimiser's groups of parameters are not those of the checkpoint")
    _load_weights(path, model)
    for group, saved in zip(optimizer.param_groups, found.groups, strict=True):
        group.update({key: value for key, value in saved.items() if key != "params"})
    parameters = {name: parameter for parameter, name in names.items()}
    optimizer.state.clear()
    with _open(path) as file:
        for key in sorted(file.keys()):
            if key.startswith("optimizer/"):
                _, name, field = key.split("/")
                parameter = parameters[name]
                optimizer.state[parameter][field] = file.get_tensor(key).to(parameter.device)
            elif key == "random/cpu":
                torch.set_rng_state(file.get_tensor(key))
            elif key.startswith("random/cuda:") and torch.cuda.device_count() > int(key.rpartition(":")[2]):
                torch.cuda.set_rng_state(file.get_tensor(key), int(key.rpartition(":")[2]))
    return found


def _load_weights(path: Path, model: T5) -> None:
    with _open(path) as file:
        names = [key for key in file.keys() if key.startswith("model/")]  # noqa: SIM118
        model.load_state_dict({name.removeprefix("model/"): file.get_tensor(name) for name in names})
