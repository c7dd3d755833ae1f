from __future__ import annotations

import numpy as np
import pytest
import torch

from darkclr.contrastive.losses import LossConfig, anomclr_plus

NO_PENALTY = LossConfig(temperature=1.0, norm_penalty=0.0)


def random(n=20, d=6, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n, d, generator=generator)


def test_aligned_and_opposite_is_the_minimum():
    z = random()
    terms = anomclr_plus(z, 3 * z, -0.1 * z, NO_PENALTY)
    assert terms.alignment.item() == pytest.approx(1)
    assert terms.anomaly_similarity.item() == pytest.approx(-1)
    assert terms.loss.item() == pytest.approx(-2)


def test_the_wrong_way_round_is_the_maximum():
    z = random()
    assert anomclr_plus(z, -z, z, NO_PENALTY).loss.item() == pytest.approx(2)


def test_a_collapsed_encoder_gains_nothing():
    z = torch.ones(20, 6)
    assert anomclr_plus(z, z, z, NO_PENALTY).loss.item() == pytest.approx(0)


def test_orthogonal_vectors():
    x, y = torch.eye(2).repeat_interleave(3, 0).chunk(2)
    terms = anomclr_plus(x, y, x, NO_PENALTY)
    assert terms.alignment.item() == pytest.approx(0)
    assert terms.loss.item() == pytest.approx(1)


@pytest.mark.parametrize("temperature", [0.1, 0.5, 2.0])
def test_temperature_divides_similarities_and_nothing_else(temperature):
    views = [random(seed=seed) for seed in range(3)]
    reference = anomclr_plus(*views, NO_PENALTY)
    terms = anomclr_plus(*views, LossConfig(temperature, norm_penalty=0.2))
    expected = reference.loss / temperature + 0.2 * reference.norm
    torch.testing.assert_close(terms.loss, expected)
    torch.testing.assert_close(terms.alignment, reference.alignment)


def test_penalty_is_on_the_background_alone():
    z = random()
    config = LossConfig(temperature=1.0, norm_penalty=1.0)
    norm = float(np.linalg.norm(z.numpy(), axis=1).mean())
    for factor in (1, 10):
        terms = anomclr_plus(z, factor * z, -factor * z, config)
        assert terms.norm.item() == pytest.approx(norm)
        assert terms.loss.item() == pytest.approx(-2 + norm, rel=1e-5)


def test_defaults_are_those_of_the_paper():
    assert LossConfig() == LossConfig(temperature=0.1, norm_penalty=1e-3)


def test_gradients_are_the_analytic_ones():
    # d s(a, b) / da = (b^ - s a^) / |a|
    config = LossConfig(temperature=0.3, norm_penalty=0.05)
    views = [random(seed=seed).requires_grad_() for seed in range(3)]
    anomclr_plus(*views, config).loss.backward()
    z, physical, anomalous = (v.detach().double().numpy() for v in views)
    norm, norm_p, norm_a = (
        np.linalg.norm(v, axis=1, keepdims=True) for v in (z, physical, anomalous)
    )
    unit, unit_p, unit_a = z / norm, physical / norm_p, anomalous / norm_a
    s_p, s_a = ((unit * u).sum(1, keepdims=True) for u in (unit_p, unit_a))
    n = len(z)
    by_z = (unit_a - s_a * unit - unit_p + s_p * unit) / norm / config.temperature
    expected = [
        (by_z + config.norm_penalty * unit) / n,
        -(unit - s_p * unit_p) / norm_p / config.temperature / n,
        (unit - s_a * unit_a) / norm_a / config.temperature / n,
    ]
    for view, gradient in zip(views, expected, strict=True):
        np.testing.assert_allclose(view.grad.numpy(), gradient, rtol=1e-4, atol=1e-6)


def test_half_precision_is_summed_in_single():
    views = [random(n=4096, seed=seed).bfloat16() for seed in range(3)]
    terms = anomclr_plus(*views, LossConfig())
    assert terms.loss.dtype == torch.float32
    torch.testing.assert_close(
        terms.loss, anomclr_plus(*(v.float() for v in views), LossConfig()).loss
    )


def weighted_gradients(views, weight, rows=slice(None)):
    leaves = [v.double().requires_grad_() for v in views]
    terms = anomclr_plus(*(v[rows] for v in leaves), LossConfig(), weight)
    terms.loss.backward()
    return terms, torch.stack([v.grad for v in leaves])


def test_weight_two_is_the_jet_twice():
    views = [random(seed=seed) for seed in range(3)]
    weight = torch.ones(20, dtype=torch.float64)
    weight[[3, 7]] = 2.0
    rows = torch.cat([torch.arange(20), torch.tensor([3, 7])])
    twice = weighted_gradients(views, None, rows)
    once = weighted_gradients(views, weight / weight.mean())
    for a, b in zip(once[0], twice[0], strict=True):
        torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(once[1], twice[1], rtol=1e-12, atol=1e-12)


def test_weighted_batches_are_unbiased():
    # The mean gradient over the batches of an epoch is the gradient of the weighted mean.
    views = [random(seed=seed) for seed in range(3)]
    weight = torch.rand(20, generator=torch.Generator().manual_seed(1), dtype=torch.float64) ** 4
    weight /= weight.mean()
    whole = weighted_gradients(views, weight)[1]
    parts = [weighted_gradients(views, weight[rows], rows)[1] for rows in torch.arange(20).split(5)]
    torch.testing.assert_close(torch.stack(parts).mean(0), whole, rtol=1e-12, atol=1e-12)
    # Normalised within each batch it is another, which is why the weights are the sample's.
    own = [
        weighted_gradients(views, weight[rows] / weight[rows].mean(), rows)[1]
        for rows in torch.arange(20).split(5)
    ]
    assert (torch.stack(own).mean(0) - whole).norm() > 0.1 * whole.norm()


def test_unit_weights_change_no_bit():
    views = [random(seed=seed).requires_grad_() for seed in range(3)]
    plain = anomclr_plus(*views, LossConfig())
    gradients = torch.autograd.grad(plain.loss, views)
    terms = anomclr_plus(*views, LossConfig(), torch.ones(20))
    assert all(torch.equal(a, b) for a, b in zip(plain, terms, strict=True))
    for a, b in zip(gradients, torch.autograd.grad(terms.loss, views), strict=True):
        assert torch.equal(a, b)
