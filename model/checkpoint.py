"""Checkpoints: one file holds all that training needs to go on as if it had never stopped.

A file is named ``step-00001000.safetensors``. Its tensors are the weights (``model/``), those of the optimiser
(``optimizer/``) and the states of the random generators (``random/``). Its header holds the rest as JSON. Nothing in
the file is code.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
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
    """The header of a checkpoint: all but its tensors."""

    step: int  # steps done; also the number of the next step, counted from 0
    config: T5Config
    position: Mapping[str, Any]  # of the data stream, as the trainer wrote it
    groups: list[dict[str, Any]]  # the optimiser's settings, with the names of its parameters
    versions: Mapping[str, str]


def path_of(folder: Path, step: int) -> Path:
    """The path of a step's checkpoint."""
    return folder / f"step-{step:08d}.safetensors"


def all_in(folder: Path) -> list[Path]:
    """The checkpoints in the folder, by step; none if there is no folder. Half-written files have other names."""
    numbered = [(int(match[1]), path) for path in folder.glob("step-*") if (match := NAME.fullmatch(path.name))]
    return [path for _, path in sorted(numbered)]


def latest(folder: Path) -> Path | None:
    """The checkpoint with the highest step, or None if the folder has none."""
    return next(reversed(all_in(folder)), None)


def save(
    folder: Path,
    model: T5,
    optimizer: torch.optim.Optimizer,
    *,
    step: int,
    position: Mapping[str, Any],  # values of JSON
    keep: int = OLDER_KEPT,
) -> Path:
    """Write a checkpoint, then delete the oldest ones, so that ``keep`` remain; return the path of the new one."""
    if keep < 1:
        raise ValueError(f"keep is {keep} checkpoints, but must be at least 1")
    names = parameter_names(model, optimizer)
    tensors = {f"model/{name}": value for name, value in model.state_dict().items()}
    for parameter, state in optimizer.state.items():
        tensors |= {f"optimizer/{names[parameter]}/{key}": torch.as_tensor(value) for key, value in state.items()}
    header = {"format": FORMAT, "step": step, "config": model.config.to_json(), "position": dict(position)}
    header |= {"groups": named_groups(optimizer, names), "versions": {"torch": torch.__version__}}
    # One key: safetensors writes several keys in no fixed order, and the bytes would differ.
    metadata = {"c4pipe": json.dumps(header, sort_keys=True, allow_nan=False)}
    path = path_of(folder, step)
    write_tensors(path, tensors | random_states(), metadata)
    remove_older(path, keep)
    return path


def remove_older(path: Path, keep: int) -> None:
    """Delete the oldest checkpoints beside ``path``, so that ``keep`` remain; ``path`` always does.

    Temporary files that a killed run left there are deleted, too.
    """
    beside = [checkpoint for checkpoint in all_in(path.parent) if checkpoint != path]
    for stale in (*beside[: max(0, len(beside) + 1 - keep)], *path.parent.glob(".step-*")):
        atomic.remove(stale)


def write_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: dict[str, str]) -> None:
    """Replace the file by a safetensors file of these tensors."""
    with atomic.replacing(path) as temporary:
        try:
            save_file({name: value.detach().contiguous() for name, value in tensors.items()}, temporary, metadata)
        except SafetensorError as error:  # safetensors' own name for a full disk
            raise atomic.NotWritten(f"{path} cannot be written ({error}): free space on its disk") from error


def parameter_names(model: T5, optimizer: torch.optim.Optimizer) -> dict[Tensor, str]:
    """The name of each parameter; an error if the optimiser has parameters that the model lacks."""
    names: dict[Tensor, str] = {parameter: name for name, parameter in model.named_parameters()}
    if any(parameter not in names for group in optimizer.param_groups for parameter in group["params"]):
        raise ValueError("the optimiser has parameters that are not the model's")
    return names


