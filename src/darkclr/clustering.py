"""FastJet on flat arrays: jets of events, branches and axes inside jets, soft drop.

Sources: M. Cacciari, G. P. Salam, G. Soyez, FastJet, Eur. Phys. J. C 72 (2012) 1896,
https://arxiv.org/abs/1111.6097; the anti-kT algorithm, JHEP 04 (2008) 063,
https://arxiv.org/abs/0802.1189.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from importlib import metadata
from typing import Any

import numpy as np
from numpy.typing import NDArray

from darkclr.errors import MissingExtraError, SimulationError
from darkclr.jets import Constituents
from darkclr.kinematics import delta_phi, wrap_phi
from darkclr.library_output import captured_output
from darkclr.ragged import ragged_arange, segment_ids, to_offsets

__all__ = [
    "JET_RADIUS",
    "MIN_FASTJET",
    "ClusteredJets",
    "anti_kt",
    "cambridge_aachen_branches",
    "kt_axes",
    "soft_drop",
]

#: R of the anti-kT jets, unless something else is asked for (DarkCLR, arXiv:2312.03067 section 4).
JET_RADIUS = 0.8

#: Earlier versions return wrong constituents for sliced or reordered awkward arrays.
MIN_FASTJET = (3, 5, 2)

_WHOLE_JET = 10.0  # a radius that no jet reaches: nothing is left out


@dataclass(frozen=True, eq=False)
class ClusteredJets:
    """Jets of a batch of events, sorted by event, hardest first. Jet columns are (n_jets,).

    Args:
        event: index of the event in the batch, int64.
        rank: position in the event by pT, int64.
        pt, eta, phi, mass: kinematics of the summed four-vectors [GeV, rad], float64.
        offsets: (n_jets + 1,) int64; jet *i* owns ``index[offsets[i]:offsets[i + 1]]``.
        index: (n_constituents,) int64; rows of the particles that are its constituents.
    """

    event: NDArray[np.int64]
    rank: NDArray[np.int64]
    pt: NDArray[np.float64]
    eta: NDArray[np.float64]
    phi: NDArray[np.float64]
    mass: NDArray[np.float64]
    offsets: NDArray[np.int64]
    index: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.pt)

    def __getitem__(self, rows: Any) -> ClusteredJets:
        """Jets by slice, mask or integer array."""
        rows = np.atleast_1d(np.arange(len(self))[rows])
        lengths = np.diff(self.offsets)[rows]
        columns = ("event", "rank", "pt", "eta", "phi", "mass")
        return replace(
            self,
            **{name: getattr(self, name)[rows] for name in columns},
            offsets=to_offsets(lengths),
            index=self.index[ragged_arange(self.offsets[rows], lengths)],
        )


def anti_kt(
    offsets: NDArray[np.int64],
    pt: NDArray[np.float64],
    eta: NDArray[np.float64],
    phi: NDArray[np.float64],
    mass: NDArray[np.float64],
    *,
    radius: float = JET_RADIUS,
    pt_min: float,
) -> ClusteredJets:
    """Anti-kT jets of every event from the full four-vectors, without cuts on the particles.

    Args:
        offsets: (n_events + 1,); event *i* owns the particles ``offsets[i]:offsets[i + 1]``.
        pt, eta, phi, mass: kinematics of the particles, (n_particles,) each [GeV, rad].
        radius: R of the jets.
        pt_min: lowest jet pT that is returned [GeV].

    Raises:
        MissingExtraError: fastjet or awkward is not installed.
        SimulationError: fastjet is too old.
    """
    px, py, pz = pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)
    energy = np.sqrt(px**2 + py**2 + pz**2 + mass**2)
    sequence = _sequence("antikt", radius, offsets, (px, py, pz, energy))
    n_jets, lengths, index = _constituents(sequence, offsets, pt_min)
    jets = sequence.inclusive_jets(min_pt=pt_min)
    px, py, pz, energy = (_flat(jets[name]).astype(np.float64) for name in _MOMENTUM)
    jet_pt = np.hypot(px, py)
    starts = to_offsets(n_jets)
    event = segment_ids(starts)
    unsorted = ClusteredJets(
        event=event,
        rank=np.zeros(len(jet_pt), dtype=np.int64),
        pt=jet_pt,
        eta=np.arcsinh(pz / jet_pt),
        phi=wrap_phi(np.arctan2(py, px)).astype(np.float64),
        mass=np.sqrt(np.maximum(energy**2 - jet_pt**2 - pz**2, 0.0)),
        offsets=to_offsets(lengths),
        index=index,
    )
    ordered = unsorted[np.lexsort((-jet_pt, event))]
    ordered.rank[:] = np.arange(len(jet_pt)) - starts[event]
    return ordered


def cambridge_aachen_branches(constituents: Constituents, radius: float) -> NDArray[np.int64]:
    """The branch of its jet's Cambridge-Aachen tree that each constituent belongs to.

    Cambridge-Aachen (hep-ph/9707323) merges the two nearest again and again; where the nearest two
    are further apart than ``radius``, the tree is cut, and what is left are the branches.

    Args:
        constituents: massless constituents.
        radius: distance at which the tree is cut, in the plane of rapidity and phi.

    Returns:
        (n_constituents,) numbers of branches, which are counted through over all jets.

    Raises:
        MissingExtraError: fastjet or awkward is not installed.
        SimulationError: fastjet is too old.
    """
    sequence = _massless("cambridge", radius, constituents)
    _, lengths, rows = _constituents(sequence, constituents.offsets, 0.0)
    branch = np.empty(len(rows), dtype=np.int64)
    branch[rows] = segment_ids(to_offsets(lengths))
    return branch


def kt_axes(constituents: Constituents, n_axes: int) -> tuple[NDArray, NDArray]:
    """Directions (rapidity, phi) of the exclusive kT subjets of each jet, (n, n_axes) each.

    Args:
        constituents: massless constituents of jets with at least ``n_axes`` of them.
        n_axes: number of subjets.

    Raises:
        MissingExtraError: fastjet or awkward is not installed.
        SimulationError: fastjet is too old.
    """
    sequence = _massless("kt", _WHOLE_JET, constituents)
    axes = _quiet(sequence.exclusive_jets, n_jets=n_axes)
    px, py, pz, energy = (np.asarray(axes[x], np.float64).reshape(-1, n_axes) for x in _MOMENTUM)
    return np.arctanh(pz / energy), np.arctan2(py, px)


def soft_drop(
    constituents: Constituents, *, z_cut: float, beta: float, radius: float = JET_RADIUS
) -> NDArray[np.float64]:
    """Mass of each jet after soft drop [GeV], (n,) (arXiv:1402.2657).

    The last merging of the Cambridge-Aachen tree is undone. Where the softer branch fails the
    condition, the harder one goes on, as a jet of its own: its tree is a part of the tree. All jets
    are declustered together, ten times as fast as FastJet's contribution does one after the other.

    Args:
        constituents: massless constituents.
        z_cut, beta: numbers of the condition z > z_cut (ΔR / R)^beta.
        radius: R of the jets.

    Raises:
        MissingExtraError: fastjet or awkward is not installed.
        SimulationError: fastjet is too old.
    """
    mass = np.zeros(len(constituents))
    rows = np.flatnonzero(constituents.lengths > 1)  # one constituent alone has none
    jets = constituents[rows]
    while len(rows):
        branch = _two_branches(jets)
        momentum = _summed(jets, branch).reshape(len(jets), 2, 4)
        pt = np.hypot(momentum[..., 0], momentum[..., 1])
        rapidity = np.arctanh(momentum[..., 2] / momentum[..., 3])
        phi = np.arctan2(momentum[..., 1], momentum[..., 0])
        distance = np.hypot(rapidity[:, 0] - rapidity[:, 1], delta_phi(phi[:, 0], phi[:, 1]))
        passed = pt.min(axis=1) / pt.sum(axis=1) > z_cut * (distance / radius) ** beta
        px, py, pz, energy = momentum[passed].sum(axis=1).T
        squared = energy**2 - px**2 - py**2 - pz**2
        mass[rows[passed]] = np.sqrt(np.maximum(squared, 0))
        harder = pt.argmax(axis=1)
        own = branch == (2 * np.arange(len(jets)) + harder)[jets.jet_index]
        jets = jets.keep(own)
        go_on = ~passed & (jets.lengths > 1)
        jets, rows = jets[go_on], rows[go_on]
    return mass


def _two_branches(constituents: Constituents) -> NDArray[np.int64]:
    """2i or 2i + 1 for each constituent of the jet i: the branch of the last merging, (n,)."""
    awkward, _ = _backend()
    sequence = _massless("cambridge", _WHOLE_JET, constituents)
    by_branch = awkward.flatten(_quiet(sequence.exclusive_jets_constituent_index, njets=2), axis=1)
    lengths = awkward.to_numpy(awkward.num(by_branch, axis=1)).astype(np.int64)
    ids = segment_ids(to_offsets(lengths))
    branch = np.empty(len(ids), dtype=np.int64)
    branch[constituents.offsets[:-1][ids // 2] + _flat(by_branch)] = ids
    return branch


def _summed(constituents: Constituents, branch: NDArray[np.int64]) -> NDArray[np.float64]:
    """(px, py, pz, E) of two branches a jet, (2 n, 4)."""
    n = 2 * len(constituents)
    return np.stack([np.bincount(branch, x, n) for x in _massless_momentum(constituents)], axis=1)


_MOMENTUM = ("px", "py", "pz", "E")


def _massless(algorithm: str, radius: float, constituents: Constituents) -> Any:
    """FastJet's clustering of each jet as an event of massless particles."""
    momentum = _massless_momentum(constituents)
    return _sequence(algorithm, radius, constituents.offsets, momentum)


