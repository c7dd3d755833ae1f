"""Losses of the normalisation."""

from __future__ import annotations

import pytest
import torch

from darkclr.anomaly.detectors.autoencoder import AutoencoderNetwork
from darkclr.anomaly.nae.losses import LossParameters, NormalizationLoss, log_cosh
from darkclr.anomaly.nae.transport import wasserstein_loss
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

    at_equality = NormalizationLoss(loss="log_cosh", positive_energy_weight=0.3, unit=2.0)
    expected = gradients(0.3 * network.energy(data).mean() / 2)
    for a, b in zip(gradients(at_equality(network, data, data)[0]), expected, strict=True):
        torch.testing.assert_close(a, b)


def test_log_cosh_measures_the_difference_in_the_unit_of_energy(network):
    data, samples = _points(1), 3 * _points(2)
    at = NormalizationLoss(loss="log_cosh", positive_energy_weight=0.3, unit=2.0)
    loss, positive, negative = at(network, data, samples)
    difference = (positive - negative) / 2
    assert abs(difference) > 0.1
    torch.testing.assert_close(loss, difference.cosh().log() + 0.3 * positive / 2)


def test_wasserstein_loss_trains_through_the_samples_only(network):
    loss, *_ = NormalizationLoss(loss="wasserstein")(network, _points(1), _points(2))
    assert not loss.requires_grad
    samples = _points(2).requires_grad_()
    loss, *_ = NormalizationLoss(loss="wasserstein")(network, _points(1), samples)
    loss.backward()
    # Each sample is pulled towards the row it is assigned to: down the gradient is nearer.
    moved = samples.detach() - 0.5 * len(samples) * samples.grad
    assert NormalizationLoss(loss="wasserstein")(network, _points(1), moved)[0] < 1e-10


@pytest.mark.parametrize(
    "settings",
    [
        {"loss": "energy_difference"},
        {"loss": "energy_difference", "negative_energy_penalty": 0.5},
        {"loss": "log_cosh", "positive_energy_weight": 0.3, "unit": 2.0},
    ],
    ids=lambda settings: "-".join(map(str, settings.values())),
)
def test_gradients_in_the_weights_are_those_of_finite_differences(network, settings):
    data, samples = _points(1), _points(2)
    _compare_gradients(
        network, lambda: NormalizationLoss(**settings)(network, data, samples)[0], tolerance=1e-6
    )


def test_wasserstein_gradients_in_the_weights_go_through_the_chain(network):
    """Two steps of a chain without noise: x - λ∇E(x), whose gradient holds second derivatives."""
    data, start = _points(1), _points(2)

    def loss() -> torch.Tensor:
        x = start.clone().requires_grad_()
        for _ in range(2):
            x = x - 0.1 * torch.autograd.grad(network.energy(x).sum(), x, create_graph=True)[0]
        return NormalizationLoss(loss="wasserstein")(network, data, x)[0]

    _compare_gradients(network, loss, tolerance=1e-6)


def _compare_gradients(network, loss, tolerance: float, step: float = 1e-5) -> None:
    """Of every third weight, with central differences."""
    parameters = list(network.parameters())
    gradients = torch.autograd.grad(loss(), parameters)
    assert max(g.abs().max() for g in gradients) > 1e-3
    for parameter, gradient in zip(parameters, gradients, strict=True):
        flat = parameter.data.view(-1)
        for i in range(0, len(flat), 3):
            kept = flat[i].item()
            flat[i] = kept + step
            above = loss().item()
            flat[i] = kept - step
            below = loss().item()
            flat[i] = kept
            slope = (above - below) / (2 * step)
            assert gradient.view(-1)[i].item() == pytest.approx(slope, rel=1e-5, abs=tolerance)


@pytest.mark.parametrize(
    "settings",
    [{"loss": "best"}, {"negative_energy_penalty": -1.0}, {"positive_energy_weight": -1}],
)
def test_settings_out_of_range_are_refused(settings):
    with pytest.raises(ConfigError):
        NormalizationLoss(**settings)


def test_the_unit_of_energy_is_the_one_that_is_asked_for():
    asked = NormalizationLoss.of(LossParameters(loss="log_cosh", energy_unit=1.0), unit=5.0)
    assert asked.unit == 1.0
    assert NormalizationLoss.of(LossParameters(loss="log_cosh"), unit=5.0).unit == 5.0


def test_energies_are_enough_for_the_loss(network):
    """On validation rows, where energies and distance are known already."""
    data, samples = _points(1), _points(2)
    e_plus, e_minus = network.energy(data).mean(), network.energy(samples)
    for name in ("energy_difference", "log_cosh", "wasserstein"):
        loss = NormalizationLoss(loss=name, negative_energy_penalty=0.3)
        known = loss.of_energies(e_plus, e_minus, wasserstein_loss(data, samples))
        torch.testing.assert_close(known, loss(network, data, samples)[0])
