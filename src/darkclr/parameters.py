"""A parameter is declared once: type, range, default and meaning stand on adjacent lines.

.. code-block:: python

    @dataclass(frozen=True)
    class TrainingConfig:
        epochs: Annotated[int, AtLeast(1)] = 150
        \"\"\"Passes over the training jets.\"\"\"

This module reads such declarations: :func:`check_parameters` for the range checks,
:func:`parameters_of` for help and documentation. The command line reads them by jsonargparse.
"""

from __future__ import annotations

import dataclasses
import inspect
import math
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from numbers import Real
from types import NoneType
from typing import Annotated, Any, Literal, TypeAlias, get_args, get_origin, get_type_hints

from docstring_parser import parse, parse_from_object

from darkclr.errors import ConfigError

__all__ = [
    "DEPTH",
    "LATER",
    "REQUIRED",
    "UNRECORDED",
    "WIDTH",
    "AtLeast",
    "Between",
    "Finite",
    "Parameter",
    "Positive",
    "Range",
    "Ranges",
    "check_parameters",
    "check_ranges",
    "later",
    "parameters_of",
    "recorded",
]

#: The default of a parameter that has none.
REQUIRED = "<required>"

#: Marks a parameter that came after files had been written without it, see :func:`recorded`.
LATER = "later"
#: Marks a parameter that has no influence on results, and is recorded nowhere.
UNRECORDED = "unrecorded"


@dataclass(frozen=True)
class Range:
    """Which numbers a parameter may be; each of them where it is a sequence.

    No comparison with NaN is true, so NaN lies in no range.

    Args:
        low, high: the ends.
        low_included, high_included: whether the ends belong to the range.
        text: what is said to a user.

    >>> 0.5 in Between(0, 1), math.nan in Between(0, 1), math.inf in AtLeast(0)
    (True, False, False)
    """

    low: float
    high: float
    low_included: bool
    high_included: bool
    text: str

    def __contains__(self, value: object) -> bool:
        if isinstance(value, Sequence) and not isinstance(value, str):
            return all(item in self for item in value)
        if not isinstance(value, Real):
            return False
        number = float(value)
        above = number >= self.low if self.low_included else number > self.low
        return above and (number <= self.high if self.high_included else number < self.high)


def AtLeast(low: float) -> Range:  # it reads as a type
    """Finite numbers of at least ``low``."""
    return Range(low, math.inf, True, False, f"at least {low:g}")


def Finite() -> Range:
    """All numbers but infinite ones."""
    return Range(-math.inf, math.inf, False, False, "finite")


def Positive() -> Range:
    """Finite numbers above zero."""
    return Range(0, math.inf, False, False, "positive and finite")


def Between(
    low: float, high: float, *, low_included: bool = False, high_included: bool = False
) -> Range:
    """Numbers from ``low`` to ``high``, without the ends unless they are included."""
    text = {
        (False, False): f"between {low:g} and {high:g}",
        (True, False): f"at least {low:g} and less than {high:g}",
        (False, True): f"more than {low:g} and at most {high:g}",
        (True, True): f"from {low:g} to {high:g}",
    }[low_included, high_included]
    return Range(low, high, low_included, high_included, text)


#: Widths of layers, and numbers of layers; beyond, a machine has no memory or no time.
WIDTH = Between(1, 2**14, low_included=True, high_included=True)
DEPTH = Between(1, 1000, low_included=True, high_included=True)


@dataclass(frozen=True)
class Parameter:
    """A parameter of a dataclass, as it is declared.

    Args:
        name: of the field.
        default: what is taken unless it is given; :data:`REQUIRED` if it must be.
        summary: what it means; empty if its class does not say.
        wanted: which values it may have, in words; empty if its type says it all.
        allows: whether a value is one of them.
    """

    name: str
    default: Any
    summary: str = ""
    wanted: str = ""
    range: Range | None = None
    words: tuple[Any, ...] = ()
    optional: bool = False

    def allows(self, value: object) -> bool:
        """Whether the parameter may have this value, as far as range and words say."""
        if value is None and self.optional:
            return True
        if self.words and value not in self.words:
            return False
        return self.range is None or value in self.range


def parameters_of(cls: type) -> tuple[Parameter, ...]:
    """The parameters that a class declares, in the order of its constructor.

    Args:
        cls: a dataclass; what it inherits is found where it is declared. Of another class, of
            another package, are known the signature and what the docstring says.

    >>> from darkclr.split import Split
    >>> [(p.name, p.default) for p in parameters_of(Split)][:2]
    [('train', 0.6), ('validation', 0.1)]
    """
    return _described(cls)


@cache
def _described(cls: type) -> tuple[Parameter, ...]:
    summaries = _summaries(cls)
    return tuple(replace(p, summary=summaries.get(p.name, "")) for p in _declarations(cls))


@cache
def _declarations(cls: type) -> tuple[Parameter, ...]:
    """All but the meanings, which are found in the source: to check values takes no time."""
    signature = inspect.signature(cls).parameters
    if not dataclasses.is_dataclass(cls) or signature.keys() != {
        field.name for field in dataclasses.fields(cls) if field.init
    }:
        return tuple(
            Parameter(
                name,
                REQUIRED if argument.default is argument.empty else argument.default,
            )
            for name, argument in signature.items()
        )
    hints = get_type_hints(cls, include_extras=True)
    found = []
    for field in dataclasses.fields(cls):
        if not field.init:
            continue
        default = field.default
        if default is dataclasses.MISSING:
            factory = field.default_factory
            default = REQUIRED if factory is dataclasses.MISSING else factory()
        kind, range_ = _declared(hints[field.name])
        words, optional = _words(kind)
        wanted = range_.text if range_ else ", ".join(map(str, words))
        if words and not range_:
            wanted = f"one of {wanted}"
        if range_ and get_origin(kind) not in (None, Literal) and _is_sequence(kind):
            wanted = f"numbers of {wanted}" if wanted.startswith("at least") else wanted
        if wanted and optional:
            wanted += ", or null"
        found.append(Parameter(field.name, default, "", wanted, range_, words, optional))
    return tuple(found)


