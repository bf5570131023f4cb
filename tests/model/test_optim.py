from __future__ import annotations

import copy
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from model.optim import SCHEDULES, Adafactor, factored_dims, inverse_sqrt, noam, rate_at, relative, set_lr

Array = np.ndarray[Any, Any]
GRADIENT_STD: dict[str, Callable[[int], float]] = {
    ".3*(1+t)": lambda t: 0.3 * (1 + t),
    ".3/(1+t)": lambda t: 0.3 / (1 + t),
    "1e-3/(1+t)": lambda t: 1e-3 / (1 + t),
    "1e-6/(1+t)": lambda t: 1e-6 / (1 + t),
    "0 for t<2, else .01/(t-1)": lambda t: 0.0 if t < 2 else 0.01 / (t - 1),
    ".3/(1+t), then times the skew factors": lambda t: 0.3 / (1 + t),
    ".3/(1+t)**.5": lambda t: 0.3 / (1 + t) ** 0.5,
}
RUNS = ["growing", "shrinking", "scale_1e-3", "scale_1e-6", "zero_then_nonzero", "skewed", "long_lr_1e-3"]


def det(seed: int, shape: tuple[int, ...], std: float) -> Array:
    """The golden files' own numbers: uniform, of that standard deviation, without a random generator."""
    i = np.arange(math.prod(shape), dtype=np.float64)
    v = np.sin((i + 1) * 12.9898 + seed * 78.233) * 43758.5453
    return (((v - np.floor(v)) - 0.5) * math.sqrt(12) * std).astype(np.float32).reshape(shape)


def skew(gradient: Array) -> Array:
    if gradient.ndim == 1:
        return gradient * ((1 + np.arange(len(gradient)) % 5) / 2).astype(np.float32)
    rows = ((1 + np.arange(gradient.shape[0]) % 5) / 2).astype(np.float32)[:, None]
    return gradient * rows * ((1 + np.arange(gradient.shape[1]) % 3) / 2).astype(np.float32)


@pytest.fixture(scope="module")
def vectors(shared: Path) -> Any:
    return json.loads((shared / "golden/t5/adafactor_t5x.json").read_text())


def run_of(vectors: Any, name: str) -> Any:
    if name != "growing":
        return next(run for run in vectors["runs"] if run["name"] == name)
    after = {str(step): values for step, values in enumerate(vectors["after_step"])}
    top = {"lr": vectors["lr"], "steps": vectors["steps"], "final_state_rms": vectors.get("final_state_rms", {})}
    return top | {"after_step": after, "std_of_gradient_at_step_t": ".3*(1+t)", "skewed": False}


def test_every_run_of_the_golden_file_is_known(vectors: Any) -> None:
    assert ["growing", *(run["name"] for run in vectors["runs"])] == RUNS


@pytest.mark.parametrize("name", RUNS)
def test_adafactor_is_t5x_s(vectors: Any, name: str) -> None:
    run = run_of(vectors, name)
    std_at = GRADIENT_STD[run["std_of_gradient_at_step_t"]]
    shapes = {tensor: tuple(shape) for tensor, shape in vectors["shapes"].items()}
    parameters = {
        tensor: torch.nn.Parameter(torch.tensor(det(index + 1, shape, 0.0 if tensor == "zero" else 0.05)))
        for index, (tensor, shape) in enumerate(shapes.items())
    }
    optimizer = Adafactor(parameters.values(), lr=run["lr"])
    for step in range(run["steps"]):
        before = {tensor: parameter.detach().clone() for tensor, parameter in parameters.items()}
        for index, (tensor, parameter) in enumerate(parameters.items()):
            gradient = det(100 * (step + 1) + index, shapes[tensor], std_at(step))
            parameter.grad = torch.tensor(skew(gradient) if run["skewed"] else gradient)
        optimizer.step()
        for tensor, expected in run["after_step"].get(str(step), {}).items():
            check(parameters[tensor], before[tensor], expected)
    for tensor, moments in run["final_state_rms"].items():
        state = optimizer.state[parameters[tensor]]
        assert set(state) == set(moments)
        for key, value in moments.items():
            assert state[key].double().square().mean().sqrt().item() == pytest.approx(value, rel=1e-5)
            assert list(state[key].squeeze().shape) == vectors["state_shapes"][tensor][key]


