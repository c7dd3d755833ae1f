from __future__ import annotations

import numpy as np
import pytest
import torch

from darkclr.anomaly import Autoencoder
from darkclr.anomaly.detectors.autoencoder import AutoencoderNetwork
from darkclr.errors import ConfigError, InputError, TrainingError


def _network(**changes) -> AutoencoderNetwork:
    settings = {"widths": (128, 64, 32, 16, 8), "bottleneck": 3, "activation": "relu"}
    generator = torch.Generator().manual_seed(0)
    return AutoencoderNetwork(
        512, **{**settings, "sphere": False, "generator": generator, **changes}
    )


def _plane(n: int, seed: int = 0) -> np.ndarray:
    """A two-dimensional plane in ten dimensions, with a little noise."""
    rng = np.random.default_rng(seed)
    basis = np.linalg.qr(np.random.default_rng(1).normal(size=(10, 2)))[0]
    return rng.normal(size=(n, 2)) @ basis.T + 0.01 * rng.normal(size=(n, 10))


def test_layers_are_those_of_the_paper():
    sizes = [
        [layer.out_features for layer in half if isinstance(layer, torch.nn.Linear)]
        for half in (_network().encoder, _network().decoder)
    ]
    assert sizes == [[128, 64, 32, 16, 8, 3], [8, 16, 32, 64, 128, 512]]


def test_energy_is_the_mean_squared_error():
    """Eq. 8 with the mean over components that text and thesis use."""
    network, z = _network(), torch.randn(6, 512)
    reconstruction = network.decode(network.encode(z))
    expected = ((z - reconstruction) ** 2).sum(-1) / 512
    torch.testing.assert_close(network.energy(z), expected)


def test_latent_energy_is_that_of_the_decoded_point():
    network = _network(sphere=True)
    latent = torch.nn.functional.normalize(torch.randn(5, 3), dim=-1)
    torch.testing.assert_close(
        network.latent_energy(latent), network.energy(network.decode(latent))
    )
    norms = network.encode(torch.randn(7, 512)).norm(dim=-1)
    torch.testing.assert_close(norms, torch.ones(7))


def test_gradient_of_the_energy_in_double_precision():
    network = _network(widths=(16, 8), activation="silu").double()
    z = torch.randn(2, 512, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(network.energy, (z,))


def test_points_off_the_learned_plane_are_reconstructed_badly():
    detector = Autoencoder(epochs=60, batch_size=64, widths=(16,), bottleneck=2, activation="silu")
    detector.fit(_plane(1000))
    rng = np.random.default_rng(3)
    on, off = _plane(200, seed=2), rng.normal(size=(200, 10)) / np.sqrt(5)
    scores = detector.score_samples(on), detector.score_samples(off)
    assert np.median(scores[1]) > 20 * np.median(scores[0])
    energies = [row["validation_energy"] for row in detector.history_]
    assert energies[-1] < 0.1 * energies[0]


def test_rescaling_is_one_number():
    """The score of kX, rescaled, is that of X: directions and ratios are untouched."""
    X = _plane(300)
    settings = {"epochs": 3, "widths": (8,), "bottleneck": 2, "rescale": True}
    scores = [Autoencoder(**settings).fit(k * X).score_samples(k * X) for k in (1.0, 50.0)]
    np.testing.assert_allclose(scores[0], scores[1], rtol=1e-3)
    detector = Autoencoder(**{**settings, "rescale": False}).fit(X)
    assert detector.scale_ == 1


def test_early_stopping_ends_with_the_best_epoch():
    X = _plane(200)
    settings = {"epochs": 25, "learning_rate": 0.05, "widths": (8,), "bottleneck": 2}
    detector = Autoencoder(**settings, early_stopping=True, batch_size=32).fit(X)
    rows = torch.randperm(200, generator=torch.Generator().manual_seed(0)).numpy()[:20]
    best = min(row["validation_energy"] for row in detector.history_)
    assert detector.score_samples(X[rows]).mean() == pytest.approx(best, rel=1e-5)


def test_infinite_error_is_reported():
    with pytest.raises(TrainingError, match="rescale"):
        Autoencoder(epochs=2, widths=(8,)).fit(1e30 * _plane(100))


def test_too_few_rows_are_refused():
    with pytest.raises(InputError, match="too few"):
        Autoencoder().fit(np.ones((2, 4)))


def test_the_history_has_the_mean_over_rows_whatever_the_batches():
    """The last of them has 52 rows of 64, and the weights do not move."""
    X = _plane(200)
    X[:20] *= 30
    detector = Autoencoder(epochs=1, batch_size=64, learning_rate=1e-12, widths=(8,)).fit(X)
    (row,) = detector.history_
    total = 180 * row["train_energy"] + 20 * row["validation_energy"]
    assert total == pytest.approx(detector.score_samples(X).sum(), rel=1e-4)


def test_the_learning_rate_falls_along_a_cosine(monkeypatch):
    rates = []

    class Watched(torch.optim.Adam):
        def step(self, *arguments, **options):
            rates.append(self.param_groups[0]["lr"])
            return super().step(*arguments, **options)

    monkeypatch.setattr(torch.optim, "Adam", Watched)
    Autoencoder(epochs=4, batch_size=1000, learning_rate=0.01, widths=(8,)).fit(_plane(200))
    expected = [0.01 * (1 + np.cos(np.pi * epoch / 4)) / 2 for epoch in range(4)]
    np.testing.assert_allclose(rates, expected, rtol=1e-6)


def test_patience_ends_a_training_that_gains_nothing():
    """With the weights of the best epoch, which is so many epochs before the last."""
    options = {"widths": (16,), "bottleneck": 2, "learning_rate": 0.05, "batch_size": 64}
    rows = _plane(400)
    patient = Autoencoder(**options, epochs=200, early_stopping=True, patience=5).fit(rows)
    held = [row["validation_energy"] for row in patient.history_]
    assert len(held) < 200
    assert int(np.argmin(held)) + 1 + 5 == len(held)
    kept = np.sort(patient.score_samples(rows))
    assert np.isfinite(kept).all()
    # Up to its best epoch it is the training that knows of no patience, but for the cosine.
    longer = Autoencoder(**options, epochs=300, early_stopping=True, patience=5).fit(rows)
    np.testing.assert_array_equal(np.sort(longer.score_samples(rows)), kept)


def test_patience_is_for_the_best_epoch():
    with pytest.raises(ConfigError, match="early_stopping"):
        Autoencoder(patience=3).fit(_plane(100))
