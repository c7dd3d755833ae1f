"""Parameters of the Markov chains of a normalized autoencoder.

**The scale of the chain.** E is a mean over d components, so off the manifold its curvature is
2/d: a step λ shortens the residual z - z' by 2λ/d of its length, and equipartition over the
d - b directions gives ⟨E⟩ = T (d - b)/2. A chain at T = 2 E_+/(d - b) has the energy of the
data when the model is right, and moves about as far as the residuals are long. That is the
default, with E_+ of the autoencoder before normalisation, a mean without the largest 5 %, since
outliers would heat the chains of all others; and λ = d/40, where Metropolis accepts about 0.9
of the steps from data and 0.75 from the manifold (0.7 and 0.2 at d/20, 0.3 and 0 at d/10).
Both follow the size of the representation and neither looks at a signal. With the published
λ = 100 and σ = 1e-4 the temperature is 5e-11: a descent onto the manifold that ends at E_-
near 0 rather than a sample of the model; ask for it by ``step_size=100, noise=1e-4,
annealing=True``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Literal

from darkclr.anomaly.nae.langevin import Chain
from darkclr.errors import ConfigError
from darkclr.parameters import LATER, AtLeast, Between, Positive

__all__ = ["ChainParameters", "Initialisation", "NewChains", "resolve_chain"]

Initialisation = Literal["data", "persistent", "on_manifold"]
NewChains = Literal["batch", "normal"]


@dataclass(eq=False, repr=False, kw_only=True)
class ChainParameters:
    """Where the chains start, how long they are and how far they step."""

    initialisation: Initialisation = "data"
    """Where the chains start: on the data, where earlier chains ended, or on the decoder's manifold
    after a chain in the latent space."""
    latent: Literal["sphere", "free"] | None = None
    """Latent space of the network; null: a sphere for chains that start on the manifold, which
    makes their first distribution uniform, else free."""
    new_chains: Annotated[NewChains, LATER] = "batch"
    """Where persistent chains begin that go on from no earlier one: at a Gaussian with mean and
    covariance of the batch, or at the standard normal distribution."""
    replay: Annotated[float, Between(0, 1, low_included=True)] = 0.95
    """Share of the chains that go on where earlier ones ended, persistent and on-manifold (there in
    the latent space)."""
    buffer_size: Annotated[int, AtLeast(1)] = 10_000
    """Number of ends of chains that are remembered."""
    steps: Annotated[int, AtLeast(1)] = 20
    """Number of steps of the chain in z."""
    step_size: Annotated[float | None, Positive()] = None
    """Step size λ of the chain in z; null: it follows from noise and temperature, or is d/40."""
    noise: Annotated[float | None, AtLeast(0)] = None
    """Noise σ of the chain in z; null: it follows from step size and temperature."""
    temperature: Annotated[float | None, Positive()] = None
    """Temperature T = σ²/(2λ) of the chain in z, of which two numbers fix the third; null: it
    follows from the other two, or is that of equipartition."""
    clip: Annotated[float | None, Positive()] = Chain.clip
    """Largest norm of ∇E in both chains; null: as it is."""
    bound: Annotated[float | None, Positive(), LATER] = Chain.bound
    """Largest absolute value of a feature along the chain in z, which puts back what comes beyond,
    or refuses it in Metropolis steps; null: none."""
    annealing: bool = Chain.annealing
    """Whether the noise of step i in z is σ/(1 + i)."""
    metropolis: bool = True
    """Whether each step of both chains is accepted or rejected at its true temperature."""
    latent_steps: Annotated[int, AtLeast(1)] = 20
    """Number of steps of the latent chain, which is for chains on the manifold only."""
    latent_noise: Annotated[float, AtLeast(0)] = 0.05
    """Noise σ of the latent chain, on the unit sphere; in a free latent space in units of the
    spread of the encoded rows."""
    latent_step_size: Annotated[float | None, Positive()] = None
    """Step size λ of the latent chain; null: that of the temperature E_+, by which H varies over
    the manifold. At T = 2 E_+/(d - b) nearly all latent steps are refused."""

    @property
    def spherical(self) -> bool:
        """Whether the latent space is a sphere."""
        if self.latent is None:
            return self.initialisation == "on_manifold"
        return self.latent == "sphere"

    def chain(self, reference_energy: float, d: int, bottleneck: int) -> Chain:
        """Settings of the chain in z.

        Args:
            reference_energy: E_+ of the data before the normalisation.
            d: number of features.
            bottleneck: dimension of the latent space.
        """
        return resolve_chain(
            self.steps,
            self.step_size,
            self.noise,
            self.temperature,
            default_step_size=d / 40,
            default_temperature=2 * reference_energy / max(d - bottleneck, 1),
            clip=self.clip,
            bound=self.bound,
            annealing=self.annealing,
            metropolis=self.metropolis,
        )

    def latent_chain(self, reference_energy: float, scale: float) -> Chain:
        """Settings of the chain in the latent space.

        Args:
            reference_energy: E_+ of the data before the normalisation.
            scale: spread of the encoded rows; 1 on the sphere.
        """
        noise, step_size = self.latent_noise * scale, self.latent_step_size
        if step_size is None:
            step_size = noise**2 / (2 * reference_energy)
        return Chain(
            self.latent_steps,
            step_size,
            noise,
            clip=self.clip,
            sphere=self.spherical,
            metropolis=self.metropolis,
        )


def resolve_chain(
    steps: int,
    step_size: float | None,
    noise: float | None,
    temperature: float | None,
    *,
    default_step_size: float,
    default_temperature: float,
    **options: bool | float | None,
) -> Chain:
    """A chain from two of λ, σ and T, which fix the third by T = σ²/(2λ) (thesis eq. 4.11).

    Args:
        steps: of the chain.
        step_size, noise, temperature: λ, σ, T; what is None follows from the others.
        default_step_size, default_temperature: taken as far as they are needed.
        options: further fields of :class:`~darkclr.anomaly.nae.langevin.Chain`.

    Raises:
        ConfigError: one is out of its range, or all three are given and contradict each other.

    >>> resolve_chain(10, None, 1.0, 2.0, default_step_size=1, default_temperature=1).step_size
    0.25
    """
    for name, value in (("step_size", step_size), ("temperature", temperature)):
        if value is not None and not 0 < value < math.inf:
            raise ConfigError(
                f"{name} = {value}", where="Langevin chain", fix="it must be positive and finite"
            )
    if None not in (step_size, noise, temperature):
        implied = noise**2 / (2 * step_size)  # type: ignore[operator]
        if not math.isclose(implied, temperature, rel_tol=0.01):  # type: ignore[arg-type]
            raise ConfigError(
                f"temperature = {temperature}, but σ²/(2λ) = {implied:.3g}",
                where="Langevin chain",
                fix="give two of step_size, noise and temperature",
            )
    if step_size is None:
        both = noise is not None and temperature is not None
        step_size = noise**2 / (2 * temperature) if both else default_step_size  # type: ignore
    if noise is None:
        chosen = default_temperature if temperature is None else temperature
        noise = Chain.noise_at(chosen, step_size)
    return Chain(steps, step_size, noise, **options)  # type: ignore[arg-type]
