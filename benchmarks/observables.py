"""Jets a second and core for the eight observables of CMS.

python benchmarks/observables.py JETS.parquet [N]

Processor time, so that a busy machine says the same, the best of three. Of the whole, what FastJet
takes to cluster is told apart: soft drop needs one Cambridge-Aachen clustering a declustering,
each of two N-subjettinesses a kT clustering.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from functools import partial

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from darkclr.clustering import kt_axes
from darkclr.io.reading import read_jets
from darkclr.substructure import CMS_OBSERVABLES, OBSERVABLES, observables


def _rate(function: Callable[[], object], n: int) -> float:
    seconds = []
    for _ in range(3):
        start = time.process_time()
        function()
        seconds.append(time.process_time() - start)
    return n / min(seconds)


def main(path: str, n: int = 5000) -> None:
    """Print the rates."""
    jets = read_jets(path)
    constituents = jets[np.resize(np.arange(len(jets)), n)].constituents
    print(f"{n} jets of {constituents.lengths.mean():.0f} constituents")
    several = constituents[constituents.lengths > 2]
    rates = {name: _rate(partial(OBSERVABLES[name], constituents), n) for name in CMS_OBSERVABLES}
    rates["of tau_2, kT axes"] = _rate(lambda: kt_axes(several, 2), n)
    rates["all eight"] = _rate(lambda: observables(constituents), n)
    for name, rate in rates.items():
        print(f"{name:<20} {rate:>9,.0f} jets/s {1e6 / rate:>7.1f} us a jet")


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
