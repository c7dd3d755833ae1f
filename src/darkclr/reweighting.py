"""Samples whose pT spectrum or share of gluon jets is that of another: by choice or by weight."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from darkclr.errors import ConfigError, InputError
from darkclr.jets import Jets

__all__ = ["flat_weights", "gluon_weights", "match_pt", "matching_rows"]

_GLUON = 21  # PDG code


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


def flat_weights(
    pt: ArrayLike, weight: ArrayLike, *, bound: float = 10.0, bins: int = 50
) -> NDArray[np.float64]:
    """Weights with which the spectrum of jet pT is flat, (n,).

    Each weight is divided by the density of the weighted spectrum, in units of the flat one. The
    density comes from bins of equal width that hold a hundred jets on average and that leave a
    thousandth of the jets out at either end; there it is that of the last bin.

    Args:
        pt: of the jets, (n,) [GeV].
        weight: of the jets, (n,).
        bound: largest factor of a weight, so that no jet of a thin tail counts for many.
        bins: largest number of bins.

    >>> flat_weights([150.0] * 300 + [300.0] * 100, [1.0] * 400)[[0, -1]].round(2).tolist()
    [0.33, 1.0]
    """
    pt, weight = np.asarray(pt), np.asarray(weight, dtype=np.float64)
    bins = int(np.clip(len(pt) // 100, 1, bins))
    low, high = np.quantile(pt, [0.001, 0.999]) if len(pt) else (0.0, 0.0)
    if not low < high:
        return weight
    content, edges = np.histogram(pt, bins, (low, high), weights=weight)
    density = content / content.sum() * bins
    at_jet = np.interp(pt, (edges[1:] + edges[:-1]) / 2, density)
    return weight / np.maximum(at_jet, 1 / bound)


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
