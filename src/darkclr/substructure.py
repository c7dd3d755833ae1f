"""High-level observables of jets: pure array functions of their constituents.

Momentum fractions are z = pT / Σ pT; distances are in the eta-phi plane, relative to the jet's
pT-weighted centroid. All results have shape (n,), one value a jet, in float64, unless said
otherwise. A jet of one constituent has no extension: its shapes are 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from darkclr.clustering import JET_RADIUS, kt_axes, soft_drop
from darkclr.errors import ConfigError
from darkclr.jets import Constituents
from darkclr.kinematics import centroid, delta_phi, four_vector_sum
from darkclr.names import did_you_mean
from darkclr.ragged import segment_sum

__all__ = [
    "CMS_OBSERVABLES",
    "OBSERVABLES",
    "Observable",
    "angularity",
    "check_observables",
    "energy_correlators",
    "energy_flow_polynomials",
    "first_polynomial",
    "jet_mass",
    "moments",
    "n_subjettiness",
    "observables",
    "pt_dispersion",
    "soft_drop_mass",
]

_PADDED = 2_000_000  # entries of a padded batch of pair matrices


def angularity(
    constituents: Constituents, kappa: float = 1.0, beta: float = 1.0, radius: float = JET_RADIUS
) -> NDArray[np.float64]:
    r"""Generalised angularity :math:`λ^κ_β = \sum_i z_i^κ (ΔR_i/R)^β` (arXiv:1408.3122 eq. 1.2).

    (1, 1) is the girth or width, (1, 1/2) the Les Houches angularity, (2, 0) the square of the pT
    dispersion, (0, 0) the number of constituents.
    """
    z, x, y = _relative(constituents)
    return segment_sum(z**kappa * (np.hypot(x, y) / radius) ** beta, constituents.offsets)


def pt_dispersion(constituents: Constituents) -> NDArray[np.float64]:
    r""":math:`p_T^D = \sqrt{\sum p_T^2} / \sum p_T` (CMS-PAS-JME-13-002): 1 for one constituent."""
    return np.sqrt(angularity(constituents, 2, 0))


def moments(constituents: Constituents) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Major and minor axis (σ₁, σ₂), (n,) each (CMS-PAS-JME-13-002).

    Square roots of the eigenvalues of the pT²-weighted 2 x 2 matrix of moments about its mean.
    """
    z, x, y = _relative(constituents)
    weight = z**2
    total = segment_sum(weight, constituents.offsets)

    def mean(values: NDArray) -> NDArray:
        return segment_sum(weight * values, constituents.offsets) / total

    mean_x, mean_y = mean(x), mean(y)
    xx, yy, xy = mean(x * x) - mean_x**2, mean(y * y) - mean_y**2, mean(x * y) - mean_x * mean_y
    half, split = (xx + yy) / 2, np.hypot((xx - yy) / 2, xy)
    return np.sqrt(np.maximum(half + split, 0)), np.sqrt(np.maximum(half - split, 0))


def jet_mass(constituents: Constituents) -> NDArray[np.float64]:
    """Mass of the sum of massless constituents [GeV]."""
    c = constituents
    return np.asarray(four_vector_sum(c.pt, c.eta, c.phi, c.offsets)[3], dtype=np.float64)


def energy_flow_polynomials(constituents: Constituents, beta: float = 2.0) -> NDArray[np.float64]:
    r"""The eight prime energy-flow polynomials of degree up to 3, (n, 8) (arXiv:1712.07124).

    :math:`EFP_G = \sum_{i_1…i_N} z_{i_1}…z_{i_N} \prod_{(k,l) ∈ G} θ_{i_k i_l}` with
    :math:`θ_{ij} = ΔR_{ij}^β`, the hadronic measure of arXiv:2202.00686 with its β = 2. Graphs in
    order: one edge; two edges doubled, in a row; three edges tripled, doubled and in a row,
    triangle, star, in a row.
    """
    result = np.empty((len(constituents), 8))
    for rows, z, distance in _pairs(constituents):
        theta = distance**beta
        degree = (theta @ z[:, :, None])[:, :, 0]  # Σ_j z_j θ_ij at each vertex, (b, m)
        double = (theta**2 @ z[:, :, None])[:, :, 0]
        result[rows] = np.stack(
            [
                np.sum(z * degree, axis=1),
                np.sum(z * double, axis=1),
                np.sum(z * degree**2, axis=1),
                np.sum(z * (theta**3 @ z[:, :, None])[:, :, 0], axis=1),
                np.sum(z * double * degree, axis=1),
                _triangles(z, theta),
                np.sum(z * degree**3, axis=1),
                np.sum(z * degree * (theta @ (z * degree)[:, :, None])[:, :, 0], axis=1),
            ],
            axis=1,
        )
    return result


