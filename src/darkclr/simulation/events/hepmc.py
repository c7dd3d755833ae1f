"""Events of any generator from a HepMC file, ready for the detector.

Source: A. Buckley et al., Comput. Phys. Commun. 260 (2021) 107310, https://arxiv.org/abs/1912.08005
(HepMC3); status codes: M. Dobbs et al., Les Houches 2009, https://arxiv.org/abs/1003.1643, app. C.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from darkclr.errors import InputError, MissingExtraError
from darkclr.library_output import captured_output
from darkclr.ragged import segment_ids
from darkclr.simulation.events.batch import (
    HARD_PROCESS,
    EventBatch,
    Partons,
    count_dark_mesons,
    is_dark_meson,
)
from darkclr.simulation.events.event_files import EventRange
from darkclr.simulation.events.particles import GeneratedParticles, charge_of
from darkclr.simulation.events.weights import nominal_weight

__all__ = ["HepMCEvents"]

_FINAL = 1  # status of particles that no generator decays
# Names of weights before the first event of HepMC3, between line breaks that are written so.
_NAMES, _BREAK = re.compile(rb"^W (.*?)\r?$", re.MULTILINE), "\\|"

_Columns = dict[str, NDArray]


class HepMCEvents:
    """The events of a range, each once, empty ones too.

    Momenta come in GeV and vertices in mm, whatever the units of the file. Without weights an event
    has the weight 1. Partons of the hard process are particles with the status 23 that Pythia gives
    them; other generators have no common code, and no partons here. pThat is in no HepMC file and
    therefore 0.

    Args:
        events: range of a HepMC file.
        weight: name of the weight that is taken; None for the nominal one, by its name.

    Raises:
        MissingExtraError: pyhepmc is not installed.
    """

    lost = 0  # no generator gives up on what is there

    def __init__(self, events: EventRange, weight: str | None = None) -> None:
        try:
            import pyhepmc
        except ImportError as error:
            raise MissingExtraError("pyhepmc", "simulation") from error
        # The library prints what it does not like; this class raises.
        pyhepmc.Setup.print_errors = pyhepmc.Setup.print_warnings = False
        pyhepmc.Setup.debug_level = 0
        self._range, self._weight = events, weight
        self._number: int | None = None  # of the weight
        self._read = 0
        reader = {"hepmc3": pyhepmc.io.ReaderAscii, "hepmc2": pyhepmc.io.ReaderAsciiHepMC2}
        self._names: list[str] = []
        pieces = events.chunks()
        if events.format == "hepmc3":
            pieces = self._with_numbers(pieces)
        stream = io.BufferedReader(_Pieces(pieces), buffer_size=1 << 20)
        self._stream = pyhepmc.io.pyiostream(stream)
        self._reader = reader[events.format](self._stream)
        self._event, self._new_data = pyhepmc.GenEvent(), pyhepmc.GenEventData
        self._units = pyhepmc.Units.GEV, pyhepmc.Units.MM
        self.cross_section = 0.0  # [pb]; that of the last event that has one, the best estimate

    def generate(self, n_events: int) -> EventBatch | None:
        """The next events, at most that many; None after the last.

        Raises:
            InputError: an event is broken.
        """
        n_events = min(n_events, self._range.n_events - self._read)
        if n_events == 0:
            return None
        events, weights = [], []
        with captured_output():  # a broken event is printed too, whatever the library is told
            for _ in range(n_events):
                self._next()
                events.append(_columns(self._event, self._new_data()))
                weights.append(self._weight_of_event())
                cross_section = self._event.cross_section
                if cross_section is not None:
                    self.cross_section = cross_section.xsec()
        number = np.arange(self._read - n_events, self._read)
        return _batch(events, number, np.asarray(weights, dtype=np.float64))

    def complaints(self) -> dict[str, int]:
        """None."""
        return {}

    def weight_names(self) -> list[str]:
        """Names of the weights of the next event; numbers if there are none, none of one weight.

        Of equal names all but the first have their number, as in ``scale#3``.
        """
        with captured_output():
            self._next()
        return self._names_of_event()

    def _names_of_event(self) -> list[str]:
        n = len(self._event.weights)
        if n < 2:
            return []
        try:
            names = self._names or self._event.weight_names
        except RuntimeError:  # the file names none
            names = []
        if len(names) != n:
            return [str(i) for i in range(n)]
        return [x if names.index(x) == i else f"{x}#{i}" for i, x in enumerate(names)]

    def _with_numbers(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """The file with numbers in place of the names of weights, which are kept.

        The library takes names with spaces for several, and refuses equal ones.
        """
        header = b""
        while len(header) < self._range.header:
            header += next(pieces)
        if match := _NAMES.search(header):
            text = match[1].decode(errors="replace")
            self._names = [name.replace("\\\\", "\\") for name in text.split(_BREAK)]
            numbers = _BREAK.join(map(str, range(len(self._names)))).encode()
            header = header[: match.start(1)] + numbers + header[match.end(1) :]
        yield header
        yield from pieces

    def _weight_of_event(self) -> float:
        weights = self._event.weights
        if not weights:
            return 1.0
        event = f"event {self._range.first + self._read}"
        if self._number is None:  # of several files in one, each may have an order of its own
            names = self._names_of_event()
            if self._weight is not None and self._weight not in names:
                raise InputError(
                    f"{event} has no weight {self._weight!r}",
                    where=self._range.path,
                    fix="split the file where its events get other weights",
                )
            name = self._weight or (nominal_weight(names).name if names else None)
            self._number = names.index(name) if name is not None else 0
        if len(weights) <= self._number:
            raise InputError(
                f"{event} has {len(weights)} weights, fewer than those before",
                where=self._range.path,
            )
        return weights[self._number]

    def _next(self) -> None:
        broken = InputError(
            f"event {self._range.first + self._read + 1} is broken",
            where=self._range.path,
            fix="fetch it again",
        )
        try:
            self._reader.read_event(self._event)
        except RuntimeError as problem:
            raise broken from problem
        if self._reader.failed():
            raise broken
        self._read += 1
        self._event.set_units(*self._units)


class _Pieces(io.RawIOBase):
    """A readable stream from pieces of bytes."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer as far as the piece at hand reaches."""
        if not self._rest:
            self._rest = memoryview(next(self._pieces, b""))
        target = memoryview(buffer)
        n = min(len(target), len(self._rest))
        target[:n] = self._rest[:n]
        self._rest = self._rest[n:]
        return n


