"""Anomalous augmentations: what a representation should see.

All keep the summed pT of the jet and leave it recentred and hardest constituent first, so that
neither total pT, nor position, nor order tells the anomalous view.

Dropped constituents are the paper's (DarkCLR, arXiv:2312.03067, section 3.2). Its outlook
(section 6) notes that they are dropped without correlation, and asks for detector smearing and
non-uniform decay; the reweighting of pT is one of AnomalyCLR (arXiv:2301.04660) that the public
code holds. Any of them may be named as a physical augmentation instead, *before* the translation:
it recentres the jet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from darkclr.augmentations.base import Augmentation, recentre
from darkclr.clustering import cambridge_aachen_branches
from darkclr.jets import Constituents
from darkclr.parameters import AtLeast, Positive, Range
from darkclr.ragged import segment_sum

__all__ = ["BranchDrop", "ConstituentDrop", "DetectorSmearing", "NonUniformDecay", "PtReweighting"]


class _Probability(Range):
    """A number, or the edges of an interval."""

    def __contains__(self, value: object) -> bool:
        rises = not isinstance(value, Sequence) or (len(value) == 2 and value[0] <= value[1])
        return super().__contains__(value) and rises


#: Probability of a constituent or a branch to be dropped.
Probability = Annotated[
    float | tuple[float, float],
    _Probability(0, 1, True, False, "a number in [0, 1), or two of them in rising order"),
]


@dataclass(frozen=True)
class ConstituentDrop(Augmentation):
    """Drop each constituent with the same probability and rescale pT to the jet's.

    The summed pT is kept, the jet is recentred and re-sorted. If all constituents of a jet were
    dropped, its hardest one stays.
    """

    probability: Probability = 0.5
    """p_drop; of two numbers, the edges between which it is drawn for each jet, uniformly."""

    def __call__(
        self, constituents: Constituents, original: Constituents, rng: np.random.Generator
    ) -> Constituents:
        """Constituents that survive, with the summed pT of all."""
        probability = _drawn(self.probability, constituents, rng)
        survives = rng.random(len(constituents.pt)) >= probability
        survives[_hardest(constituents)[_emptied(constituents, survives)]] = True
        return _with_jet_pt(constituents.keep(survives), constituents)


@dataclass(frozen=True)
class BranchDrop(Augmentation):
    """Drop whole branches of the Cambridge-Aachen tree: constituents vanish together.

    A dark meson that escapes takes all its decay products along, which fly close together:
    an angle of about 2 m / pT, 0.2 for 5 GeV and 50 GeV. The tree is cut at that angle and each
    branch is dropped with the same probability. If all were, the one of the hardest constituent
    stays; a jet with a single branch stays as it is.
    """

    probability: Probability = 0.5
    """Probability of each branch to be dropped; of two numbers, the edges between which it is drawn
    for each jet, uniformly."""
    radius: Annotated[float, Positive()] = 0.2
    """Distance in the eta-phi plane at which the tree is cut."""

    def __call__(
        self, constituents: Constituents, original: Constituents, rng: np.random.Generator
    ) -> Constituents:
        """Constituents of the branches that survive, with the summed pT of all."""
        branch = cambridge_aachen_branches(constituents, self.radius)
        probability = _drawn(self.probability, constituents, rng)
        return _drop_branches(constituents, branch, probability, rng)


@dataclass(frozen=True)
class NonUniformDecay(Augmentation):
    r"""Drop branches as dark mesons of finite lifetime would: the hard ones rather than the soft.

    A meson of mass m, momentum p and lifetime τ decays before it has left a detector of size L
    with probability :math:`1 - \exp(-L m / (p c τ))`; otherwise nothing of it is seen. A branch
    of the Cambridge-Aachen tree stands in for the meson:

    .. math:: p_\text{drop} = \exp(-Λ / p_T), \quad Λ = m L / (c τ)

    If all branches were dropped, the one of the hardest constituent stays.
    """

    scale: Annotated[float, Positive()] = 20.0
    """Λ [GeV]; the shorter the lifetime, the larger it is. Of QCD jets of 150 to 300 GeV, 20 GeV
    keeps half of the constituents, as p_drop = 0.5 does, but a quarter of the pT."""
    radius: Annotated[float, Positive()] = 0.2
    """Distance in the eta-phi plane at which the tree is cut."""

    def __call__(
        self, constituents: Constituents, original: Constituents, rng: np.random.Generator
    ) -> Constituents:
        """Constituents of the branches that decay in time, with the summed pT of all."""
        branch = cambridge_aachen_branches(constituents, self.radius)
        pt = np.bincount(branch, weights=constituents.pt)[branch]
        return _drop_branches(constituents, branch, np.exp(-self.scale / pt), rng)


@dataclass(frozen=True)
class PtReweighting(Augmentation):
    """Raise each constituent's pT to a power and rescale to the jet's: harder or softer jets."""

    power: Annotated[float, Positive()] = 1.5
    """Above 1 the hard constituents gain, below 1 the soft ones; the public code has 1.5."""

    def __call__(
        self, constituents: Constituents, original: Constituents, rng: np.random.Generator
    ) -> Constituents:
        """The same constituents with other shares of the summed pT."""
        pt = (constituents.pt.astype(np.float64) ** self.power).astype(np.float32)
        return _with_jet_pt(replace(constituents, pt=pt), constituents)


@dataclass(frozen=True)
class DetectorSmearing(Augmentation):
    r"""Smear pT and direction of each constituent, then rescale pT to the jet's.

    pT is multiplied by a log-normal number of mean 1 and relative width

    .. math:: σ / p_T = \sqrt{S^2 / p_T + C^2},

    the form of a calorimeter's resolution; eta and phi are moved by a Gaussian.
    """

    stochastic: Annotated[float, AtLeast(0)] = 1.5
    """Stochastic term S [sqrt(GeV)]; 1.5 is a hadronic calorimeter alone."""
    constant: Annotated[float, AtLeast(0)] = 0.05
    """Constant term C."""
    angle: Annotated[float, AtLeast(0)] = 0.1
    """Width of the Gaussian in eta and in phi; 0.1 is a tower of a calorimeter."""

    def __call__(
        self, constituents: Constituents, original: Constituents, rng: np.random.Generator
    ) -> Constituents:
        """The same constituents as a coarse detector sees them."""
        n = len(constituents.pt)
        # The logarithm of a log-normal number of relative variance v has the variance ln(1 + v).
        variance = np.log1p(self.stochastic**2 / constituents.pt + self.constant**2)
        factor = np.exp(np.sqrt(variance) * rng.standard_normal(n) - variance / 2)
        d_eta, d_phi = self.angle * rng.standard_normal((2, n))
        smeared = replace(
            constituents,
            pt=(constituents.pt * factor).astype(np.float32),
            eta=(constituents.eta + d_eta).astype(np.float32),
            phi=(constituents.phi + d_phi).astype(np.float32),
        )
        return _with_jet_pt(smeared, constituents)


def _drop_branches(
    constituents: Constituents,
    branch: NDArray[np.int64],
    probability: NDArray[np.float64],
    rng: np.random.Generator,
) -> Constituents:
    """Drop branches; ``probability`` (n_constituents,) is the same for all of a branch."""
    survives = rng.random(branch.max() + 1)[branch] >= probability
    rescued = _hardest(constituents)[_emptied(constituents, survives)]
    survives |= np.isin(branch, branch[rescued])
    return _with_jet_pt(constituents.keep(survives), constituents)


def _with_jet_pt(altered: Constituents, constituents: Constituents) -> Constituents:
    """Altered jets with the summed pT that they had before, sorted and recentred."""
    scale = segment_sum(constituents.pt, constituents.offsets) / segment_sum(
        altered.pt, altered.offsets
    )
    pt = (altered.pt * scale[altered.jet_index]).astype(np.float32)
    return recentre(replace(altered, pt=pt).sorted())


def _drawn(
    probability: float | tuple[float, float], constituents: Constituents, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Probability of each constituent, (n_constituents,): one number, or one for each jet."""
    if isinstance(probability, int | float):
        return np.full(len(constituents.pt), float(probability))
    return rng.uniform(*probability, len(constituents))[constituents.jet_index]


def _emptied(constituents: Constituents, survives: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Jets of which nothing survives, (n_jets,)."""
    return np.bincount(constituents.jet_index[survives], minlength=len(constituents)) == 0


def _hardest(constituents: Constituents) -> NDArray[np.int64]:
    """Index of the hardest constituent of each jet, (n_jets,)."""
    order = np.lexsort((-constituents.pt, constituents.jet_index))
    return order[constituents.offsets[:-1]]
