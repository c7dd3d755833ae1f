"""The sampler against densities that are known exactly."""

from __future__ import annotations

import math

import pytest
import torch

from darkclr.anomaly.nae.langevin import Chain, ChainResult, Energy, differentiate, langevin
from darkclr.errors import ConfigError


def _generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def sample(energy: Energy, start: torch.Tensor, chain: Chain, **options) -> ChainResult:
    return langevin(differentiate(energy), start, chain, **options)


def _gaussian_energy(mean: torch.Tensor, covariance: torch.Tensor):
    precision = torch.linalg.inv(covariance)

    def energy(z: torch.Tensor) -> torch.Tensor:
        return torch.einsum("ni,ij,nj->n", z - mean, precision, z - mean) / 2

    return energy


@pytest.mark.parametrize(("step_size", "noise"), [(0.1, math.sqrt(0.2)), (0.05, 0.6), (0.2, 0.3)])
def test_metropolis_chain_samples_the_gaussian_of_its_temperature(step_size, noise):
    """Stationary density exp(-E/T) with T = σ²/(2λ), at T = 1 and away from it."""
    mean = torch.tensor([1.0, -2.0], dtype=torch.float64)
    covariance = torch.tensor([[1.0, 0.6], [0.6, 0.8]], dtype=torch.float64)
    chain = Chain(150, step_size, noise, metropolis=True)
    n = 5000
    start = 3 * torch.randn(n, 2, dtype=torch.float64, generator=_generator(1))
    result = sample(_gaussian_energy(mean, covariance), start, chain, generator=_generator(2))
    expected = chain.temperature * covariance
    assert 0.3 < result.acceptance < 1
    error_of_mean = (expected.diagonal() / n).sqrt()
    assert ((result.samples.mean(0) - mean).abs() < 4 * error_of_mean).all()
    variances = expected.diagonal()
    error = ((torch.outer(variances, variances) + expected.square()) / n).sqrt()
    assert ((torch.cov(result.samples.T) - expected).abs() < 4 * error).all()


def test_metropolis_chain_stays_in_equilibrium_in_many_dimensions():
    """Equipartition ⟨E⟩ = T d/2 for the energy of an autoencoder, a mean over d components."""
    d, temperature, n = 512, 2e-4, 64
    chain = Chain(100, d / 20, Chain.noise_at(temperature, d / 20), metropolis=True)
    start = torch.zeros(n, d, dtype=torch.float64)
    result = sample(lambda z: z.square().mean(-1), start, chain, generator=_generator())
    # E = |z|²/d and so |z|²/(d T/2) is chi-squared with d degrees of freedom.
    error = temperature * math.sqrt(d / 2) / math.sqrt(n)
    assert result.energy.mean().item() == pytest.approx(temperature * d / 2, abs=4 * error)


def test_unadjusted_chain_has_its_known_bias():
    """z' = (1 - λ) z + σ ε on E = z²/2 settles at variance σ²/(1 - (1 - λ)²), not at T."""
    step_size, noise, n = 0.5, 1.0, 40_000
    start = torch.zeros(n, 1, dtype=torch.float64)
    result = sample(
        lambda z: z.square().sum(-1) / 2,
        start,
        Chain(40, step_size, noise),
        generator=_generator(),
    )
    expected = noise**2 / (1 - (1 - step_size) ** 2)
    assert result.samples.var().item() == pytest.approx(expected, rel=4 * math.sqrt(2 / n))
    assert abs(expected - Chain(40, step_size, noise).temperature) > 0.3


def test_clipped_chain_keeps_the_density():
    """A clipped force is still a proposal whose densities are known."""
    n = 8000
    start = torch.zeros(n, 1, dtype=torch.float64)
    chain = Chain(300, 0.2, math.sqrt(0.4), clip=0.5, metropolis=True)
    result = sample(lambda z: z.square().sum(-1) / 2, start, chain, generator=_generator())
    assert result.samples.var().item() == pytest.approx(1, rel=4 * math.sqrt(2 / n))


