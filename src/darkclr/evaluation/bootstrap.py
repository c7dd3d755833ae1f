"""Statistical uncertainties by a bootstrap over events.

The two jets of an event are not independent, so whole events are drawn. Each replica gives every
event a Poisson(1) multiplicity (Chamandy et al., "Estimating uncertainty for massive data
streams", Google 2012), which for many events equals drawing with replacement, lets background and
signal fluctuate apart, and needs the scores to be sorted only once. Replicas are drawn one by one,
so that memory does not grow with their number.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

__all__ = ["central_interval", "drawn_weights", "grouped_ranks", "half_width"]

Floats = NDArray[np.float64]

# Φ(-1) and Φ(1): the central 68.27 %, one standard deviation of a normal distribution each way.
_QUANTILES = (0.15865525393145707, 0.8413447460685429)
# Poisson(1) by sixteen random bits: their mean is 1, their variance 3e-5 below it. The generator's
# own numbers take seven times as long, and most of the time of a replica.
_MULTIPLICITY = np.searchsorted(
    np.cumsum([math.exp(-1) / math.factorial(k) for k in range(10)]),
    (np.arange(2**16) + 0.5) / 2**16,
).astype(np.uint8)
# Thresholds of the ROC curves of replicas.
_THRESHOLDS = 2**14


def drawn_weights(
    weight: Floats, event: NDArray, n_replicas: int, rng: np.random.Generator
) -> Iterator[Floats]:
    """Weights of the jets in each replica, (n,): how often their event occurs times their own.

    Args:
        weight: (n,) weights of the jets.
        event: (n,) any values that tell the events apart.
        n_replicas: number of replicas.
        rng: source of randomness.

    >>> first, *_ = drawn_weights(np.ones(3), np.array([7, 7, 9]), 50, np.random.default_rng(0))
    >>> first.shape, bool(first[0] == first[1])
    ((3,), True)
    """
    distinct, index = np.unique(event, return_inverse=True)
    for _ in range(n_replicas):
        drawn = _MULTIPLICITY[rng.integers(0, 2**16, len(distinct), dtype=np.uint16)]
        yield weight * drawn[index]


def grouped_ranks(rank: NDArray[np.int64]) -> NDArray[np.uint16]:
    """The thresholds of :func:`~darkclr.evaluation.metrics.ranks`, those of many in groups.

    Up to 16384 thresholds stay as they are. Of more, neighbours are joined such that a group adds
    a fixed share, below 0.1 %, to the jets that passed before: errors need no finer curve, and the
    tail, where few jets pass, is not touched.
    """
    passed = np.cumsum(np.bincount(rank))
    if len(passed) <= _THRESHOLDS:
        return rank.astype(np.uint16)
    ends = np.geomspace(1, passed[-1], _THRESHOLDS)
    return np.searchsorted(ends, passed, side="left").astype(np.uint16)[rank]


def central_interval(replicas: Floats) -> tuple[Floats, Floats]:
    """Bounds of the central 68 % over the first axis; NaN replicas are left out.

    Quantiles are taken from the replicas themselves (no interpolation): infinite ones are fine.
    """
    low, high = np.nanquantile(replicas, _QUANTILES, axis=0, method="inverted_cdf")
    return low, high


def half_width(replicas: Floats) -> Floats:
    """Half the central 68 % over the first axis: the standard deviation if they are normal."""
    low, high = central_interval(replicas)
    with np.errstate(invalid="ignore"):
        return (high - low) / 2