def check(parameter: torch.Tensor, before: torch.Tensor, expected: Any) -> None:
    values = parameter.detach().double()
    assert values.flatten()[:4].tolist() == pytest.approx(expected["first4"], abs=2e-8)
    assert values.flatten()[-2:].tolist() == pytest.approx(expected["last2"], abs=2e-8)
    assert values.square().mean().sqrt().item() == pytest.approx(expected["rms"], abs=2e-8)
    assert values.sum().item() == pytest.approx(expected["sum"], abs=1e-6)
    if "delta_rms" in expected:
        assert (values - before.double()).square().mean().sqrt().item() == pytest.approx(
            expected["delta_rms"], abs=2e-8
        )


def test_zero_gradients_change_nothing() -> None:
    parameter = torch.nn.Parameter(torch.tensor(det(1, (130, 140), 0.05)))
    before = parameter.detach().clone()
    optimizer = Adafactor([parameter])
    for _ in range(2):
        parameter.grad = torch.zeros_like(parameter)
        optimizer.step()
    assert torch.equal(parameter, before)


@pytest.mark.parametrize(
    ("shape", "dims"),
    [((128, 128), (0, 1)), ((127, 500), None), ((128, 500), (0, 1)), ((500, 128), (1, 0)), ((3, 200, 150), (2, 1))],
)
def test_factored_dims(shape: tuple[int, ...], dims: tuple[int, int] | None) -> None:
    assert factored_dims(shape) == dims


def test_transposed_matrices_take_transposed_steps() -> None:
    """torch keeps a matrix the other way round than flax: it must not matter."""
    values, gradient = torch.tensor(det(1, (130, 160), 0.05)), torch.tensor(skew(det(2, (130, 160), 0.1)))
    matrix, transposed = torch.nn.Parameter(values.clone()), torch.nn.Parameter(values.T.clone())
    matrix.grad, transposed.grad = gradient.clone(), gradient.T.clone()
    Adafactor([matrix]).step()
    Adafactor([transposed]).step()
    torch.testing.assert_close(matrix.detach(), transposed.detach().T, rtol=0, atol=1e-9)


def test_step_offset_counts_from_there() -> None:
    """Two steps from step 1,000 on with the offset 1,000 are a new optimiser's first two."""
    moved = []
    for offset in (0, 1000):
        parameter = torch.nn.Parameter(torch.tensor(det(1, (8, 4), 0.05)))
        optimizer = Adafactor([parameter], step_offset=offset)
        optimizer.param_groups[0]["step"] = offset
        for step in range(2):
            parameter.grad = torch.tensor(det(2 + step, (8, 4), 0.1 / (1 + step)))
            optimizer.step()
        moved.append(parameter.detach())
    assert torch.equal(*moved)


def test_steps_before_the_offset_are_refused() -> None:
    parameter = torch.nn.Parameter(torch.ones(2))
    parameter.grad = torch.ones(2)
    with pytest.raises(ValueError, match="step 0 comes before step_offset 5"):
        Adafactor([parameter], step_offset=5).step()


def test_state_dict_continues_exactly() -> None:
    def steps(optimizer: Adafactor, parameter: torch.nn.Parameter, numbers: range) -> None:
        for step in numbers:
            parameter.grad = torch.tensor(det(50 + step, (130, 140), 0.1 / (1 + step)))
            optimizer.step()

    parameter = torch.nn.Parameter(torch.tensor(det(1, (130, 140), 0.05)))
    optimizer = Adafactor([parameter])
    steps(optimizer, parameter, range(2))
    again = torch.nn.Parameter(parameter.detach().clone())
    resumed = Adafactor([again])
    resumed.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    steps(optimizer, parameter, range(2, 4))
    steps(resumed, again, range(2, 4))
    assert torch.equal(parameter, again)


