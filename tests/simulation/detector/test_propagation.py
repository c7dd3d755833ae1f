from __future__ import annotations

import numpy as np
import pytest
from detector_by_hand import ATLAS, CARDS, CMS, particles
from scipy.integrate import solve_ivp

from darkclr.simulation.detector import Card
from darkclr.simulation.detector.propagation import propagate
from darkclr.simulation.events.particles import GeneratedParticles

PION = 0.13957


def integrate(card: Card, p: GeneratedParticles) -> tuple[np.ndarray, float]:
    """Impact point [m] and azimuth at closest approach, from the equation of motion."""
    start = np.array([p.x[0], p.y[0], p.z[0]]) * 1e-3
    momentum = np.array([p.px[0], p.py[0], p.pz[0]])
    force = 0.299792458 * p.charge[0] * card.propagation.magnetic_field

    def motion(_: float, state: np.ndarray) -> list[float]:  # by path length
        direction = state[3:] / np.linalg.norm(momentum)
        return [*direction, force * direction[1], -force * direction[0], 0.0]

    def barrel(_: float, state: np.ndarray) -> float:
        return np.hypot(state[0], state[1]) - card.propagation.radius

    def end(_: float, state: np.ndarray) -> float:
        return abs(state[2]) - card.propagation.half_length

    barrel.terminal = end.terminal = True  # type: ignore[attr-defined]
    tight = {"rtol": 1e-10, "atol": 1e-12, "method": "DOP853"}
    state = np.concatenate([start, momentum])
    out = solve_ivp(motion, (0, 1e3), state, events=(barrel, end), **tight)
    quarter_turn = 0.5 * np.pi * np.linalg.norm(momentum) / abs(force)
    nearest = (np.inf, 0.0)
    for way in (-1, 1):
        path = solve_ivp(
            motion,
            (0, way * quarter_turn),
            state,
            t_eval=way * np.linspace(0, quarter_turn, 4001),
            **tight,
        ).y
        k = np.argmin(np.hypot(path[0], path[1]))
        nearest = min(nearest, (np.hypot(path[0], path[1])[k], np.arctan2(path[4], path[3])[k]))
    return out.y[:3, -1], nearest[1]


@CARDS
@pytest.mark.parametrize("pdg", [211, -211])
@pytest.mark.parametrize(
    ("pt", "eta", "phi", "vertex"),
    [
        (5.0, 0.3, 1.0, (0, 0, 0)),
        (0.9, -1.2, -3.0, (0, 0, 0)),
        (2.0, 2.4, 0.5, (0, 0, 0)),  # leaves by the end plane
        (0.25, 0.6, 2.0, (0, 0, 0)),  # looper
        (0.12, -0.2, -1.0, (0, 0, 30.0)),  # looper with many turns
        (1.5, 0.8, 2.8, (12.0, -7.0, 40.0)),
        (0.9, 0.1, -2.0, (-30.0, 25.0, -100.0)),
        (0.3, -0.9, 0.4, (20.0, 35.0, 10.0)),  # displaced looper
        (800.0, 0.5, 0.1, (300.0, 10.0, 0.0)),
    ],
)
def test_helix_solves_the_equation_of_motion(
    card: Card, pdg: int, pt: float, eta: float, phi: float, vertex: tuple[float, float, float]
) -> None:
    x, y, z = vertex
    p = particles(pdg, pt, eta, phi, mass=PION, x=x, y=y, z=z)
    reached = propagate(card.propagation, p)
    impact, phi_nearest = integrate(card, p)
    assert reached.impact_eta[0] == pytest.approx(
        np.arcsinh(impact[2] / np.hypot(*impact[:2])), abs=1e-6
    )
    assert np.cos(reached.impact_phi[0] - np.arctan2(impact[1], impact[0])) == pytest.approx(
        1, abs=1e-9
    )
    assert np.cos(reached.phi[0] - phi_nearest) == pytest.approx(1, abs=1e-6)
    assert (reached.pt[0], reached.eta[0]) == pytest.approx((pt, eta))
    assert reached.energy[0] == pytest.approx(np.hypot(pt * np.cosh(eta), PION))


def test_prompt_tracks_keep_their_direction_and_reach_the_barrel_above_the_known_pt() -> None:
    card = ATLAS.propagation
    threshold = 0.299792458 * card.magnetic_field * card.radius / 2
    assert threshold == pytest.approx(0.345, abs=5e-4)
    reached = propagate(card, particles(211, threshold * np.array([0.999, 1.001]), 0.2, 0.7))
    # The slower one winds on to the end plane, near the axis: large |eta|.
    assert reached.impact_eta[0] > 2.0 > 1.0 > reached.impact_eta[1]
    np.testing.assert_allclose(reached.phi, 0.7)


def test_neutral_particles_fly_straight() -> None:
    rng = np.random.default_rng(1)
    n, card = 500, CMS.propagation
    p = particles(
        22, rng.uniform(0.1, 9, n), rng.uniform(-4, 4, n), rng.uniform(-np.pi, np.pi, n),
        x=rng.uniform(-500, 500, n), y=rng.uniform(-500, 500, n), z=rng.uniform(-900, 900, n),
    )  # fmt: skip
    reached = propagate(card, p)
    # The impact point, put back on the surface, must lie on the line of flight.
    on_barrel = np.abs(np.sinh(reached.impact_eta)) * card.radius < card.half_length
    rho = np.where(on_barrel, card.radius, card.half_length / np.abs(np.sinh(reached.impact_eta)))
    phi = reached.impact_phi
    impact = rho * np.stack([np.cos(phi), np.sin(phi), np.sinh(reached.impact_eta)])
    flight = impact - np.stack([p.x, p.y, p.z]) * 1e-3
    momentum = np.stack([p.px, p.py, p.pz])
    np.testing.assert_allclose(np.cross(flight.T, momentum.T), 0.0, atol=1e-9)
    assert (np.sum(flight * momentum, axis=0) > 0).all()
    assert 50 < on_barrel.sum() < 450
    np.testing.assert_array_equal(reached.phi, np.arctan2(p.py, p.px))


def test_transverse_neutral_hits_the_barrel() -> None:
    reached = propagate(ATLAS.propagation, particles(22, 1.0, [0.0, -0.0], 1.0, z=115.0))
    np.testing.assert_allclose(np.sinh(reached.impact_eta), 0.1)


def test_particles_born_outside_or_without_pt_are_skipped() -> None:
    card = ATLAS.propagation
    p = particles(22, [1, 1, 1, 1e-5], 0.0, 0.0, x=[1151.0, 0, 1149.0, 0], z=[0, 3511.0, 3509.0, 0])
    assert len(propagate(card, p).pt) == 1
