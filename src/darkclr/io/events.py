"""Particles of events, clustered into jets: for layouts that hold no jets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from darkclr.errors import InputError
from darkclr.io.assembly import Particles, assemble, refuse_not_finite
from darkclr.io.options import EVENT_PT_MIN, ReadOptions
from darkclr.jets import Jets
from darkclr.plausibility import check_angles, check_pt
from darkclr.ragged import segment_ids, to_offsets

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
    """
    from darkclr.simulation.clustering import cluster
    from darkclr.simulation.particles import EnergyFlow

    for name in ("pt", "eta", "phi"):
        refuse_not_finite(getattr(particles, name), name, where)
    if (particles.pt < 0).any():
        raise InputError(
            f"{np.count_nonzero(particles.pt < 0)} particles have negative pT", where=where
        )
    if len(particles.pt):
        check_pt(particles.pt, "particle", where)
    check_angles(particles.eta, particles.phi, "particle", where)
    event = segment_ids(to_offsets(particles.lengths))
    masses = np.broadcast_to(np.asarray(mass), event.shape)
    columns: list[NDArray] = [event, particles.pt, particles.eta, particles.phi, masses]
    keep = (particles.pt > 0) & (particles.pt >= options.constituent_pt_min)
    if not keep.all():
        columns = [x[keep] for x in columns]
    if not len(columns[0]):
        return None
    event, *four = columns
    pt, eta, phi, masses = (x.astype(np.float64) for x in four)
    flow = EnergyFlow(event, pt, eta, phi, masses, np.zeros(len(pt), dtype=np.int8))
    pt_min = EVENT_PT_MIN if options.pt_min is None else options.pt_min
    clustered = cluster(flow, len(particles.lengths), radius=options.radius, pt_min=pt_min)
    if len(clustered) == 0:
        return None
    constituents = clustered.constituents
    return assemble(
        Particles(
            np.diff(clustered.offsets),
            constituents.pt,
            constituents.eta,
            constituents.phi,
            (clustered.pt, clustered.eta, clustered.phi, clustered.mass),
        ),
        options=options,
        start=0,
        where=where,
        label=None if label is None else label[clustered.event],
        weight=weight if np.ndim(weight) == 0 else np.asarray(weight)[clustered.event],
        event=start + clustered.event,
        rank=np.minimum(clustered.rank, np.iinfo(np.int8).max),
        provenance={**(provenance or {}), "clustering": f"anti-kT, R = {options.radius:g}"},
    )
