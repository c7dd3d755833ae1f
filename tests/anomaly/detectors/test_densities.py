"""Densities against what is known of them: Gaussians, distances, mixtures."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist
from scipy.stats import multivariate_normal
from sklearn.metrics import roc_auc_score

from darkclr.anomaly import DirichletVAE, Flow, GaussianMixture, Mahalanobis, NearestNeighbours
from darkclr.anomaly.detectors.dirichlet import laplace_prior
from darkclr.errors import ConfigError, InputError

COVARIANCE = np.array([[2.0, 0.8], [0.8, 1.0]])


def _gaussian(n, seed):
    return np.random.default_rng(seed).multivariate_normal([3.0, -1.0], COVARIANCE, size=n)


def _ring(n, seed):
    """A circle of radius 3 and width 0.2: no Gaussian."""
    rng = np.random.default_rng(seed)
    angle, radius = rng.uniform(0, 2 * np.pi, n), rng.normal(3, 0.2, n)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)


def test_mahalanobis_distance_is_that_of_the_covariance():
    x, new = _gaussian(300, 0), _gaussian(20, 1)
    inverse = np.linalg.inv(np.cov(x, rowvar=False, ddof=0))
    expected = cdist(new, x.mean(0)[None], "mahalanobis", VI=inverse)[:, 0]
    np.testing.assert_allclose(Mahalanobis().fit(x).score_samples(new), expected, rtol=1e-9)


def test_mahalanobis_leaves_directions_without_variance_out():
    x = np.concatenate([_gaussian(300, 0), np.full((300, 1), 7.0)], axis=1)
    expected = Mahalanobis().fit(x[:, :2]).score_samples(x[:5, :2])
    np.testing.assert_allclose(Mahalanobis().fit(x).score_samples(x[:5]), expected, rtol=1e-6)
    kept = Mahalanobis(n_components=1).fit(x).whitening_
    assert kept.shape == (3, 1)


def test_mahalanobis_with_integer_weights_sees_repetitions():
    x, new = _gaussian(60, 0), _gaussian(9, 1)
    weight = np.arange(60) % 3
    weighted = Mahalanobis().fit(x, sample_weight=weight).score_samples(new)
    repeated = Mahalanobis().fit(np.repeat(x, weight, axis=0)).score_samples(new)
    np.testing.assert_allclose(weighted, repeated, rtol=1e-9)


def test_neighbours_are_the_nearest():
    x, new = _gaussian(200, 0), _gaussian(10, 1)
    distance = np.sort(cdist(new, x), axis=1)
    np.testing.assert_allclose(
        NearestNeighbours(7).fit(x).score_samples(new), distance[:, 6], rtol=1e-4
    )
    mean = NearestNeighbours(7, average=True).fit(x).score_samples(new)
    np.testing.assert_allclose(mean, distance[:, :7].mean(axis=1), rtol=1e-4)
    few = NearestNeighbours(7, max_rows=50).fit(x).score_samples(new)
    np.testing.assert_allclose(few, np.sort(cdist(new, x[:50]), axis=1)[:, 6], rtol=1e-4)


def test_neighbours_know_the_density_but_for_constants():
    """d log r_k falls as log p rises: for a Gaussian, that of the distance to the mean."""
    x, new = _gaussian(4000, 0), _gaussian(300, 1)
    density = multivariate_normal([3.0, -1.0], COVARIANCE).logpdf(new)
    score = 2 * np.log(NearestNeighbours(50).fit(x).score_samples(new))
    assert np.corrcoef(score, -density)[0, 1] > 0.97


@pytest.mark.parametrize("covariance", ["full", "tied", "diag"])
def test_mixture_of_one_gaussian_is_the_gaussian(covariance):
    x, new = _gaussian(3000, 0), _gaussian(20, 1)
    detector = GaussianMixture(1, covariance, regularisation=1e-9).fit(x)
    fitted = multivariate_normal(x.mean(0), np.cov(x, rowvar=False, ddof=0)).logpdf(new)
    # Whitening stretches the volume by the square root of the determinant.
    volume = 0.5 * np.log(np.linalg.det(np.cov(x, rowvar=False, ddof=0)))
    np.testing.assert_allclose(detector.score_samples(new), -fitted - volume, rtol=1e-5)


def test_mixture_finds_the_hole_of_a_ring():
    center = np.zeros((1, 2))
    x = _ring(2000, 0)
    on_ring = np.median(GaussianMixture(12).fit(x).score_samples(_ring(200, 1)))
    assert GaussianMixture(12).fit(x).score_samples(center)[0] > on_ring + 3
    # What one Gaussian cannot see.
    assert Mahalanobis().fit(x).score_samples(center)[0] < 0.2


@pytest.mark.parametrize("architecture", ["affine", "spline", "autoregressive"])
def test_flow_learns_the_density(architecture):
    pytest.importorskip("zuko")
    x, new = _gaussian(2000, 0), _gaussian(500, 1)
    detector = Flow(architecture, 4, (32,), epochs=15, batch_size=128, learning_rate=5e-3).fit(x)
    truth = -multivariate_normal([3.0, -1.0], COVARIANCE).logpdf(new)
    difference = detector.score_samples(new) - truth
    # A constant, the volume of the whitening, but for the error of the fit.
    assert np.corrcoef(detector.score_samples(new), truth)[0, 1] > 0.95
    assert difference.std() < 0.4


def test_flow_is_normalised():
    """The integral of exp(-score) over the whitened plane is 1."""
    pytest.importorskip("zuko")
    detector = Flow("affine", 4, (32,), epochs=5, batch_size=128).fit(_ring(1000, 0))
    grid = np.linspace(-6, 6, 241)
    points = torch.from_numpy(np.stack(np.meshgrid(grid, grid), -1).reshape(-1, 2)).float()
    with torch.no_grad():
        density = torch.exp(-detector.energy(points)).sum().item() * (grid[1] - grid[0]) ** 2
    assert density == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("architecture", ["affine", "spline", "autoregressive"])
def test_a_few_outliers_do_not_rule_the_training(architecture):
    """Ten of 2000 rows have ten times the size: the bulk is learned beside them."""
    rng = np.random.default_rng(5)
    bulk = rng.normal(size=(1990, 16)).astype(np.float32)
    bulk[:, ::2] = np.tanh(3 * bulk[:, 1::2]) + 0.1 * bulk[:, ::2]
    rows = np.concatenate([bulk, 10 * rng.normal(size=(10, 16)).astype(np.float32)])
    detector = Flow(architecture, epochs=6, batch_size=128, n_components=None).fit(rows)
    assert max(row["train_loss"] for row in detector.history_) < 1e4
    assert detector.history_[-1]["train_loss"] < 16 / 2 * np.log(2 * np.pi * np.e)


def test_flow_takes_logarithms_of_observables_with_zeros():
    pytest.importorskip("zuko")
    x = np.exp(_gaussian(500, 0))
    x[:20, 0] = 0
    detector = Flow("affine", 2, (8,), epochs=2, batch_size=128, logarithm=True).fit(x)
    assert detector.floor_[0] == x[x[:, 0] > 0, 0].min()
    assert np.isfinite(detector.score_samples(x)).all()


def test_laplace_approximation_of_the_dirichlet_distribution():
    """log r has the moments of digamma and trigamma; close for a concentration above 1."""
    rng = np.random.default_rng(0)
    alpha, r = 4.0, 3
    logarithm = np.log(rng.dirichlet([alpha] * r, size=100_000))
    softmax_basis = logarithm - logarithm.mean(axis=1, keepdims=True)
    mean, variance = laplace_prior(alpha, r)
    np.testing.assert_allclose(softmax_basis.mean(), mean, atol=0.01)
    np.testing.assert_allclose(softmax_basis.std(), variance**0.5, rtol=0.1)


def _two_topics(n, seed):
    """Images of 40 counts from one of two distributions over 12 pixels."""
    rng = np.random.default_rng(seed)
    topics = np.array([[0.16] * 6 + [0.04 / 6] * 6, [0.04 / 6] * 6 + [0.16] * 6])
    topics /= topics.sum(axis=1, keepdims=True)
    kind = rng.integers(0, 2, n)
    return np.stack([rng.multinomial(40, topics[k]) / 40 for k in kind]), kind, topics


def test_dirichlet_vae_finds_the_topics():
    """The decoder's columns are the distributions that the images are drawn from."""
    x, kind, topics = _two_topics(1500, 0)
    detector = DirichletVAE(images=True, epochs=40, batch_size=64, learning_rate=5e-3).fit(x)
    found = detector.network_.mixtures.detach().softmax(dim=1).numpy()
    auc = roc_auc_score(kind, detector.mixture_weights(x)[:, 1])
    assert max(auc, 1 - auc) > 0.99
    order = np.argsort(found[:, 0])[::-1]
    np.testing.assert_allclose(found[order], topics, atol=0.05)


