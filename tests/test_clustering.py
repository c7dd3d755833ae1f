from __future__ import annotations

from collections import Counter
from importlib import metadata

import numpy as np
import pytest

pytest.importorskip("fastjet")

from toy import toy_jets

from darkclr import clustering
from darkclr.augmentations import BranchDrop, recentre
from darkclr.clustering import (
    JET_RADIUS,
    anti_kt,
    cambridge_aachen_branches,
    kt_axes,
    soft_drop,
)
from darkclr.errors import SimulationError
from darkclr.io.options import ReadOptions
from darkclr.io.raw_jets import RawJets, clustered_jets
from darkclr.jets import Constituents
from darkclr.kinematics import delta_r
from darkclr.ragged import segment_sum, to_offsets
from darkclr.substructure import n_subjettiness, soft_drop_mass

# Seven events of 200 particles, of which event 2 and the last are empty.
LENGTHS = np.array([200, 200, 0, 200, 200, 200, 0])


@pytest.fixture
def particles() -> np.ndarray:
    """pt, eta, phi and mass, (4, 1000)."""
    rng = np.random.default_rng(0)
    n = int(LENGTHS.sum())
    return np.stack(
        [
            rng.exponential(3.0, n) + 0.1,
            rng.normal(0, 1.5, n),
            rng.uniform(-np.pi, np.pi, n),
            rng.choice([0.0, 0.14, 0.94], n),
        ]
    )


def momenta(pt, eta, phi, mass) -> np.ndarray:
    px, py, pz = pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)
    return np.array([px, py, pz, np.sqrt(px**2 + py**2 + pz**2 + mass**2)])


def assert_consistent(jets, particles, lengths=LENGTHS):
    """Constituents add up to their jet and belong to its event."""
    own = momenta(*particles[:, jets.index])
    total = np.array([segment_sum(component, jets.offsets) for component in own])
    expected = momenta(jets.pt, jets.eta, jets.phi, jets.mass)
    np.testing.assert_allclose(total, expected, rtol=1e-6, atol=1e-6)
    event = np.repeat(np.arange(len(lengths)), lengths)
    np.testing.assert_array_equal(event[jets.index], np.repeat(jets.event, np.diff(jets.offsets)))


def cluster(particles, lengths=LENGTHS, pt_min=5.0):
    return anti_kt(to_offsets(lengths), *particles, pt_min=pt_min)


def test_constituents_add_up_to_their_jet_in_all_orders(particles):
    jets = cluster(particles)
    assert_consistent(jets, particles)
    assert_consistent(jets[::-1], particles)
    assert_consistent(jets[jets.pt > np.median(jets.pt)], particles)
    assert_consistent(jets[np.random.default_rng(1).permutation(len(jets))], particles)


