"""Pythia: batches of events as flat arrays."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from darkclr.errors import MissingExtraError, SimulationError
from darkclr.library_output import captured_output
from darkclr.ragged import segment_ids
from darkclr.simulation.events.batch import (
    HARD_PROCESS,
    HIDDEN_VALLEY,
    EventBatch,
    Partons,
    count_dark_mesons,
    is_dark_meson,
)
from darkclr.simulation.events.particles import GeneratedParticles, charge_of
from darkclr.simulation.events.pythia_settings import check_settings
from darkclr.simulation.events.veto import veto_hook
from darkclr.simulation.processes import EarlyVeto

__all__ = ["MAX_SEED", "Generator"]

#: Pythia takes seeds from 1 to this.
MAX_SEED = 900_000_000

_MILLIBARN_IN_PICOBARN = 1e9
# A line of Pythia's statistics of messages; why it gave up, and not that it did.
_COMPLAINT = re.compile(r"\|\s+(\d+)\s+Error in (.+?)\s+\|")


class Generator:
    """A seeded, silent Pythia.

    Args:
        settings: Pythia settings ``"Key = value"``, applied in order.
        seed: 1 to :data:`MAX_SEED`.
        veto: events to give up early.
        file: Les Houches file of the hard processes, in place of Pythia's.

    Raises:
        ConfigError: a setting names a file or a library.
        MissingExtraError: pythia8mc is not installed.
        SimulationError: Pythia refuses a setting or cannot be initialised.
    """

    def __init__(
        self,
        settings: Sequence[str],
        seed: int,
        veto: EarlyVeto | None = None,
        file: Path | None = None,
    ) -> None:
        check_settings(settings)
        try:
            import pythia8mc
        except ImportError as error:
            raise MissingExtraError("pythia8mc", "simulation") from error
        #: Number of events so far that Pythia gave up on.
        self.lost = 0
        self._tried = 0
        self._pythia = pythia8mc.Pythia("", False)
        lines = (*settings, "Random:setSeed = on", f"Random:seed = {seed}")
        if file is not None:
            lines += ("Beams:frameType = 4", f"Beams:LHEF = {file}")
        self._pythia.readString("Print:quiet = on")
        with captured_output() as printed:
            refused = next((s for s in lines if not self._pythia.readString(s)), None)
        if refused is not None:
            raise SimulationError(
                f"the setting {refused!r} was refused ({_message(printed)})",
                where="Pythia",
                fix="check its name and value in the Pythia manual",
            )
        if not self._pythia.flag("ProcessLevel:all"):
            raise SimulationError(
                "no process is left", where="Pythia", fix="leave out 'ProcessLevel:all = off'"
            )
        # Pythia keeps no hold of its own on a Python object.
        self._hook = None if veto is None else veto_hook(veto, seed)
        if self._hook is not None:
            self._pythia.setUserHooksPtr(self._hook)
        if not self._pythia.init():
            loud = pythia8mc.Pythia("", False)  # only to hear the reason
            with captured_output() as printed:
                for line in lines:
                    loud.readString(line)
                loud.init()
            raise SimulationError(
                f"initialisation failed ({_message(printed)})",
                where="Pythia",
                fix="check that the settings switch on a process that is possible at this energy",
            )

    def generate(self, n_events: int) -> EventBatch:
        """The next events.

        Raises:
            SimulationError: Pythia gives up.
        """
        batch = self.next_batch(n_events)
        if batch is None:
            raise SimulationError(
                "event generation gave up", where="Pythia", fix="check the settings of the sample"
            )
        self.lost += n_events - batch.n_events
        number = self._tried + np.arange(batch.n_events)
        self._tried += batch.n_tried
        return replace(batch, number=number)

    def next_batch(self, n_events: int) -> EventBatch | None:
        """Those of the next events that Pythia does not give up on; None if that is none.

        Their numbers are their positions among these events.

        Raises:
            SimulationError: Pythia fails altogether.
        """
        before = self._pythia.infoPython().nSelected()
        if self._hook is not None:
            self._hook.weights.clear()
        try:
            record = self._pythia.nextBatch(n_events, "none")
        except RuntimeError as error:
            raise SimulationError(f"event generation failed ({error})", where="Pythia") from error
        if record is None or not len(record):
            return None
        there, number = record.layout, np.arange(len(record))
        if there.is_option:
            there = there.to_IndexedOptionArray64()
            number = np.flatnonzero(np.asarray(there.index.data) >= 0)
            there = there.content  # without gaps
        if not len(number):
            return None
        tried = self._pythia.infoPython().nSelected() - before
        batch = _batch(type(record)(there), number, tried)
        if self._hook is None:
            return batch
        return replace(batch, weight=batch.weight * np.array(self._hook.weights)[number])

    def n_read(self) -> int:
        """Number of events of its file that Pythia has read."""
        return self._pythia.infoPython().nTried()

    def file_has_ended(self) -> bool:
        """Whether Pythia has looked for an event behind the last one of its file."""
        return self._pythia.infoPython().atEndOfFile()

    def unknown(self, codes: Iterable[int]) -> list[int]:
        """Those of PDG codes that Pythia does not know."""
        return [code for code in codes if not self._pythia.particleData.isParticle(code)]

    def complaints(self) -> dict[str, int]:
        """Errors that Pythia met, and how often: it mends most of them by another try."""
        with captured_output() as printed:
            self._pythia.stat()
        found = map(_COMPLAINT.search, printed)
        return {match[2]: int(match[1]) for match in found if match}

    @property
    def cross_section(self) -> float:
        """Cross section of the process [pb], vetoed events included, from the events so far."""
        info = self._pythia.infoPython()
        # Pythia's estimate leaves out the events that were vetoed.
        share = info.nAccepted() / max(info.nSelected(), 1)
        return info.sigmaGen() / share * _MILLIBARN_IN_PICOBARN if share else 0.0


def _batch(record: Any, number: NDArray[np.int64], n_tried: int) -> EventBatch:
    """Flat arrays from the awkward record of ``nextBatch``."""
    listed = record.prt.layout
    offsets = np.asarray(listed.offsets.data, dtype=np.int64)
    first, offsets = offsets[0], offsets - offsets[0]
    size = int(offsets[-1])
    flat = listed.content[first : first + size]

    def column(*path: str) -> NDArray:
        node = flat
        for name in path:
            node = node.content(name)
        return np.asarray(node.data)[:size]

    event = segment_ids(offsets)
    pdg, status = column("id"), column("status")

    stable = np.flatnonzero(status > 0)
    px, py, pz = (column("p", axis) for axis in ("px", "py", "pz"))
    x, y, z = _vertices(flat.content("vProd"), stable)
    particles = GeneratedParticles(
        event=event[stable],
        pdg=pdg[stable].astype(np.int64),
        px=px[stable],
        py=py[stable],
        pz=pz[stable],
        mass=column("m")[stable],
        x=x,
        y=y,
        z=z,
        charge=charge_of(pdg[stable]),
    )
    hard = np.flatnonzero(np.abs(status) == HARD_PROCESS)
    partons = Partons.from_momenta(event[hard], pdg[hard], px[hard], py[hard], pz[hard])
    info = record.info
    hidden = np.flatnonzero(np.abs(pdg) >= HIDDEN_VALLEY)  # few of many, or none
    dark = hidden[is_dark_meson(pdg[hidden])]
    n_dark, n_invisible = count_dark_mesons(dark, pdg, status, column("daughter1"), offsets, event)
    return EventBatch(
        n_events=len(offsets) - 1,
        n_tried=n_tried,
        particles=particles,
        partons=partons,
        number=number,
        pthat=np.sqrt(np.asarray(info.pT2Hat, dtype=np.float64)),
        weight=np.asarray(info.weights[:, 0], dtype=np.float64),
        n_dark_mesons=n_dark,
        n_invisible_dark_mesons=n_invisible,
    )


def _vertices(node: Any, rows: NDArray[np.int64]) -> list[NDArray[np.float64]]:
    """Production vertices of the given rows [mm]; the origin where Pythia gives none."""
    axes = ("px", "py", "pz")
    if not node.is_option:
        return [np.asarray(node.content(axis).data)[rows] for axis in axes]
    index = np.asarray(node.index.data)[rows]
    content = node.content
    given = index >= 0
    vertices = []
    for axis in axes:
        values = np.zeros(len(rows))
        values[given] = np.asarray(content.content(axis).data)[index[given]]
        vertices.append(values)
    return vertices


def _message(printed: list[str]) -> str:
    """Pythia's own words in one line, without its tables."""
    words = [line.strip() for line in printed if line.strip()]
    complaints = [i for i, line in enumerate(words) if line.startswith("PYTHIA")]
    # An unknown setting is repeated on the line below its complaint.
    told = [w for i in complaints for w in words[i : i + 2] if not w.startswith(("|", "*", "-"))]
    return " ".join(dict.fromkeys(told)) or "Pythia gave no reason"
