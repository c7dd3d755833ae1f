"""What an evaluation measures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from darkclr.errors import ConfigError
from darkclr.parameters import AtLeast, Between, Positive, check_parameters

__all__ = ["EvaluationConfig", "WorkingPointsConfig"]


@dataclass(frozen=True)
class WorkingPointsConfig:
    """Which cuts are made."""

    cuts_at: Annotated[tuple[float, ...], Between(0, 1)] = (0.1, 0.01, 1e-3, 1e-4)
    """Background efficiencies of the cuts."""
    minimum_jets: Annotated[float, AtLeast(2)] = 10.0
    """Effective number of background jets that have to lie above a cut: 10 know it to a third of
    its background efficiency. With fewer there is no cut, and it is said how many are needed."""

    def __post_init__(self) -> None:
        if not self.cuts_at:
            raise ConfigError(
                "cuts_at is empty", where="working points", fix="give numbers from 0 to 1"
            )
        check_parameters(self, "working points")


@dataclass(frozen=True)
class EvaluationConfig(WorkingPointsConfig):
    """What an evaluation measures."""

    signal_efficiencies: Annotated[tuple[float, ...], Between(0, 1)] = (0.1, 0.2, 0.3, 0.5)
    """Signal efficiencies at which background rejection and significance improvement are quoted."""
    n_bootstrap: Annotated[int, Between(20, 100_000, low_included=True, high_included=True)] = 200
    """Number of replicas of the bootstrap over events; fewer than 20 give no error."""
    seed: Annotated[int, AtLeast(0)] = 0
    """Seed of the bootstrap."""
    match: Literal["pt", "pt_mass"] | None = "pt"
    """Quantity in which background is weighted to the spectrum of each signal, for figures of merit
    beside those as simulated: a score gains nothing there by following it. null leaves them out."""
    background_efficiencies: Annotated[tuple[float, ...], Between(0, 1)] = (0.1, 0.01, 0.001)
    """Background efficiencies of cuts whose effect on the spectra of pT and mass is measured."""
    minimum_background: Annotated[float, Positive()] = 25.0
    """The maximum of the significance improvement is searched where at least this many (effective)
    background jets pass; 25 of them are known to 20 %."""
    gluon_share: Annotated[float | None, Between(0, 1, low_included=True, high_included=True)] = (
        None
    )
    """Share of gluon jets that the background is weighted to; null leaves the mixture as it is. A
    share that was not simulated is a choice after the fact: quote it beside null."""

    def __post_init__(self) -> None:
        if not self.signal_efficiencies:
            raise ConfigError(
                "signal_efficiencies is empty", where="evaluation", fix="give numbers from 0 to 1"
            )
        check_parameters(self, "evaluation")
