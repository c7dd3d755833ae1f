"""Physical augmentations: what a representation should not see.

Rotation and translation are symmetries of a jet (DarkCLR, arXiv:2312.03067, section 3.2); the
scale of jet pT is one to the extent that a score shall not follow pT.
Collinear splitting and soft smearing come from the theory (JetCLR, arXiv:2108.04253; thesis
section 4.3.2): QCD does not predict, and no detector resolves, what they alter.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np

from darkclr.augmentations.base import Augmentation
from darkclr.clustering import JET_RADIUS
from darkclr.jets import N_CONSTITUENTS, Constituents
from darkclr.parameters import AtLeast, Finite, Positive

__all__ = ["CollinearSplitting", "PtScaling", "Rotation", "SoftSmearing", "Translation"]


@dataclass(frozen=True)
class Rotation(Augmentation):
    """Rotate each jet in the eta-phi plane about the origin by a random angle."""

    max_angle: Annotated[float, Finite()] = 2 * np.pi
    """Largest angle [rad]; the angle is uniform between 0 and it."""

    def __call__(
        self, constituents: Constituents, original: Constituents, rng: np.random.Generator
    ) -> Constituents:
        """Rotated constituents."""
        angle = rng.uniform(0, self.max_angle, len(constituents)).astype(np.float32)
        angle = angle[constituents.jet_index]
        cos, sin = np.cos(angle), np.sin(angle)
        return replace(
            constituents,
            eta=(cos * constituents.eta - sin * constituents.phi).astype(np.float32, copy=False),
            phi=(sin * constituents.eta + cos * constituents.phi).astype(np.float32, copy=False),
        )


@dataclass(frozen=True)
class Translation(Augmentation):
    """Shift each jet in the eta-phi plane.

    The shift in eta and in phi is uniform in a window of half-width ``width`` times the distance
    between the two furthest constituents of the *original* jet, so that all views of a jet,
    dropped ones too, are shifted by the same rule.
    """

    width: Annotated[float, Finite()] = 1.0
    """Half-width of the window in units of that distance."""

    def __call__(
        self, constituents: Constituents, original: Constituents, rng: np.random.Generator
    ) -> Constituents:
        """Shifted constituents; coordinates stay relative, so phi needs no wrapping."""
        window = self.width * original.diameter
        shift = (rng.uniform(-1, 1, (2, len(window))) * window).astype(np.float32)
        shift = shift[:, constituents.jet_index]
        return replace(
            constituents, eta=constituents.eta + shift[0], phi=constituents.phi + shift[1]
        )


@dataclass(frozen=True)
class PtScaling(Augmentation):
    """Multiply the pT of all constituents of a jet by one factor, so that its scale is irrelevant.

    The factor is log-uniform between 1 / ``max_factor`` and ``max_factor``.
    """

    max_factor: Annotated[float, AtLeast(1)] = 2.0
    """Largest factor; 2 is the ratio of the edges of the jets' window in pT."""

    def __call__(
        self, constituents: Constituents, original: Constituents, rng: np.random.Generator
    ) -> Constituents:
        """Constituents with all pT of a jet scaled alike."""
        edge = np.log(self.max_factor)
        factor = np.exp(rng.uniform(-edge, edge, len(constituents))).astype(np.float32)
        return replace(constituents, pt=constituents.pt * factor[constituents.jet_index])


@dataclass(frozen=True)
class CollinearSplitting(Augmentation):
    r"""Split constituents in two that fly in the same direction (thesis eq. 4.5).

    .. math:: p_{T,a} + p_{T,b} = p_T, \quad η_a = η_b = η, \quad φ_a = φ_b = φ

    Each is split at most once, randomly chosen ones until the jet has ``max_constituents`` or
    all are split, as in the public code of JetCLR. The share of the harder half is uniform in
    [1/2, 1], which is a uniform share of either. In float32 the halves add up exactly.
    """

    max_constituents: int = N_CONSTITUENTS
    """Number of constituents beyond which no jet is split; give the encoder's ``n_constituents`` if
    that is another one."""

    def __call__(
        self, constituents: Constituents, original: Constituents, rng: np.random.Generator
    ) -> Constituents:
        """Constituents and their split-off halves, hardest first."""
        n_splits = np.minimum(
            constituents.lengths, np.maximum(self.max_constituents - constituents.lengths, 0)
        )
        ids = constituents.jet_index
        # A random order within each jet: the first ones of it are split.
        order = np.lexsort((rng.random(len(ids)), ids))
        position = np.arange(len(ids)) - constituents.offsets[ids]
        chosen = np.sort(order[position < n_splits[ids]])
        pt = constituents.pt.copy()
        # The difference of two numbers within a factor of two has no rounding error (Sterbenz).
        pt[chosen] *= rng.uniform(0.5, 1.0, len(chosen)).astype(np.float32)
        halves = replace(constituents, pt=constituents.pt - pt)
        is_half = np.zeros(len(ids), dtype=bool)
        is_half[chosen] = halves.pt[chosen] > 0
        return _merge(replace(constituents, pt=pt), halves.keep(is_half)).sorted()


@dataclass(frozen=True)
class SoftSmearing(Augmentation):
    r"""Move constituents by a Gaussian that is the wider the softer they are (thesis eq. 4.6).

    .. math:: η' \sim N(η, Λ R / p_T), \quad φ' \sim N(φ, Λ R / p_T)

    Constituents below Λ are moved like those at Λ, by the radius of the jet.
    """

    scale: Annotated[float, Positive()] = 0.1
    """Λ [GeV]; the thesis takes 100 MeV."""
    radius: Annotated[float, AtLeast(0)] = JET_RADIUS
    """Radius R of the jet."""

    def __call__(
        self, constituents: Constituents, original: Constituents, rng: np.random.Generator
    ) -> Constituents:
        """Constituents with their pT in new places."""
        width = (self.radius * self.scale / np.maximum(constituents.pt, self.scale)).astype(
            np.float32
        )
        d_eta, d_phi = width * rng.standard_normal((2, len(width)), dtype=np.float32)
        return replace(constituents, eta=constituents.eta + d_eta, phi=constituents.phi + d_phi)


def _merge(a: Constituents, b: Constituents) -> Constituents:
    """The constituents of both, jet by jet, those of ``a`` first."""
    order = np.argsort(np.concatenate([a.jet_index, b.jet_index]), kind="stable")
    both = Constituents.concatenate([a, b])
    kind = None if both.kind is None else both.kind[order]
    pt, eta, phi = (x[order] for x in (both.pt, both.eta, both.phi))
    return Constituents(a.offsets + b.offsets, pt, eta, phi, kind)
