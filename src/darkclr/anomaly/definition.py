"""A score as a configuration names it: an entry of the catalogue, what it reads, its parameters.

.. code-block:: yaml

    scores:
      knn: {n_neighbors: 20}                                  # an entry under its own name
      flow_pooled: {score: flow, reads: pooled}               # another name, other columns
      masses: {score: mahalanobis, reads: [mass, soft_drop_mass, tau_2]}   # observables
      flow_at_pt: {score: flow, given: pt}                    # its p-value at equal jet pT
  knn_normal: {score: knn, reads: [mass, tau_2], map_to: normal}   # columns made normal
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from graphlib import CycleError, TopologicalSorter
from typing import Any, get_type_hints

from jsonargparse import ArgumentError, ArgumentParser

from darkclr.anomaly.catalogue import Score, find_score
from darkclr.anomaly.conditioning import CONDITIONS, Given
from darkclr.anomaly.detector import Detector, Seeded
from darkclr.anomaly.detectors.external import External
from darkclr.anomaly.inputs import Features, Part, Reads, find_features
from darkclr.anomaly.normal_map import MAPS, MapTo
from darkclr.complaints import complaint
from darkclr.errors import ConfigError
from darkclr.names import check_file_names, did_you_mean

__all__ = ["JET_COLUMNS", "KEYS", "ScoreDefinition", "create_detector", "define_score", "in_order"]

#: Keys of a score that are no parameters of its detector.
KEYS = ("score", "reads", "given", "map_to")

#: Columns beside the scores in the table of scores.
JET_COLUMNS = (
    *("id", "sample", "event", "rank", "label", "weight", "pt", "n_constituents"),
    *("eta", "phi", "mass", "parton_pdg"),
)


@dataclass(frozen=True)
class ScoreDefinition:
    """A score that can be fitted; :func:`define_score` makes and checks it.

    Args:
        name: in configurations, files and columns.
        entry: of the catalogue.
        reads: the columns that it reads.
        map_to: the distribution that each column is mapped to; None: as it is.
        given: pT, or pT and mass, at which background and jet are compared; None: at any.
        parameters: of the detector, as far as they differ from those of the entry.
    """

    name: str
    entry: Score
    reads: Reads
    map_to: MapTo | None
    given: Given | None
    parameters: Mapping[str, Any]

    @property
    def title(self) -> str:
        """Label in tables and plots."""
        if self.name != self.entry.name:
            return self.name
        words = {None: "", "pt": " given pT", "pt_mass": " given pT and mass"}
        return self.entry.title + words[self.given]

    @property
    def members(self) -> tuple[str, ...]:
        """Names of the scores that it reads."""
        return tuple(self.detector().members) if self.reads == "scores" else ()  # type: ignore[attr-defined]

    @property
    def features(self) -> Features:
        """The columns that it reads."""
        return find_features(self.reads, self.members)

    @property
    def part(self) -> Part:
        """Where these come from."""
        return self.features.part

    def detector(self, seed: int = Seeded.seed) -> Detector:
        """The unfitted estimator.

        Raises:
            ConfigError: a value of the wrong type or out of its range.
        """
        try:
            return _detector(self.entry, self.parameters, seed).check()
        except ConfigError as error:
            if self.entry.detector is External:  # which says so itself
                raise
            raise ConfigError(str(error), where=f"score {self.name}") from error


def define_score(
    name: str, options: Mapping[str, Any], *, plugins: Collection[str] | None = None
) -> ScoreDefinition:
    """What a name and its options mean.

    Args:
        name: of an entry of the catalogue, or any other one if ``options`` have a ``score``.
        options: ``score``, the entry, see :func:`~darkclr.anomaly.catalogue.find_score`; ``reads``,
            see :data:`~darkclr.anomaly.inputs.Reads`; ``given``, see
            :data:`~darkclr.anomaly.conditioning.Given`; ``map_to``, see
            :data:`~darkclr.anomaly.normal_map.MapTo`; and parameters of the detector.
        plugins: as in :func:`~darkclr.anomaly.catalogue.find_score`.

    Raises:
        ConfigError: unknown score, columns or parameter, or a value that cannot be.

    >>> define_score("masses", {"score": "knn", "reads": ["mass", "tau_2"], "n_neighbors": 5}).part
    'jets'
    """
    where = f"score {name}"
    check_file_names([name], "scores")
    if name in JET_COLUMNS or name.startswith("supervised"):  # columns of classifiers
        raise ConfigError(
            f"{name!r} cannot be the name of a score",
            where="scores",
            fix="it is that of a column of jets",
        )
    entry = find_score(str(options.get("score", name)), plugins=plugins)
    reads = options.get("reads", entry.reads)
    reads = tuple(reads) if isinstance(reads, list) else reads
    if reads != entry.reads and entry.reads_only:
        raise ConfigError(
            f"reads = {reads!r} is not the score {entry.name!r}",
            where=where,
            fix=f"leave it out, or take another score than {entry.name}",
        )
    if reads == "scores" != entry.reads:
        raise ConfigError(f"{entry.name} reads no other scores", where=where, fix="see `reads`")
    given = options.get("given")
    map_to = options.get("map_to", entry.map_to)
    for key, value, known in (("given", given, CONDITIONS), ("map_to", map_to, MAPS)):
        if value not in (None, *known):
            raise ConfigError(
                f"{key} = {value!r}",
                where=where,
                fix=f"it must be one of {', '.join(known)}, or null",
            )
    if map_to != entry.map_to and entry.reads_only:
        raise ConfigError(
            f"the columns of {entry.name} cannot be mapped", where=where, fix="leave map_to out"
        )
    parameters = {key: value for key, value in options.items() if key not in KEYS}
    allowed = [parameter.name for parameter in entry.options]
    if unknown := sorted(set(parameters) - set(allowed)):
        raise ConfigError(
            f"no parameter {', '.join(map(repr, unknown))}",
            where=where,
            fix=did_you_mean(unknown[0], allowed, f"it has {', '.join(allowed) or 'none'}"),
        )
    definition = ScoreDefinition(name, entry, reads, map_to, given, parameters)
    definition.detector()
    try:
        find_features(reads)
    except ConfigError as error:
        raise ConfigError(str(error), where=where) from error
    return definition


def create_detector(name: str, options: Mapping[str, Any], *, seed: int = Seeded.seed) -> Detector:
    """The unfitted estimator of a score, see :func:`define_score`.

    >>> create_detector("nae", {"epochs": 3, "burn_in": 0}).initialisation
    'data'
    """
    return define_score(name, options).detector(seed)


def in_order(definitions: Mapping[str, ScoreDefinition]) -> list[str]:
    """The names, each after those of its members, else in their order.

    Raises:
        ConfigError: scores that are members of each other.
    """
    sorter: TopologicalSorter[str] = TopologicalSorter(dict.fromkeys(definitions, ()))
    for name, definition in definitions.items():
        sorter.add(name, *(member for member in definition.members if member in definitions))
    try:
        return list(sorter.static_order())
    except CycleError as error:
        circle = ", ".join(dict.fromkeys(error.args[1]))
        raise ConfigError(f"{circle} are members of each other", where="scores") from error


@cache
def _parser(detector: type[Detector]) -> ArgumentParser:
    """Reads the parameters of a class; making it takes ten times as long as using it."""
    parser = ArgumentParser(exit_on_error=False)
    parser.add_class_arguments(detector)
    return parser


def _checked(detector: type[Detector], given: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters of the types that a class declares."""
    try:
        text = json.dumps(given)
    except TypeError:  # of Python, such as numbers of NumPy
        return _parser(detector).parse_object(dict(given)).as_dict()  # type: ignore[arg-type]
    return deepcopy(_parsed(detector, text))  # type: ignore[arg-type]  # a class has a hash


@cache
def _parsed(detector: type[Detector], text: str) -> dict[str, Any]:
    """The same of JSON: studies ask for the same scores hundreds of times."""
    return _parser(detector).parse_object(json.loads(text)).as_dict()  # type: ignore[arg-type]


def _detector(entry: Score, parameters: Mapping[str, Any], seed: int) -> Detector:
    """The estimator with values of the types of its parameters."""
    if entry.detector is External:
        return External(entry.name, dict(parameters), seed=seed)
    given = {**entry.presets, **parameters, **entry.defaults}
    try:
        checked = _checked(entry.detector, given)
    except (ArgumentError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise complaint(reason, get_type_hints(entry.detector), "correct the value") from error
    if "seed" in checked:
        checked["seed"] = seed
    return entry.detector(**checked)
