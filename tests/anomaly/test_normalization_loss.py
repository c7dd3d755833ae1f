"""Losses of the normalisation."""

from __future__ import annotations

import pytest
import torch

from darkclr.anomaly.autoencoder import AutoencoderNetwork
from darkclr.anomaly.normalization_loss import NormalizationLoss, log_cosh
from darkclr.errors import ConfigError


@pytest.fixture
def network() -> AutoencoderNetwork:
    generator = torch.Generator().manual_seed(0)
    network = AutoencoderNetwork(
        4, widths=(8,), bottleneck=2, activation="silu", sphere=False, generator=generator
    )
    return network.double()


def _points(seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(30, 4, dtype=torch.float64, generator=generator)


def test_log_cosh_is_that_of_its_name():
    x = torch.linspace(-5, 5, 41, dtype=torch.float64)
    torch.testing.assert_close(log_cosh(x), x.cosh().log())


def test_energy_difference_and_its_penalty(network):
    data, samples = _points(1), _points(2)
    e_plus, e_minus = network.energy(data), network.energy(samples)
    loss, positive, negative = NormalizationLoss(negative_energy_penalty=0.5)(
        network, data, samples
    )
    torch.testing.assert_close(positive, e_plus.mean())
    torch.testing.assert_close(negative, e_minus.mean())
    torch.testing.assert_close(loss, e_plus.mean() - e_minus.mean() + 0.5 * (e_minus**2).mean())


def test_log_cosh_pushes_no_longer_once_the_energies_agree(network):
    """At E+ = E- only α E+ is left, where the difference itself still pushes with full strength."""
    data = _points(1)

    def gradients(loss) -> list[torch.Tensor]:
        return torch.autograd.grad(loss, list(network.parameters()), retain_graph=True)

    at_equality = NormalizationLoss("log_cosh", positive_energy_weight=0.3, unit=2.0)
    expected = gradients(0.3 * network.energy(data).mean() / 2)
    for a, b in zip(gradients(at_equality(network, data, data)[0]), expected, strict=True):
        torch.testing.assert_close(a, b)


def test_wasserstein_loss_trains_through_the_samples_only(network):
    loss, *_ = NormalizationLoss("wasserstein")(network, _points(1), _points(2))
    assert not loss.requires_grad
    samples = _points(2).requires_grad_()
    loss, *_ = NormalizationLoss("wasserstein")(network, _points(1), samples)
    loss.backward()
    # Each sample is pulled towards the row it is assigned to: down the gradient is nearer.
    moved = samples.detach() - 0.5 * len(samples) * samples.grad
    assert NormalizationLoss("wasserstein")(network, _points(1), moved)[0] < 1e-10


@pytest.mark.parametrize(
    "settings",
    [{"name": "best"}, {"negative_energy_penalty": -1.0}, {"positive_energy_weight": -1}],
)
def test_settings_out_of_range_are_refused(settings):
    with pytest.raises(ConfigError):
        NormalizationLoss(**settings)
