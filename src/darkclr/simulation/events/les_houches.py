"""Hard processes from a Les Houches file (MadGraph and others), showered by Pythia."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from darkclr.errors import InputError, SimulationError
from darkclr.library_output import captured_output
from darkclr.simulation.events.batch import EventBatch
from darkclr.simulation.events.event_files import EventRange
from darkclr.simulation.events.les_houches_file import checked, parsed
from darkclr.simulation.events.pythia import Generator

__all__ = ["LesHouchesEvents", "without_production"]

# Strategies of which Pythia unweights the events, and so leaves out some.
_UNWEIGHTED = (1, 2)
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
    weight in pb for 4 and -4. Of 1 and 2, Pythia unweights and leaves out events. Another weight
    of the event scales them by its ratio to the event's own. An event that Pythia cannot shower is
    left out; the others keep their numbers.

    Args:
        events: range of a Les Houches file.
        settings: Pythia settings of showers and decays; those that switch on a process of Pythia
            are passed over, for the process is the file's.
        seed: seed of Pythia.
        weight: name (id) of the weight that is taken in place of the event's own.
        wanted: PDG codes of partons that are asked for, for messages.

    Raises:
        InputError: the file is broken, lacks the weight, or has particles that Pythia does not
            know.
        MissingExtraError: pythia8mc or pylhe is not installed.
        SimulationError: Pythia refuses a setting or the file.
    """

    def __init__(
        self,
        events: EventRange,
        settings: Sequence[str],
        seed: int,
        weight: str | None = None,
        wanted: Sequence[int] = (),
    ) -> None:
        self._where, self._n_events, self._done = events.path, events.n_events, 0
        #: Number of events so far that Pythia gave up on.
        self.lost = 0
        text = b"".join(events.chunks())
        with tempfile.TemporaryDirectory(prefix="darkclr-") as folder:
            path = Path(folder) / "events.lhe"
            path.write_bytes(text[text.index(b"<LesHouchesEvents") :])  # no XML declaration
            # Pythia keeps the file open, so it may lose its name. It prints what it finds of SLHA.
            with captured_output():
                self._generator = Generator(without_production(settings), seed, file=path)
        self._ratio = np.ones(events.n_events)
        codes: set[int] = set()
        file = parsed(text, events)
        self._unweighted = abs(file.init.initInfo.weightingStrategy) in _UNWEIGHTED
        for i, event in enumerate(checked(file, events)):
            codes.update(abs(particle.id) for particle in event.particles)
            if weight is not None:
                self._ratio[i] = _ratio(event, weight, events, i)
        if unknown := self._generator.unknown(sorted(codes)):
            raise _unknown(unknown, wanted, text[: events.header], events.path)

    def generate(self, n_events: int) -> EventBatch | None:
        """The next events, at most that many; None after the last.

        Raises:
            SimulationError: Pythia fails altogether, or makes events of its own.
        """
        before = self._done
        while self._done < self._n_events and not self._generator.file_has_ended():
            # Of one event at a time Pythia tells how many it has left out when it unweights.
            wanted = 1 if self._unweighted else min(n_events, self._n_events - self._done)
            batch = self._generator.next_batch(wanted)
            if batch is None and self._generator.file_has_ended():
                break
            self.lost += wanted - (0 if batch is None else batch.n_events)
            self._done = self._generator.n_read() if self._unweighted else self._done + wanted
            if batch is not None:
                number = self._done - wanted + batch.number
                return replace(
                    batch,
                    number=number,
                    n_tried=self._done - before,
                    weight=batch.weight * self._ratio[number],
                )
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

    def complaints(self) -> dict[str, int]:
        """Errors that Pythia met, and how often."""
        return self._generator.complaints()


def without_production(settings: Sequence[str]) -> tuple[str, ...]:
    """The settings that do not switch on a process of Pythia.

    >>> without_production(["HardQCD:all = on", "Top:gg2ttbar = on", "PartonLevel:MPI = on"])
    ('PartonLevel:MPI = on',)
    """
    return tuple(line for line in settings if not _PRODUCTION.match(line))


def _ratio(event: Any, weight: str, events: EventRange, i: int) -> float:
    """A weight of an event relative to its own.

    Raises:
        InputError: it has no such weight.
    """
    if weight not in event.weights or event.eventinfo.weight == 0:
        problem = "weighs nothing" if weight in event.weights else f"has no weight {weight!r}"
        raise InputError(f"event {events.first + i + 1} {problem}", where=events.path)
    return event.weights[weight] / event.eventinfo.weight


def _unknown(
    codes: Sequence[int], wanted: Sequence[int], header: bytes, where: object
) -> InputError:
    described = [code for code in codes if re.search(rb"QNUMBERS\s+%d\b" % code, header)]
    if described == codes:
        fix = "the SLHA block in the file describes them: have it read by --settings "
        fix += "'[\"SLHA:readFrom = 1\"]'"
    else:
        fix = f"describe them by --settings '[\"{codes[-1]}:new = NAME ANTINAME SPIN CHARGE COLOUR "
        fix += "MASS\"]', or give them the codes of Pythia (49xxxxx for dark quarks) in the file"
    asked = f", while {_listed(wanted)} are asked for" if wanted else ""
    return InputError(
        f"has particles that Pythia does not know: {_listed(codes)}{asked}", where=where, fix=fix
    )


def _listed(codes: Sequence[int]) -> str:
    return ", ".join(map(str, codes))
