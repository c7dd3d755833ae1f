from __future__ import annotations

import torch

from darkclr.anomaly.detectors.images import ImageNetwork


def test_network_of_images():
    generator = torch.Generator().manual_seed(0)
    network = ImageNetwork(
        (2, 3, 4), bottleneck=3, activation=torch.nn.ELU, sphere=True, generator=generator
    )
    x = torch.rand(5, 1600)
    latent = network.encode(x)
    torch.testing.assert_close(latent.norm(dim=1), torch.ones(5))
    assert network.decode(latent).shape == (5, 1600)
    torch.testing.assert_close(network.energy(x), (x - network.decode(latent)).square().mean(dim=1))