def first_polynomial(constituents: Constituents) -> NDArray[np.float64]:
    r"""The first of :func:`energy_flow_polynomials`, (n,), at its β = 2 without a sum over pairs.

    :math:`\sum_{ij} z_i z_j ΔR_{ij}^2` is twice the pT-weighted variance in the plane.
    """
    z, x, y = _relative(constituents)

    def moment(values: NDArray) -> NDArray:
        return segment_sum(z * values, constituents.offsets)

    return 2 * (moment(x * x + y * y) - moment(x) ** 2 - moment(y) ** 2)


def energy_correlators(
    constituents: Constituents, beta: float = 0.5
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    r"""Ratios :math:`C_1 = e_2` and :math:`C_2 = e_3/e_2^2`, (n,) each (arXiv:1305.0007 eq. 2.15).

    :math:`e_2 = \sum_{i<j} z_i z_j ΔR_{ij}^β` and
    :math:`e_3 = \sum_{i<j<k} z_i z_j z_k (ΔR_{ij} ΔR_{jk} ΔR_{ki})^β`.
    """
    two, three = np.empty(len(constituents)), np.empty(len(constituents))
    for rows, z, distance in _pairs(constituents):
        theta = distance**beta
        two[rows] = np.sum(z * (theta @ z[:, :, None])[:, :, 0], axis=1) / 2
        three[rows] = _triangles(z, theta) / 6
    return two, np.divide(three, two**2, out=np.zeros_like(two), where=two > 0)


def soft_drop_mass(
    constituents: Constituents, z_cut: float = 0.1, beta: float = 0.0, radius: float = JET_RADIUS
) -> NDArray[np.float64]:
    """Mass of the jet after soft drop [GeV] (arXiv:1402.2657), β = 0 as CMS has it.

    Raises:
        MissingExtraError: fastjet or awkward is not installed.
        SimulationError: fastjet is too old.
    """
    return soft_drop(constituents, z_cut=z_cut, beta=beta, radius=radius)


def n_subjettiness(
    constituents: Constituents, n_axes: int, radius: float = JET_RADIUS
) -> NDArray[np.float64]:
    r""":math:`τ_N = \sum_i z_i \min_k ΔR_{ik} / R` with exclusive kT axes (arXiv:1011.2268).

    Distances are in rapidity and phi, which matters for axes with mass. CMS moves its axes to the
    next minimum after that ("one pass"), which is not done here.
    0 for jets with no more than N constituents.

    Raises:
        MissingExtraError: fastjet or awkward is not installed.
        SimulationError: fastjet is too old.
    """
    rows = np.flatnonzero(constituents.lengths > n_axes)
    result = np.zeros(len(constituents))
    if not len(rows):
        return result
    jets = constituents[rows]
    rapidity, phi = kt_axes(jets, n_axes)
    ids = jets.jet_index
    distance = np.hypot(
        jets.eta[:, None].astype(np.float64) - rapidity[ids],
        delta_phi(jets.phi[:, None].astype(np.float64), phi[ids]),
    )
    z = _fractions(jets)
    result[rows] = segment_sum(z * distance.min(axis=1), jets.offsets) / radius
    return result


@dataclass(frozen=True)
class Observable:
    """One value a jet.

    Args:
        function: the values, (n,) float64, of the constituents of n jets.
        unit: of the values; empty for pure numbers.
    """

    function: Callable[[Constituents], NDArray[np.float64]]
    unit: str = ""

    def __call__(self, constituents: Constituents) -> NDArray[np.float64]:
        """The values of jets, (n,)."""
        return self.function(constituents)


#: Observables by name.
OBSERVABLES: Mapping[str, Observable] = MappingProxyType(
    {
        "n_constituents": Observable(lambda c: c.lengths.astype(np.float64)),
        "pt_dispersion": Observable(pt_dispersion),
        "girth": Observable(angularity),
        "les_houches_angularity": Observable(lambda c: angularity(c, 1.0, 0.5)),
        "mass": Observable(jet_mass, "GeV"),
        "major_axis": Observable(lambda c: moments(c)[0]),
        "minor_axis": Observable(lambda c: moments(c)[1]),
        "efp_1": Observable(first_polynomial),
        "c1": Observable(lambda c: energy_correlators(c, 0.5)[0]),
        "c2": Observable(lambda c: energy_correlators(c, 0.5)[1]),
        "soft_drop_mass": Observable(soft_drop_mass, "GeV"),
        "tau_1": Observable(lambda c: n_subjettiness(c, 1)),
        "tau_2": Observable(lambda c: n_subjettiness(c, 2)),
        "tau_3": Observable(lambda c: n_subjettiness(c, 3)),
    }
)

#: The eight inputs of the CMS normalized autoencoder (EPS-HEP 2023).
CMS_OBSERVABLES = (
    "major_axis",
    "minor_axis",
    "efp_1",
    "c2",
    "pt_dispersion",
    "soft_drop_mass",
    "tau_2",
    "tau_3",
)


def observables(
    constituents: Constituents, names: Sequence[str] = CMS_OBSERVABLES
) -> NDArray[np.float64]:
    """Named observables as columns, (n, len(names)).

    Raises:
        ConfigError: an unknown name.
        MissingExtraError: fastjet or awkward is needed and not installed.
        SimulationError: fastjet is needed and too old.
    """
    check_observables(names)
    return np.column_stack([OBSERVABLES[name](constituents) for name in names])


def check_observables(names: Sequence[str]) -> None:
    """Refuse names that are none of observables.

    Raises:
        ConfigError: an unknown name.
    """
    unknown = [name for name in map(str, names) if name not in OBSERVABLES]
    if unknown:
        raise ConfigError(
            f"no observable {', '.join(unknown)}",
            fix=did_you_mean(unknown[0], OBSERVABLES),
        )


def _fractions(constituents: Constituents) -> NDArray[np.float64]:
    """z = pT / Σ pT of each constituent."""
    pt = constituents.pt.astype(np.float64)
    return pt / segment_sum(pt, constituents.offsets)[constituents.jet_index]


def _relative(constituents: Constituents) -> tuple[NDArray, NDArray, NDArray]:
    """z, and eta and phi relative to the jet's centroid, of each constituent."""
    c, ids = constituents, constituents.jet_index
    eta, phi = centroid(c.pt, c.eta, c.phi, c.offsets)
    return (
        _fractions(c),
        c.eta.astype(np.float64) - eta[ids],
        delta_phi(c.phi.astype(np.float64), phi[ids]),
    )


def _pairs(
    constituents: Constituents,
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]]:
    """Batches of jets of similar length: rows (b,), z (b, m) with zeros, ΔR (b, m, m)."""
    z, x, y = _relative(constituents)
    lengths, starts = constituents.lengths, constituents.offsets[:-1]
    order = np.argsort(lengths, kind="stable")
    first = 0
    while first < len(order):
        longest = int(lengths[order[min(first + 4096, len(order)) - 1]])
        rows = order[first : first + max(1, min(4096, _PADDED // longest**2))]
        longest = int(lengths[rows[-1]])
        slot = np.arange(longest)
        real = slot < lengths[rows, None]
        index = np.where(real, starts[rows, None] + slot, 0)
        padded_x, padded_y = x[index], y[index]
        yield (
            rows,
            np.where(real, z[index], 0.0),
            np.hypot(
                padded_x[:, :, None] - padded_x[:, None, :],
                padded_y[:, :, None] - padded_y[:, None, :],
            ),
        )
        first += len(rows)


def _triangles(z: NDArray[np.float64], theta: NDArray[np.float64]) -> NDArray[np.float64]:
    """Σ_ijk z_i z_j z_k θ_ij θ_jk θ_ki, (b,)."""
    paths = (theta * z[:, None, :]) @ theta  # (b, m, m)
    return np.sum(z[:, :, None] * z[:, None, :] * theta * paths, axis=(1, 2))
