"""Anti-kT jets of energy-flow objects, by FastJet.

Source: M. Cacciari, G. P. Salam, G. Soyez, JHEP 04 (2008) 063, https://arxiv.org/abs/0802.1189,
and Eur. Phys. J. C 72 (2012) 1896, https://arxiv.org/abs/1111.6097.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import metadata
from typing import Any

import numpy as np
from numpy.typing import NDArray

from darkclr.errors import MissingExtraError, SimulationError
from darkclr.kinematics import wrap_phi
from darkclr.library_output import captured_output
from darkclr.ragged import ragged_arange, segment_ids
from darkclr.simulation.particles import EnergyFlow, take

__all__ = ["MIN_FASTJET", "ClusteredJets", "cluster"]

#: Earlier versions return wrong constituents for sliced or reordered awkward arrays.
MIN_FASTJET = (3, 5, 2)


@dataclass(frozen=True, eq=False)
class ClusteredJets:
    """Jets of a batch of events, sorted by event, hardest first. Jet columns are (n_jets,).

    Args:
        event: index of the event in the batch, int64.
        rank: position in the event by pT, int64.
        pt, eta, phi, mass: of the summed four-vectors [GeV, rad], float64.
        offsets: (n_jets + 1,) int64; jet *i* owns constituents ``offsets[i]:offsets[i + 1]``.
        index: (n_constituents,) int64; rows of the energy-flow objects that are constituents.
        constituents: their kinematics and kinds, in the order of ``index``.
    """

    event: NDArray[np.int64]
    rank: NDArray[np.int64]
    pt: NDArray[np.float64]
    eta: NDArray[np.float64]
    phi: NDArray[np.float64]
    mass: NDArray[np.float64]
    offsets: NDArray[np.int64]
    index: NDArray[np.int64]
    constituents: EnergyFlow

    def __len__(self) -> int:
        return len(self.pt)

    def __getitem__(self, rows: Any) -> ClusteredJets:
        """Jets by slice, mask or integer array."""
        rows = np.atleast_1d(np.arange(len(self))[rows])
        lengths = np.diff(self.offsets)[rows]
        flat = ragged_arange(self.offsets[rows], lengths)
        return ClusteredJets(
            event=self.event[rows],
            rank=self.rank[rows],
            pt=self.pt[rows],
            eta=self.eta[rows],
            phi=self.phi[rows],
            mass=self.mass[rows],
            offsets=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
            index=self.index[flat],
            constituents=take(self.constituents, flat),
        )


def cluster(flow: EnergyFlow, n_events: int, *, radius: float, pt_min: float) -> ClusteredJets:
    """Anti-kT jets of every event from the full four-vectors, without cuts on the constituents.

    Args:
        flow: energy-flow objects, sorted by event.
        n_events: number of events in the batch; those without objects have no jets.
        radius: of the jets.
        pt_min: lowest jet pT that is returned [GeV].

    Raises:
        MissingExtraError: fastjet or awkward is not installed.
        SimulationError: fastjet is too old.
    """
    awkward, fastjet = _backend()
    offsets = np.searchsorted(flow.event, np.arange(n_events + 1))
    px, py = flow.pt * np.cos(flow.phi), flow.pt * np.sin(flow.phi)
    pz = flow.pt * np.sinh(flow.eta)
    energy = np.sqrt(px**2 + py**2 + pz**2 + flow.mass**2)
    # Arrays made here are contiguous and start at zero, whatever the caller sliced.
    content = awkward.contents
    momenta = content.RecordArray(
        [content.NumpyArray(x) for x in (px, py, pz, energy)],
        ["px", "py", "pz", "E"],
        parameters={"__record__": "Momentum4D"},
    )
    events = awkward.Array(
        content.ListOffsetArray(awkward.index.Index64(offsets.astype(np.int64)), momenta)
    )
    sequence = fastjet.ClusterSequence(
        events, fastjet.JetDefinition(fastjet.antikt_algorithm, radius)
    )
    jets = sequence.inclusive_jets(min_pt=pt_min)
    members = sequence.constituent_index(min_pt=pt_min)

    n_jets = awkward.to_numpy(awkward.num(jets, axis=1)).astype(np.int64)
    event = np.repeat(np.arange(n_events), n_jets)
    jpx, jpy, jpz, jenergy = (
        awkward.to_numpy(awkward.flatten(jets[name])).astype(np.float64)
        for name in ("px", "py", "pz", "E")
    )
    per_jet = awkward.flatten(members, axis=1)
    lengths = awkward.to_numpy(awkward.num(per_jet, axis=1)).astype(np.int64)
    index = awkward.to_numpy(awkward.flatten(per_jet, axis=1)).astype(np.int64)
    index += np.repeat(offsets[event], lengths)

    pt = np.hypot(jpx, jpy)
    unsorted = ClusteredJets(
        event=event,
        rank=np.zeros(len(pt), dtype=np.int64),
        pt=pt,
        eta=np.arcsinh(jpz / pt),
        phi=wrap_phi(np.arctan2(jpy, jpx)).astype(np.float64),
        mass=np.sqrt(np.maximum(jenergy**2 - pt**2 - jpz**2, 0.0)),
        offsets=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        index=index,
        constituents=take(flow, index),
    )
    ordered = unsorted[np.lexsort((-pt, event))]
    starts = np.concatenate([[0], np.cumsum(n_jets)]).astype(np.int64)
    ordered.rank[:] = np.arange(len(pt)) - starts[segment_ids(starts)]
    return ordered


@cache
def _backend() -> tuple[Any, Any]:
    try:
        version = metadata.version("fastjet")
        import awkward
        import fastjet
    except (ImportError, metadata.PackageNotFoundError) as error:
        raise MissingExtraError("fastjet", "simulation") from error
    numbers = tuple(int(part) for part in version.split(".")[:3] if part.isdigit())
    if numbers < MIN_FASTJET:
        raise SimulationError(
            f"version {version} assigns wrong constituents to jets",
            where="fastjet",
            fix="pip install 'fastjet>=3.5.2'",
        )
    with captured_output():  # FastJet prints its banner with the first clustering
        one = {name: [[1.0]] for name in ("px", "py", "pz", "E")}
        event = awkward.zip(one, with_name="Momentum4D")
        fastjet.ClusterSequence(event, fastjet.JetDefinition(fastjet.antikt_algorithm, 1.0))
    return awkward, fastjet
