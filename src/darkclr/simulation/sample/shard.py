"""One shard of a sample: a freshly seeded generator that runs until it has its jets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from darkclr.clustering import ClusteredJets, anti_kt
from darkclr.errors import InputError, SimulationError
from darkclr.io.options import NEGATIVE_WEIGHTS, NegativeWeights
from darkclr.io.raw_jets import signed_weights
from darkclr.jets import KINDS, Jets
from darkclr.ragged import to_offsets
from darkclr.simulation.detector import EnergyFlow, EnergyFlowDetector, Kind
from darkclr.simulation.events.batch import HARD_PROCESS, EventBatch, EventSource
from darkclr.simulation.events.event_files import EventRange
from darkclr.simulation.events.hepmc import HepMCEvents
from darkclr.simulation.events.les_houches import LesHouchesEvents
from darkclr.simulation.events.pythia import MAX_SEED, Generator
from darkclr.simulation.events.weights import Weight
from darkclr.simulation.processes import Process
from darkclr.simulation.sample.truth import TOP_TRUTH, match_partons, tops_inside

__all__ = [
    "EVENTS_PER_SHARD",
    "Counts",
    "Shard",
    "cluster",
    "simulate_shard",
]

#: Event numbers are shard * EVENTS_PER_SHARD + position in the shard, or the position in a file of
#: events: unique in the sample.
EVENTS_PER_SHARD = 1_000_000

# Part of the definition of a sample: the detector draws its random numbers batch by batch.
_BATCH = 100
# Particles further outside than this many radii are not followed. A wanted jet ends one radius
# outside, and clustering without the objects beyond two changes none of its bits.
_REACH = 2.0
# Without a single jet in this many events the selection cannot be met.
_HOPELESS = 10_000
# So many codes of particles are told.
_N_CODES = 8
# The number of a kind of the detector among those of jets.
_KINDS = np.array([KINDS.index(kind.name.lower().replace("_", " ")) for kind in Kind], np.int8)


@dataclass
class Counts:
    """What was done for a shard or a sample; sums and counts only, so they can be added.

    Args:
        events: number of generated events, those given up early included.
        jets: number of accepted jets, before the surplus of the last batch is cut off.
        dark_mesons: number of dark mesons in all events.
        invisible_dark_mesons: number of dark mesons that no detector can see.
        cross_section_sum: cross section [pb] times events.
        prescaled: number of jets for which those of prescaled events stand, beyond themselves.
        lost: number of events that the generator gave up on.
        reasons: errors of the generator where it gave up on events, and how often it met them.
    """

    events: int = 0
    jets: int = 0
    dark_mesons: int = 0
    invisible_dark_mesons: int = 0
    cross_section_sum: float = 0.0
    prescaled: float = 0.0
    lost: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)

    def __add__(self, other: Counts) -> Counts:
        numbers = (f.name for f in fields(self) if f.name != "reasons")
        sums: dict[str, Any] = {
            name: getattr(self, name) + getattr(other, name) for name in numbers
        }
        return Counts(**sums, reasons=Counter(self.reasons) + Counter(other.reasons))

    def summary(self) -> dict[str, Any]:
        """JSON-able figures of a sample: of dark mesons and lost events only if there are any."""
        result: dict[str, Any] = {
            "events": self.events,
            "accepted_jets": self.jets,
            "jets_per_event": (self.jets + self.prescaled) / max(self.events, 1),
            "cross_section_pb": self.cross_section_sum / max(self.events, 1),
        }
        if self.dark_mesons:
            result["dark_mesons"] = self.dark_mesons
            result["r_inv"] = self.invisible_dark_mesons / self.dark_mesons
        if self.lost:
            result |= {"lost_events": self.lost, "reasons": dict(self.reasons)}
        return result


@dataclass(frozen=True)
class Shard:
    """Everything that determines the jets of a shard.

    Args:
        process: the process with the chosen parameters, selection and label.
        settings: all Pythia settings, in order.
        seed: seed of the sample.
        index: number of the shard in the sample, from 0.
        card: name or path of the detector card.
        n_jets: number of jets that the shard holds; None for all of a file's events.
        events: range of a file of events, which take the place of the process's.
        weight: which of several weights these have.
        negative_weights: what becomes of negative ones.
    """

    process: Process
    settings: tuple[str, ...]
    seed: int
    index: int
    card: str
    n_jets: int | None
    events: EventRange | None = None
    weight: Weight | None = None
    negative_weights: NegativeWeights = NEGATIVE_WEIGHTS

    def seeds(self) -> tuple[int, np.random.Generator]:
        """Pythia's seed and the detector's random numbers."""
        name = crc32(self.process.name.encode())
        sequence = np.random.SeedSequence([self.seed, self.index, name])
        pythia, detector = (np.random.default_rng(child) for child in sequence.spawn(2))
        return int(pythia.integers(1, MAX_SEED, endpoint=True)), detector


@dataclass
class _Accepted:
    """Jets accepted so far, batch by batch."""

    columns: dict[str, list[NDArray]] = field(default_factory=dict)
    n_jets: int = 0

    def add(self, n_jets: int, **columns: NDArray) -> None:
        self.n_jets += n_jets
        for name, values in columns.items():
            self.columns.setdefault(name, []).append(values)

    def __getitem__(self, name: str) -> NDArray:
        return np.concatenate(self.columns[name])


def simulate_shard(
    shard: Shard, report: Callable[[int], None] = lambda _: None
) -> tuple[Jets, Counts]:
    """Collisions, detector and jets until the shard is full or its file's events are used up.

    A shorter shard holds the first jets of a longer one.

    Args:
        shard: what to simulate.
        report: called after each batch with the number of new jets.

    Raises:
        MissingExtraError: the generator or the jet finder is not installed.
        InputError: there is no such card, an event of the file is broken, or has a negative weight.
        SimulationError: Pythia refuses the settings, or no jet passes the selection.
    """
    process = shard.process
    detector = EnergyFlowDetector(shard.card)
    pythia_seed, rng = shard.seeds()
    source = _source(shard, pythia_seed)
    offset = shard.index * EVENTS_PER_SHARD if shard.events is None else shard.events.first
    counts, accepted, partons_found = Counts(), _Accepted(), Counter[int]()
    where = process.name if shard.events is None else shard.events.path
    prescaled = process.veto is not None and process.veto.prescale is not None
    while shard.n_jets is None or accepted.n_jets < shard.n_jets:
        batch = source.generate(_BATCH)
        if batch is None:
            break
        weight = signed_weights(batch.weight, shard.negative_weights, where)
        partons_found.update(np.abs(batch.partons.pdg).tolist())
        flow, jets, partons, distances = _select(batch, detector, process, rng)
        new = len(jets)
        if shard.n_jets is not None:
            new = min(new, shard.n_jets - accepted.n_jets)
        accepted.add(
            len(jets),
            lengths=np.diff(jets.offsets),
            constituent_pt=flow.pt[jets.index],
            constituent_eta=flow.eta[jets.index],
            constituent_phi=flow.phi[jets.index],
            constituent_kind=_KINDS[flow.kind[jets.index]],
            **{name: getattr(jets, name) for name in ("pt", "eta", "phi", "mass", "rank")},
            event=offset + batch.number[jets.event],
            weight=weight[jets.event],
            pthat=batch.pthat[jets.event].astype(np.float32),
            parton_pdg=partons.astype(np.int32),
            parton_delta_r=distances.astype(np.float32),
            **(tops_inside(jets, batch.partons, process.match.radius) if process.top_truth else {}),
        )
        counts += Counts(
            batch.n_tried,
            len(jets),
            batch.n_dark_mesons,
            batch.n_invisible_dark_mesons,
            prescaled=float(weight[jets.event].sum() - len(jets)) if prescaled else 0.0,
        )
        if shard.events is None:
            _check_yield(counts, process)
        report(new)
    if shard.events is not None:
        counts.events = shard.events.n_events
        if shard.events.first == 0 and source.lost < counts.events:
            _check_partons(partons_found, process, counts.events, where)
    counts.cross_section_sum = source.cross_section * counts.events
    if source.lost:
        counts.lost, counts.reasons = source.lost, source.complaints()
    return _assemble(accepted, process)[: shard.n_jets], counts


def _source(shard: Shard, seed: int) -> EventSource:
    if shard.events is None:
        return Generator(shard.settings, seed, shard.process.veto)
    name = shard.weight.name if shard.weight else None
    if shard.events.format == "lhe":
        match = shard.process.match
        wanted = match.pdg if match.required else ()
        return LesHouchesEvents(shard.events, shard.settings, seed, name, wanted)
    return HepMCEvents(shard.events, name)


def _select(
    batch: EventBatch, detector: EnergyFlowDetector, process: Process, rng: np.random.Generator
) -> tuple[EnergyFlow, ClusteredJets, NDArray[np.int64], NDArray[np.float64]]:
    """Objects of a batch, their jets that pass selection and matching, and the matched partons.

    Of a parton these are PDG code and distance to its jet, (n_jets,) each.
    """
    selection, match = process.selection, process.match
    reach = selection.abs_eta_max + _REACH * selection.radius
    flow = detector.simulate(batch.particles, rng, reach)
    jets = cluster(flow, batch.n_events, radius=selection.radius, pt_min=selection.pt_min)
    keep = np.abs(jets.eta) < selection.abs_eta_max
    if selection.pt_max is not None:
        keep &= jets.pt < selection.pt_max
    jets = jets[keep]
    partons, distances = match_partons(jets, batch.partons, match.pdg, match.radius)
    if match.required:
        matched = partons != 0
        jets, partons, distances = jets[matched], partons[matched], distances[matched]
    return flow, jets, partons, distances


def cluster(flow: EnergyFlow, n_events: int, *, radius: float, pt_min: float) -> ClusteredJets:
    """Anti-kT jets of the energy-flow objects of a batch of events."""
    return anti_kt(
        to_offsets(np.bincount(flow.event, minlength=n_events)),
        *(flow.pt, flow.eta, flow.phi, flow.mass),
        radius=radius,
        pt_min=pt_min,
    )


def _check_yield(counts: Counts, process: Process) -> None:
    if counts.jets == 0 and counts.events >= _HOPELESS:
        raise SimulationError(
            f"none of {counts.events} events has a jet that passes the selection",
            where=f"sample {process.name!r}",
            fix="check its settings against its selection",
        )
    if counts.events > EVENTS_PER_SHARD - 2 * _BATCH:
        raise SimulationError(
            f"a shard needs more than {EVENTS_PER_SHARD} events",
            where=f"sample {process.name!r}",
            fix="choose a smaller shard_jets",
        )


def _check_partons(found: Counter[int], process: Process, n_events: int, where: object) -> None:
    """Say at once if jets are matched to partons that the events of a file do not have."""
    wanted = process.match.pdg
    if (
        not process.match.required
        or (found and not wanted)
        or any(code in found for code in wanted)
    ):
        return
    codes = ", ".join(str(code) for code, _ in found.most_common(_N_CODES))
    asked = f" {', '.join(map(str, wanted))}, to" if wanted else ", to"
    raise InputError(
        f"among the first {n_events} events are no partons of the hard process (status "
        f"{HARD_PROCESS}){asked} which the jets of sample {process.name!r} are matched, but "
        f"{codes or 'none at all'}",
        where=where,
        fix="choose the sample 'events', which matches none, or another process",
    )


def _assemble(accepted: _Accepted, process: Process) -> Jets:
    if accepted.n_jets == 0:  # of a file's events; no reader would let them pass
        return Jets.from_constituents([0, 1], [1.0], [0.0], [0.0])[:0]
    truth = ["pthat", "parton_pdg", "parton_delta_r", *(TOP_TRUTH if process.top_truth else ())]
    return Jets.from_constituents(
        np.concatenate([[0], np.cumsum(accepted["lengths"])]),
        *(accepted[f"constituent_{name}"] for name in ("pt", "eta", "phi")),
        kind=accepted["constituent_kind"],
        jet=tuple(accepted[name] for name in ("pt", "eta", "phi", "mass")),  # type: ignore[arg-type]
        label=process.label,
        weight=accepted["weight"],
        event=accepted["event"],
        rank=accepted["rank"],
        truth={name: accepted[name] for name in truth},
        where=f"sample {process.name!r}",
    )
