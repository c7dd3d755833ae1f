"""Operations of the library on tensors, from those that ONNX has."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

__all__ = ["constant", "delta_phi", "norm", "pt_and_mass", "rank"]


def constant(values: ArrayLike) -> Tensor:
    """A copy in double precision."""
    return torch.from_numpy(np.array(values, dtype=np.float64))


def norm(x: Tensor) -> Tensor:
    """Euclidean norm along the last axis."""
    return x.double().square().sum(dim=-1).sqrt()


def rank(values: Tensor, x: Tensor, *, or_equal: bool = False) -> Tensor:
    """How many of the ascending values are less than each x (or equal), (n,): halving the range.

    >>> rank(torch.tensor([1.0, 2.0, 2.0]), torch.tensor([0.0, 2.0, 3.0])).tolist()
    [0, 1, 3]
    """
    compare = torch.le if or_equal else torch.lt
    found = torch.zeros_like(x, dtype=torch.int64)
    for bit in reversed(range(len(values).bit_length())):
        further = found + 2**bit
        below = compare(values[(further - 1).clamp(max=len(values) - 1)], x)
        found = torch.where(below & (further <= len(values)), further, found)
    return found


def delta_phi(a: Tensor, b: Tensor) -> Tensor:
    """a - b in [-pi, pi), as :func:`darkclr.kinematics.delta_phi`."""
    difference = a - b
    return difference - 2 * math.pi * ((difference + math.pi) / (2 * math.pi)).floor()


def pt_and_mass(pt: Tensor, eta: Tensor, phi: Tensor) -> tuple[Tensor, Tensor]:
    """Of the sum of massless constituents, (n_jets, n) -> (n_jets,): E ± p_z = Σ pT exp(±η)."""
    pt, eta, phi = pt.double(), eta.double(), phi.double()
    # Of the two, older versions of onnxruntime have the sine alone in double precision.
    px, py = ((pt * (phi + shift).sin()).sum(dim=1) for shift in (math.pi / 2, 0.0))
    plus, minus = ((pt * (sign * eta).exp()).sum(dim=1) for sign in (1, -1))
    pt_squared = px.square() + py.square()
    return pt_squared.sqrt(), (plus * minus - pt_squared).clamp(min=0).sqrt()
