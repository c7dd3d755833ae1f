"""Energy-flow detector: stable particles in, tracks, photons and neutral hadrons out.

The fast parametric simulation of Delphes 3 in vectorised form: propagation in the magnetic field,
tracking efficiency and resolution, electromagnetic then hadronic calorimeter, energy flow.
Source: J. de Favereau et al. (DELPHES 3), JHEP 02 (2014) 057, https://arxiv.org/abs/1307.6346, and
the ATLAS and CMS cards of Delphes 3.5.1. Numbers are drawn in another order than there, so samples
agree in distribution, not event by event.
"""

from __future__ import annotations

import numpy as np

from darkclr.simulation.detector.calorimeter import measure
from darkclr.simulation.detector.card import Card
from darkclr.simulation.detector.card_file import CARD_NAMES, load_card
from darkclr.simulation.detector.energy_flow import EnergyFlow, Kind
from darkclr.simulation.detector.propagation import propagate
from darkclr.simulation.detector.tracking import reconstruct_tracks
from darkclr.simulation.events.particles import GeneratedParticles, is_detectable, take

__all__ = ["EnergyFlowDetector"]


class EnergyFlowDetector:
    """A detector described by a card.

    Args:
        card: A card, or the name or path from which :func:`load_card` reads one.

    Raises:
        InputError: There is no such card, or it cannot be read.
    """

    def __init__(self, card: Card | str = CARD_NAMES[0]) -> None:
        self.card = card if isinstance(card, Card) else load_card(card)

    def simulate(
        self, particles: GeneratedParticles, rng: np.random.Generator, abs_eta_max: float = np.inf
    ) -> EnergyFlow:
        """Energy-flow objects of a batch of events.

        Particles no detector sees (dark hadrons, unknown codes; see ``is_detectable``) are dropped,
        neutrinos leave nothing. The same particles and generator state give the same objects.

        Args:
            particles: Stable particles, sorted by event.
            rng: The only source of randomness.
            abs_eta_max: Particles whose momentum points further out are not followed.

        Returns:
            Objects sorted by event; within an event tracks, then photons, then neutral hadrons.
        """
        card = self.card
        followed = is_detectable(particles.pdg)
        if np.isfinite(abs_eta_max):
            pt2 = particles.px**2 + particles.py**2
            followed &= particles.pz**2 <= np.sinh(abs_eta_max) ** 2 * pt2
        reached = propagate(card.propagation, take(particles, followed))
        tracks = reconstruct_tracks(card, reached, rng)
        tracks, photons = measure(card.ecal, reached, tracks, rng)
        tracks, neutral_hadrons = measure(card.hcal, reached, tracks, rng)

        neutrals = (photons, neutral_hadrons)
        event = np.concatenate([tracks.event, *(n.event for n in neutrals)])
        kinds = (Kind.PHOTON, Kind.NEUTRAL_HADRON)
        in_order = np.argsort(event, kind="stable")
        flow = EnergyFlow(
            event=event,
            pt=np.concatenate([tracks.pt, *(n.energy / np.cosh(n.eta) for n in neutrals)]),
            eta=np.concatenate([tracks.eta, *(n.eta for n in neutrals)]),
            phi=np.concatenate([tracks.phi, *(n.phi for n in neutrals)]),
            mass=np.concatenate([tracks.mass, *(np.zeros(len(n.event)) for n in neutrals)]),
            kind=np.concatenate(
                [tracks.kind]
                + [np.full(len(n.event), k, np.int8) for n, k in zip(neutrals, kinds, strict=True)]
            ),
        )
        return take(flow, in_order)
