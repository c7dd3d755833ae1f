"""The shipped detector cards, a perfect detector, and particles placed by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from darkclr.simulation.detector import Card, load_card
from darkclr.simulation.detector.card import (
    Efficiency,
    EnergyResolution,
    TrackingCard,
    TrackResolution,
)
from darkclr.simulation.detector.propagation import Propagated
from darkclr.simulation.events.particles import GeneratedParticles, charge_of

__all__ = ["ATLAS", "CARDS", "CMS", "NoNoise", "particles", "quiet", "reached"]

ATLAS, CMS = load_card("atlas"), load_card("cms")
CARDS = pytest.mark.parametrize("card", [ATLAS, CMS], ids=lambda card: card.name)


class NoNoise:
    """A generator whose Gaussian draws are zero and whose uniform draws are one half."""

    def standard_normal(self, shape: Any) -> np.ndarray:
        return np.zeros(shape)

    def random(self, shape: Any) -> np.ndarray:
        return np.full(shape, 0.5)


def particles(pdg: Any, pt: Any, eta: Any, phi: Any, **more: Any) -> GeneratedParticles:
    pdg, pt, eta, phi = np.broadcast_arrays(*(np.atleast_1d(a) for a in (pdg, pt, eta, phi)))
    zero = np.zeros(pdg.shape)
    columns = {"event": np.zeros(pdg.shape, dtype=np.int64), "mass": zero}
    columns |= {"x": zero, "y": zero, "z": zero, "charge": charge_of(pdg)}
    columns |= {key: np.broadcast_to(value, pdg.shape) for key, value in more.items()}
    return GeneratedParticles(
        pdg=pdg, px=pt * np.cos(phi), py=pt * np.sin(phi), pz=pt * np.sinh(eta), **columns
    )


def reached(pdg: Any, energy: Any, eta: Any = 0.05, phi: Any = 0.05, event: Any = 0) -> Propagated:
    """Massless particles that arrive where they point to."""
    pdg, energy, eta, phi, event = np.broadcast_arrays(
        *map(np.atleast_1d, (pdg, energy, eta, phi, event))
    )
    return Propagated(
        event=event, pdg=pdg, charge=charge_of(pdg), pt=energy / np.cosh(eta), eta=eta, phi=phi,
        mass=np.zeros(pdg.shape), energy=energy.astype(float), impact_eta=eta, impact_phi=phi,
    )  # fmt: skip


def quiet(card: Card) -> Card:
    """The same detector with every particle tracked, nothing smeared and no thresholds."""
    one, far = np.ones(1), np.array([100.0])
    none = EnergyResolution(far, *(np.zeros(1),) * 3, one, *(np.zeros(1),) * 2)
    tracking = TrackingCard(
        Efficiency(far, np.zeros(1), np.ones((1, 1))),
        TrackResolution(far, np.zeros(1), np.zeros(1)),
    )
    silence = {"energy_min": 1e-6, "significance_min": 0.0, "resolution": none}
    return replace(
        card,
        charged_hadron=tracking, electron=tracking, muon=tracking,
        ecal=replace(card.ecal, **silence), hcal=replace(card.hcal, **silence),
    )  # fmt: skip
