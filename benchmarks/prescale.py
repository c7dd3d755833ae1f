"""From which pT at the interruption accepted jets come, and what a prescale below it gains.

    python benchmarks/prescale.py [--jets 20000] [--seed 1] [--process qcd]

One run with the early veto: of each event that passes it, the pT of its hardest jet at the
interruption and the number of its accepted jets. So one run tells for every cut how many accepted
jets a veto there would lose, and what a prescale there gives: effective jets per core-second,
(sum w)^2 / sum w^2, relative to none. A jet of weight w counts w^2 in the denominator, so that many
jets below the cut ask for a small factor. `benchmarks/simulation.py gain` measures the gain itself.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

import darkclr.simulation.sample.shard as chain
from darkclr.simulation.detector import EnergyFlowDetector
from darkclr.simulation.events.pythia import Generator
from darkclr.simulation.processes import get_process

BATCH, EVERY = 100, 5000
CUTS = (115, 120, 125, 130, 135, 140, 145, 150, 155, 160)
FACTORS = (1, 3, 5, 10, 20, 50)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--process", default="qcd")
    parser.add_argument("--jets", type=int, default=20000, help="accepted jets to take")
    parser.add_argument("--seed", type=int, default=1)
    a = parser.parse_args()
    process = get_process(a.process)
    generator = Generator(process.all_settings, a.seed, process.veto)
    detector, rng = EnergyFlowDetector(process.card), np.random.default_rng(a.seed)
    hook: Any = generator._hook
    hardest: list[float] = []
    jets: list[int] = []
    type(hook).onEndEvent = lambda hook, status: hardest.append(hook.hardest)
    tried, shown, start = 0, 0, time.process_time()
    while len(jets) < a.jets:
        hardest_before = len(hardest)
        batch = generator.generate(BATCH)
        assert len(hardest) - hardest_before == batch.n_events  # none was lost
        found = chain._select(batch, detector, process, rng)[1]
        tried += batch.n_tried
        jets += [hardest_before + event for event in found.event]
        if len(jets) >= min(shown + EVERY, a.jets):
            shown = len(jets)
            show(np.array(hardest), np.array(jets), tried, time.process_time() - start)


def show(hardest: NDArray, event: NDArray, tried: int, seconds: float) -> None:
    """Print what each cut loses and gains.

    Args:
        hardest: (n_events,) pT [GeV] at the interruption of the events that were kept.
        event: (n_jets,) their number for each accepted jet.
        tried: number of all events.
        seconds: that they took.
    """
    # What an event costs that is given up was measured beside this: 1/50 of one that is not.
    unit = seconds / (len(hardest) + tried / 50)
    print(
        f"\n{len(event)} jets of {len(hardest)} of {tried} events, {seconds:.0f} s: "
        f"{1e3 * unit:.1f} ms an event"
    )
    print(
        "| cut [GeV] | events above | jets below | of all | below (95 %) | gain, factor "
        + " | ".join(map(str, FACTORS))
        + " |"
    )
    print("|---" * (5 + len(FACTORS)) + "|")
    for cut in CUTS:
        above, below = (hardest >= cut).mean(), int((hardest[event] < cut).sum())
        share, upper = below / len(event), chi2.ppf(0.95, 2 * (below + 1)) / 2 / len(event)
        gains = []
        for factor in FACTORS:
            effective = 1 / (1 - share + share * factor)  # of as many jets without a prescale
            cost = unit * (len(hardest) * (above + (1 - above) / factor) + tried / 50)
            gains.append(f"{effective * seconds / cost:.2f}")
        print(
            f"| {cut} | {above:.3f} | {below} | {share:.1e} | {upper:.1e} | "
            + " | ".join(gains)
            + " |",
            flush=True,
        )


if __name__ == "__main__":
    main()