def check_parameters(owner: object, where: str) -> None:
    """Refuse an instance of a dataclass of which a parameter is out of its declared range.

    Args:
        owner: an instance.
        where: name of the owner for the message.

    Raises:
        ConfigError: a parameter is out of its range; the first is named.

    >>> from darkclr.split import Split
    >>> Split(seed=-1)
    Traceback (most recent call last):
    darkclr.errors.ConfigError: split: seed = -1; it must be at least 0
    """
    for parameter in _declarations(type(owner)):  # type: ignore[arg-type]  # classes hash
        value = getattr(owner, parameter.name)
        if not parameter.allows(value):
            raise ConfigError(
                f"{parameter.name} = {value!r}", where=where, fix=f"it must be {parameter.wanted}"
            )


def later(owner: type) -> set[str]:
    """Names of the parameters of a class that are marked as :data:`LATER`."""
    hints = get_type_hints(owner, include_extras=True)
    return {name for name, hint in hints.items() if LATER in getattr(hint, "__metadata__", ())}


def recorded(owner: Any) -> dict[str, Any]:
    """The parameters of an instance as plain data, in which files record them.

    A parameter that is marked as :data:`LATER` is left out where it has its default: what was made
    before there was such a parameter has the same record. One that is marked as :data:`UNRECORDED`
    is left out.

    Args:
        owner: an instance of a dataclass.

    >>> @dataclass
    ... class Network:
    ...     widths: tuple[int, ...] = (8, 4)
    ...     bias: Annotated[bool, LATER] = True
    >>> recorded(Network()), recorded(Network(bias=False))
    ({'widths': [8, 4]}, {'widths': [8, 4], 'bias': False})
    """
    hints = get_type_hints(type(owner), include_extras=True)
    record = {}
    for field in dataclasses.fields(owner):
        value, marks = getattr(owner, field.name), getattr(hints[field.name], "__metadata__", ())
        if UNRECORDED in marks or (LATER in marks and value == field.default):
            continue
        record[field.name] = list(value) if isinstance(value, tuple) else value
    return record


#: By parameter: whether its value is in the range, and what it must be.
Ranges: TypeAlias = Mapping[str, tuple[bool, str]]


def check_ranges(owner: object, where: str, ranges: Ranges) -> None:
    """Refuse a parameter whose range depends on others, so that its declaration cannot say it.

    No comparison with NaN is true: a range that says what is good, ``0 < x < inf``, refuses it.

    Args:
        owner: has the parameters as attributes.
        where: name of the owner for the message.
        ranges: of the parameters.

    Raises:
        ConfigError: a parameter is out of its range; the first is named.

    >>> from types import SimpleNamespace
    >>> check_ranges(SimpleNamespace(rate=-1), "training", {"rate": (-1 > 0, "positive")})
    Traceback (most recent call last):
    darkclr.errors.ConfigError: training: rate = -1; it must be positive
    """
    for name, (good, wanted) in ranges.items():
        if not good:
            raise ConfigError(
                f"{name} = {getattr(owner, name)!r}", where=where, fix=f"it must be {wanted}"
            )


# :class:`~darkclr.anomaly.Norm` and ``norm``, which are for pages and not for terminals.
_ROLE = re.compile(r":\w+:`~?(?:[\w.]*\.)?(\w+)`")


def _summaries(cls: type) -> dict[str, str]:
    """Meanings by name, of the class itself and of those that it extends."""
    found: dict[str, str] = {}
    for ancestor in cls.__mro__:
        declares = dataclasses.is_dataclass(ancestor)
        if dataclasses.is_dataclass(cls) and not declares:
            continue
        described = parse(ancestor.__doc__ or "")
        if declares:
            with suppress(OSError, TypeError):  # typed in, a class has no source
                described = parse_from_object(ancestor)
        for argument in described.params:
            text = " ".join((argument.description or "").split())
            text = _ROLE.sub(r"\1", text).replace("``", "")
            for name in argument.arg_name.split(","):
                found.setdefault(name.strip(), text)
    return found


def _declared(hint: Any) -> tuple[Any, Range | None]:
    """Type and range of a declaration."""
    if get_origin(hint) is Annotated:
        kind, *extras = get_args(hint)
        return kind, next((extra for extra in extras if isinstance(extra, Range)), None)
    return hint, None


def _words(kind: Any) -> tuple[tuple[Any, ...], bool]:
    """The words of a ``Literal``, and whether None is allowed."""
    if get_origin(kind) is Literal:
        words = get_args(kind)
        return words, None in words
    options = get_args(kind)
    if NoneType in options:
        words = tuple(word for option in options for word in _words(option)[0])
        return words, True
    return (), False


def _is_sequence(kind: Any) -> bool:
    origin = get_origin(kind)
    return isinstance(origin, type) and issubclass(origin, Sequence)