def test_ring_has_the_moments_of_its_radial_density():
    """E = (r - R)²/(2 s²) in two dimensions: p(r) ∝ r exp(-E), uniform in angle."""
    radius, width, n = 2.0, 0.3, 4000
    start = torch.randn(n, 2, dtype=torch.float64, generator=_generator(1))
    chain = Chain(400, 0.03, math.sqrt(0.06), metropolis=True)
    result = sample(
        lambda z: ((z.norm(dim=-1) - radius) / width).square() / 2,
        start,
        chain,
        generator=_generator(2),
    )
    r = torch.linspace(1e-4, radius + 8 * width, 20_001, dtype=torch.float64)
    density = r * torch.exp(-(((r - radius) / width) ** 2) / 2)
    density /= density.sum()
    mean = (r * density).sum()
    variance = ((r - mean) ** 2 * density).sum()
    samples = result.samples.norm(dim=-1)
    assert samples.mean().item() == pytest.approx(mean.item(), abs=4 * math.sqrt(variance / n))
    assert samples.var().item() == pytest.approx(variance.item(), rel=4 * math.sqrt(2 / n))
    direction = (result.samples / samples[:, None]).mean(0).norm().item()
    assert direction < 4 / math.sqrt(n)


def test_sphere_chain_samples_the_von_mises_fisher_density():
    """exp(κ cos θ) on the two-sphere: ⟨cos θ⟩ = coth κ - 1/κ, exactly with Metropolis."""
    kappa, n = 2.0, 8000
    start = torch.nn.functional.normalize(
        torch.randn(n, 3, dtype=torch.float64, generator=_generator(1)), dim=-1
    )
    chain = Chain(200, 0.15, math.sqrt(0.3), sphere=True, metropolis=True)
    result = sample(lambda b: -kappa * b[:, 2], start, chain, generator=_generator(2))
    cosine = result.samples[:, 2]
    mean = 1 / math.tanh(kappa) - 1 / kappa
    variance = 1 - 2 * mean / kappa - mean**2
    torch.testing.assert_close(result.samples.norm(dim=-1), torch.ones(n, dtype=torch.float64))
    assert cosine.mean().item() == pytest.approx(mean, abs=4 * math.sqrt(variance / n))
    assert result.samples[:, :2].mean(0).abs().max() < 4 / math.sqrt(n)


def test_chain_climbs_towards_high_density():
    """The sign of eq. 10: without noise the energy falls monotonically."""
    start = torch.full((1, 2), 3.0)
    energies = [
        sample(
            lambda z: z.square().sum(-1), start, Chain(steps, 0.1, 0.0), generator=_generator()
        ).energy.item()
        for steps in (1, 5, 20)
    ]
    assert energies[0] > energies[1] > energies[2]


def test_annealed_noise_falls_as_one_over_step():
    """On a flat energy the variance is σ² Σ 1/(1 + i)²."""
    n = 50_000
    start = torch.zeros(n, 1)
    result = sample(
        lambda z: 0 * z.sum(-1), start, Chain(4, 1.0, 0.5, annealing=True), generator=_generator()
    )
    expected = 0.25 * sum(1 / (1 + i) ** 2 for i in range(4))
    assert result.samples.var().item() == pytest.approx(expected, rel=4 * math.sqrt(2 / n))


