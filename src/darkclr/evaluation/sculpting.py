"""Does a cut on a score change the spectra of the background?

A score that follows pT or mass puts a shape into the very spectrum in which one looks for a bump.
The share of background above a cut, as a function of such a quantity, is flat for a score that
does not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from darkclr.evaluation.bootstrap import half_width
from darkclr.evaluation.metrics import effective_count
from darkclr.evaluation.results import FigureOfMerit, Sculpting

__all__ = ["CutSpectra", "Spectrum"]

Floats = NDArray[np.float64]

# Bins of equally many background jets, and the least number of jets above the cut in each.
_BINS = 20
_JETS_PER_BIN = 20
# What a score that changes nothing stays below in so many of all samples.
_FLAT = 0.95


@dataclass(frozen=True, eq=False)
class Spectrum:
    """A quantity of the background jets in bins of equally many.

    Args:
        edges: (k + 1,) edges of the bins.
        bin: (n,) bin of each jet.
    """

    edges: Floats
    bin: NDArray[np.uint8]

    @classmethod
    def of(cls, values: Floats) -> Spectrum:
        """The spectrum of the values of all background jets, (n,)."""
        edges = np.unique(np.quantile(values, np.linspace(0, 1, _BINS + 1)))
        return cls(edges, np.searchsorted(edges[1:-1], values, side="right").astype(np.uint8))

    def sums(self, weight: Floats, rows: NDArray[np.intp] | slice = slice(None)) -> Floats:
        """Weights of some jets added up by bin, (k,)."""
        n_bins = max(len(self.edges) - 1, 1)
        return np.asarray(np.bincount(self.bin[rows], weight[rows], n_bins), np.float64)


class CutSpectra:
    """Spectra of all background jets and of those above cuts: of the sample, then of replicas.

    Args:
        spectra: by name.
        weight: (n,) of the background jets.
    """

    def __init__(self, spectra: Mapping[str, Spectrum], weight: Floats) -> None:
        self._spectra, self._weight = spectra, weight
        self._rows: dict[tuple[str, float], NDArray[np.intp]] = {}
        self._all: dict[str, list[Floats]] = {name: [] for name in spectra}
        self._above: dict[tuple[str, float, str], list[Floats]] = {}

    def cut(self, score: str, rank: NDArray[np.int64], shares: Sequence[float]) -> None:
        """Cut on a score such that given shares of the background pass, or just more.

        Args:
            score: its name.
            rank: (n,) as of :func:`~darkclr.evaluation.metrics.ranks`.
            shares: of the background.
        """
        passed = np.cumsum(np.bincount(rank, self._weight)) / self._weight.sum()
        for share in shares:
            # Rounding must not lose the jet that makes exactly the wanted share.
            threshold = np.argmax(passed >= share * (1 - 1e-9))
            self._rows[score, share] = np.flatnonzero(rank <= threshold)

    def fill(self, weight: Floats) -> None:
        """Note the spectra with the weights of the sample, or of a replica."""
        for name, spectrum in self._spectra.items():
            self._all[name].append(spectrum.sums(weight))
            for (score, share), rows in self._rows.items():
                above = self._above.setdefault((score, share, name), [])
                above.append(spectrum.sums(weight, rows))

    def results(self, score: str) -> dict[str, dict[str, Sculpting]]:
        """What the cuts on a score do, by spectrum and share, where enough jets pass."""
        return {
            name: {
                f"{share:g}": found
                for (of, share), rows in self._rows.items()
                if of == score
                and (found := self._sculpting(spectrum, rows, self._above[of, share, name], name))
            }
            for name, spectrum in self._spectra.items()
        }

    def _sculpting(
        self, spectrum: Spectrum, rows: NDArray[np.intp], above: Sequence[Floats], name: str
    ) -> Sculpting | None:
        """None if too few jets pass to tell two bins apart."""
        k = len(spectrum.edges) - 1
        bins = min(k, int(effective_count(self._weight[rows]) / _JETS_PER_BIN))
        if bins < 2:
            return None
        starts = np.arange(bins) * k // bins  # neighbours are joined where few jets pass
        passed, jets = (
            np.add.reduceat(np.array(sums), starts, axis=1) for sums in (above, self._all[name])
        )  # (1 + n_replicas, bins), the sample itself first
        with np.errstate(invalid="ignore", divide="ignore"):
            share = passed / jets
            deviation = share / (passed.sum(1) / jets.sum(1))[:, None] - 1
            divergence = _jensen_shannon(passed, jets - passed)
        largest = np.max(np.abs(deviation), axis=1)
        noise = np.max(np.abs(deviation[1:] - deviation[0]), axis=1)
        return Sculpting(
            background_efficiency=float(passed[0].sum() / jets[0].sum()),
            edges=tuple(spectrum.edges[np.append(starts, k)].tolist()),
            share=tuple(share[0].tolist()),
            error=tuple(half_width(share[1:]).tolist()),
            largest_deviation=_number(largest),
            flat=float(np.nanquantile(noise, _FLAT)),
            divergence=_number(divergence),
        )


def _number(values: Floats) -> FigureOfMerit:
    """Of the value of the sample and those of the replicas, (1 + n_replicas,)."""
    if not np.isfinite(values[0]):
        return FigureOfMerit(None, None)
    return FigureOfMerit(float(values[0]), float(half_width(values[1:])))


def _jensen_shannon(first: Floats, second: Floats) -> Floats:
    """Divergence of two spectra in bits, over the last axis."""
    p, q = (np.maximum(x, 0) / x.sum(-1, keepdims=True) for x in (first, second))
    mean = (p + q) / 2
    return sum(np.where(x > 0, x * np.log2(x / mean), 0.0).sum(-1) for x in (p, q)) / 2
