"""Samples of a normalized autoencoder: where its Markov chains start and how they go on."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from darkclr.anomaly.detectors.autoencoder import AutoencoderNetwork
from darkclr.anomaly.nae.chains import ChainParameters, Initialisation, NewChains
from darkclr.anomaly.nae.energies import latent_gradient, reconstruction_gradient
from darkclr.anomaly.nae.langevin import Chain, ChainResult, differentiate, langevin

__all__ = ["Sampler", "Samples", "sample_table"]


@dataclass(frozen=True, eq=False)
class Samples:
    """What the chains of one step came to.

    Args:
        points: (n, d).
        energy: (n,) of the points.
        acceptance: of the chain in z.
        distance: mean Euclidean distance between start and end of the chain in z.
        latent_acceptance: of the latent chain; NaN where there is none.
    """

    points: Tensor
    energy: Tensor
    acceptance: float
    distance: float
    latent_acceptance: float = math.nan


class Sampler:
    """Draws samples of exp(-E/T) by short Langevin chains.

    The chains start

    - "data": on the rows of the batch (contrastive divergence, arXiv:2312.03067 eq. 12);
    - "persistent": where earlier chains ended, for a share ``replay`` of them; the others are new,
      from a Gaussian with the mean and the covariance of the batch, or from the standard normal
      distribution;
    - "on_manifold": on the decoder's manifold, after a latent chain with H(b) = E(d(b)) (thesis
      eqs. 4.8-4.11, arXiv:2105.05735). The latent chain starts from the uniform distribution on
      the sphere, or with a free latent space from a Gaussian with the mean and the covariance of
      the encoded batch; a share ``replay`` of them goes on where earlier latent chains ended.

    The public codes take standard Gaussians, for inputs or latent spaces of unit scale; those with
    the moments of the batch also know scales and correlations.

    Args:
        network: whose energy is sampled; its weights may change between calls.
        initialisation: see above.
        chain: settings in z.
        latent_chain: settings in the latent space, for "on_manifold".
        new_chains: where persistent chains begin that do not go on from the buffer.
        replay: share of chains that go on from the buffer.
        buffer_size: ends of chains that are remembered, the newest.
    """

    def __init__(
        self,
        network: AutoencoderNetwork,
        initialisation: Initialisation,
        chain: Chain,
        latent_chain: Chain,
        *,
        new_chains: NewChains = ChainParameters.new_chains,
        replay: float,
        buffer_size: int,
    ) -> None:
        self.network = network
        self.initialisation = initialisation
        self.chain = chain
        self.latent_chain = latent_chain
        self.new_chains = new_chains
        self.replay = replay if initialisation != "data" else 0.0
        self.buffer_size = buffer_size
        self.buffer: Tensor | None = None

    def sample(
        self,
        batch: Tensor,
        generator: torch.Generator,
        *,
        through: bool = False,
        remember: bool = True,
    ) -> Samples:
        """As many samples as the batch has rows.

        Args:
            batch: (n, d) data.
            generator: source of all random numbers, on the device of the batch.
            through: let the samples be differentiated through the chain in z. It then has no
                Metropolis steps: how the choice to accept depends on the weights is in no
                derivative of the samples, and leaving it out makes the gradient too small (at an
                acceptance of 0.7 by half).
            remember: keep the ends for later chains; not while one only watches.
        """
        if self.initialisation == "on_manifold":
            return self._on_manifold(batch, generator, through, remember)
        persistent = self.initialisation == "persistent"
        start = self._replayed(self._new(batch, generator), generator) if persistent else batch
        result = self._chain_in_z(start, generator, through)
        if persistent and remember:
            self._push(result.samples)
        return Samples(result.samples, result.energy, result.acceptance, result.distance)

    def _on_manifold(
        self, batch: Tensor, generator: torch.Generator, through: bool, remember: bool
    ) -> Samples:
        network = self.network
        if self.latent_chain.sphere:
            shape = (len(batch), network.bottleneck)
            latent = torch.randn(shape, generator=generator, device=batch.device)
            latent = torch.nn.functional.normalize(latent, dim=-1)
        else:
            with torch.no_grad():
                latent = _like(network.encode(batch), generator)
        if self.replay:
            latent = self._replayed(latent, generator)
        first = langevin(latent_gradient(network), latent, self.latent_chain, generator=generator)
        if self.replay and remember:
            self._push(first.samples)
        with torch.no_grad():
            start = network.decode(first.samples)
        second = self._chain_in_z(start, generator, through)
        return Samples(
            second.samples, second.energy, second.acceptance, second.distance, first.acceptance
        )

    def _chain_in_z(self, start: Tensor, generator: torch.Generator, through: bool) -> ChainResult:
        if not through:
            gradient = reconstruction_gradient(self.network)
            return langevin(gradient, start, self.chain, generator=generator)
        gradient = differentiate(self.network.energy, through=True)
        unadjusted = replace(self.chain, metropolis=False)
        return langevin(gradient, start, unadjusted, generator=generator)

    def _new(self, batch: Tensor, generator: torch.Generator) -> Tensor:
        """First points of persistent chains."""
        if self.new_chains == "batch":
            return _like(batch, generator)
        return torch.randn(batch.shape, generator=generator, dtype=batch.dtype, device=batch.device)

    def _replayed(self, new: Tensor, generator: torch.Generator) -> Tensor:
        """Ends of earlier chains, a share of ``new`` among them."""
        if self.buffer is None:
            return new
        n, device = len(new), new.device
        old = torch.rand(n, generator=generator, device=device) < self.replay
        index = torch.randint(len(self.buffer), (n,), generator=generator, device=device)
        return torch.where(old[:, None], self.buffer[index], new)

    def _push(self, ends: Tensor) -> None:
        ends = ends.detach()
        known = ends if self.buffer is None else torch.cat([self.buffer, ends])
        self.buffer = known[-self.buffer_size :]


#: So many have random combinations of their own, a matrix of 64 MB.
_MANY_ROWS = 4096


def _like(rows: Tensor, generator: torch.Generator) -> Tensor:
    """As many points from the Gaussian with the mean and the covariance of the rows (n, d)."""
    # Random combinations of the centred rows: exact in any dimension, no matrix to invert. The d
    # rows of R have the same covariance, and of many rows they make the smaller matrix.
    factor = rows - rows.mean(0)
    if len(rows) > max(rows.shape[1], _MANY_ROWS):
        factor = torch.linalg.qr(factor, mode="r").R
    weights = torch.randn(
        len(rows), len(factor), generator=generator, dtype=rows.dtype, device=rows.device
    )
    return rows.mean(0) + weights @ factor / max(len(rows) - 1, 1) ** 0.5


def sample_table(samples: Mapping[str, NDArray], scale: float) -> list[dict[str, Any]]:
    """Data beside samples of the model, one mapping a point.

    Args:
        samples: ``data`` and ``samples``, (n, d); ``data_energy`` and ``samples_energy``, (n,).
        scale: number of features per unit of these points.

    Returns:
        ``kind`` ("data" or "samples"); ``direction_1`` and ``direction_2``, the coordinates along
        the two principal directions of the data, in units of the features; ``energy``.
    """
    data = samples["data"].astype(np.float64)
    directions = np.linalg.svd(data - data.mean(0), full_matrices=False)[2][:2]
    rows = []
    for kind in ("data", "samples"):
        shifted = scale * (samples[kind] - data.mean(0))
        plane = np.zeros((len(shifted), 2))
        plane[:, : len(directions)] = shifted @ directions.T
        energies = samples[f"{kind}_energy"].tolist()
        for (x, y), energy in zip(plane.tolist(), energies, strict=True):
            rows.append({"kind": kind, "direction_1": x, "direction_2": y, "energy": energy})
    return rows
