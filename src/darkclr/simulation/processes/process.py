"""A sample: what collides into what, and which jets of it are kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Annotated, Any, TypeVar

from darkclr.clustering import JET_RADIUS
from darkclr.errors import ConfigError
from darkclr.names import did_you_mean
from darkclr.parameters import (
    LATER,
    AtLeast,
    Parameter,
    Positive,
    check_parameters,
    check_ranges,
    parameters_of,
)

__all__ = [
    "COLLISION_ENERGY",
    "COMMON",
    "EarlyVeto",
    "JetSelection",
    "Match",
    "Model",
    "Prescale",
    "Process",
]

#: Energy of the two protons together [GeV].
COLLISION_ENERGY = 13000

#: Settings of every sample. Particles with c tau below 10 mm decay before the detector.
COMMON = (
    f"Beams:eCM = {COLLISION_ENERGY}",
    "ParticleDecays:limitTau0 = on",
    "ParticleDecays:tau0Max = 10",
)

Declared = TypeVar("Declared")


@dataclass(frozen=True)
class JetSelection:
    """Which jets are kept; the default is that of DarkCLR (arXiv:2312.03067 eq. 2)."""

    pt_min: Annotated[float, Positive()] = 150.0
    """Lowest pT of a jet [GeV]."""
    pt_max: Annotated[float | None, Positive()] = 300.0
    """Highest pT of a jet [GeV]; with null there is no upper edge."""
    abs_eta_max: Annotated[float, Positive()] = 2.0
    """Largest \\|eta\\| of the axis of a jet."""
    radius: Annotated[float, Positive()] = JET_RADIUS
    """R of the anti-kT algorithm."""

    def __post_init__(self) -> None:
        check_parameters(self, "selection")
        above = self.pt_max is None or self.pt_max > self.pt_min
        check_ranges(self, "selection", {"pt_max": (above, f"above pt_min = {self.pt_min:g}")})


@dataclass(frozen=True)
class Match:
    """Which partons of the hard process a kept jet must contain.

    Partons are those of the hardest process before any shower (Pythia status 23).
    """

    pdg: tuple[int, ...] = ()
    """Absolute PDG codes of the partons; none stands for all partons."""
    radius: Annotated[float, Positive()] = JET_RADIUS
    """Largest distance between parton and axis of the jet in eta-phi."""
    required: bool = True
    """Whether jets without a match are rejected; else they are kept with ``parton_pdg`` 0."""

    def __post_init__(self) -> None:
        check_parameters(self, "match")


@dataclass(frozen=True)
class Prescale:
    """Which events that pass the early veto are simulated once in a while, with a weight.

    They hardly ever have a wanted jet and take as long as others. The defaults are for the default
    :class:`JetSelection`; ``benchmarks/prescale.py`` weighs them.
    """

    pt: Annotated[float, Positive()] = 140.0
    """pT [GeV] at the interruption below which the hardest jet of such an event lies."""
    factor: Annotated[int, AtLeast(1)] = 5
    """One event in so many is kept; its weight is this number."""

    def __post_init__(self) -> None:
        check_parameters(self, "prescale")


@dataclass(frozen=True)
class EarlyVeto:
    """When an event is given up before its soft part is simulated.

    At the interruption the partons are clustered; an event without a jet above ``pt_min`` within
    ``abs_eta_max`` is given up. The defaults are for the default :class:`JetSelection`; how many
    accepted jets they cost is measured by ``benchmarks/early_veto.py``.
    """

    scale: Annotated[float, Positive()] = 10.0
    """Transverse momentum at which the evolution is interrupted [GeV]."""
    radius: Annotated[float, Positive()] = 1.0
    """R of the anti-kT algorithm, wider than that of the selection: the axis still moves."""
    pt_min: Annotated[float, Positive()] = 115.0
    """Lowest pT [GeV], below that of the selection."""
    abs_eta_max: Annotated[float, Positive()] = 2.5
    """Largest \\|eta\\|, above that of the selection."""
    prescale: Annotated[Prescale | None, LATER] = None
    """Which of the other events are kept once in a while only."""

    def __post_init__(self) -> None:
        check_parameters(self, "veto")

    def to_dict(self) -> dict[str, Any]:
        """As plain data; without a prescale as before there was any."""
        return {name: value for name, value in asdict(self).items() if value is not None}


@dataclass(frozen=True)
class Model:
    """Physics with parameters that a user may choose: the fields of a class that extends this one.

    Raises:
        ConfigError: a parameter is out of its range.
    """

    def __post_init__(self) -> None:
        check_parameters(self, "parameters")

    @property
    def settings(self) -> tuple[str, ...]:
        """Pythia settings ``"Key = value"``, in order.

        Raises:
            ConfigError: the combination of parameters is impossible.
        """
        raise NotImplementedError


@dataclass(frozen=True)
class Process:
    """A sample: what collides into what, and which jets of it are kept."""

    name: str
    """Name of sample and file."""
    title: str
    """Label in plots and tables."""
    summary: str
    """One line for the list of samples."""
    label: int
    """0 for background, 1 for signal, -1 for unknown."""
    settings: tuple[str, ...] = ()
    """Pythia settings ``"Key = value"`` beyond :data:`COMMON`, in order."""
    model: Model | None = None
    """Physics with parameters; its settings come after the others."""
    match: Match = Match()
    """Rule of the truth matching."""
    selection: JetSelection = JetSelection()
    """Which jets are kept."""
    veto: EarlyVeto | None = None
    """Which events are given up early; None for a sample where that was never shown to leave the
    accepted jets as they are."""
    card: str = "atlas"
    """Detector card that is used unless another is asked for."""
    top_truth: bool = False
    """Whether it is recorded which of top, W and b lie inside a jet."""
    jets_per_second: float = 20.0
    """Accepted jets a second on one core of 2020s hardware with multiparton interactions; it serves
    estimates of the duration only."""

    @property
    def all_settings(self) -> tuple[str, ...]:
        """Every Pythia setting of the sample except seed, verbosity and what a run overrides."""
        return COMMON + self.settings + (self.model.settings if self.model else ())

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """What a user may choose."""
        return parameters_of(type(self.model)) if self.model else ()  # type: ignore[arg-type]

    @property
    def chosen(self) -> dict[str, Any]:
        """Value of every parameter, by name."""
        return asdict(self.model) if self.model else {}

    def with_parameters(self, values: Mapping[str, Any]) -> Process:
        """The same sample with other values of its parameters.

        Raises:
            ConfigError: the sample has no such parameter, or the value makes no sense.
        """
        where = f"sample {self.name!r}"
        known = {p.name: p for p in self.parameters}
        _refuse_unknown(values, known, where)
        if not values:
            return self
        numbers = {name: _number(known[name], value, where) for name, value in values.items()}
        process = replace(self, model=replace(self.model, **numbers))  # type: ignore[type-var]
        process.all_settings  # noqa: B018  the model refuses impossible combinations
        return process

    def with_selection(self, values: Mapping[str, Any]) -> Process:
        """The same sample with other values of its jet selection.

        Raises:
            ConfigError: the selection has no such value, or the value makes no sense.
        """
        _refuse_unknown(values, asdict(self.selection), "selection")
        return replace(self, selection=replace(self.selection, **values))


def _refuse_unknown(values: Mapping[str, Any], known: Mapping[str, Any], where: str) -> None:
    if unknown := [name for name in values if name not in known]:
        raise ConfigError(
            f"no parameter {', '.join(unknown)}",
            where=where,
            fix=did_you_mean(unknown[0], known, f"it has {', '.join(known) or 'none'}"),
        )


def _number(parameter: Parameter, value: Any, where: str) -> Any:
    """The value as a number where the parameter is one: YAML reads 1e3 as a text."""
    if value is None or isinstance(parameter.default, bool | str):
        return value
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise ConfigError(f"{parameter.name} = {value} is no number", where=where) from None
    if not isinstance(parameter.default, int):
        return number
    if not number.is_integer():
        raise ConfigError(f"{parameter.name} = {value} is no whole number", where=where)
    return int(number)
