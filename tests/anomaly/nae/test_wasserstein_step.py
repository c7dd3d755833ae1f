"""One step of the WNAE against its published formulas, written out in NumPy in double precision.

CMS, arXiv:2510.02168: the energy is the mean squared error of the reconstruction; a chain steps by
x' = x - λ ∇E/T + σ ε with λ = σ²/2 and is put back within its bounds; the loss is W₂² of a batch
and of the ends of the chains, its gradient goes through all steps.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.optimize import linprog

from darkclr.anomaly.definition import create_detector
from darkclr.anomaly.nae.losses import NormalizationLoss
from darkclr.anomaly.nae.sampler import Sampler
from darkclr.substructure import CMS_OBSERVABLES

N, D = 24, len(CMS_OBSERVABLES)
OPTIONS = {"steps": 4, "bound": 1.5}  # a bound that some chains meet


@pytest.fixture(scope="module")
def wnae():
    """The detector of the catalogue with a network of random weights, in double precision."""
    detector = create_detector("wnae_cms", OPTIONS)
    detector.n_features_in_ = D
    generator = torch.Generator().manual_seed(4)
    detector.network_ = detector._build(generator).double()
    # Larger weights: with those of an untrained network the chains hardly feel the energy.
    with torch.no_grad():
        for weight in detector.network_.parameters():
            weight.mul_(2.0)
    return detector


@pytest.fixture(scope="module")
def batch() -> torch.Tensor:
    return torch.randn(N, D, dtype=torch.float64, generator=torch.Generator().manual_seed(5))


def _layers(network):
    """(weight, bias, whether a ReLU follows) of each linear layer."""
    found = []
    for half in (network.encoder, network.decoder):
        linear = [layer for layer in half if isinstance(layer, torch.nn.Linear)]
        for i, layer in enumerate(linear):
            weight, bias = layer.weight.detach().numpy(), layer.bias.detach().numpy()
            found.append((weight, bias, i < len(linear) - 1))
    return found


def _energy_and_gradient(layers, x):
    """E = |x - f(x)|²/d of rows and dE/dx, by the chain rule."""
    jacobian, y = np.broadcast_to(np.eye(D), (len(x), D, D)), x
    for weight, bias, activated in layers:
        y = y @ weight.T + bias
        jacobian = weight @ jacobian
        if activated:
            jacobian = jacobian * (y > 0)[:, :, None]
            y = np.maximum(y, 0)
    residual = x - y
    gradient = 2 / D * (residual - np.einsum("ni,nij->nj", residual, jacobian))
    return (residual**2).mean(axis=1), gradient


def _chain(layers, start, noise, sigma, temperature, bound):
    x, clipped = start, False
    for epsilon in noise:
        step = -(sigma**2 / 2) * _energy_and_gradient(layers, x)[1] / temperature
        x = x + step + sigma * epsilon
        clipped |= bool((np.abs(x) > bound).any())
        x = np.clip(x, -bound, bound)
    return x, clipped


def _transport(a, b) -> float:
    """min Σ γ_ij |a_i - b_j|² over γ with equal marginals, by linear programming."""
    n = len(a)
    cost = ((a[:, None] - b[None]) ** 2).sum(axis=-1)
    rows, columns = np.kron(np.eye(n), np.ones(n)), np.kron(np.ones(n), np.eye(n))
    solved = linprog(
        cost.ravel(), A_eq=np.vstack([rows, columns]), b_eq=np.full(2 * n, 1 / n), bounds=(0, None)
    )
    assert solved.success
    return float(solved.fun)


def _random_numbers(seed: int):
    """Those of a sampler: starts of the chains, then the noise of each step."""
    generator = torch.Generator().manual_seed(seed)
    draws = [
        torch.randn(N, D, dtype=torch.float64, generator=generator).numpy()
        for _ in range(1 + OPTIONS["steps"])
    ]
    return draws[0], draws[1:]


def _loss(detector, batch, seed: int):
    """Loss and samples of one step as the training makes it."""
    chain = detector.chain(1.0, D, detector.bottleneck)
    sampler = Sampler(
        detector.network_,
        detector.initialisation,
        chain,
        chain,
        new_chains=detector.new_chains,
        replay=detector.replay,
        buffer_size=detector.buffer_size,
    )
    generator = torch.Generator().manual_seed(seed)
    loss = NormalizationLoss.of(detector, unit=1.0)
    samples = sampler.sample(batch, generator, through=loss.through)
    return loss(detector.network_, batch, samples.points)[0], samples.points


def test_the_network_is_that_of_the_paper(wnae):
    sizes = [D, *(len(bias) for _, bias, _ in _layers(wnae.network_))]
    assert sizes == [8, 10, 10, 6, 10, 10, 8]


def test_energies_and_gradients(wnae, batch):
    energy, gradient = _energy_and_gradient(_layers(wnae.network_), batch.numpy())
    x = batch.clone().requires_grad_(True)
    ours = wnae.network_.energy(x)
    (ours_gradient,) = torch.autograd.grad(ours.sum(), x)
    np.testing.assert_allclose(ours.detach(), energy, rtol=1e-10)
    np.testing.assert_allclose(ours_gradient, gradient, rtol=1e-8, atol=1e-12)


def test_step_noise_and_temperature_belong_together(wnae):
    """λ ∇E/T with λ = σ²/2 is our λ ∇E with λ = σ²/(2T)."""
    chain = wnae.chain(1.0, D, wnae.bottleneck)
    assert (chain.noise, chain.metropolis) == (0.22, False)
    assert chain.step_size == pytest.approx(0.22**2 / 2 / 0.063)
    assert chain.temperature == pytest.approx(0.063)


def test_the_loss_of_one_step_with_the_same_random_numbers(wnae, batch):
    start, noise = _random_numbers(seed=6)
    layers = _layers(wnae.network_)
    ends, clipped = _chain(layers, start, noise, 0.22, 0.063, OPTIONS["bound"])
    assert clipped
    loss, points = _loss(wnae, batch.clone(), seed=6)
    np.testing.assert_allclose(points.detach(), ends, rtol=1e-5, atol=1e-7)
    assert loss.item() == pytest.approx(_transport(batch.numpy(), ends), rel=1e-5)


def test_its_gradient_goes_through_all_steps(wnae, batch):
    """Central differences of the formulas, in the weight of each layer that matters most."""
    loss, _ = _loss(wnae, batch.clone(), seed=6)
    parameters = [w for name, w in wnae.network_.named_parameters() if name.endswith("weight")]
    gradients = torch.autograd.grad(loss, parameters)
    start, noise = _random_numbers(seed=6)
    layers, h = _layers(wnae.network_), 1e-6
    for i, gradient in enumerate(gradients):
        index = np.unravel_index(int(gradient.abs().argmax()), gradient.shape)
        values = []
        for sign in (1, -1):
            weight, bias, activated = layers[i]
            moved = weight.copy()
            moved[index] += sign * h
            changed = [*layers[:i], (moved, bias, activated), *layers[i + 1 :]]
            ends, _ = _chain(changed, start, noise, 0.22, 0.063, OPTIONS["bound"])
            values.append(_transport(batch.numpy(), ends))
        difference = (values[0] - values[1]) / (2 * h)
        assert math.isclose(gradient[index].item(), difference, rel_tol=1e-4)
