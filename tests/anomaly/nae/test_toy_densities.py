"""A normalized autoencoder learns a density: the ring, whose density is known."""

from __future__ import annotations

import numpy as np
import pytest

from darkclr.anomaly import NormalizedAutoencoder

RADIUS, WIDTH = 2.0, 0.25
SETTINGS = {
    **{"widths": (64, 64), "bottleneck": 3, "activation": "silu", "batch_size": 250},
    **{"pretraining_epochs": 10, "epochs": 100, "normalization_learning_rate": 1e-3},
    **{"steps": 40, "noise": 0.1, "temperature": 0.1, "negative_energy_penalty": 0.05},
    **{"selection": "last"},
}


def _ring(n: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    angle, radius = rng.uniform(-np.pi, np.pi, n), RADIUS + WIDTH * rng.normal(size=n)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)


def _divergence(detector: NormalizedAutoencoder) -> float:
    """KL(ring || exp(-E/T)), both normalised on a grid, in nats."""
    x, y = np.meshgrid(*2 * (np.linspace(-4, 4, 101),))
    r = np.hypot(x, y).ravel()
    ring = np.exp(-(((r - RADIUS) / WIDTH) ** 2) / 2) / np.maximum(r, 0.02)
    ring /= ring.sum()
    energies = detector.score_samples(np.stack([x.ravel(), y.ravel()], axis=1))
    log_model = -energies / detector.temperature_
    log_model -= log_model.max()
    log_model -= np.log(np.exp(log_model).sum())
    there = ring > 1e-12
    return float((ring[there] * (np.log(ring[there]) - log_model[there])).sum())


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 3])
@pytest.mark.parametrize("initialisation", ["data", "persistent"])
def test_the_learned_density_of_a_ring_is_the_ring(initialisation, seed):
    """A constant density on the grid is at 2.1 nats, the autoencoder before at more than 0.8."""
    train = _ring(1500, 1)
    settings = {**SETTINGS, "initialisation": initialisation, "seed": seed}
    before = NormalizedAutoencoder(
        **{**settings, "epochs": 1, "burn_in": 0, "normalization_learning_rate": 0.0}
    ).fit(train)
    normalised = NormalizedAutoencoder(**settings).fit(train)
    assert _divergence(before) > 0.8
    assert _divergence(normalised) < 0.1
    # 150 points of the ring are at 0.3 from another 150.
    assert normalised.history_[-1]["energy_movers_distance"] < 0.6
