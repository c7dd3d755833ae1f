"""Statistical uncertainties by a bootstrap over events.

The two jets of an event are not independent, so whole events are drawn. Each replica gives every
event a Poisson(1) multiplicity (Chamandy et al., "Estimating uncertainty for massive data
streams", Google 2012), which for many events equals drawing with replacement, lets background and
signal fluctuate apart, and needs the scores to be sorted only once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from darkclr.evaluation.metrics import interpolate_efficiency

__all__ = ["Replicas", "bootstrap_roc", "central_interval", "event_multiplicities", "half_width"]

Floats = NDArray[np.float64]

# Φ(-1) and Φ(1): the central 68.27 %, one standard deviation of a normal distribution each way.
_QUANTILES = (0.15865525393145707, 0.8413447460685429)


@dataclass(frozen=True, eq=False)
class Replicas:
    """Figures of merit of each bootstrap replica.

    Args:
        auc: (n_replicas,).
        background_efficiency: (n_replicas, m) on the grid of signal efficiencies asked for.
    """

    auc: Floats
    background_efficiency: Floats


def event_multiplicities(
    event: NDArray, n_replicas: int, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """How often each jet occurs in each replica, (n_replicas, n); jets of one event alike.

    Args:
        event: (n,) any values that tell the events apart.
        n_replicas: number of replicas.
        rng: source of randomness.

    >>> drawn = event_multiplicities(np.array([7, 7, 9]), 50, np.random.default_rng(0))
    >>> drawn.shape, bool((drawn[:, 0] == drawn[:, 1]).all())
    ((50, 3), True)
    """
    distinct, index = np.unique(event, return_inverse=True)
    drawn = rng.poisson(1.0, size=(n_replicas, len(distinct))).astype(np.uint8)
    return drawn[:, index]


def bootstrap_roc(
    background: Floats,
    signal: Floats,
    background_weights: tuple[Floats, NDArray[np.uint8]],
    signal_weights: tuple[Floats, NDArray[np.uint8]],
    signal_efficiency: Floats,
) -> Replicas:
    """AUC and ε_B(ε_S) of each replica.

    Args:
        background, signal: (n_b,) and (n_s,) scores.
        background_weights, signal_weights: weights (n_b,) or (n_s,) of the jets, and their
            multiplicities (n_replicas, n_b) or (n_replicas, n_s).
        signal_efficiency: (m,) where ε_B is wanted.

    Returns:
        Replicas; NaN in a replica that drew no background or no signal at all.
    """
    scores = np.concatenate([background, signal])
    order = np.argsort(-scores, kind="stable")
    # A threshold lies only between different scores.
    vertices = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)
    is_signal = order >= len(background)
    background_order, signal_order = order[~is_signal], order[is_signal] - len(background)

    n_replicas = len(background_weights[1])
    replicas = Replicas(
        np.full(n_replicas, np.nan), np.full((n_replicas, len(signal_efficiency)), np.nan)
    )
    # Numbers of background and signal jets at or above each threshold, as indices of cumsums.
    n_signal = np.cumsum(is_signal)[vertices]
    n_background = vertices + 1 - n_signal
    for replica in range(n_replicas):
        passed_b = _cumulative(background_weights, background_order, replica)[n_background]
        passed_s = _cumulative(signal_weights, signal_order, replica)[n_signal]
        if passed_b[-1] == 0 or passed_s[-1] == 0:
            continue
        efficiency_b = np.concatenate([[0.0], passed_b / passed_b[-1]])
        efficiency_s = np.concatenate([[0.0], passed_s / passed_s[-1]])
        replicas.auc[replica] = np.trapezoid(efficiency_s, efficiency_b)
        replicas.background_efficiency[replica] = interpolate_efficiency(
            signal_efficiency, efficiency_s, efficiency_b
        )
    return replicas


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


def _cumulative(weights: tuple[Floats, NDArray[np.uint8]], order: NDArray, replica: int) -> Floats:
    weight, multiplicity = weights
    drawn = weight[order] * multiplicity[replica, order]
    return np.concatenate([[0.0], np.cumsum(drawn)])
