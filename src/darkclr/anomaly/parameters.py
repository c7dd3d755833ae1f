"""What a user may set of a score: names, defaults and meanings, from signature and docstrings."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from docstring_parser import parse

from darkclr.anomaly.catalogue import find_score
from darkclr.anomaly.detectors.detector import Detector
from darkclr.anomaly.detectors.external import External, find_estimator

__all__ = ["Parameter", "parameters_of"]

# :class:`~darkclr.anomaly.Norm` and ``norm``, which are for pages and not for terminals.
_ROLE = re.compile(r":\w+:`~?(?:[\w.]*\.)?(\w+)`")


@dataclass(frozen=True)
class Parameter:
    """A parameter of a score.

    Args:
        name: as in configurations.
        default: what is taken unless it is given; "<required>" if it must be.
        summary: what it means; empty if its package does not say.
    """

    name: str
    default: Any
    summary: str


def parameters_of(name: str) -> tuple[Parameter, ...]:
    """The parameters of a score that a user may set.

    Args:
        name: of the registry, or the import path of a detector of scikit-learn or PyOD.

    Raises:
        ConfigError: there is no such score.
        MissingExtraError: the package of the detector is not installed.

    >>> [(p.name, p.default) for p in parameters_of("knn")][:2]
    [('n_neighbors', 10), ('average', False)]
    """
    score = find_score(name)
    described: type = score.detector
    if score.detector is External:
        described = find_estimator(name)
        names = tuple(inspect.signature(described).parameters)
    else:
        names = score.parameters
    defaults = {
        n: "<required>" if argument.default is argument.empty else argument.default
        for n, argument in inspect.signature(described).parameters.items()
    } | dict(score.presets)
    summaries = _summaries(described)
    return tuple(Parameter(n, defaults[n], summaries.get(n, "")) for n in names)


def _summaries(cls: type) -> dict[str, str]:
    """Meanings by name; what a class leaves to the one it extends is said there."""
    found: dict[str, str] = {}
    for name, text in _described(cls):
        if not text.startswith("as in "):
            found.setdefault(name, text)
    return found


def _described(cls: type) -> Iterator[tuple[str, str]]:
    for ancestor in cls.__mro__:
        if ancestor is Detector:
            return
        for argument in parse(ancestor.__doc__ or "").params:
            text = _ROLE.sub(r"\1", " ".join((argument.description or "").split()))
            for name in argument.arg_name.split(","):
                yield name.strip(), text.replace("``", "")
