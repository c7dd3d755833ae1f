from __future__ import annotations

import pytest
import torch

from darkclr.anomaly.detectors.autoencoder import AutoencoderNetwork
from darkclr.anomaly.nae.energies import (
    latent_energy_and_gradient,
    reconstruction_energy_and_gradient,
)
from darkclr.anomaly.nae.langevin import differentiate


def make(activation, sphere, dtype):
    network = AutoencoderNetwork(
        12,
        widths=(9, 5),
        bottleneck=3,
        activation=activation,
        sphere=sphere,
        generator=torch.Generator().manual_seed(1),
    )
    return network.to(dtype)


@pytest.mark.parametrize("sphere", [False, True], ids=["free", "sphere"])
@pytest.mark.parametrize("activation", ["relu", "silu", "elu", "leaky_relu"])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-13), (torch.float32, 1e-6)])
def test_equal_to_autograd(activation, sphere, dtype, tolerance):
    network = make(activation, sphere, dtype)
    z = torch.randn(50, 12, generator=torch.Generator().manual_seed(2), dtype=dtype)
    b = torch.nn.functional.normalize(z[:, :3], dim=-1)
    for ours, energy, x in (
        (reconstruction_energy_and_gradient, network.energy, z),
        (latent_energy_and_gradient, network.latent_energy, b),
    ):
        for a, expected in zip(ours(network, x), differentiate(energy)(x), strict=True):
            torch.testing.assert_close(a, expected, rtol=tolerance, atol=tolerance)
            assert not a.requires_grad


@pytest.mark.parametrize("activation", ["relu", "silu", "elu", "leaky_relu"])
def test_bitwise_equal_without_a_sphere(activation):
    network = make(activation, False, torch.float32)
    z = torch.randn(50, 12, generator=torch.Generator().manual_seed(2))
    ours = reconstruction_energy_and_gradient(network, z)
    expected = differentiate(network.energy)(z)
    for a, b in zip(ours, expected, strict=True):
        assert torch.equal(a, b)
    assert z.equal(torch.randn(50, 12, generator=torch.Generator().manual_seed(2)))


def test_bfloat16_products_are_near():
    network = make("elu", False, torch.float32)
    z = torch.randn(200, 12, generator=torch.Generator().manual_seed(2))
    exact = reconstruction_energy_and_gradient(network, z)
    with torch.autocast("cpu", torch.bfloat16):
        rounded = reconstruction_energy_and_gradient(network, z)
    for a, b in zip(rounded, exact, strict=True):
        assert a.dtype == torch.float32
        assert (a - b).norm() / b.norm() < 0.01