def test_annealed_steps_are_accepted_at_their_own_noise_and_temperature():
    """Each step against the textbook: target exp(-E/T_i), proposal N(z - λ∇E, σ_i²)."""
    mean = torch.tensor([1.0, -2.0], dtype=torch.float64)
    energy = _gaussian_energy(mean, torch.tensor([[1.0, 0.6], [0.6, 0.8]], dtype=torch.float64))
    chain = Chain(4, 0.3, 0.8, annealing=True, metropolis=True)
    z = start = 2 * torch.randn(500, 2, dtype=torch.float64, generator=_generator(1))
    result = sample(energy, start, chain, generator=_generator(2))
    draws = _generator(2)
    accepted = 0.0

    def mean_of_step(x: torch.Tensor) -> torch.Tensor:
        x = x.clone().requires_grad_()
        return (x - chain.step_size * torch.autograd.grad(energy(x).sum(), x)[0]).detach()

    for i in range(chain.steps):
        sigma = chain.noise / (1 + i)
        temperature = sigma**2 / (2 * chain.step_size)
        there = torch.distributions.Normal(mean_of_step(z), sigma)
        proposal = there.mean + sigma * torch.randn(z.shape, dtype=z.dtype, generator=draws)
        back = torch.distributions.Normal(mean_of_step(proposal), sigma)
        ratio = (energy(z) - energy(proposal)) / temperature
        ratio += (back.log_prob(z) - there.log_prob(proposal)).sum(-1)
        accept = torch.rand(len(z), dtype=z.dtype, generator=draws).log() < ratio
        z = torch.where(accept[:, None], proposal, z)
        accepted += accept.double().mean().item() / chain.steps
    torch.testing.assert_close(result.samples, z)
    assert result.acceptance == pytest.approx(accepted)
    assert 0.1 < accepted < 0.95


def test_gradient_is_that_of_finite_differences():
    z = torch.randn(5, 3, dtype=torch.float64, generator=_generator())

    def energy(z: torch.Tensor) -> torch.Tensor:
        return (z.sin() * z.roll(1, -1)).sum(-1) + z.square().mean(-1)

    _, gradient = differentiate(energy)(z)
    h = 1e-6
    for j in range(3):
        shift = h * torch.eye(3, dtype=torch.float64)[j]
        numeric = (energy(z + shift) - energy(z - shift)) / (2 * h)
        torch.testing.assert_close(gradient[:, j], numeric, rtol=1e-7, atol=1e-8)


def test_same_generator_same_samples():
    start = torch.zeros(4, 2)
    results = [
        sample(lambda z: z.square().sum(-1), start, Chain(5, 0.1, 0.1), generator=_generator(seed))
        for seed in (3, 3, 4)
    ]
    assert torch.equal(results[0].samples, results[1].samples)
    assert not torch.equal(results[0].samples, results[2].samples)


@pytest.mark.parametrize(
    "settings",
    [
        {"steps": 0},
        {"step_size": 0.0},
        {"noise": -1.0},
        {"noise": 0.0, "metropolis": True},
        {"clip": 0.0},
    ],
)
def test_settings_out_of_range_are_refused(settings):
    with pytest.raises(ConfigError, match=next(iter(settings))):
        Chain(**{"steps": 1, "step_size": 0.1, "noise": 0.1, **settings})


@pytest.mark.parametrize("metropolis", [True, False])
def test_two_modes_keep_their_weights_and_widths(metropolis):
    """A mixture of Gaussians of weights 0.3 and 0.7 that chains can cross between."""
    weight, width, n = 0.3, 0.7, 4000

    def energy(z: torch.Tensor) -> torch.Tensor:
        left = math.log(weight) - ((z[:, 0] + 1.2) / width).square() / 2
        right = math.log(1 - weight) - ((z[:, 0] - 1.2) / width).square() / 2
        return -torch.logaddexp(left, right) + z[:, 1].square() / 2

    # Without Metropolis the bias is of the order of λ over the squared width: a small step.
    step_size, steps = (0.2, 400) if metropolis else (0.04, 1500)
    chain = Chain(steps, step_size, Chain.noise_at(1, step_size), metropolis=metropolis)
    start = torch.zeros(n, 2, dtype=torch.float64)
    samples = sample(energy, start, chain, generator=_generator(4)).samples
    variance = width**2 + 4 * 1.2**2 * weight * (1 - weight)
    bias = 0 if metropolis else 0.02
    assert samples[:, 0].mean().item() == pytest.approx(
        1.2 * (1 - 2 * weight), abs=4 * math.sqrt(variance / n) + bias
    )
    assert samples[:, 0].var().item() == pytest.approx(
        variance, rel=4 * math.sqrt(2 / n) + 2 * bias
    )
    left = math.erfc(-1.2 / width / math.sqrt(2)) / 2
    share = weight * left + (1 - weight) * (1 - left)
    assert (samples[:, 0] < 0).double().mean().item() == pytest.approx(
        share, abs=4 * math.sqrt(share * (1 - share) / n) + bias
    )


