"""Whether two samples have the same distributions: Kolmogorov-Smirnov tests, weights honoured.

    darkclr generate plain.parquet --n_jets 51000 --seed 75 --early_veto false --workers 1
    darkclr generate product.parquet --n_jets 51000 --seed 76 --workers 1
    python benchmarks/equal_samples.py plain.parquet product.parquet

compares QCD jets of plain Pythia with those of the early veto. The jets of an event are not
independent, so there are two p-values: that of the Kolmogorov distribution with the effective
number (sum w)^2 / sum_events (sum_jets w)^2, which counts the jets of an event as one and is
therefore cautious; and, where all weights are 1, the exact one by permuting the events of both
samples at random.
"""

from __future__ import annotations

import argparse

import numpy as np
from numpy.typing import NDArray
from scipy.stats import kstwobign

from darkclr.io import read_jets
from darkclr.jets import Jets

PERMUTATIONS = 1000


def observables(jets: Jets) -> dict[str, NDArray]:
    """Jet pT, mass, number of constituents and pTD = sqrt(sum pT^2) / sum pT."""
    c = jets.constituents
    scalar_sum, squares = (np.bincount(c.jet_index, c.pt.astype(float) ** k) for k in (1, 2))
    return {
        "pT": jets.pt,
        "mass": jets.mass,
        "constituents": jets.n_constituents,
        "pTD": np.sqrt(squares) / scalar_sum,
        "|eta|": np.abs(jets.eta),
    }


def effective_events(jets: Jets) -> float:
    """(sum w)^2 / sum over events of (sum of their w)^2."""
    _, event = np.unique(jets.event, return_inverse=True)
    per_event = np.bincount(event, jets.weight.astype(float))
    return per_event.sum() ** 2 / (per_event**2).sum()


def distance(values: NDArray, signed: NDArray) -> float:
    """Largest distance of two cumulative distributions.

    Args:
        values: (n,) of both samples.
        signed: (n,) weights, of sum 1 for one sample and -1 for the other.
    """
    order = np.argsort(values)
    values = values[order]
    last = np.append(values[1:] != values[:-1], True)  # of equal values
    return float(np.abs(np.cumsum(signed[order])[last]).max())


def permuted(values: NDArray, event: NDArray, n_first: int, seed: int) -> float:
    """Share of random divisions of the events that lie as far apart as the given one.

    Args:
        values: (n,) of both samples.
        event: (n,) number of the event, 0 to n_events - 1, the first sample's first.
        n_first: number of events of the first sample.
        seed: of the permutations.
    """
    rng = np.random.default_rng(seed)
    order = np.argsort(values)
    event, values = event[order], values[order]
    last = np.append(values[1:] != values[:-1], True)
    label = np.arange(event.max() + 1) < n_first

    def far(first: NDArray) -> float:
        share, both = np.cumsum(first), np.arange(1, len(first) + 1)
        n = share[-1]
        return float(np.abs(share / n - (both - share) / (len(first) - n))[last].max())

    observed = far(label[event])
    as_far = sum(far(rng.permutation(label)[event]) >= observed for _ in range(PERMUTATIONS))
    return (as_far + 1) / (PERMUTATIONS + 1)


def compare(first: Jets, second: Jets, *, seed: int = 0) -> list[tuple[str, float, float, float]]:
    """Name, distance, p-value of the effective number and by permutation (or NaN), each."""
    ours, theirs = observables(first), observables(second)
    weights = [jets.weight.astype(float) / jets.weight.sum(dtype=float) for jets in (first, second)]
    signed = np.concatenate([weights[0], -weights[1]])
    n, m = effective_events(first), effective_events(second)
    events = [np.unique(jets.event, return_inverse=True)[1] for jets in (first, second)]
    n_first = int(events[0].max()) + 1
    event = np.concatenate([events[0], events[1] + n_first])
    unweighted = all((jets.weight == 1).all() for jets in (first, second))
    rows = []
    for name in ours:
        values = np.concatenate([ours[name], theirs[name]])
        d = distance(values, signed)
        p = float(kstwobign.sf(d * np.sqrt(n * m / (n + m))))
        exact = permuted(values, event, n_first, seed) if unweighted else float("nan")
        rows.append((name, d, p, exact))
    return rows


def show(first: Jets, second: Jets) -> None:
    """Print the comparison."""
    for jets in (first, second):
        w = jets.weight.astype(float)
        print(
            f"{len(jets)} jets, {w.sum() ** 2 / (w**2).sum():.0f} effective, "
            f"{effective_events(jets):.0f} effective events"
        )
    print(f"{'observable':<14}{'distance':>10}{'p':>8}{'p (permuted)':>14}")
    for name, d, p, exact in compare(first, second):
        print(f"{name:<14}{d:>10.5f}{p:>8.3f}{exact:>14.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("samples", nargs=2)
    first, second = parser.parse_args().samples
    show(read_jets(first), read_jets(second))


if __name__ == "__main__":
    main()
