"""Hard processes from a Les Houches file (MadGraph and others), showered by Pythia."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

from darkclr.errors import InputError, SimulationError
from darkclr.library_output import captured_output
from darkclr.simulation.events.batch import EventBatch
from darkclr.simulation.events.event_files import EventRange
from darkclr.simulation.events.pythia import Generator

__all__ = ["LesHouchesEvents", "without_production"]

_EVENT = re.compile(rb"\n[ \t]*<event(?=[\s>])[^>]*>(.*?)</event>", re.DOTALL)
_PARTICLE_COLUMNS = 13
# Settings that switch on a process of Pythia: anything of two groups; "all" or "this2that" of the
# others, except of those that are no processes.
_PRODUCTION = re.compile(
    r"\s*((HardQCD|SoftQCD):[^\s=]+"
    r"|(?!PhaseSpace|PDF|HIPDF|PartonLevel|HadronLevel|ProcessLevel|\w*Shower)[\w*]+"
    r":(all(\(\w+\))?|[a-z]+2[^\s=]+))"
    r"\s*[=\s]\s*(on|yes|ok|true|1)\s*$",
    re.IGNORECASE,
)


class LesHouchesEvents:
    """The events of a range, showered and hadronised, each once.

    Weights are Pythia's: 1 and -1 for the strategies 3 and -3 of the format, the event's own
    weight in pb for 4 and -4. Of 1 and 2, Pythia unweights and leaves out events.

    Args:
        events: range of a Les Houches file.
        settings: Pythia settings of showers and decays; those that switch on a process of Pythia
            are passed over, for the process is the file's.
        seed: seed of Pythia.

    Raises:
        InputError: the file is broken.
        MissingExtraError: pythia8mc is not installed.
        SimulationError: Pythia refuses a setting or the file.
    """

    def __init__(self, events: EventRange, settings: Sequence[str], seed: int) -> None:
        self._where = events.path
        self._left = events.n_events
        text = b"".join(events.chunks())
        _check(text, events)
        with tempfile.TemporaryDirectory(prefix="darkclr-") as folder:
            path = Path(folder) / "events.lhe"
            path.write_bytes(text)
            # Pythia keeps the file open, so it may lose its name. It prints what it finds of SLHA.
            with captured_output():
                self._generator = Generator(without_production(settings), seed, file=path)

    def generate(self, n_events: int) -> EventBatch | None:
        """The next events, at most that many; None after the last.

        An event that Pythia cannot shower is left out; those after it in the batch move up.

        Raises:
            SimulationError: Pythia gives up, or makes events of its own.
        """
        while self._left:
            wanted = min(n_events, self._left)
            self._left -= wanted
            batch = self._generator.next_batch(wanted)
            if batch is not None:
                return batch
        if self._generator.next_batch(1) is not None:
            raise SimulationError(
                "a setting switches on a process of Pythia beside those of the file",
                where=self._where,
                fix="take it out of the settings",
            )
        return None

    @property
    def cross_section(self) -> float:
        """Cross section of the process [pb], from the file."""
        return self._generator.cross_section


def without_production(settings: Sequence[str]) -> tuple[str, ...]:
    """The settings that do not switch on a process of Pythia.

    >>> without_production(["HardQCD:all = on", "Top:gg2ttbar = on", "PartonLevel:MPI = on"])
    ('PartonLevel:MPI = on',)
    """
    return tuple(line for line in settings if not _PRODUCTION.match(line))


def _check(text: bytes, events: EventRange) -> None:
    """Every event has the particles it announces; Pythia would pass over one that has not.

    Raises:
        InputError: an event has other particles than it announces.
    """
    for number, block in enumerate(_EVENT.findall(text), start=events.first + 1):
        lines = block.strip().splitlines()
        try:
            n_particles = int(lines[0].split()[0])
            particles = [[float(x) for x in line.split()] for line in lines[1 : 1 + n_particles]]
        except (IndexError, ValueError):
            n_particles, particles = 0, []
        if (
            not particles
            or len(particles) < n_particles
            or any(len(particle) != _PARTICLE_COLUMNS for particle in particles)
        ):
            raise InputError(f"event {number} is broken", where=events.path, fix="fetch it again")