def test_dirichlet_vae_finds_foreign_images():
    x, _, _ = _two_topics(1000, 0)
    detector = DirichletVAE(images=True, epochs=20, batch_size=64, learning_rate=5e-3).fit(x)
    uniform = np.full((1, 12), 1 / 12)
    single = np.eye(12)[:1]
    bulk = np.quantile(detector.score_samples(x), 0.99)
    assert detector.score_samples(single)[0] > bulk
    assert np.isfinite(detector.score_samples(uniform)).all()
    with pytest.raises(InputError, match="sum to 1"):
        detector.score_samples(2 * x)


def test_terms_of_the_dirichlet_loss_add_up():
    x, _, _ = _two_topics(300, 0)
    detector = DirichletVAE(images=True, epochs=2, batch_size=64, kl_weight=0.3).fit(x)
    terms = {}
    for term in ("elbo", "reconstruction", "latent"):
        terms[term] = detector.set_params(term=term).score_samples(x)
    np.testing.assert_allclose(
        terms["elbo"], terms["reconstruction"] + 0.3 * terms["latent"], rtol=1e-4
    )
    assert (terms["latent"] >= 0).all()
    assert (terms["reconstruction"] >= -1e-5).all()


def test_too_few_rows_and_bad_parameters_are_refused():
    with pytest.raises(InputError, match="no 10 neighbours"):
        NearestNeighbours().fit(_gaussian(5, 0))
    with pytest.raises(InputError, match="too few"):
        DirichletVAE().fit(_gaussian(5, 0)[:3])
    with pytest.raises(InputError, match="all rows are equal"):
        Mahalanobis().fit(np.ones((10, 3)))
    for detector in (
        Mahalanobis(n_components=0),
        NearestNeighbours(0),
        GaussianMixture(0),
        DirichletVAE(1),
    ):
        with pytest.raises(ConfigError):
            detector.fit(_gaussian(50, 0))