def named_groups(optimizer: torch.optim.Optimizer, names: Mapping[Tensor, str]) -> list[dict[str, Any]]:
    """The optimiser's groups of settings, with the names of their parameters."""
    return [{**group, "params": [names[value] for value in group["params"]]} for group in optimizer.param_groups]


def random_states() -> dict[str, Tensor]:
    """The states of torch's random generators: one of the CPU, one of each CUDA device."""
    states = {"random/cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        states |= {f"random/cuda:{i}": state for i, state in enumerate(torch.cuda.get_rng_state_all())}
    return states


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """Open a checkpoint; an error names the file and a remedy. Tensors are read when they are asked for."""
    if not path.is_file():
        state = "is a folder" if path.is_dir() else "is not there"
        raise FileNotFoundError(f"{path} {state}: name a checkpoint, a file step-XXXXXXXX.safetensors")
    try:
        with safe_open(path, "pt") as file:
            yield file
    except SafetensorError as error:
        raise ValueError(f"{path} is no whole checkpoint ({error}): name an older one") from None


def read(path: Path) -> Checkpoint:
    """The header of the checkpoint."""
    with opened(path) as file:
        text = (file.metadata() or {}).get("c4pipe")
    header = json.loads(text) if text else {}
    if header.get("format") != FORMAT:
        wrong = f"{path} has format {header.get('format')}, but this version reads {FORMAT}"
        raise ValueError(f"{wrong}: name a checkpoint of python -m model.pretrain")
    config = T5Config.from_json(header["config"])
    return Checkpoint(header["step"], config, header["position"], header["groups"], header["versions"])


def load_model(path: Path) -> tuple[Checkpoint, T5]:
    """The header and the network, on the CPU, in evaluation mode; the random generators stay as they are."""
    header = read(path)
    model = T5(header.config, seed=None)
    model.load_state_dict(tensors_under(path, "model"))
    return header, model.eval()


def load(path: Path, model: T5, optimizer: torch.optim.Optimizer) -> Checkpoint:
    """Bring model, optimiser and random generators to where the checkpoint has them; return its header.

    A checkpoint of another network, or of an optimiser with other groups, is refused before anything changes.
    """
    header, names = read(path), parameter_names(model, optimizer)
    if differences := header.config.differences(model.config):
        raise ValueError(f"{path} is of another network: its {'; its '.join(differences)}. Give the old options")
    groups = [group["params"] for group in named_groups(optimizer, names)]
    if groups != [group["params"] for group in header.groups]:
        raise ValueError(f"{path} is of an optimiser with other groups of parameters: make the groups that it had")
    model.load_state_dict(tensors_under(path, "model"))
    for group, saved in zip(optimizer.param_groups, header.groups, strict=True):
        group.update({key: value for key, value in saved.items() if key != "params"})
    load_optimizer(path, optimizer, {name: parameter for parameter, name in names.items()})
    load_random_states(path)
    return header


def load_optimizer(path: Path, optimizer: torch.optim.Optimizer, parameters: Mapping[str, Tensor]) -> None:
    """Replace the optimiser's state by that of the checkpoint, each tensor on the device of its parameter."""
    optimizer.state.clear()
    for key, value in tensors_under(path, "optimizer").items():
        name, _, field = key.partition("/")
        optimizer.state[parameters[name]][field] = value.to(parameters[name].device)


def load_random_states(path: Path) -> None:
    """Set the random generators of the CPU and of those CUDA devices that are there."""
    for generator, state in tensors_under(path, "random").items():
        kind, _, number = generator.partition(":")
        if kind == "cpu":
            torch.set_rng_state(state)
        elif int(number) < torch.cuda.device_count():
            torch.cuda.set_rng_state(state, int(number))


def tensors_under(path: Path, folder: str) -> dict[str, Tensor]:
    """The tensors of the checkpoint whose names begin with ``folder/``, in the order of their names, without it."""
    with opened(path) as file:
        names = sorted(name for name in file.keys() if name.startswith(f"{folder}/"))  # noqa: SIM118
        return {name.removeprefix(f"{folder}/"): file.get_tensor(name) for name in names}
