"""Figures of merit of one score: weighted ROC, AUC, background rejection, significance improvement.

Higher score = more anomalous. Weights are event weights of the samples; background and signal are
normalised apart, so the mixture of the two does not matter. Weights may be negative, as those of a
generator at next-to-leading order are: an efficiency is the ratio of two sums of weights. Sums over
few jets may then fall where a threshold is loosened, or be negative; the curve takes the first
threshold that reaches a signal efficiency, and a background efficiency below 0 counts as 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "Roc",
    "auc",
    "background_rejection",
    "effective_count",
    "interpolate_efficiency",
    "ranks",
    "rejection_lower_bound",
    "roc",
    "significance_improvement",
]

Floats = NDArray[np.float64]

# No background jet above the threshold: fewer than -ln(0.05) are expected at 95 % confidence.
_ZERO_COUNT_LIMIT = -np.log(0.05)


@dataclass(frozen=True, eq=False)
class Roc:
    """Vertices of a ROC curve, from the tightest threshold to the loosest.

    Args:
        signal_efficiency: (k,) ε_S, from 0 to 1.
        background_efficiency: (k,) ε_B, from 0 to 1.
    """

    signal_efficiency: Floats
    background_efficiency: Floats

    @classmethod
    def of(cls, background: Floats, signal: Floats) -> Roc:
        """The curve of weights added up by threshold, (k,) each, the tightest first.

        An efficiency is NaN if the weights of its class do not add up to more than 0.
        """
        return cls(_efficiencies(signal), _efficiencies(background))

    @property
    def auc(self) -> float:
        """Probability that a signal jet scores above a background jet; ties count half."""
        return float(np.trapezoid(self.signal_efficiency, self.background_efficiency))

    def background_efficiency_at(self, signal_efficiency: ArrayLike) -> Floats:
        """ε_B at the given ε_S, see :func:`interpolate_efficiency`."""
        if np.isnan(self.signal_efficiency[-1]):
            return np.full(np.shape(signal_efficiency), np.nan)
        reached = np.maximum.accumulate(self.signal_efficiency)
        efficiency = interpolate_efficiency(signal_efficiency, reached, self.background_efficiency)
        return np.maximum(efficiency, 0)


def _efficiencies(weight: Floats) -> Floats:
    passed = np.concatenate([[0.0], np.cumsum(weight)])
    return passed / passed[-1] if passed[-1] > 0 else np.full(len(passed), np.nan)


def ranks(score: Floats) -> NDArray[np.int64]:
    """The threshold that each jet just passes, (n,): 0 of the highest score; ties share one.

    >>> ranks(np.array([0.3, 0.9, 0.3, 0.1])).tolist()
    [1, 0, 1, 2]
    """
    return np.unique(-score, return_inverse=True)[1]


def roc(label: ArrayLike, score: ArrayLike, weight: ArrayLike | None = None) -> Roc:
    """The weighted ROC curve with every distinct score as a threshold.

    Args:
        label: (n,) 0 background, 1 signal; both occur.
        score: (n,) finite, higher = more anomalous.
        weight: (n,); 1 if None.
    """
    label, rank = np.asarray(label), ranks(np.asarray(score, dtype=np.float64))
    weight = np.ones(len(label)) if weight is None else np.asarray(weight, dtype=np.float64)
    background, signal = (
        np.bincount(rank[label == one], weight[label == one], rank.max() + 1).astype(np.float64)
        for one in (0, 1)
    )
    return Roc.of(background, signal)


def auc(label: ArrayLike, score: ArrayLike, weight: ArrayLike | None = None) -> float:
    """Weighted probability that a signal jet scores above a background jet; ties count half."""
    return roc(label, score, weight).auc


def interpolate_efficiency(
    wanted: ArrayLike, signal_efficiency: Floats, background_efficiency: Floats
) -> Floats:
    """ε_B at the wanted ε_S, linear between the vertices of the ROC curve.

    A straight line between two vertices is what a coin toss between the jets of equal score
    achieves, the same convention by which ties count half in the AUC. Where the curve runs along
    the ε_B axis (many ε_B at one ε_S), the smallest ε_B is taken: the tightest threshold that
    keeps the wanted share of the signal.

    Args:
        wanted: (m,) in (0, 1].
        signal_efficiency, background_efficiency: (k,) vertices, from (0, 0) to (1, 1).

    >>> interpolate_efficiency(0.25, np.array([0, 0.5, 0.5, 1]), np.array([0, 0.2, 0.6, 1]))
    array(0.1)
    >>> interpolate_efficiency(0.5, np.array([0, 0.5, 0.5, 1]), np.array([0, 0.2, 0.6, 1]))
    array(0.2)
    """
    wanted = np.asarray(wanted, dtype=np.float64)
    last = len(signal_efficiency) - 1
    above = np.clip(np.searchsorted(signal_efficiency, wanted, side="left"), 1, last)
    below = above - 1
    width = signal_efficiency[above] - signal_efficiency[below]
    step = wanted - signal_efficiency[below]
    share = np.divide(step, width, out=np.zeros_like(wanted), where=width > 0)
    low, high = background_efficiency[below], background_efficiency[above]
    return np.asarray(low + share * (high - low))


def background_rejection(background_efficiency: ArrayLike) -> Floats:
    """1 / ε_B; infinite where no background passes."""
    with np.errstate(divide="ignore"):
        return 1.0 / np.asarray(background_efficiency, dtype=np.float64)


def significance_improvement(
    signal_efficiency: ArrayLike, background_efficiency: ArrayLike
) -> Floats:
    """ε_S / √ε_B: by how much a cut improves S/√B; infinite where no background passes."""
    with np.errstate(divide="ignore"):
        return np.asarray(signal_efficiency) / np.sqrt(np.asarray(background_efficiency))


def effective_count(weight: ArrayLike) -> float:
    """(Σw)² / Σw²: the number of unweighted jets with the same relative uncertainty.

    >>> effective_count([2.0, 2.0, 2.0])
    3.0
    """
    weight = np.asarray(weight, dtype=np.float64)
    total = np.sum(weight**2)
    return float(np.sum(weight) ** 2 / total) if total > 0 else 0.0


def rejection_lower_bound(n_background: float) -> float:
    """95 % lower bound on 1/ε_B when none of ``n_background`` (effective) jets passes.

    Zero observed counts exclude a Poisson mean of 3.0 and more.
    """
    return float(n_background / _ZERO_COUNT_LIMIT)
