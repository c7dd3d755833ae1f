"""What to simulate."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Literal

from darkclr.errors import ConfigError
from darkclr.io.options import NEGATIVE_WEIGHTS, NegativeWeights
from darkclr.parameters import AtLeast, Between, check_parameters
from darkclr.simulation.events.pythia_settings import check_settings
from darkclr.simulation.processes import EarlyVeto, Prescale, Process, get_process

__all__ = ["SampleConfig"]


@dataclass(frozen=True)
class SampleConfig:
    """What to simulate: which process, how many jets, with which detector."""

    process: str = "qcd"
    """Name of the sample; or the import path of a process of your own, as my_processes.HEAVY."""
    n_jets: Annotated[int, Between(1, 10**9, low_included=True, high_included=True)] = 1000
    """Number of jets that are accepted; a file of events may hold fewer."""
    seed: Annotated[int, AtLeast(0)] = 1
    """Another seed gives another sample."""
    card: str | None = None
    """Detector card, atlas, cms or the path of a file; with null it is that of the process."""
    mpi: bool = True
    """Whether there are multiparton interactions; without them the simulation is four times faster
    and a jet has four constituents fewer, which is for quick looks only."""
    shard_jets: Annotated[int, AtLeast(1)] = 1000
    """Number of jets of a shard, the unit of parallel work and of resuming; of a file of events,
    number of its events."""
    settings: list[str] = field(default_factory=list)
    """Further Pythia settings, numbers and switches, which are applied last. None may name a file
    or a library."""
    parameters: dict[str, Any] = field(default_factory=dict)
    """Values of the parameters of the samples that have some, by name; the list of samples has
    them."""
    early_veto: bool | Literal["prescaled"] = True
    """Whether events that cannot hold a wanted jet are given up early, where the process says how;
    without it the simulation is three times slower and gives the same distributions. With
    prescaled, of events that hardly can one in five is kept besides, whose jets have five times the
    weight of others."""
    bias: Annotated[float, AtLeast(0)] = 0.0
    """Power of pTHat by which hard events are preferred, for spectra with a long tail; the jets get
    weights of mean 1 that undo it. It is for processes of two partons to two only."""
    events: str | None = None
    """File of events to use in place of Pythia's hard processes: a Les Houches file (MadGraph),
    which Pythia showers, or a HepMC file (ASCII), which goes to the detector as it is; both may be
    packed with gzip, bzip2, xz or Zstandard. Settings, matching, selection and label are those of
    the process; `events` is one without matching."""
    weight: str | None = None
    """Name of the weight that the jets of a file's events get, where these have several; with null
    it is the nominal one."""
    negative_weights: NegativeWeights = NEGATIVE_WEIGHTS
    """What becomes of negative weights of a file's events: the file is refused; they stay, which
    sums allow, but no fit of a density; or their sign is dropped, which changes the spectra."""
    selection: dict[str, float | None] = field(default_factory=dict)
    """Values that replace those of the process's jet selection: `pt_min`, `pt_max`, `abs_eta_max`,
    `radius`."""
    label: Literal[0, 1] | None = None
    """Label of the jets, 0 for background and 1 for signal; with null it is that of the process."""

    def __post_init__(self) -> None:
        check_parameters(self, "sample")
        check_settings(self.settings)
        self.resolve()
        if self.events is None and self.process == "events":
            raise ConfigError("the process 'events' needs a file", where="events", fix="name one")
        if self.events is not None and self.bias:
            raise ConfigError("a file's events cannot be biased", where="bias", fix="leave it out")

    def resolve(self) -> Process:
        """The process with the chosen parameters, selection and label.

        Raises:
            ConfigError: there is no such process, or a value makes no sense.
        """
        process = get_process(self.process, self.parameters).with_selection(self.selection)
        label = process.label if self.label is None else self.label
        return replace(process, label=label, veto=self._veto(process))

    def _veto(self, process: Process) -> EarlyVeto | None:
        # The veto is tuned to the process's own selection, and no part of the file's events.
        tuned = self.events is None and not self.selection
        veto = process.veto if self.early_veto and tuned else None
        if self.early_veto != "prescaled":
            return veto
        if veto is None:
            raise ConfigError(
                f"{process.name!r} with this selection has no veto to prescale",
                where="early_veto",
                fix="leave it out",
            )
        return replace(veto, prescale=veto.prescale or Prescale())
