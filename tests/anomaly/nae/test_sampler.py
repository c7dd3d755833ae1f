"""Where the chains of a normalized autoencoder start."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from darkclr.anomaly.detectors.autoencoder import AutoencoderNetwork
from darkclr.anomaly.nae import sampler
from darkclr.anomaly.nae.langevin import Chain, differentiate, langevin
from darkclr.anomaly.nae.sampler import Sampler, sample_table

STILL = Chain(1, 1e-12, 0.0)


def _generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _sampler(initialisation, *, sphere=False, chain=STILL, latent=None, **options) -> Sampler:
    network = AutoencoderNetwork(
        5, widths=(16,), bottleneck=3, activation="silu", sphere=sphere, generator=_generator()
    )
    latent = Chain(1, 1e-12, 0.0, sphere=sphere) if latent is None else latent
    options = {"replay": 0.95, "buffer_size": 1000, **options}
    return Sampler(network, initialisation, chain, latent, **options)


@pytest.fixture
def batch() -> torch.Tensor:
    mixing = torch.randn(2, 5, generator=_generator(7))
    return 3 + torch.randn(4000, 2, generator=_generator(8)) @ mixing


def test_chains_from_data_start_on_the_batch(batch):
    samples = _sampler("data").sample(batch, _generator())
    torch.testing.assert_close(samples.points, batch)
    assert samples.distance == pytest.approx(0, abs=1e-6)
    assert math.isnan(samples.latent_acceptance)


def test_latent_chains_on_the_sphere_start_on_it(batch, monkeypatch):
    starts = []

    def watched(gradient, start, chain, *, generator):
        starts.append(start)
        return langevin(gradient, start, chain, generator=generator)

    monkeypatch.setattr(sampler, "langevin", watched)
    _sampler("on_manifold", sphere=True).sample(batch, _generator())
    torch.testing.assert_close(starts[0].norm(dim=1), torch.ones(len(batch)))


def test_new_persistent_chains_have_the_moments_of_the_batch(batch):
    """Also in the plane of two dimensions that data in five dimensions fill."""
    points = _sampler("persistent").sample(batch, _generator(1)).points
    error = 4 * batch.std(0) / math.sqrt(len(batch))
    assert ((points.mean(0) - batch.mean(0)).abs() < 2 * error).all()
    torch.testing.assert_close(torch.cov(points.T), torch.cov(batch.T), rtol=0.15, atol=0.05)
    assert torch.linalg.matrix_rank(points - points.mean(0), rtol=1e-3) == 2


def test_many_rows_need_no_matrix_of_them(batch, monkeypatch):
    many = batch.repeat(2, 1)
    sizes, randn = [], torch.randn
    monkeypatch.setattr(torch, "randn", lambda *n, **kw: sizes.append(n) or randn(*n, **kw))
    points = _sampler("persistent").sample(many, _generator(1)).points
    assert sizes[0] == (len(many), many.shape[1])
    covariance = torch.cov(many.T)
    error = 4 * covariance.diagonal().max().item() / math.sqrt(len(many))
    torch.testing.assert_close(torch.cov(points.T), covariance, rtol=0, atol=error)


def test_persistent_chains_go_on_where_earlier_ones_ended(batch):
    sampler = _sampler("persistent", replay=0.8)
    first = sampler.sample(batch[:500], _generator(1)).points
    second = sampler.sample(batch[:500], _generator(2)).points
    same = (second[:, None] - first[None]).abs().amax(dim=-1) < 1e-5
    old = same.any(dim=1).double().mean().item()
    assert old == pytest.approx(0.8, abs=4 * math.sqrt(0.8 * 0.2 / 500))


def test_buffer_keeps_the_newest_ends_and_nothing_of_the_watching(batch):
    sampler = _sampler("persistent", buffer_size=300)
    sampler.sample(batch[:200], _generator(1), remember=False)
    assert sampler.buffer is None
    ends = [sampler.sample(batch[:200], _generator(seed)).points for seed in (1, 2)]
    torch.testing.assert_close(sampler.buffer, torch.cat(ends)[-300:])


def test_latent_chains_go_on_where_earlier_ones_ended(batch):
    sampler = _sampler("on_manifold", sphere=True, replay=1.0, buffer_size=1)
    point = sampler.sample(batch[:1], _generator(1)).points
    again = sampler.sample(batch[:50], _generator(2)).points
    torch.testing.assert_close(again, point.expand(50, -1))


def test_on_manifold_chains_without_replay_remember_nothing(batch):
    sampler = _sampler("on_manifold", sphere=True, replay=0.0)
    first, other = (sampler.sample(batch[:300], _generator(seed)).points for seed in (1, 2))
    assert sampler.buffer is None
    again = sampler.sample(batch[:300], _generator(1)).points
    assert torch.equal(first, again)
    assert not torch.isclose(first, other).all(dim=1).any()


@pytest.mark.parametrize("sphere", [True, False])
def test_on_manifold_chains_start_on_the_decoder(sphere, batch):
    sampler = _sampler("on_manifold", sphere=sphere)
    points = sampler.sample(batch[:300], _generator(1)).points
    with torch.no_grad():
        expected = sampler.network.decode(sampler.buffer)
    torch.testing.assert_close(points, expected)
    if sphere:
        torch.testing.assert_close(sampler.buffer.norm(dim=-1), torch.ones(300))
        assert sampler.buffer.mean(0).norm() < 4 / math.sqrt(300)


@pytest.mark.parametrize("sphere", [True, False])
def test_latent_chain_with_metropolis_samples_its_density(sphere):
    """The mean of H against the integral of exp(-H/T) over a circle or a plane."""
    # The sphere is small: at low temperature chains would not get from valley to valley.
    temperature, step_size = (0.5, 0.1) if sphere else (0.05, 0.4)
    noise = Chain.noise_at(temperature, step_size)
    latent = Chain(150, step_size, noise, sphere=sphere, metropolis=True)
    network = AutoencoderNetwork(
        4, widths=(8,), bottleneck=2, activation="silu", sphere=sphere, generator=_generator(3)
    )
    sampler = Sampler(network, "on_manifold", STILL, latent, replay=0.0, buffer_size=1)
    with torch.no_grad():
        network.decoder[-1].weight.mul_(4)  # a landscape with structure at this temperature
        batch = 2 * torch.randn(1500, 4, generator=_generator(5))
        if sphere:
            angle = torch.linspace(-math.pi, math.pi, 2001)[:-1]
            grid = torch.stack([angle.cos(), angle.sin()], dim=-1)
        else:
            axis = torch.linspace(-12, 12, 601)
            grid = torch.cartesian_prod(axis, axis)
        energies = network.latent_energy(grid).double()
    weights = torch.exp(-(energies - energies.min()) / temperature)
    mean = (weights * energies).sum() / weights.sum()
    spread = ((weights * (energies - mean).square()).sum() / weights.sum()).sqrt()
    samples = sampler.sample(batch, _generator(6))
    assert 0.2 < samples.latent_acceptance <= 1
    error = 4 * spread.item() / math.sqrt(len(batch))
    assert samples.energy.double().mean().item() == pytest.approx(mean.item(), abs=1.5 * error)


def test_samples_carry_a_gradient_on_request(batch):
    sampler = _sampler("persistent", chain=Chain(3, 0.1, 0.01))
    assert not sampler.sample(batch[:20], _generator()).points.requires_grad
    points = sampler.sample(batch[:20], _generator(), through=True).points
    points.square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in sampler.network.parameters())
    assert not sampler.buffer.requires_grad


@pytest.mark.parametrize("initialisation", ["data", "persistent"])
def test_gradient_through_the_chain_is_that_of_finite_differences(initialisation, batch):
    """With noise; without Metropolis even where it is asked for, since its choices depend on the
    weights, too, in a way that no derivative of the samples has.
    """
    sampler = _sampler(initialisation, chain=Chain(4, 0.3, 0.2, metropolis=True))
    sampler.network.double()
    weight = sampler.network.decoder[0].weight

    def moment() -> torch.Tensor:
        generator = _generator(3)
        samples = sampler.sample(batch[:50].double(), generator, through=True, remember=False)
        assert samples.acceptance == 1
        return samples.points.square().mean()

    (gradient,) = torch.autograd.grad(moment(), weight)
    assert gradient.abs().max() > 1e-3
    for index in [(0, 0), (3, 1), (7, 2)]:
        values = []
        for step in (1e-5, -1e-5):
            with torch.no_grad():
                weight[index] += step
            values.append(moment().item())
            with torch.no_grad():
                weight[index] -= step
        slope = (values[0] - values[1]) / 2e-5
        assert gradient[index].item() == pytest.approx(slope, rel=1e-4, abs=1e-7)


def test_table_of_samples_is_in_the_plane_of_the_data():
    rng = np.random.default_rng(0)
    plane = np.linalg.qr(rng.normal(size=(6, 2)))[0].T
    data = 5 + (rng.normal(size=(200, 2)) * [3, 1]) @ plane
    samples = {"data": data, "samples": data + 1, "data_energy": np.ones(200)}
    rows = sample_table({**samples, "samples_energy": np.zeros(200)}, scale=2.0)
    table = np.array([[r["direction_1"], r["direction_2"]] for r in rows if r["kind"] == "data"])
    variance = 4 * np.linalg.eigvalsh(np.cov(data.T))[::-1][:2]
    np.testing.assert_allclose(np.cov(table.T), np.diag(variance), atol=1e-8)
    assert len(rows) == 400


def test_a_chain_that_is_differentiated_accepts_every_step(batch):
    """How the choice to accept depends on the weights is in no derivative of the samples."""
    chain = Chain(5, 2.0, 0.5, metropolis=True)
    sampler = _sampler("data", chain=chain)
    rows = batch[:200]
    plain = sampler.sample(rows, _generator(3))
    assert plain.acceptance < 0.9
    through = sampler.sample(rows, _generator(3), through=True)
    assert through.acceptance == 1
    assert through.points.requires_grad
    expected = langevin(
        differentiate(sampler.network.energy),
        rows,
        Chain(5, 2.0, 0.5),
        generator=_generator(3),
    )
    torch.testing.assert_close(through.points.detach(), expected.samples)


def test_new_persistent_chains_may_be_standard_normal(batch):
    points = _sampler("persistent", new_chains="normal").sample(batch, _generator(1)).points
    torch.testing.assert_close(torch.cov(points.T), torch.eye(5), rtol=0.1, atol=0.1)
    assert (points.mean(0).abs() < 0.1).all()