def test_constituents_add_up_for_a_sliced_and_reordered_input(particles):
    """fastjet before 3.5.2 returned the constituents of another event here."""
    part, lengths = particles[:, 200:], LENGTHS[1:]
    assert_consistent(cluster(part, lengths), part, lengths)
    every_second = particles[:, ::2]
    assert_consistent(cluster(every_second, LENGTHS // 2), every_second, LENGTHS // 2)
    event = np.repeat(np.arange(len(LENGTHS)), LENGTHS)
    shuffled = particles[:, np.lexsort((np.random.default_rng(2).random(len(event)), event))]
    again = cluster(shuffled)
    assert_consistent(again, shuffled)
    np.testing.assert_allclose(again.pt, cluster(particles).pt)


def test_every_particle_is_in_exactly_one_jet(particles):
    jets = cluster(particles, pt_min=0.0)
    assert np.array_equal(np.sort(jets.index), np.arange(particles.shape[1]))


def test_jets_agree_with_the_definition_of_anti_kt(particles):
    """A plain implementation of the pairwise recombination."""
    vectors = list(momenta(*particles[:, :200]).T)
    expected = []
    while vectors:
        v = np.array(vectors)
        kt = v[:, 0] ** 2 + v[:, 1] ** 2
        rapidity = 0.5 * np.log((v[:, 3] + v[:, 2]) / (v[:, 3] - v[:, 2]))
        phi = np.arctan2(v[:, 1], v[:, 0])
        apart = delta_r(rapidity[:, None], phi[:, None], rapidity, phi) ** 2
        pairs = np.minimum(1 / kt[:, None], 1 / kt) * apart / JET_RADIUS**2
        np.fill_diagonal(pairs, 1 / kt)
        i, j = np.unravel_index(pairs.argmin(), pairs.shape)
        if i == j:
            expected.append(np.sqrt(kt[i]))
            del vectors[i]
        else:
            vectors[i] = vectors[i] + vectors[j]
            del vectors[j]
    expected = np.sort([pt for pt in expected if pt > 5.0])[::-1]
    jets = cluster(particles)
    np.testing.assert_allclose(jets.pt[jets.event == 0], expected)


def test_rank_counts_harder_jets_of_the_event(particles):
    jets = cluster(particles)
    assert set(jets.event) == set(np.flatnonzero(LENGTHS))
    for event in np.unique(jets.event):
        own = jets.event == event
        assert np.array_equal(jets.rank[own], np.arange(own.sum()))
        assert (np.diff(jets.pt[own]) <= 0).all()


def test_empty_batches_and_empty_results(particles):
    assert len(cluster(particles, pt_min=1e6)) == 0
    assert len(cluster(np.empty((4, 0)), [0, 0, 0])) == 0
    nothing = Constituents(np.zeros(1, dtype=np.int64), *np.empty((3, 0), dtype=np.float32))
    assert cambridge_aachen_branches(nothing, 0.2).shape == (0,)
    assert soft_drop_mass(nothing).shape == n_subjettiness(nothing, 2).shape == (0,)


@pytest.fixture(scope="module")
def jets() -> Constituents:
    return recentre(toy_jets(40, seed=2).constituents.hardest(50))


def test_old_fastjet_is_refused_by_all_that_cluster(monkeypatch, jets):
    hadrons = RawJets(jets.lengths, jets.pt, jets.eta, jets.phi)
    monkeypatch.setattr(metadata, "version", lambda _: "3.5.1.2")
    clustering._backend.cache_clear()
    for use in (
        lambda: soft_drop_mass(jets),
        lambda: n_subjettiness(jets, 2),
        lambda: BranchDrop()(jets, jets, np.random.default_rng(0)),
        lambda: clustered_jets(
            hadrons, options=ReadOptions(), start=0, where="e", provenance={}, left_out=Counter()
        ),
    ):
        with pytest.raises(SimulationError, match="wrong constituents"):
            use()


# --- branches ------------------------------


def plain_cambridge_aachen(pt, eta, phi, radius) -> list[set[int]]:
    """Merge the two nearest, distance in rapidity and azimuth, until none is nearer than radius."""
    momenta = [
        (np.array([p * np.cos(f), p * np.sin(f), p * np.sinh(e), p * np.cosh(e)]), {i})
        for i, (p, e, f) in enumerate(zip(pt, eta, phi, strict=True))
    ]

    def place(m):
        return 0.5 * np.log((m[3] + m[2]) / (m[3] - m[2])), np.arctan2(m[1], m[0])

    while len(momenta) > 1:
        places = np.array([place(m) for m, _ in momenta])
        difference = places[:, None] - places[None]
        difference[..., 1] = (difference[..., 1] + np.pi) % (2 * np.pi) - np.pi
        distance = np.hypot(difference[..., 0], difference[..., 1]) + 99 * np.eye(len(momenta))
        i, j = np.unravel_index(distance.argmin(), distance.shape)
        if distance[i, j] > radius:
            break
        (a, members_a), (b, members_b) = momenta[i], momenta[j]
        momenta = [m for k, m in enumerate(momenta) if k not in (i, j)]
        momenta.append((a + b, members_a | members_b))
    return [members for _, members in momenta]


def branches_of(branch, jets, i) -> set[frozenset]:
    rows = np.arange(jets.offsets[i], jets.offsets[i + 1])
    return {
        frozenset((rows[branch[rows] == b] - rows[0]).tolist()) for b in np.unique(branch[rows])
    }


@pytest.mark.parametrize("radius", [0.1, 0.2, 0.4])
def test_branches_are_those_of_the_definition(jets, radius):
    branch = cambridge_aachen_branches(jets, radius)
    for i in range(12):
        rows = slice(jets.offsets[i], jets.offsets[i + 1])
        pt, eta, phi = (getattr(jets, name)[rows].astype(float) for name in ("pt", "eta", "phi"))
        expected = plain_cambridge_aachen(pt, eta, phi, radius)
        assert branches_of(branch, jets, i) == {frozenset(x) for x in expected}


def test_branches_do_not_depend_on_order_or_neighbours(jets):
    branch = cambridge_aachen_branches(jets, 0.2)
    np.testing.assert_array_equal(np.unique(branch), np.arange(branch.max() + 1))
    # No branch spans two jets.
    assert len(np.unique(np.stack([branch, jets.jet_index]), axis=1).T) == branch.max() + 1
    order = np.lexsort((jets.pt, jets.jet_index))  # softest first
    turned = Constituents(jets.offsets, jets.pt[order], jets.eta[order], jets.phi[order])
    again = np.empty_like(branch)
    again[order] = cambridge_aachen_branches(turned, 0.2)
    alone = cambridge_aachen_branches(jets[[7]], 0.2)
    for i in range(30):
        assert branches_of(again, jets, i) == branches_of(branch, jets, i)
    assert branches_of(alone, jets[[7]], 0) == branches_of(branch, jets, 7)


def test_axes_are_those_of_kt_which_merges_the_soft_first():
    """Cambridge-Aachen would merge the two hard ones, which are nearest."""
    three = Constituents(
        np.array([0, 3]),
        np.array([100.0, 90.0, 1.0], np.float32),
        np.array([0.0, 0.3, 0.0], np.float32),
        np.array([0.0, 0.0, 0.5], np.float32),
    )
    eta, phi = kt_axes(three, 2)
    order = np.argsort(eta[0])
    np.testing.assert_allclose(eta[0][order], [0, 0.3], atol=0.01)
    np.testing.assert_allclose(phi[0][order], [0, 0], atol=0.01)


@pytest.mark.parametrize(
    ("z", "distance", "z_cut", "beta", "stays"),
    [
        (0.15, 0.4, 0.1, 0.0, True),
        (0.15, 0.4, 0.2, 0.0, False),
        # At a quarter of R the condition is four times as mild for beta = 1, stricter for -1.
        (0.05, 0.2, 0.1, 0.0, False),
        (0.05, 0.2, 0.1, 1.0, True),
        (0.02, 0.2, 0.1, 1.0, False),
        (0.15, 0.2, 0.1, -1.0, False),
    ],
)
def test_soft_drop_keeps_two_prongs_by_its_condition(z, distance, z_cut, beta, stays):
    pt = np.array([100 * (1 - z), 100 * z], np.float32)
    two = Constituents(
        np.array([0, 2]), pt, np.zeros(2, np.float32), np.array([0, distance], np.float32)
    )
    mass = soft_drop(two, z_cut=z_cut, beta=beta, radius=0.8)[0]
    whole = np.sqrt(2 * pt[0] * pt[1] * (1 - np.cos(distance)))
    assert mass == pytest.approx(whole if stays else 0, abs=1e-2)
