"""What to simulate."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any

from darkclr.errors import ConfigError
from darkclr.jets import BACKGROUND, SIGNAL
from darkclr.simulation.processes import Process, get_process

__all__ = ["SampleConfig"]


@dataclass(frozen=True)
class SampleConfig:
    """What to simulate.

    Args:
        process: name of the sample.
        n_jets: accepted jets; of a file of events, at most so many.
        seed: another seed, another sample.
        card: detector card, by name or path; None for the one of the process.
        mpi: multiparton interactions; off is four times faster and costs four constituents a jet,
            for quick looks only.
        shard_jets: jets of a shard, the unit of parallel work and of resuming; of a file of
            events, its events.
        settings: further Pythia settings, applied last.
        parameters: of the samples that have some, by name; see the list of samples.
        early_veto: give up events early that cannot hold a wanted jet, where the process says how;
            off is three times slower and gives the same distributions.
        bias: power of pTHat by which hard events are preferred, for spectra with a long tail; the
            jets get weights of mean 1 that undo it. Only for processes of two partons to two.
        events: file of events to use in place of Pythia's hard processes: a Les Houches file
            (MadGraph), which Pythia showers, or a HepMC file (ASCII), which goes to the detector
            as it is; both may be gzipped. Settings, matching, selection and label are those of the
            process; `events` is one without matching.
        selection: values that replace those of the process's jet selection: `pt_min`, `pt_max`,
            `abs_eta_max`, `radius`.
        label: 0 background, 1 signal; None for that of the process.
    """

    process: str = "qcd"
    n_jets: int = 1000
    seed: int = 1
    card: str | None = None
    mpi: bool = True
    shard_jets: int = 1000
    settings: list[str] = field(default_factory=list)
    parameters: dict[str, Any] = field(default_factory=dict)
    early_veto: bool = True
    bias: float = 0.0
    events: str | None = None
    selection: dict[str, float | None] = field(default_factory=dict)
    label: int | None = None

    def __post_init__(self) -> None:
        self.resolve()
        if self.events is None and self.process == "events":
            raise ConfigError("the process 'events' needs a file", where="events", fix="name one")
        if self.events is not None and self.bias:
            raise ConfigError("a file's events cannot be biased", where="bias", fix="leave it out")
        for name, lowest in (("n_jets", 1), ("shard_jets", 1), ("seed", 0), ("bias", 0)):
            if not lowest <= getattr(self, name) < math.inf:
                raise ConfigError(
                    f"{getattr(self, name)} is out of range", where=name, fix=f"at least {lowest}"
                )

    def resolve(self) -> Process:
        """The process with the chosen parameters, selection and label.

        Raises:
            ConfigError: there is no such process, or a value makes no sense.
        """
        process = get_process(self.process, self.parameters)
        if self.label not in (None, BACKGROUND, SIGNAL):
            raise ConfigError(f"no label {self.label}", where="label", fix="choose 0 or 1")
        # The veto is tuned to the process's own selection, and no part of the file's events.
        veto = self.early_veto and self.events is None and not self.selection
        return replace(
            process,
            label=process.label if self.label is None else self.label,
            selection=process.selection.with_values(self.selection),
            veto=process.veto if veto else None,
        )