def _columns(event: Any, data: Any) -> _Columns:
    """Particles of an event in the order of the file; every array is (n,)."""
    event.write_data(data)
    particles, vertices = event.numpy.particles, event.numpy.vertices
    n = len(particles.pid)
    # Particles are numbered from 1 in order, vertices from -1 downwards in any order. A link leads
    # from a particle to the vertex where it ends, or from a vertex to a particle that begins there.
    source, target = data.links1, data.links2
    outgoing = source < 0
    birth = np.zeros(n, dtype=np.int64)  # 0 for none
    birth[target[outgoing] - 1] = -source[outgoing]
    end = np.zeros(n, dtype=np.int64)
    end[source[~outgoing] - 1] = -target[~outgoing]
    # Of several daughters the first remains.
    first = np.zeros(len(vertices.x) + 1, dtype=np.int64)
    first[-source[outgoing][::-1]] = target[outgoing][::-1]
    origin, order = event.event_pos(), np.argsort(-vertices.id)
    return {
        "pdg": particles.pid.astype(np.int64),
        "status": particles.status.astype(np.int64),
        "daughter": np.maximum(first[end] - 1, 0),
        "mass": particles.generated_mass.copy(),
        **{axis: getattr(particles, axis).copy() for axis in ("px", "py", "pz")},
        # A vertex without a place of its own has that of its mothers here.
        **{
            axis: np.concatenate([[getattr(origin, axis)], getattr(vertices, axis)[order]])[birth]
            for axis in ("x", "y", "z")
        },
    }


def _batch(
    events: list[_Columns], number: NDArray[np.int64], weight: NDArray[np.float64]
) -> EventBatch:
    column = {name: np.concatenate([event[name] for event in events]) for name in events[0]}
    offsets = np.concatenate([[0], np.cumsum([len(event["pdg"]) for event in events])])
    event = segment_ids(offsets)
    pdg, status = column["pdg"], column["status"]
    final = np.flatnonzero(status == _FINAL)
    hard = np.flatnonzero(status == HARD_PROCESS)
    dark = np.flatnonzero(is_dark_meson(pdg))
    n_dark, n_invisible = count_dark_mesons(
        dark, pdg, np.where(status == _FINAL, 1, -1), column["daughter"], offsets, event
    )
    flat = ("pdg", "px", "py", "pz", "mass", "x", "y", "z")
    return EventBatch(
        n_events=len(events),
        n_tried=len(events),
        particles=GeneratedParticles(
            event=event[final],
            charge=charge_of(pdg[final]),
            **{name: column[name][final] for name in flat},
        ),
        partons=Partons.from_momenta(
            event[hard], pdg[hard], *(column[axis][hard] for axis in ("px", "py", "pz"))
        ),
        number=number,
        pthat=np.zeros(len(events)),
        weight=weight,
        n_dark_mesons=n_dark,
        n_invisible_dark_mesons=n_invisible,
    )
