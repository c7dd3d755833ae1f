"""Early rejection: events without hope of a wanted jet are given up in the middle of the shower.

Nine tenths of an event's time go into soft emissions and soft multiparton interactions, and most
events of a steeply falling spectrum have no jet in the wanted window. So Pythia's evolution is
interrupted at a transverse momentum far below that of the jets, and the partons of that moment
are clustered: what follows can move a jet by some GeV, not more.
Source: "User Hooks", https://pythia.org/latest-manual/UserHooks.html (``doVetoPT``).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from darkclr.simulation.processes import EarlyVeto

__all__ = ["veto_hook"]

# After so many vetoes in a row an event is let through: Pythia would never return from settings
# that cannot give a wanted jet, and nobody could be told.
_PATIENCE = 1000
_ANTI_KT, _VISIBLE, _PARTICLE_MASSES = -1, 2, 2
_ALL_ETA = 25.0


def veto_hook(veto: EarlyVeto, seed: int = 0) -> Any:
    """A ``pythia8mc.UserHooks`` that gives up the events ``veto`` condemns.

    Its list ``weights`` grows by the weight of each event that Pythia is asked for.

    Args:
        veto: which events are given up.
        seed: of the prescale's random choice.
    """
    import pythia8mc

    class Hook(pythia8mc.UserHooks):
        def __init__(self) -> None:
            super().__init__()
            self._in_a_row = 0
            self._rng = np.random.default_rng(seed)
            #: pT [GeV] of the hardest jet of the last event, and the weights of all since it began.
            self.hardest, self.weights = 0.0, [1.0]
            # Without FJcore: it prints a banner and is slower for a few dozen partons.
            self._jets = pythia8mc.SlowJet(
                _ANTI_KT,
                veto.radius,
                veto.pt_min,
                _ALL_ETA,
                _VISIBLE,
                _PARTICLE_MASSES,
                None,
                False,
            )

        def onBeginEvent(self) -> None:
            self.weights.append(1.0)

        def canVetoPT(self) -> bool:
            return True

        def scaleVetoPT(self) -> float:
            return veto.scale

        def doVetoPT(self, position: int, event: Any) -> bool:
            self._jets.analyze(event)
            inside = (
                self._jets.pT(i)
                for i in range(self._jets.sizeJet())
                if abs(self._jets.p(i).eta()) < veto.abs_eta_max
            )
            self.hardest, weight = max(inside, default=0.0), 1.0
            wanted = self.hardest > 0
            if wanted and veto.prescale and self.hardest < veto.prescale.pt:
                weight = float(veto.prescale.factor)
                wanted = self._rng.random() * weight < 1
            patient = self._in_a_row < _PATIENCE
            self.weights[-1] = weight if wanted else 1.0
            self._in_a_row = self._in_a_row + 1 if patient and not wanted else 0
            return self._in_a_row > 0

    return Hook()
