from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from darkclr.kinematics import centroid, delta_phi, delta_r, four_vector_sum, wrap_phi
from darkclr.ragged import segment_ids

angles = st.floats(-1e3, 1e3)
lengths = st.lists(st.integers(1, 7), min_size=1, max_size=6).map(np.array)


def ragged(lengths, seed=0):
    rng = np.random.default_rng(seed)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    n = offsets[-1]
    axis = segment_ids(offsets)
    phi = wrap_phi(rng.uniform(-np.pi, np.pi, len(lengths))[axis] + rng.normal(0, 0.3, n))
    return offsets, rng.exponential(5, n) + 0.1, rng.normal(0, 1, n), phi


@given(angles)
def test_wrapped_phi_is_the_same_direction_in_the_half_open_interval(phi):
    wrapped = wrap_phi(phi)
    assert -np.pi <= wrapped < np.pi
    turns = (phi - wrapped) / (2 * np.pi)
    assert abs(turns - round(float(turns))) < 1e-10


@given(st.integers(-5, 5), st.sampled_from([-1e-16, 0.0, 1e-16]), st.sampled_from([32, 64]))
def test_wrapped_phi_never_reaches_the_upper_edge(turns, nudge, bits):
    dtype = np.dtype(f"float{bits}").type
    wrapped = wrap_phi(dtype((2 * turns + 1) * np.pi + nudge))
    assert wrapped.dtype == dtype
    assert dtype(-np.pi) <= wrapped < dtype(np.pi)


@pytest.mark.parametrize("turns", [0, -1, 1, 5])
def test_rounding_to_the_upper_edge_is_the_lower_one(turns):
    """Just below -pi the remainder rounds to a whole turn, that is to pi itself."""
    below = np.nextafter((2 * turns - 1) * np.pi, -100)
    assert -np.pi <= wrap_phi(below) < np.pi
    assert wrap_phi(np.nextafter(-np.pi, -4)) == -np.pi


def test_wrapping_keeps_what_is_wrapped_already():
    phi = np.linspace(-3.1, 3.1, 50)
    np.testing.assert_allclose(wrap_phi(phi), phi, atol=1e-15)
    assert wrap_phi([0, 7]).dtype.kind == "f"


@given(angles, angles, angles)
def test_delta_phi_does_not_depend_on_the_origin_and_is_odd(a, b, origin):
    expected = np.exp(1j * (a - b))
    assert np.abs(np.exp(1j * delta_phi(a, b)) - expected) < 1e-9
    assert np.abs(np.exp(1j * delta_phi(a + origin, b + origin)) - expected) < 1e-9
    assert np.abs(np.exp(1j * delta_phi(b, a)) - expected.conj()) < 1e-9


def test_delta_r_across_the_seam():
    assert delta_r(1.3, np.pi - 0.2, 1.0, -np.pi + 0.2) == pytest.approx(0.5)


@given(lengths, st.floats(-10, 10))
def test_centroid_turns_with_the_jet_across_the_seam(lengths, angle):
    offsets, pt, eta, phi = ragged(lengths)
    at_eta, at_phi = centroid(pt, eta, phi, offsets)
    turned_eta, turned_phi = centroid(pt, eta, wrap_phi(phi + angle), offsets)
    np.testing.assert_allclose(turned_eta, at_eta)
    np.testing.assert_allclose(delta_phi(turned_phi, at_phi + angle), 0, atol=1e-9)


def test_centroid_is_the_weighted_mean():
    # 3 GeV at phi = pi - 0.1 and 1 GeV at 0.2 beyond the seam: 3/4 of the way from the second.
    eta, phi = centroid(
        np.array([3.0, 1.0]),
        np.array([0.0, 0.4]),
        np.array([np.pi - 0.1, -np.pi + 0.1]),
        np.array([0, 2]),
    )
    assert eta[0] == pytest.approx(0.1)
    assert phi[0] == pytest.approx(np.pi - 0.05)


def test_centroid_of_equally_hard_constituents_is_in_their_middle():
    offsets = np.array([0, 2, 4])
    _, phi = centroid(np.ones(4), np.zeros(4), np.array([0.0, 1.0, 2.0, 3.0]), offsets)
    np.testing.assert_allclose(phi, [0.5, 2.5])


@given(lengths, st.integers(0, 100))
def test_four_vector_sum_agrees_with_a_direct_sum(lengths, seed):
    offsets, pt, eta, phi = ragged(lengths, seed)
    total = four_vector_sum(pt, eta, phi, offsets)
    for i, (a, b) in enumerate(pairwise(offsets)):
        p = np.zeros(4)
        for k in range(a, b):
            theta = 2 * np.arctan(np.exp(-eta[k]))  # the definition of pseudorapidity
            energy = pt[k] / np.sin(theta)
            p += energy * np.array(
                [1, np.sin(theta) * np.cos(phi[k]), np.sin(theta) * np.sin(phi[k]), np.cos(theta)]
            )
        energy, px, py, pz = p
        assert total[0][i] == pytest.approx(np.hypot(px, py))
        assert total[1][i] == pytest.approx(np.arctanh(pz / np.linalg.norm(p[1:])), abs=1e-9)
        assert np.exp(1j * total[2][i]) == pytest.approx(np.exp(1j * np.arctan2(py, px)))
        mass_squared = energy**2 - px**2 - py**2 - pz**2
        assert total[3][i] ** 2 == pytest.approx(mass_squared, abs=1e-9 * energy**2)


def test_one_constituent_is_its_own_jet_without_mass():
    pt, eta, phi, mass = four_vector_sum(
        np.array([50.0]), np.array([1.5]), np.array([-3.0]), np.array([0, 1])
    )
    np.testing.assert_allclose([pt[0], eta[0], phi[0]], [50, 1.5, -3])
    assert mass[0] < 1e-4


def test_mass_of_two_constituents():
    # m^2 = 2 pT1 pT2 (cosh delta_eta - cos delta_phi)
    mass = four_vector_sum(
        np.array([30.0, 40.0]), np.array([0.2, -0.3]), np.array([3.0, -3.0]), np.array([0, 2])
    )[3][0]
    assert mass == pytest.approx(np.sqrt(2 * 30 * 40 * (np.cosh(0.5) - np.cos(6.0))))