def test_bfloat16_gradients_are_squared_in_float32() -> None:
    """Squares of 1e-20 are 1e-40 and vanish even there: the floor keeps the update finite."""
    parameter = torch.nn.Parameter(torch.ones(4, dtype=torch.bfloat16))
    parameter.grad = torch.full((4,), 1e-20, dtype=torch.bfloat16)
    optimizer = Adafactor([parameter])
    optimizer.step()
    assert optimizer.state[parameter]["v"].dtype == torch.float32
    assert torch.isfinite(parameter).all()


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"lr": -0.1}, "lr is -0.1"), ({"clip": 0.0}, "clip is 0.0"), ({"decay_exponent": 0}, "0")],
)
def test_impossible_settings_are_refused(settings: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Adafactor([torch.nn.Parameter(torch.ones(1))], **settings)  # type: ignore[arg-type]


def test_schedules_of_the_reference(shared: Path) -> None:
    rows = json.loads((shared / "golden/t5/lr_schedule.json").read_text())
    assert len(rows) == 19
    for row in rows:
        step = row["step"]
        expected = row.get("mesh_unclamped", row["mesh_default_noam_linear_decay_frac_0_1_total_524288"])
        assert inverse_sqrt(step) == pytest.approx(row["rsqrt_no_ramp_down"], rel=1e-12)
        assert noam(step, total=524_288) == pytest.approx(expected, rel=1e-12, abs=0)
        assert relative(step) == pytest.approx(row["adafactor_relative_default"], rel=1e-12)


def test_ramps_of_the_reference(shared: Path) -> None:
    more = json.loads((shared / "golden/t5/lr_schedule_more.json").read_text())
    assert (len(more["rows"]), len(more["rows_with_offset"])) == (24, 5)
    for row in more["rows"] + more["rows_with_offset"]:
        rate = noam(row["step"], total=row["total"], offset=row.get("offset", 0))
        assert rate == pytest.approx(row["mesh_default"], rel=1e-12, abs=0)


@pytest.mark.parametrize(("step", "rate"), [(0, 0.5), (99, 0.5), (100, 0.5), (400, 0.25)])
def test_inverse_sqrt_is_flat_then_falls(step: int, rate: float) -> None:
    assert inverse_sqrt(step, peak=0.5, warmup=100) == rate


@pytest.mark.parametrize(
    ("schedule", "rates"),  # at steps 0, 99, 400 and 950 of 1000
    [
        ("inverse_sqrt", [0.5, 0.5, 0.25, 0.5 * (100 / 950) ** 0.5]),
        ("noam", [0.5, 0.5, 0.25, 0.25 * (100 / 950) ** 0.5]),
        ("relative", [0.5, 0.5, 0.5 * (100 / 401) ** 0.5, 0.5 * (100 / 951) ** 0.5]),
        ("constant", [0.5] * 4),
    ],
)
def test_schedules_have_peak_and_warmup(schedule: str, rates: list[float]) -> None:
    settings = {"peak": 0.5, "warmup": 100, "total": 1000}
    assert [rate_at(step, schedule, **settings) for step in (0, 99, 400, 950)] == pytest.approx(rates)  # type: ignore[arg-type]


def test_every_schedule_has_a_rate() -> None:
    assert {rate_at(0, name, peak=0.5, warmup=1, total=9) for name in SCHEDULES if name != "relative"} == {0.5}
    with pytest.raises(ValueError, match="there is no schedule 'cosine'; there are inverse_sqrt, noam"):
        rate_at(0, "cosine", peak=0.5, warmup=1, total=9)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: inverse_sqrt(3, warmup=0), "warmup is 0 steps"),
        (lambda: noam(3, total=100, offset=100), "total is 100 steps"),
    ],
)
def test_impossible_schedules_are_refused(call: Callable[[], float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_set_lr_reaches_every_group() -> None:
    first, second = (torch.nn.Parameter(torch.ones(1)) for _ in range(2))
    optimizer = Adafactor([{"params": [first]}, {"params": [second], "lr": 0.5}])
    set_lr(optimizer, 0.25)
    assert [group["lr"] for group in optimizer.param_groups] == [0.25, 0.25]


def test_a_larger_rate_takes_a_longer_step() -> None:
    moved = []
    for lr in (0.01, 0.02):
        parameter = torch.nn.Parameter(torch.ones(4))
        parameter.grad = torch.ones(4)
        Adafactor([parameter], lr=lr).step()
        moved.append((1 - parameter.detach()).mean().item())
    assert moved == pytest.approx([0.01, 0.02], rel=1e-5)
