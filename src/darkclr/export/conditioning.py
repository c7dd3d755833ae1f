"""Features and scores given pT, or pT and mass, as functions of tensors."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from itertools import chain, combinations_with_replacement, count, islice
from typing import TypeAlias

import torch
from torch import Tensor

from darkclr.anomaly.conditioning import SMALLEST_MASS, VARIANCES, ConditionalPValue, Residual
from darkclr.export.tensors import constant, rank

__all__ = ["conditional_p_value", "residual"]

#: Features (n, d) or scores (n,), and conditions (n, c), -> the same given these.
GivenTensor: TypeAlias = Callable[[Tensor, Tensor], Tensor]


def residual(fitted: Residual) -> GivenTensor:
    """What a :class:`~darkclr.anomaly.conditioning.Residual` computes, of tensors."""
    state = {name: constant(values) for name, values in fitted.state().items()}
    mean, variance = (_polynomial(state, name) for name in ("mean", "variance"))

    def left(x: Tensor, conditions: Tensor) -> Tensor:
        spread = state["spread"] * variance(conditions).clamp(*VARIANCES).sqrt()
        return (x.double() - mean(conditions)) / spread

    return left


def conditional_p_value(fitted: ConditionalPValue) -> GivenTensor:
    """What a :class:`~darkclr.anomaly.conditioning.ConditionalPValue` computes, of tensors."""
    state = {name: constant(values) for name, values in fitted.state().items()}
    location, scale = (_polynomial(state, name) for name in ("location", "scale"))
    values, surprise = state["values"], -state["log_p"]

    def p_value(score: Tensor, conditions: Tensor) -> Tensor:
        u = (score - location(conditions)) / scale(conditions).exp()
        # Between the background jets next to it.
        above = rank(values, u, or_equal=True).clamp(1, len(values) - 1)
        low, high = values[above - 1], values[above]
        share = ((u - low) / (high - low).clamp(min=1e-300)).clamp(0, 1).where(u < high, 1.0)
        inside = torch.lerp(surprise[above - 1], surprise[above], share)
        beyond = (u - values[-1]).clamp(min=0) / state["tail"]
        return inside + beyond + 1e-6 * (u - values[0]).clamp(max=0)

    return p_value


def _polynomial(state: Mapping[str, Tensor], name: str) -> Callable[[Tensor], Tensor]:
    """Of the logarithms of conditions (n, c), within the window of the fit."""
    coefficients, low, high = state[name], state["low"], state["high"]
    width = torch.where(high > low, high - low, 1.0)

    def value(conditions: Tensor) -> Tensor:
        logs = conditions.clamp(min=SMALLEST_MASS).log().maximum(low).minimum(high)
        x = (2 * (logs - low) / width - 1).unbind(dim=1)
        monomials = chain.from_iterable(
            combinations_with_replacement(x, degree) for degree in count()
        )
        one = torch.ones_like(x[0])
        powers = [math.prod(m, start=one) for m in islice(monomials, len(coefficients))]
        return torch.stack(powers, dim=1) @ coefficients

    return value