def _massless_momentum(constituents: Constituents) -> tuple[NDArray, ...]:
    """px, py, pz, E of massless constituents."""
    pt, eta, phi = (getattr(constituents, name).astype(np.float64) for name in ("pt", "eta", "phi"))
    return pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta), pt * np.cosh(eta)


def _sequence(
    algorithm: str, radius: float, offsets: NDArray[np.int64], momentum: tuple[NDArray, ...]
) -> Any:
    """FastJet's clustering of events of particles with (px, py, pz, E)."""
    awkward, fastjet = _backend()
    content = awkward.contents
    # Arrays made here are contiguous and start at zero, whatever the caller sliced.
    particles = content.RecordArray(
        [content.NumpyArray(np.ascontiguousarray(x)) for x in momentum],
        list(_MOMENTUM),
        parameters={"__record__": "Momentum4D"},
    )
    events = awkward.Array(content.ListOffsetArray(awkward.index.Index64(offsets), particles))
    definition = fastjet.JetDefinition(getattr(fastjet, f"{algorithm}_algorithm"), radius)
    return fastjet.ClusterSequence(events, definition)


def _constituents(
    sequence: Any, offsets: NDArray[np.int64], pt_min: float
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Jets of each event, constituents of each jet, and the rows of these among the particles."""
    awkward, _ = _backend()
    by_event = sequence.constituent_index(min_pt=pt_min)
    n_jets = awkward.to_numpy(awkward.num(by_event, axis=1)).astype(np.int64)
    of_jets = awkward.flatten(by_event, axis=1)
    lengths = awkward.to_numpy(awkward.num(of_jets, axis=1)).astype(np.int64)
    first = np.repeat(np.repeat(offsets[:-1], n_jets), lengths)
    return n_jets, lengths, first + _flat(of_jets).astype(np.int64)


def _flat(values: Any) -> NDArray:
    awkward, _ = _backend()
    return awkward.to_numpy(awkward.flatten(values))


def _quiet(method: Callable[..., Any], **options: Any) -> Any:
    """What a method gives, without its warning against other algorithms than kT and C/A."""
    form = warnings.formatwarning
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = method(**options)
    warnings.formatwarning = form  # which FastJet replaces
    return result


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
        one = {name: [[1.0]] for name in _MOMENTUM}
        event = awkward.zip(one, with_name="Momentum4D")
        fastjet.ClusterSequence(event, fastjet.JetDefinition(fastjet.antikt_algorithm, 1.0))
    return awkward, fastjet
