"""How many accepted jets the early veto costs: the events it gives up, simulated to the end.

    python benchmarks/early_veto.py [--jets 5000] [--loosest 95] [--seed 1]

Events that the veto of a sample would give up, but not a veto at ``loosest`` GeV and half a unit of
eta further out, go through the whole chain. Their accepted jets are what the veto loses, counted
against the accepted jets of as many tried events, whose rate a short run with the veto gives.
With ``--loosest 0`` nothing is left out, at a third of the speed.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.stats import chi2

import darkclr.simulation.sample.shard as chain
from darkclr.simulation.detector import EnergyFlowDetector
from darkclr.simulation.events.pythia import Generator
from darkclr.simulation.events.veto import veto_hook
from darkclr.simulation.processes import get_process

BATCH = 100


class Complement:
    """The decision of a hook turned round, within a looser one."""

    def __init__(self, tight, loose) -> None:
        self._tight, self._loose = tight, loose

    def __call__(self, position: int, event) -> bool:
        return not self._tight(position, event) or self._loose(position, event)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--process", default="qcd")
    parser.add_argument("--jets", type=int, default=5000, help="accepted jets to count against")
    parser.add_argument("--loosest", type=float, default=95.0)
    parser.add_argument("--seed", type=int, default=1)
    a = parser.parse_args()
    process = get_process(a.process)
    assert process.veto is not None
    detector, rng = EnergyFlowDetector(process.card), np.random.default_rng(a.seed)

    def accepted(batch) -> int:
        return len(chain._select(batch, detector, process, rng)[1])

    product = Generator(process.all_settings, a.seed, process.veto)
    jets = tried = 0
    while jets < min(a.jets, 1000):
        batch = product.generate(BATCH)
        jets, tried = jets + accepted(batch), tried + batch.n_tried
    rate = jets / tried
    print(f"with the veto: {jets} jets in {tried} tried events", flush=True)

    loose = replace(process.veto, pt_min=a.loosest, abs_eta_max=process.veto.abs_eta_max + 0.5)
    given_up = Generator(process.all_settings, a.seed + 1, process.veto)
    # The hook is ours, so that its decision can be exchanged while Pythia holds it.
    hooks = [veto_hook(v) for v in (process.veto, loose)]
    hook_class: Any = type(given_up._hook)
    hook_class.doVetoPT = Complement(hooks[0].doVetoPT, hooks[1].doVetoPT)
    lost = tried = simulated = 0
    while rate * tried < a.jets:
        batch = given_up.generate(BATCH)
        lost, tried = lost + accepted(batch), tried + batch.n_tried
        simulated += batch.n_events
        if simulated % 2000 == 0:
            report(lost, tried, simulated, rate)
    report(lost, tried, simulated, rate)


def report(lost: int, tried: int, simulated: int, rate: float) -> None:
    upper = chi2.ppf(0.95, 2 * (lost + 1)) / 2  # Poisson, 95 % confidence
    expected = rate * tried
    print(
        f"{simulated} of the events given up in {tried}: {lost} jets lost per {expected:.0f} "
        f"accepted = {lost / expected:.1e}, below {upper / expected:.1e} (95 %)",
        flush=True,
    )


if __name__ == "__main__":
    main()
