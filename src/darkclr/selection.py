"""Cuts on constituents and jets, checks of stored kinematics, pT matching, duplicates.

Pure functions ``Jets -> Jets``. The result may hold no jets at all: whoever ends a chain of cuts
says so to the user.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from darkclr.errors import ConfigError, InputError
from darkclr.jets import Jets
from darkclr.kinematics import delta_r, four_vector_sum
from darkclr.split import splitmix64

__all__ = [
    "FirstOccurrence",
    "KinematicsCheck",
    "check_kinematics",
    "constituent_hash",
    "cut_constituents",
    "deduplicate",
    "gluon_weights",
    "match_pt",
    "matching_rows",
    "recompute_kinematics",
    "select_jets",
    "spot_check",
]

# Calibration, grooming and constituents that a file cut away move jets by less than this;
# wrong units or axes move them by much more.
_MAX_PT_RATIO = 2.0
_MAX_DELTA_R = 0.2
_MAX_OUTSIDE = 0.05
_GLUON = 21  # PDG code


def cut_constituents(jets: Jets, *, pt_min: float = 0.0, n_hardest: int | None = None) -> Jets:
    """Jets with fewer constituents; jets that lose all of them are removed.

    Jet kinematics stay as they are stored: see :func:`recompute_kinematics`.

    Args:
        jets: n jets.
        pt_min: lowest pT of a constituent that stays [GeV].
        n_hardest: number of hardest constituents that stay, all if None.

    Raises:
        ConfigError: ``n_hardest`` is not positive.
    """
    if n_hardest is not None and n_hardest < 1:
        raise ConfigError(
            f"{n_hardest} constituents are none", where="n_hardest", fix="give at least 1"
        )
    constituents = jets.constituents
    if pt_min > 0:
        constituents = constituents.keep(constituents.pt >= pt_min)
    if n_hardest is not None:
        constituents = constituents.hardest(n_hardest)
    if constituents is jets.constituents:
        return jets
    return replace(jets, constituents=constituents)[constituents.lengths > 0]


def select_jets(
    jets: Jets,
    *,
    pt_min: float = 0.0,
    pt_max: float | None = None,
    abs_eta_max: float | None = None,
) -> Jets:
    """The jets with ``pt_min <= pt < pt_max`` [GeV] and ``|eta| < abs_eta_max``."""
    mask = jets.pt >= pt_min
    if pt_max is not None:
        mask &= jets.pt < pt_max
    if abs_eta_max is not None:
        mask &= np.abs(jets.eta) < abs_eta_max
    return jets if mask.all() else jets[mask]


def recompute_kinematics(jets: Jets) -> Jets:
    """Jets whose pt, eta, phi and mass are those of the sum of their massless constituents."""
    c = jets.constituents
    pt, eta, phi, mass = (
        values.astype(np.float32) for values in four_vector_sum(c.pt, c.eta, c.phi, c.offsets)
    )
    return replace(jets, pt=pt, eta=eta, phi=phi, mass=mass)


@dataclass(frozen=True)
class KinematicsCheck:
    """Stored jet kinematics beside the sum of the constituents.

    Args:
        n: number of jets compared.
        pt_ratio: median of stored pT / summed pT.
        delta_r: median distance between the stored and the summed axis.
        outside: share of jets with a pT ratio outside [1/2, 2] or a distance above 0.2.
        guess: what may have gone wrong, if anything has.
    """

    n: int
    pt_ratio: float
    delta_r: float
    outside: float
    guess: str | None = None

    @property
    def problem(self) -> str | None:
        """One sentence if the two disagree, else None."""
        if self.outside <= _MAX_OUTSIDE:
            return None
        return (
            f"{100 * self.outside:.0f} % of {self.n} jets do not fit the sum of their "
            f"constituents (median stored / summed pT {self.pt_ratio:.4g}, "
            f"distance {self.delta_r:.2g}): {self.guess}"
        )


def check_kinematics(jets: Jets) -> KinematicsCheck:
    """Compare stored pt, eta and phi with the sum of the constituents, before any cut on these.

    A mismatch means wrong units, wrong axes, or constituents of another jet. Mass is not
    compared: files store groomed masses, and constituents count as massless here.

    >>> jets = Jets.from_constituents(
    ...     [0, 1], [0.3], [1.0], [0.0], jet=([300.0], [1.0], [0.0], [0.0])
    ... )
    >>> print(check_kinematics(jets).problem)
    100 % of 1 jets do not fit the sum of their constituents (median stored / summed pT 1000,
    distance 0): constituents in TeV, or jets in MeV
    """
    if not len(jets):
        return KinematicsCheck(0, 1.0, 0.0, 0.0)
    c = jets.constituents
    pt, eta, phi, _ = four_vector_sum(c.pt, c.eta, c.phi, c.offsets)
    ratio = jets.pt / pt
    distance = delta_r(jets.eta, jets.phi, eta, phi)
    outside = (ratio > _MAX_PT_RATIO) | (ratio < 1 / _MAX_PT_RATIO) | (distance > _MAX_DELTA_R)
    check = KinematicsCheck(
        len(jets), float(np.median(ratio)), float(np.median(distance)), float(outside.mean())
    )
    if check.problem is None:
        return check
    return replace(check, guess=_guess(check, jets, eta, phi))


def spot_check(jets: Jets, *, n: int = 128) -> KinematicsCheck:
    """:func:`check_kinematics` of ``n`` jets evenly spread, of all jets if those do not fit.

    Fast enough for every batch of a file, where the check of all jets takes as long as reading.
    """
    if len(jets) <= n:
        return check_kinematics(jets)
    check = check_kinematics(jets[np.linspace(0, len(jets) - 1, n).astype(np.int64)])
    return check if check.problem is None else check_kinematics(jets)


def _guess(check: KinematicsCheck, jets: Jets, eta: NDArray, phi: NDArray) -> str:
    """Words for the first simple error that explains the difference to the summed axes."""
    for factor, words in (
        (1e3, "constituents in TeV, or jets in MeV"),
        (1e-3, "constituents in MeV, or jets in TeV"),
    ):
        if 0.5 < check.pt_ratio / factor < 2:
            return words
    if check.delta_r > _MAX_DELTA_R:
        for words, wrong_eta, wrong_phi in (
            ("constituents are relative to the jet axis", jets.eta + eta, jets.phi + phi),
            ("eta has the opposite sign", -eta, phi),
            ("phi has the opposite sign", eta, -phi),
            ("eta and phi are exchanged", phi, eta),
            ("eta is something else in one of them", jets.eta, phi),
            ("phi has another origin or unit in one of them", eta, jets.phi),
        ):
            if np.median(delta_r(jets.eta, jets.phi, wrong_eta, wrong_phi)) < _MAX_DELTA_R:
                return words
    return "wrong units, wrong axes, or constituents of another jet"


def matching_rows(
    pt: ArrayLike,
    weight: ArrayLike,
    reference_pt: ArrayLike,
    reference_weight: ArrayLike,
    *,
    seed: int,
    bins: int = 20,
) -> NDArray[np.bool_]:
    """Random rows whose weighted pT spectrum has the shape of a reference, as a mask (n,).

    The bins hold equal numbers of reference jets; outside their range nothing is kept. As many
    rows are kept as the scarcest bin allows.

    Args:
        pt, weight: of the jets to choose from, (n,) [GeV].
        reference_pt, reference_weight: of the spectrum to match, (m,).
        seed: of the choice.
        bins: number of bins of pT.

    Raises:
        InputError: a bin of the reference has no jets to choose from.
        ConfigError: ``bins`` is not positive.
    """
    if bins < 1:
        raise ConfigError(f"{bins} bins are none", where="bins", fix="give at least 1")
    pt, weight = np.asarray(pt), np.asarray(weight, dtype=np.float64)
    reference_pt = np.asarray(reference_pt)
    edges = np.unique(np.quantile(reference_pt, np.linspace(0, 1, bins + 1)))
    if len(edges) < 2:
        raise InputError("all jets have the same pT", where="reference", fix="match another one")
    n_bins = len(edges) - 1
    row_bin, target_bin = _bin(pt, edges), _bin(reference_pt, edges)
    inside = row_bin < n_bins
    number = np.bincount(row_bin, minlength=n_bins + 1)[:n_bins]
    available = np.bincount(row_bin, weight, n_bins + 1)[:n_bins]
    target = np.bincount(target_bin, np.asarray(reference_weight, np.float64), n_bins + 1)[:n_bins]
    for i in np.flatnonzero((target > 0) & (available <= 0))[:1]:
        raise InputError(
            f"no jets between {edges[i]:.4g} and {edges[i + 1]:.4g} GeV, where the reference has",
            where="pT matching",
            fix="give a sample that covers the reference, or fewer bins",
        )
    share = np.divide(target, available, out=np.zeros(n_bins), where=available > 0)
    wanted = np.rint(share / share.max() * number).astype(np.int64)
    # Shuffled within each bin, the first ones are kept.
    # Not the generator of the seed itself, which may have made the jets.
    shuffled = np.random.default_rng([seed, len(pt)]).random(len(pt))
    order = np.lexsort((shuffled, row_bin))
    position = np.empty(len(pt), dtype=np.int64)
    position[order] = np.arange(len(pt))
    position -= (np.cumsum(number) - number)[np.minimum(row_bin, n_bins - 1)]
    return inside & (position < wanted[np.minimum(row_bin, n_bins - 1)])


def _bin(pt: NDArray, edges: NDArray) -> NDArray[np.int64]:
    """Index of the bin; the last edge is inside, everything outside is ``len(edges) - 1``."""
    index = np.searchsorted(edges, pt, side="right") - 1
    index[pt == edges[-1]] = len(edges) - 2
    return np.where((index < 0) | (index > len(edges) - 2), len(edges) - 1, index)


def match_pt(jets: Jets, reference: Jets, *, seed: int, bins: int = 20) -> Jets:
    """Random jets whose weighted pT spectrum has the shape of the reference's.

    So a score cannot tell two samples by their pT. See :func:`matching_rows`.
    """
    return jets[
        matching_rows(jets.pt, jets.weight, reference.pt, reference.weight, seed=seed, bins=bins)
    ]


def gluon_weights(weight: ArrayLike, parton_pdg: ArrayLike, share: float) -> NDArray[np.float64]:
    """Weights with which gluon jets make up a given share of a QCD sample, (n,).

    The share of the simulation is a prediction; another one is a choice after the fact and
    belongs beside it, labelled. The sum of the weights stays; jets without a matched parton keep
    theirs.

    Args:
        weight: of the jets, (n,).
        parton_pdg: PDG code of the matched parton, 0 where there is none, (n,).
        share: of gluon jets among the matched ones, between 0 and 1.

    Raises:
        ConfigError: ``share`` is no share.
        InputError: there are no quark jets, or no gluon jets.

    >>> gluon_weights([1, 1, 1, 1], [21, 21, 21, 2], 0.5).round(3).tolist()
    [0.667, 0.667, 0.667, 2.0]
    """
    if not 0 <= share <= 1:
        raise ConfigError(f"{share:g} is no share", where="gluon_share", fix="choose 0 to 1")
    weight, pdg = np.asarray(weight, dtype=np.float64), np.asarray(parton_pdg)
    gluon, quark = pdg == _GLUON, (pdg != 0) & (pdg != _GLUON)
    gluons, quarks = weight[gluon].sum(), weight[quark].sum()
    if gluons <= 0 or quarks <= 0:
        raise InputError(
            f"{gluon.sum()} gluon and {quark.sum()} quark jets cannot be mixed anew",
            where="gluon_share",
            fix="give a QCD sample with matched partons (truth_parton_pdg)",
        )
    factor = np.ones(len(weight))
    factor[gluon] = share * (gluons + quarks) / gluons
    factor[quark] = (1 - share) * (gluons + quarks) / quarks
    return weight * factor


def constituent_hash(jets: Jets) -> NDArray[np.uint64]:
    """A number of 64 bits for each jet that depends on its constituents alone, shape (n,).

    The order of the constituents does not matter, every bit of (pt, eta, phi) does. Among a
    million different jets, two share a number with a probability of 3e-8.
    """
    c = jets.constituents
    mixed = np.zeros(len(c.pt), dtype=np.uint64)
    for values in (c.pt, c.eta, c.phi):
        bits = (values + np.float32(0)).view(np.uint32)  # + 0: -0 is 0
        mixed = splitmix64(mixed ^ bits)
    # Differences of a running sum that wraps around: unlike reduceat, right for empty jets too.
    total = np.concatenate([np.zeros(1, np.uint64), np.cumsum(mixed, dtype=np.uint64)])
    return splitmix64(np.diff(total[c.offsets]) + c.lengths.astype(np.uint64))


class FirstOccurrence:
    """Mask of the jets that were not there before, over any number of batches.

    Keeps 8 bytes a jet.
    """

    def __init__(self) -> None:
        self._seen = np.empty(0, dtype=np.uint64)

    def __call__(self, jets: Jets) -> NDArray[np.bool_]:
        """(n,) True where no jet of this or an earlier call has the same constituents."""
        hashes = constituent_hash(jets)
        unique, first = np.unique(hashes, return_index=True)
        mask = np.zeros(len(jets), dtype=bool)
        mask[first] = True
        mask &= ~np.isin(hashes, self._seen)
        self._seen = np.union1d(self._seen, unique)
        return mask


def deduplicate(jets: Jets) -> Jets:
    """Jets without those whose constituents are, bit for bit, those of an earlier jet."""
    return jets[FirstOccurrence()(jets)]
