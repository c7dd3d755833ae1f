"""Our energy flow against Delphes 3.5.1 on the same particles; see README.md for the data.

Both detectors draw random numbers, so single jets differ. What is compared are means over jets,
with the errors of the difference jet by jet: the fluctuations of the events themselves drop out.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import chi2

from darkclr.clustering import JET_RADIUS
from darkclr.ragged import segment_sum
from darkclr.simulation.detector import EnergyFlow, EnergyFlowDetector, Kind
from darkclr.simulation.events.particles import GeneratedParticles, charge_of
from darkclr.simulation.sample import shard

DATA = Path(__file__).with_name("delphes_qcd_atlas.npz")
SEEDS = range(6)  # our own randomness is averaged down, that of Delphes is what the file has
COUNTS = ("n_constituents", "n_charged", "n_photons", "n_neutral_hadrons")
ENERGIES = ("energy_charged", "energy_photons", "energy_neutral_hadrons")
# Linearly independent: constituents are the sum of the other three counts.
JOINT = ("n_charged", "n_photons", "n_neutral_hadrons", *ENERGIES, "pt", "mass", "ptd")
PT_MIN, PT_MAX, ETA_MAX = 150.0, 300.0, 2.0

Jets = dict[str, np.ndarray]


@dataclass(frozen=True)
class Pairs:
    """Jets found by both detectors: (n, columns) each, event and Delphes jet of each, and seed."""

    delphes: np.ndarray
    ours: np.ndarray
    event: np.ndarray
    jet: np.ndarray
    seed: np.ndarray

    @property
    def difference(self) -> np.ndarray:
        return self.ours - self.delphes

    def mean(self) -> np.ndarray:
        return self.difference.mean(axis=0)

    def covariance(self) -> np.ndarray:
        """Of the mean difference; pairs of the same event (and of all seeds) count as one draw."""
        _, event = np.unique(self.event, return_inverse=True)
        residual = self.difference - self.mean()
        by_event = np.stack([np.bincount(event, weights=column) for column in residual.T])
        return by_event @ by_event.T / len(residual) ** 2


def read_particles(path: Path) -> GeneratedParticles:
    data = np.load(path)
    offsets = data["offsets"]
    pdg = data["pdg"].astype(np.int64)
    columns = {k: data[k].astype(np.float64) for k in ("px", "py", "pz", "x", "y", "z")}
    event = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    mass = data["m"].astype(np.float64)
    return GeneratedParticles(event=event, pdg=pdg, mass=mass, charge=charge_of(pdg), **columns)


def read_delphes_jets(path: Path) -> Jets:
    data = np.load(path)
    jets = {
        key: data[f"atlas_jet_{key}"].astype(np.float64) for key in ("pt", "eta", "phi", "mass")
    }
    names = (*COUNTS, *ENERGIES, "ptd")
    jets |= {key: data[f"atlas_{key}"].astype(np.float64) for key in names}
    return jets | {"event": data["atlas_event"]}


def cluster(flow: EnergyFlow, n_events: int) -> Jets:
    """Anti-kT jets, R = 0.8, E-scheme, with what they are made of."""
    jets = shard.cluster(flow, n_events, radius=JET_RADIUS, pt_min=100.0)

    def total(weights: np.ndarray) -> np.ndarray:
        return segment_sum(weights[jets.index], jets.offsets)

    charged = flow.kind <= Kind.MUON
    photon, neutral = flow.kind == Kind.PHOTON, flow.kind == Kind.NEUTRAL_HADRON
    momentum = flow.pt * np.cosh(flow.eta)
    return {
        **{name: getattr(jets, name) for name in ("event", "pt", "eta", "phi", "mass")},
        "n_constituents": np.diff(jets.offsets).astype(np.float64),
        "n_charged": total(charged),
        "n_photons": total(photon),
        "n_neutral_hadrons": total(neutral),
        "energy_charged": total(momentum * charged),
        "energy_photons": total(momentum * photon),
        "energy_neutral_hadrons": total(momentum * neutral),
        "ptd": np.sqrt(total(flow.pt**2)) / total(flow.pt),
    }


def in_window(jets: Jets) -> np.ndarray:
    return (jets["pt"] > PT_MIN) & (jets["pt"] < PT_MAX) & (np.abs(jets["eta"]) < ETA_MAX)


def match(theirs: Jets, ours: Jets) -> tuple[np.ndarray, np.ndarray]:
    """Positions of the jets closest to each other within dR < 0.4, both in the window."""
    first, last = (
        np.searchsorted(ours["event"], theirs["event"], side=s) for s in ("left", "right")
    )
    candidates = last - first
    i = np.repeat(np.arange(len(first)), candidates)
    j = np.arange(len(i)) - np.repeat(np.cumsum(candidates) - candidates, candidates) + first[i]
    d_phi = np.abs(theirs["phi"][i] - ours["phi"][j])
    d_r = np.hypot(theirs["eta"][i] - ours["eta"][j], np.minimum(d_phi, 2 * np.pi - d_phi))
    close = (d_r < 0.4) & in_window(theirs)[i] & in_window(ours)[j]
    return i[close], j[close]  # jets lie 0.8 apart, so 0.4 leaves one candidate


def pair_up(path: Path, columns: tuple[str, ...], seeds: range = SEEDS) -> Pairs:
    particles, theirs = read_particles(path), read_delphes_jets(path)
    detector = EnergyFlowDetector("atlas")
    n_events = len(np.load(path)["offsets"]) - 1
    found = []
    for seed in seeds:
        ours = cluster(detector.simulate(particles, np.random.default_rng(seed)), n_events)
        i, j = match(theirs, ours)
        table = [
            np.stack([jets[k][at] for k in columns]).T for jets, at in ((theirs, i), (ours, j))
        ]
        found.append((*table, theirs["event"][i], i, np.full(len(i), seed)))
    return Pairs(*(np.concatenate(arrays) for arrays in zip(*found, strict=True)))


@pytest.fixture(scope="module")
def pairs() -> Pairs:
    return pair_up(DATA, COUNTS + JOINT)


@pytest.mark.parametrize("column", COUNTS)
def test_mean_content_agrees_within_two_standard_errors(pairs: Pairs, column: str) -> None:
    k = COUNTS.index(column)
    error = np.sqrt(pairs.covariance()[k, k])
    assert error < 0.1  # the comparison is sharp: a quarter of a per cent of the constituents
    assert abs(pairs.mean()[k]) < 2 * error


def test_all_means_agree_jointly(pairs: Pairs) -> None:
    joint = slice(len(COUNTS), None)
    mean, covariance = pairs.mean()[joint], pairs.covariance()[joint, joint]
    assert chi2.sf(mean @ np.linalg.solve(covariance, mean), df=len(JOINT)) > 0.01


def half_width(ratio: np.ndarray) -> float:
    """Half of the central 68 %."""
    low, high = np.quantile(ratio, [0.16, 0.84])
    return float(high - low) / 2


def test_jet_energies_agree_within_resolution(pairs: Pairs) -> None:
    k = len(COUNTS) + JOINT.index("pt")
    ours_to_delphes = pairs.ours[:, k] / pairs.delphes[:, k]
    assert np.median(ours_to_delphes) == pytest.approx(1.0, abs=0.003)
    # Delphes scatters about us as we scatter about ourselves with another seed.
    ours_to_ours = []
    for seed in SEEDS[1:]:
        (this,), (last,) = np.nonzero(pairs.seed == seed), np.nonzero(pairs.seed == seed - 1)
        _, a, b = np.intersect1d(pairs.jet[this], pairs.jet[last], return_indices=True)
        ours_to_ours.append(pairs.ours[this[a], k] / pairs.ours[last[b], k])
    expected = half_width(np.concatenate(ours_to_ours))
    assert expected < 0.06
    assert half_width(ours_to_delphes) == pytest.approx(expected, rel=0.06)
