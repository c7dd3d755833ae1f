"""Samples whose pT spectrum or share of gluon jets is that of another: by choice or by weight."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from darkclr.errors import ConfigError, InputError
from darkclr.jets import Jets

__all__ = [
    "BINS",
    "MAX_RATIO",
    "Cells",
    "equal_spectrum_weights",
    "flat_weights",
    "gluon_weights",
    "match_pt",
    "matching_rows",
]

#: No jet counts more than so many times what it counts as simulated, relative to the others.
MAX_RATIO = 50.0

#: Bins in pT of a spectrum that rows are chosen to match.
BINS = 20

_GLUON = 21  # PDG code
# Jets of the scarcer class a cell, by the number of quantities; the most bins of each class.
_JETS_PER_CELL = {1: 10, 2: 20}
_MOST_BINS = 25


def matching_rows(
    pt: ArrayLike,
    weight: ArrayLike,
    reference_pt: ArrayLike,
    reference_weight: ArrayLike,
    *,
    seed: int,
    bins: int = BINS,
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


def match_pt(jets: Jets, reference: Jets, *, seed: int, bins: int = BINS) -> Jets:
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


@dataclass(frozen=True, eq=False)
class Cells:
    """Bins of one or two quantities, in which the spectra of two classes are compared.

    The edges are quantiles of both classes, so that the bins are fine wherever one of them is
    dense: up to 25 of each class and quantity. Jets outside count with the outermost bins.

    Args:
        jets: (n,) cell of each jet that is to be weighted.
        reference: (m,) cell of each jet whose spectrum is wanted.
        number: of cells.
    """

    jets: NDArray[np.uint16]
    reference: NDArray[np.uint16]
    number: int

    @classmethod
    def of(cls, jets: Sequence[NDArray], reference: Sequence[NDArray]) -> Cells:
        """The cells of jets by their quantities, each (n,), beside those of the reference, (m,)."""
        cells = min(len(jets[0]), len(reference[0])) / _JETS_PER_CELL[len(jets)]
        bins = int(np.clip(cells ** (1 / len(jets)), 1, _MOST_BINS))
        shares, number = np.arange(1, bins) / bins, 1
        own, other = (np.zeros(len(x[0]), np.uint16) for x in (jets, reference))
        for pair in zip(jets, reference, strict=True):
            edges = np.unique(np.concatenate([np.quantile(x, shares) for x in pair]))
            n = len(edges) + 1
            number *= n
            for cell, x in zip((own, other), pair, strict=True):
                cell *= n
                cell += np.searchsorted(edges, x, side="right").astype(np.uint16)
        return cls(own, other, number)

    def ratio(
        self, weight: NDArray[np.float64], reference_weight: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], float]:
        """Factor of the weights in each cell, and the share of the reference that they miss.

        The factor is the ratio of the normalised spectra, at most :data:`MAX_RATIO`, and 0 where
        weights of both signs add up to less than nothing. What the bound, or a cell without jets,
        keeps from the wanted spectrum is missed.
        """
        sums = [
            np.maximum(np.bincount(cell, w, self.number), 0)
            for cell, w in ((self.jets, weight), (self.reference, reference_weight))
        ]
        own, wanted = (x / max(x.sum(), np.finfo(float).tiny) for x in sums)
        ratio = np.divide(wanted, own, out=np.zeros(self.number), where=own > 0)
        ratio = np.minimum(ratio, MAX_RATIO)
        return ratio, float(np.sum(wanted - ratio * own))


def equal_spectrum_weights(
    jets: Sequence[ArrayLike],
    weight: ArrayLike,
    reference: Sequence[ArrayLike],
    reference_weight: ArrayLike,
) -> NDArray[np.float64]:
    """Weights with which jets have the spectrum of a reference, (n,).

    So a score cannot tell the two by these quantities. All jets stay; how many they are worth says
    :func:`darkclr.evaluation.metrics.effective_count`. See :class:`Cells` for the bins.

    Args:
        jets: one or two quantities of the jets, such as pT or pT and mass, (n,) each.
        weight: of the jets, (n,).
        reference: the same quantities of the reference, (m,) each.
        reference_weight: of the reference, (m,).

    >>> pt = np.linspace(150, 300, 1000), np.linspace(200, 300, 1000)
    >>> weight = equal_spectrum_weights([pt[0]], np.ones(1000), [pt[1]], np.ones(1000))
    >>> np.average(pt[0], weights=weight).round()
    np.float64(250.0)
    """
    cells = Cells.of([np.asarray(x) for x in jets], [np.asarray(x) for x in reference])
    own, other = (np.asarray(w, dtype=np.float64) for w in (weight, reference_weight))
    return own * cells.ratio(own, other)[0][cells.jets]


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