def test_acceptance_falls_with_the_step_and_is_that_of_theory():
    """In equilibrium of a Gaussian the acceptance of MALA is erfc(λ³ᐟ² sqrt(d)/4).

    To leading order in the step (Roberts and Rosenthal 1998, theorem 1, for a Gaussian).
    """
    d, n = 50, 500
    acceptances = []
    for step_size in (0.05, 0.1, 0.2):
        start = torch.randn(n, d, dtype=torch.float64, generator=_generator(1))
        chain = Chain(5, step_size, Chain.noise_at(1, step_size), metropolis=True)
        result = sample(lambda z: z.square().sum(-1) / 2, start, chain, generator=_generator(2))
        acceptances.append(result.acceptance)
        # log ratio = -(λ/4) (|z'|² - |z|²), of variance λ³ d/2 and mean minus half of it
        spread = math.sqrt(step_size**3 * d / 2)
        expected = math.erfc(spread / math.sqrt(8))
        assert result.acceptance == pytest.approx(expected, abs=0.02)
    assert acceptances == sorted(acceptances, reverse=True)


def test_samples_are_differentiated_through_the_whole_chain():
    """For E = k z²/2 a chain without noise ends at (1 - λ k)^n z, with a known derivative in k."""
    k = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
    start = torch.tensor([[2.0]], dtype=torch.float64)
    through = differentiate(lambda z: k * z.square().sum(-1) / 2, through=True)
    result = langevin(through, start, Chain(6, 0.3, 0.0), generator=_generator())
    (gradient,) = torch.autograd.grad(result.samples.sum(), k)
    expected = 2.0 * 6 * (1 - 0.3 * 0.7) ** 5 * (-0.3)
    assert gradient.item() == pytest.approx(expected)
    plain = sample(lambda z: k * z.square().sum(-1) / 2, start, Chain(6, 0.3, 0.0),
                   generator=_generator())  # fmt: skip
    assert not plain.samples.requires_grad
    assert torch.equal(plain.samples, result.samples)
    assert not start.requires_grad


@pytest.mark.parametrize("metropolis", [True, False])
def test_no_step_leads_beyond_the_bound(metropolis):
    chain = Chain(50, 0.05, 0.5, bound=0.7, metropolis=metropolis)
    start = torch.zeros(400, 2, dtype=torch.float64)
    flat = _gaussian_energy(torch.zeros(2).double(), 1e6 * torch.eye(2).double())
    result = sample(flat, start, chain, generator=_generator())
    assert result.samples.abs().max() <= 0.7
    at_the_wall = (result.samples.abs() == 0.7).any()
    assert bool(at_the_wall) is not metropolis


def test_metropolis_chain_samples_the_density_within_the_bound():
    """A flat energy: uniform between the walls, of variance b²/3; put back, it is more."""
    flat = _gaussian_energy(torch.zeros(1).double(), 1e6 * torch.eye(1).double())
    start = torch.zeros(4000, 1, dtype=torch.float64)
    variance = {
        metropolis: sample(
            flat,
            start,
            Chain(60, 0.02, 0.4, bound=1.0, metropolis=metropolis),
            generator=_generator(),
        )
        .samples.var()
        .item()
        for metropolis in (True, False)
    }
    assert variance[True] == pytest.approx(1 / 3, abs=0.02)
    assert variance[False] > 0.4
