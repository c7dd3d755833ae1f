"""A sample: what collides into what, and which jets of it are kept."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from docstring_parser import parse

from darkclr.clustering import JET_RADIUS
from darkclr.errors import ConfigError
from darkclr.simulation.processes.dark_sector import (
    COLLISION_ENERGY,
)

__all__ = ["COMMON", "EarlyVeto", "JetSelection", "Match", "Process", "ProcessParameter"]

#: Settings of every sample. Particles with c tau below 10 mm decay before the detector.
COMMON = (
    f"Beams:eCM = {COLLISION_ENERGY}",
    "ParticleDecays:limitTau0 = on",
    "ParticleDecays:tau0Max = 10",
)


@dataclass(frozen=True)
class JetSelection:
    """Jets that are kept.

    Args:
        pt_min: lowest jet pT [GeV].
        pt_max: highest jet pT [GeV]; None for no upper edge.
        abs_eta_max: largest \\|eta\\| of the jet axis.
        radius: of the anti-kT algorithm.
    """

    pt_min: float = 150.0
    pt_max: float | None = 300.0
    abs_eta_max: float = 2.0
    radius: float = JET_RADIUS

    def with_values(self, values: Mapping[str, float | None]) -> JetSelection:
        """The same selection with other values.

        Raises:
            ConfigError: it has no such value, or the values make no sense.
        """
        known = [f.name for f in fields(self)]
        unknown = [name for name in values if name not in known]
        if unknown:
            raise ConfigError(
                f"no {', '.join(unknown)}", where="selection", fix=f"choose of {', '.join(known)}"
            )
        chosen = replace(self, **values)  # type: ignore[arg-type]
        positive = [getattr(chosen, name) for name in known if name != "pt_max"]
        if any(value is None or not value > 0 for value in positive) or (
            chosen.pt_max is not None and not chosen.pt_max > chosen.pt_min
        ):
            raise ConfigError(
                f"{', '.join(f'{k} = {v}' for k, v in values.items())} leaves no jets",
                where="selection",
            )
        return chosen


@dataclass(frozen=True)
class Match:
    """Which partons of the hard process a kept jet must contain.

    Partons are those of the hardest process before any shower (Pythia status 23).

    Args:
        pdg: absolute PDG codes of the partons; empty for all of them.
        radius: largest distance between parton and jet axis in eta-phi.
        required: whether jets without a match are rejected, or kept with ``parton_pdg`` 0.
    """

    pdg: tuple[int, ...] = ()
    radius: float = JET_RADIUS
    required: bool = True


@dataclass(frozen=True)
class EarlyVeto:
    """When an event is given up before its soft part is simulated.

    At the interruption the partons are clustered; an event without a jet above ``pt_min`` within
    ``abs_eta_max`` is given up. The defaults are for the default :class:`JetSelection`; how many
    accepted jets they cost is measured by ``benchmarks/early_veto.py``.

    Args:
        scale: where the evolution in pT is interrupted [GeV].
        radius: of the anti-kT algorithm, wider than that of the selection: the axis still moves.
        pt_min: lowest pT [GeV], below that of the selection.
        abs_eta_max: largest \\|eta\\|, above that of the selection.
    """

    scale: float = 10.0
    radius: float = 1.0
    pt_min: float = 115.0
    abs_eta_max: float = 2.5


@dataclass(frozen=True)
class ProcessParameter:
    """A number of a sample that the user may choose.

    Args:
        name: of the argument of the sample's model.
        default: value if none is chosen.
        summary: what it is, with its unit.
        whole: whether it must be a whole number.
        optional: whether it may be None.
    """

    name: str
    default: float | None
    summary: str
    whole: bool
    optional: bool

    def check(self, value: Any, where: str) -> float | None:
        """The value in the parameter's type.

        Raises:
            ConfigError: it is no finite number, or not a whole one where one is needed.
        """
        if value is None and self.optional:
            return None
        try:
            number = math.nan if isinstance(value, bool) else float(value)  # YAML: 1e3 is a text
        except (TypeError, ValueError):
            number = math.nan
        if not math.isfinite(number):
            raise ConfigError(f"{self.name} = {value} is no number", where=where)
        if self.whole and number != int(number):
            raise ConfigError(f"{self.name} = {value} is no whole number", where=where)
        return int(number) if self.whole else number


@dataclass(frozen=True)
class Process:
    """A sample: what collides into what, and which jets of it are kept.

    Args:
        name: of sample and file.
        title: for plots and tables.
        summary: one line for the list of samples.
        label: 0 background, 1 signal, -1 unknown.
        settings: Pythia settings ``"Key = value"`` beyond :data:`COMMON`, in order.
        model: function of the parameters a user may choose, which returns further settings; its
            signature has their types and defaults, its docstring what they are.
        values: chosen parameters of the model, by name; the rest have their defaults.
        match: rule of the truth matching.
        selection: jets that are kept.
        veto: events that are given up early; None for a sample where that was never shown to
            leave the accepted jets as they are.
        card: detector card used unless another is asked for.
        top_truth: whether to record which of top, W and b lie inside a jet.
        jets_per_second: accepted jets a second on one core of 2020s hardware with multiparton
            interactions; only for estimates of the duration.
    """

    name: str
    title: str
    summary: str
    label: int
    settings: tuple[str, ...] = ()
    model: Callable[..., tuple[str, ...]] | None = None
    values: Mapping[str, float | None] = field(default_factory=dict)
    match: Match = Match()
    selection: JetSelection = JetSelection()
    veto: EarlyVeto | None = None
    card: str = "atlas"
    top_truth: bool = False
    jets_per_second: float = 20.0

    @property
    def all_settings(self) -> tuple[str, ...]:
        """Every Pythia setting of the sample except seed, verbosity and what a run overrides."""
        return COMMON + self.settings + (self.model(**self.values) if self.model else ())

    @property
    def parameters(self) -> tuple[ProcessParameter, ...]:
        """What a user may choose."""
        if self.model is None:
            return ()
        texts = {p.arg_name: p.description or "" for p in parse(self.model.__doc__ or "").params}
        return tuple(
            ProcessParameter(
                name=name,
                default=argument.default,
                summary=" ".join(texts[name].split()),
                whole=argument.annotation == "int",
                optional="None" in argument.annotation,
            )
            for name, argument in inspect.signature(self.model).parameters.items()
        )

    @property
    def chosen(self) -> dict[str, float | None]:
        """Value of every parameter."""
        return {p.name: p.default for p in self.parameters} | dict(self.values)

    def with_parameters(self, values: Mapping[str, Any]) -> Process:
        """The same sample with other values of its parameters.

        Raises:
            ConfigError: the sample has no such parameter, or the value makes no sense.
        """
        where = f"sample {self.name!r}"
        known = {p.name: p for p in self.parameters}
        unknown = [name for name in values if name not in known]
        if unknown:
            raise ConfigError(
                f"no parameter {', '.join(unknown)}",
                where=where,
                fix=f"it has {', '.join(known) or 'none'}",
            )
        checked = {name: known[name].check(value, where) for name, value in values.items()}
        process = replace(self, values=dict(self.values) | checked)
        process.all_settings  # noqa: B018  the model refuses impossible combinations
        return process
