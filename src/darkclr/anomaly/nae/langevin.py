"""Langevin Markov chains: samples of exp(-E/T) from the gradient of an energy.

Source: arXiv:2312.03067 eq. 10, whose gradient has the wrong sign; eq. 4.10 of the DarkCLR thesis
and arXiv:2206.14225 have the right one, which climbs towards high density.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor

from darkclr.parameters import AtLeast, Positive, check_parameters, check_ranges

__all__ = ["Chain", "ChainResult", "Energy", "EnergyAndGradient", "differentiate", "langevin"]

Energy = Callable[[Tensor], Tensor]
EnergyAndGradient = Callable[[Tensor], tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class Chain:
    r"""Settings of a Langevin chain :math:`z_{t+1} = z_t - λ ∇E(z_t) + σ ε`, ε ~ N(0, 1).

    With :math:`\log p = -E + const` this is eq. 10 of arXiv:2312.03067 (sign corrected). For small
    λ it samples :math:`\exp(-E/T)` at the temperature :math:`T = σ²/(2λ)` (thesis eq. 4.11), which
    is 1 only where σ² = 2λ.

    Raises:
        ConfigError: a setting out of its range.
    """

    steps: Annotated[int, AtLeast(1)]
    """Number of steps."""
    step_size: Annotated[float, Positive()]
    """Step size λ, in units of z²/E."""
    noise: Annotated[float, AtLeast(0)]
    """Noise σ, in units of z."""
    clip: Annotated[float | None, Positive()] = None
    """Largest norm of ∇E per step; larger gradients are scaled down. None: as it is."""
    annealing: bool = False
    """Whether the noise of step i is σ/(1 + i), so that the temperature falls with the chain."""
    bound: Annotated[float | None, Positive()] = None
    """Largest absolute value of a component: what a step brings beyond is put back to it, or with
    Metropolis steps refused, which samples the density within. None: none."""
    sphere: bool = False
    """Whether points stay on the unit sphere: steps are made in the tangent plane and projected."""
    metropolis: bool = False
    """Whether each step is accepted or rejected at its true temperature σ_i²/(2λ) with the
    densities of forward and backward proposal, which makes exp(-E/T) exactly stationary. A rule
    written for σ² = 2λ would reject nothing (or everything) elsewhere."""

    def __post_init__(self) -> None:
        check_parameters(self, "Langevin chain")
        moves = self.noise > 0 or not self.metropolis
        check_ranges(self, "Langevin chain", {"noise": (moves, "positive for Metropolis steps")})

    @property
    def temperature(self) -> float:
        """T = σ²/(2λ) (thesis eq. 4.11), of the first step where the noise is annealed."""
        return self.noise**2 / (2 * self.step_size)

    @staticmethod
    def noise_at(temperature: float, step_size: float) -> float:
        """The noise σ = sqrt(2 λ T) that belongs to a temperature."""
        return math.sqrt(2 * step_size * temperature)


@dataclass(frozen=True, eq=False)
class ChainResult:
    """Where the chains ended.

    Args:
        samples: (n, d); with a gradient only where the energy's gradient has one.
        energy: (n,) of the samples.
        acceptance: share of the proposals that were accepted (1 without Metropolis).
        distance: mean Euclidean distance between start and end of a chain.
    """

    samples: Tensor
    energy: Tensor
    acceptance: float
    distance: float


def differentiate(energy: Energy, *, through: bool = False) -> EnergyAndGradient:
    """The function z -> (E(z), ∇E(z)), (n, d) -> (n,) and (n, d), by automatic differentiation.

    Args:
        energy: maps (n, d) to (n,); a row may depend on its own row only.
        through: keep the graph, so that samples of a chain can be differentiated with respect to
            the parameters of the energy, through all of its steps.
    """

    def energy_and_gradient(z: Tensor) -> tuple[Tensor, Tensor]:
        with torch.enable_grad():
            if not through:
                z = z.detach()
            if not z.requires_grad:
                z = z.requires_grad_(True)
            value = energy(z)
            (gradient,) = torch.autograd.grad(value.sum(), z, create_graph=through)
        return (value, gradient) if through else (value.detach(), gradient)

    return energy_and_gradient


def langevin(
    energy_and_gradient: EnergyAndGradient,
    start: Tensor,
    chain: Chain,
    *,
    generator: torch.Generator,
) -> ChainResult:
    """Run one chain from each row of ``start``.

    Args:
        energy_and_gradient: maps z (n, d) to E, (n,), and ∇E, (n, d), as :func:`differentiate`
            does for any energy; a row may depend on its own row only.
        start: (n, d) first points; on the unit sphere where ``chain.sphere``.
        chain: settings.
        generator: source of all random numbers, on the device of ``start``.

    On the sphere the proposal is Gaussian in the tangent plane, followed by the projection
    b -> b/|b|. The Jacobian of that projection, (b·b')^d, is the same there and back, so the
    Metropolis ratio needs the two tangent Gaussians only.
    """
    z = start.detach()
    value, gradient = energy_and_gradient(z)
    accepted = torch.zeros((), dtype=torch.float64, device=z.device)
    force = _force(z, gradient, chain)
    for i in range(chain.steps):
        sigma = chain.noise / (1 + i) if chain.annealing else chain.noise
        noise = torch.randn(z.shape, generator=generator, dtype=z.dtype, device=z.device)
        if chain.sphere:
            noise = _tangent(noise, z)
        proposal = torch.add(z, noise, alpha=sigma).sub_(force, alpha=chain.step_size)
        if chain.sphere:
            proposal = torch.nn.functional.normalize(proposal, dim=-1)
        if chain.bound is not None and not chain.metropolis:
            proposal = proposal.clamp(-chain.bound, chain.bound)
        new_value, gradient = energy_and_gradient(proposal)
        new_force = _force(proposal, gradient, chain)
        if not chain.metropolis:
            z, value, force = proposal, new_value, new_force
            accepted += 1.0
            continue
        with torch.no_grad():
            back = _displacement(proposal, z, chain).add_(new_force, alpha=chain.step_size)
            log_forward = -_squared_norm(noise) / 2
            log_backward = -_squared_norm(back) / (2 * sigma**2)
            temperature = sigma**2 / (2 * chain.step_size)
            log_ratio = (value - new_value) / temperature + log_backward - log_forward
            u = torch.rand(len(z), generator=generator, dtype=z.dtype, device=z.device)
            accept = u.log() < log_ratio  # false where it is NaN: such a proposal is refused
            if chain.bound is not None:
                accept &= (proposal.abs() <= chain.bound).all(dim=-1)
        z = torch.where(accept[:, None], proposal, z)
        force = torch.where(accept[:, None], new_force, force)
        value = torch.where(accept, new_value, value)
        accepted += accept.double().mean()
    distance = (z.detach() - start).norm(dim=-1).mean().item()
    return ChainResult(z, value, accepted.item() / chain.steps, distance)


def _force(z: Tensor, gradient: Tensor, chain: Chain) -> Tensor:
    """∇E, clipped; in the tangent plane where the chain lives on the sphere."""
    if chain.sphere:
        gradient = _tangent(gradient, z)
    if chain.clip is not None:
        norm = gradient.norm(dim=-1, keepdim=True)
        gradient = gradient * (chain.clip / norm.clamp(min=chain.clip))
    return gradient


def _squared_norm(v: Tensor) -> Tensor:
    return torch.linalg.vector_norm(v, dim=-1).square()


def _tangent(v: Tensor, z: Tensor) -> Tensor:
    return v - (v * z).sum(-1, keepdim=True) * z


def _displacement(origin: Tensor, target: Tensor, chain: Chain) -> Tensor:
    """The step at ``origin`` that leads to ``target``."""
    if not chain.sphere:
        return target - origin
    return target / (origin * target).sum(-1, keepdim=True) - origin
