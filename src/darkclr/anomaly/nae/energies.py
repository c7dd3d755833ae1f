"""Energies of an autoencoder and their gradients with respect to the input, without autograd.

A Langevin chain asks for E(x) and dE/dx at every step and for nothing else. Written out, the
backward pass keeps no graph; operations and their order are autograd's, and so are the numbers.
Under ``torch.autocast`` the matrix products are made in its precision: for chains without a
Metropolis step only, since the error of E in bfloat16 is far above the chain's temperature.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor, nn

from darkclr.anomaly.detectors.autoencoder import AutoencoderNetwork
from darkclr.anomaly.nae.langevin import EnergyAndGradient, differentiate

__all__ = [
    "latent_energy_and_gradient",
    "latent_gradient",
    "reconstruction_energy_and_gradient",
    "reconstruction_gradient",
]

# Gradient before an activation from the one behind it, and from its input x or output y.
_BACKWARD: dict[type[nn.Module], Callable[[Tensor, Tensor, Tensor], Tensor]] = {
    nn.ReLU: lambda g, x, y: torch.ops.aten.threshold_backward(g, y, 0),
    nn.ELU: lambda g, x, y: torch.ops.aten.elu_backward(g, 1.0, 1.0, 1.0, False, x),
    nn.SiLU: lambda g, x, y: torch.ops.aten.silu_backward(g, x),
    nn.LeakyReLU: lambda g, x, y: torch.ops.aten.leaky_relu_backward(g, x, 0.01, False),
}


def reconstruction_gradient(network: AutoencoderNetwork) -> EnergyAndGradient:
    """z -> (E, dE/dz): written out where all layers are known, else by autograd."""
    if _is_written_out(network):
        return partial(reconstruction_energy_and_gradient, network)
    return differentiate(network.energy)


def latent_gradient(network: AutoencoderNetwork) -> EnergyAndGradient:
    """b -> (H, dH/db): written out where all layers are known, else by autograd."""
    if _is_written_out(network):
        return partial(latent_energy_and_gradient, network)
    return differentiate(network.latent_energy)


def _is_written_out(network: AutoencoderNetwork) -> bool:
    """Whether all layers are linear or activations; convolutions are left to autograd."""
    known: tuple[type[nn.Module], ...] = (nn.Linear, *_BACKWARD)
    return all(isinstance(layer, known) for layer in (*network.encoder, *network.decoder))


@torch.no_grad()
def reconstruction_energy_and_gradient(
    network: AutoencoderNetwork, z: Tensor
) -> tuple[Tensor, Tensor]:
    """E(z) = mean((z - z')²), (n,), and dE/dz, (n, d); see :meth:`AutoencoderNetwork.energy`.

    Args:
        network: autoencoder of linear layers and activations.
        z: (n, d) points.
    """
    encoded = _forward(network.encoder, z)
    latent = nn.functional.normalize(encoded[-1], dim=-1) if network.sphere else encoded[-1]
    decoded = _forward(network.decoder, latent)
    residual = z - decoded[-1]
    energy = residual.square().mean(dim=-1)
    by_residual = residual.mul_(2 / z.shape[-1])
    gradient = _backward(network.decoder, decoded, by_residual.neg())
    if network.sphere:  # the part along the radius has no effect
        radius = torch.linalg.vector_norm(encoded[-1], dim=-1, keepdim=True)
        gradient = (gradient - (gradient * latent).sum(-1, keepdim=True) * latent) / radius
    return energy, by_residual.add_(_backward(network.encoder, encoded, gradient))


@torch.no_grad()
def latent_energy_and_gradient(
    network: AutoencoderNetwork, latent: Tensor
) -> tuple[Tensor, Tensor]:
    """H(b) = E(d(b)), (n,), and dH/db, (n, bottleneck), of latent points b."""
    decoded = _forward(network.decoder, latent)
    energy, gradient = reconstruction_energy_and_gradient(network, decoded[-1])
    return energy, _backward(network.decoder, decoded, gradient)


def _forward(layers: nn.Sequential, x: Tensor) -> list[Tensor]:
    """Input of each layer, and the output of the last."""
    values = [x]
    for layer in layers:
        values.append(layer(values[-1]))
    return values


def _backward(layers: nn.Sequential, values: Sequence[Tensor], gradient: Tensor) -> Tensor:
    """Gradient with respect to ``values[0]`` from that with respect to ``values[-1]``."""
    for i in range(len(layers) - 1, -1, -1):
        layer = layers[i]
        if isinstance(layer, nn.Linear):
            gradient = gradient @ layer.weight
        else:
            gradient = _BACKWARD[type(layer)](gradient, values[i], values[i + 1])
    return gradient
