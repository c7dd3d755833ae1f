"""Particles of events, clustered into jets: for layouts that hold no jets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from darkclr.clustering import anti_kt
from darkclr.errors import InputError
from darkclr.io.assembly import Particles, assemble, keep_only, refuse_not_finite
from darkclr.io.options import EVENT_PT_MIN, ReadOptions
from darkclr.jets import Jets
from darkclr.plausibility import check_angles, check_pt
from darkclr.ragged import to_offsets

__all__ = ["cluster_events"]


def cluster_events(
    particles: Particles,
    mass: NDArray | float,
    *,
    options: ReadOptions,
    start: int,
    where: object,
    label: NDArray | None = None,
    weight: NDArray | float = 1.0,
    provenance: Mapping[str, Any] | None = None,
) -> Jets | None:
    """Anti-kT jets of events of particles, or None if no event has any.

    Args:
        particles: particles of each event.
        mass: of the particles, (n_particles,) or 0 [GeV].
        options: radius and cuts.
        start: row of the file of the first event.
        where: name of the file.
        label, weight: (n,) of the events, which are those of their jets.
        provenance: where the events come from.

    Raises:
        InputError: values that are not finite, negative pT, pT that looks like MeV, angles that
            are none.
        MissingExtraError: fastjet is not installed.
        SimulationError: fastjet is too old.
    """
    for name in ("pt", "eta", "phi"):
        refuse_not_finite(getattr(particles, name), name, where)
    if (particles.pt < 0).any():
        raise InputError(
            f"{np.count_nonzero(particles.pt < 0)} particles have negative pT", where=where
        )
    if len(particles.pt):
        check_pt(particles.pt, "particle", where)
    check_angles(particles.eta, particles.phi, "particle", where)
    masses = np.broadcast_to(np.asarray(mass), particles.pt.shape)
    keep = (particles.pt > 0) & (particles.pt >= options.constituent_pt_min)
    lengths, columns = keep_only(
        keep, particles.lengths, (particles.pt, particles.eta, particles.phi, masses)
    )
    pt_min = EVENT_PT_MIN if options.pt_min is None else options.pt_min
    jets = anti_kt(
        to_offsets(lengths),
        *(x.astype(np.float64) for x in columns),
        radius=options.radius,
        pt_min=pt_min,
    )
    if len(jets) == 0:
        return None
    pt, eta, phi = (x[jets.index] for x in columns[:3])
    return assemble(
        Particles(
            np.diff(jets.offsets),
            pt,
            eta,
            phi,
            (jets.pt, jets.eta, jets.phi, jets.mass),
        ),
        options=options,
        start=0,
        where=where,
        label=None if label is None else label[jets.event],
        weight=weight if np.ndim(weight) == 0 else np.asarray(weight)[jets.event],
        event=start + jets.event,
        rank=np.minimum(jets.rank, np.iinfo(np.int8).max),
        provenance={**(provenance or {}), "clustering": f"anti-kT, R = {options.radius:g}"},
    )
