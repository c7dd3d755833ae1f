"""Random ragged jets in milliseconds: exponential pT around a random axis, no physics."""

from __future__ import annotations

import numpy as np

from darkclr.jets import Jets

__all__ = ["toy_jets"]


def toy_jets(
    n: int = 300,
    seed: int = 0,
    *,
    mean: float = 30.0,
    shortest: int = 1,
    longest: int = 70,
    label: int = 0,
    jets_per_event: int = 2,
    spread: float = 1 / 3,
    pt_range: tuple[float, float] | None = None,
) -> Jets:
    """``n`` jets of ``shortest`` to ``longest`` constituents, ``jets_per_event`` an event.

    Their number is normal around ``mean`` with a relative width of ``spread``; ``pt_range`` [GeV]
    makes the summed pT uniform, so that it does not tell the number.
    """
    rng = np.random.default_rng(seed)
    lengths = np.clip(rng.normal(mean, mean * spread, n).astype(int), shortest, longest)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    total = int(offsets[-1])
    axis_eta = np.repeat(rng.uniform(-2, 2, n), lengths)
    axis_phi = np.repeat(rng.uniform(-np.pi, np.pi, n), lengths)
    phi = axis_phi + rng.normal(0, 0.3, total)
    pt = rng.exponential(6, total) + 0.3
    if pt_range is not None:
        scale = rng.uniform(*pt_range, n) / np.add.reduceat(pt, offsets[:-1])
        pt *= np.repeat(scale, lengths)
    return Jets.from_constituents(
        offsets,
        pt,
        axis_eta + rng.normal(0, 0.3, total),
        (phi + np.pi) % (2 * np.pi) - np.pi,
        label=label,
        event=np.arange(n) // jets_per_event,
        rank=np.arange(n) % jets_per_event,
    )
