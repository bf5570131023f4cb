"""Adafactor as T5 uses it, and T5's learning rates."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

FACTOR_FROM = 128  # t5x min_dim_size_to_factor: smaller matrices keep their whole second moment
SQUARE_FLOOR = 1e-30  # epsilon1 of the paper, added to squared gradients
SCALE_FLOOR = 1e-3  # epsilon2 of the paper: a parameter at zero moves as if its size were this
SCHEDULES = ("inverse_sqrt", "noam", "relative", "constant")


class Adafactor(torch.optim.Optimizer):
    """T5's Adafactor: without momentum and decay; a step is proportional to the size of its parameter.

    ``torch.optim.Adafactor`` differs: it factors small matrices, too. Its floor under squared gradients is 1e-7, which
    small gradients reach. ``step_offset`` is the step at which time begins, for fine-tuning.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 0.01,
        *,
        decay_exponent: float = 0.8,
        clip: float = 1.0,
        step_offset: int = 0,
        factor_from: int = FACTOR_FROM,
    ) -> None:
        if lr < 0:
            raise ValueError(f"lr is {lr}, but must not be negative")
        if not clip > 0 or not decay_exponent > 0:
            raise ValueError(f"clip is {clip} and decay_exponent {decay_exponent}, but both must be above 0")
        settings = {
            "lr": lr,
            "decay_exponent": decay_exponent,
            "clip": clip,
            "step_offset": step_offset,
            "factor_from": factor_from,
            "step": 0,
        }
        super().__init__(params, settings)

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        """Move every parameter that has a gradient, in float32; the device need not be waited for."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            time = group["step"] - group["step_offset"] + 1
            if time < 1:
                raise ValueError(
                    f"step {group['step']} comes before step_offset {group['step_offset']}: give a smaller offset"
                )
            decay = 1.0 - time ** -group["decay_exponent"]
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._move(parameter, parameter.grad.float(), group, decay)
            group["step"] += 1
        return loss

    def _move(self, parameter: Tensor, gradient: Tensor, group: dict[str, Any], decay: float) -> None:
        values, state = parameter.float(), self.state[parameter]
        update = _normalized(gradient, state, decay, group["factor_from"])
        update.div_((rms(update) / group["clip"]).clamp_(min=1.0))
        scale = rms(values).clamp_(min=SCALE_FLOOR)
        parameter.copy_(values - group["lr"] * scale * update)


def rms(values: Tensor) -> Tensor:
    """The root of the mean square."""
    return values.square().mean().sqrt()


def factored_dims(shape: Iterable[int], factor_from: int = FACTOR_FROM) -> tuple[int, int] | None:
    """The two largest dimensions, the larger one last; None if one of them is shorter than ``factor_from``.

    >>> factored_dims((160, 130)), factored_dims((32, 12)), factored_dims((4096,))
    ((1, 0), None, None)
    """
    sizes = list(shape)
    order = sorted(range(len(sizes)), key=sizes.__getitem__)
    if len(sizes) < 2 or sizes[order[-2]] < factor_from:
        return None
    return order[-2], order[-1]


def _normalized(gradient: Tensor, state: dict[str, Tensor], decay: float, factor_from: int) -> Tensor:
    """The gradient, divided by the root of its second moment; ``state`` keeps the running mean of this moment."""
    squares = gradient.square() + SQUARE_FLOOR
    dims = factored_dims(gradient.shape, factor_from)
    if dims is None:
        return gradient * _average(state, "v", squares, decay).rsqrt()
    smaller, larger = dims
    row = _average(state, "v_row", squares.mean(larger, keepdim=True), decay)
    column = _average(state, "v_col", squares.mean(smaller, keepdim=True), decay)
    # Not row * column / mean: if gradients are zero, the product of the two floors is 0 in float32.
    return gradient * (row / row.mean(smaller, keepdim=True)).rsqrt() * column.rsqrt()


def _average(state: dict[str, Tensor], name: str, new: Tensor, decay: float) -> Tensor:
    """The running mean of that name, moved towards ``new``."""
    if name not in state:
        state[name] = torch.zeros_like(new)
    return state[name].mul_(decay).add_(new, alpha=1.0 - decay)


def inverse_sqrt(step: int, *, peak: float = 0.01, warmup: int = 10_000) -> float:
    """T5's learning rate: ``peak`` for ``warmup`` steps, after which it falls with the root of the step.

    The defaults give 1/sqrt(max(step, 10,000)), as in the paper. ``step`` counts from 0.
    """
    if warmup < 1:
        raise ValueError(f"warmup is {warmup} steps, but must be at least 1")
    falling: float = (warmup / max(step, warmup)) ** 0.5
    return peak * falling


def noam(
    step: int, *, total: int, offset: int = 0, ramp_down: float = 0.1, peak: float = 0.01, warmup: int = 10_000
) -> float:
    """Mesh-TensorFlow's default: ``inverse_sqrt`` that falls to 0 over the last tenth of the steps.

    After ``total`` steps the rate is negative. ``offset`` is the step at which the schedule begins.
    """
    if total <= offset:
        raise ValueError(f"total is {total} steps, but must be above offset, {offset}")
    done, length = step - offset, total - offset
    return inverse_sqrt(done, peak=peak, warmup=warmup) * min(1.0, (length - done) / (ramp_down * length))


def relative(step: int, *, peak: float = 0.01, warmup: int = 10_000) -> float:
    """The rate that Adafactor takes if it is given none: that of ``inverse_sqrt`` one step later."""
    return inverse_sqrt(step + 1, peak=peak, warmup=warmup)


def rate_at(step: int, schedule: str, *, peak: float, warmup: int, total: int) -> float:
    """The learning rate at a step, by one of the ``SCHEDULES``; a constant schedule stays at ``peak``."""
    match schedule:
        case "inverse_sqrt":
            return inverse_sqrt(step, peak=peak, warmup=warmup)
        case "noam":
            return noam(step, total=total, peak=peak, warmup=warmup)
        case "relative":
            return relative(step, peak=peak, warmup=warmup)
        case "constant":  # T5 fine-tunes so, at 0.001
            return peak
    raise ValueError(f"there is no schedule {schedule!r}; there are {', '.join(SCHEDULES)}")


def set_lr(optimizer: torch.optim.Optimizer, lr: float) -> None:
    """Set the learning rate of all groups of the optimiser."""
    for group in optimizer.param_groups:
        group["lr"] = lr
