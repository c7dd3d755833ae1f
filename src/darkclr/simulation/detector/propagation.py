"""From the production vertex to the face of the calorimeter in a solenoidal field.

Follows the Delphes module ``ParticlePropagator``; J. de Favereau et al., JHEP 02 (2014) 057.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from darkclr.simulation.detector.card import PropagationCard
from darkclr.simulation.events.particles import GeneratedParticles, take

__all__ = ["Propagated", "propagate"]

# Momentum [GeV] = _GEV_PER_TESLA_METRE * charge [e] * field [T] * radius [m]
_GEV_PER_TESLA_METRE = 0.299792458
_MIN_CHARGE = 1e-9
_MIN_PT2 = 1e-9


@dataclass(frozen=True)
class Propagated:
    """Particles that reach the calorimeter, sorted by event; every array is (n,).

    Args:
        event: Index of the event in the batch.
        pdg: PDG code.
        charge: Electric charge in units of the positron charge.
        pt: Transverse momentum [GeV].
        eta: Pseudorapidity of the momentum.
        phi: Azimuth of the momentum at the point of closest approach to the z axis.
        mass: Mass [GeV].
        energy: Energy [GeV].
        impact_eta: Pseudorapidity of the impact point, seen from the origin.
        impact_phi: Azimuth of the impact point.
    """

    event: np.ndarray
    pdg: np.ndarray
    charge: np.ndarray
    pt: np.ndarray
    eta: np.ndarray
    phi: np.ndarray
    mass: np.ndarray
    energy: np.ndarray
    impact_eta: np.ndarray
    impact_phi: np.ndarray


def propagate(card: PropagationCard, particles: GeneratedParticles) -> Propagated:
    """Follow particles to the cylinder of radius R and half length L.

    Neutral particles fly straight, charged ones on a helix around z; those that never reach the
    barrel spiral to the end plane. Particles born outside the cylinder or (nearly) without
    transverse momentum are dropped.
    """
    radius, half_length = card.radius, card.half_length
    born_inside = particles.x**2 + particles.y**2 <= (radius * 1e3) ** 2
    born_inside &= np.abs(particles.z) <= half_length * 1e3
    pt2 = particles.px**2 + particles.py**2
    followed = born_inside & (pt2 >= _MIN_PT2)
    particles, pt = take(particles, followed), np.sqrt(pt2[followed])
    px, py, pz = particles.px, particles.py, particles.pz
    position = np.stack([particles.x, particles.y, particles.z]) * 1e-3  # (3, n) in m
    impact = np.empty_like(position)
    phi = np.arctan2(py, px)

    is_neutral = np.abs(particles.charge) < _MIN_CHARGE
    neutral, charged = np.flatnonzero(is_neutral), np.flatnonzero(~is_neutral)
    impact[:, neutral] = _straight_line(
        position[:, neutral], px[neutral], py[neutral], pz[neutral], radius, half_length
    )
    field = card.magnetic_field * particles.charge[charged]
    impact[:, charged], phi[charged] = _helix(
        position[:, charged],
        phi[charged],
        signed_radius=pt[charged] / (_GEV_PER_TESLA_METRE * field),
        slope=pz[charged] / pt[charged],
        radius=radius,
        half_length=half_length,
    )
    return Propagated(
        event=particles.event,
        pdg=particles.pdg,
        charge=particles.charge,
        pt=pt,
        eta=np.arcsinh(pz / pt),
        phi=phi,
        mass=particles.mass,
        energy=np.sqrt(pt**2 + pz**2 + particles.mass**2),
        impact_eta=_pseudorapidity(impact),
        impact_phi=np.arctan2(impact[1], impact[0]),
    )


def _straight_line(
    position: np.ndarray,
    px: np.ndarray,
    py: np.ndarray,
    pz: np.ndarray,
    radius: float,
    half_length: float,
) -> np.ndarray:
    """Impact points (3, n) [m]; steps are measured in units in which position = momentum * t."""
    x, y, z = position
    pt2 = px**2 + py**2
    # Rounding may push the root of a particle born on the barrel itself below zero.
    root = np.sqrt(np.maximum(pt2 * radius**2 - (px * y - py * x) ** 2, 0.0))
    to_barrel = (root - (px * x + py * y)) / pt2
    to_end = _steps_to_end(z, pz, half_length)
    return position + np.stack([px, py, pz]) * np.minimum(to_barrel, to_end)


def _helix(
    position: np.ndarray,
    phi: np.ndarray,
    *,
    signed_radius: np.ndarray,
    slope: np.ndarray,
    radius: float,
    half_length: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Impact points (3, n) [m] and azimuth of the momentum at closest approach to the z axis, (n,).

    Progress is measured by the angle turned, ``|omega| t``: time and energy then drop out.
    """
    x, y, z = position
    bend = np.abs(signed_radius)
    sense = np.sign(signed_radius)
    x_centre = x + signed_radius * np.sin(phi)
    y_centre = y - signed_radius * np.cos(phi)
    distance = np.sqrt(x_centre**2 + y_centre**2)

    # The distance to the axis is extremal every half-turn; as in Delphes the extremum within a
    # quarter-turn of the vertex counts as the closest approach.
    approach = phi + np.arctan2(x_centre, y_centre)  # omega t
    approach -= np.pi * np.round(approach / np.pi)
    phi_approach = phi - approach

    rise = slope * bend  # z gained by radian turned
    turn_to_end = _steps_to_end(z, rise, half_length)
    cosine = (bend**2 + distance**2 - radius**2) / np.maximum(2 * bend * distance, 1e-300)
    turn_to_barrel = sense * approach + np.arccos(np.clip(cosine, -1.0, 1.0))
    reaches_barrel = distance + bend >= radius
    turn = np.where(reaches_barrel, np.minimum(turn_to_barrel, turn_to_end), turn_to_end)

    # A looper exactly transverse (rise 0) never leaves: put it beyond every calorimeter.
    leaves = np.isfinite(turn)
    turn = np.where(leaves, turn, 0.0)
    phi_end = phi - sense * turn
    impact = np.stack(
        [
            x_centre - signed_radius * np.sin(phi_end),
            y_centre + signed_radius * np.cos(phi_end),
            np.where(leaves, z + rise * turn, np.inf),
        ]
    )
    return impact, (phi_approach + np.pi) % (2 * np.pi) - np.pi


def _steps_to_end(z: np.ndarray, rate: np.ndarray, half_length: float) -> np.ndarray:
    """Steps of ``rate`` from z to the end plane ahead; infinite for rate 0."""
    with np.errstate(divide="ignore", over="ignore"):
        # Adding 0.0 turns -0.0 into 0.0, for which the plane ahead is +L and the quotient +inf.
        rate = rate + 0.0
        steps = (np.copysign(half_length, rate) - z) / rate
    return np.where(rate == 0.0, np.inf, steps)


def _pseudorapidity(position: np.ndarray) -> np.ndarray:
    transverse = np.sqrt(position[0] ** 2 + position[1] ** 2)
    with np.errstate(divide="ignore"):
        return np.arcsinh(position[2] / transverse)  # infinite on the axis, outside every grid
