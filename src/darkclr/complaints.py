"""What jsonargparse complains of, which names types of Python -> what a user may give."""

from __future__ import annotations

import re
import types
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from darkclr.errors import ConfigError

__all__ = ["complaint", "values_in_words"]

_KEY = re.compile(r'Parser key "([^"]+)": (.*)', re.DOTALL)
_VALUE = re.compile(r"(?:Got value|Given value): ")
# Parts of a message that say no more than the type of the option does.
_OF_TYPES = re.compile(r"<class|typing\.|Subtypes|Expected a path|Parser key|^$")

# What is said where an object of options is something else: a text is taken for a class, or for a
# file of options.
_NO_OPTIONS = re.compile(
    r"class_path|import path|subclass|codec can't decode|takes exactly \d+ arguments", re.IGNORECASE
)

_ONE = {int: "a whole number", float: "a number", str: "text", Path: "a path"}
_MANY = {
    int: ("whole numbers", "[1, 2]"),
    float: ("numbers", "[0.1, 0.2]"),
    str: ("texts", "[a, b]"),
    Path: ("paths", "[a, b]"),
}


def complaint(message: str, hints: Mapping[str, Any], see: str | None) -> ConfigError:
    """The error for a message of the parser.

    Args:
        message: one line.
        hints: types of the options.
        see: what to look at where nothing better can be said.
    """
    found = _KEY.match(message)
    if found is None:
        return ConfigError(message, fix=see)
    key, rest = found.groups()
    said, *values = _VALUE.split(rest)
    parts = (part.strip(" -") for part in re.split(r" - |Errors: ", said))
    details = [part for part in parts if not _OF_TYPES.search(part)]
    wanted = values_in_words(hints.get(key))
    form = _form(hints.get(key))
    if form and any(map(_NO_OPTIONS.search, details)):
        return ConfigError("a name has no options", where=key, fix=f"give them as {form}")
    if details:
        return ConfigError("; ".join(details), where=key, fix=see)
    if values and wanted:
        return ConfigError(f"{key} = {values[-1]}", fix=f"it must be {wanted}")
    return ConfigError(message, fix=see)


def _form(hint: Any) -> str:
    """How objects of options are given by name; empty for other types.

    >>> from darkclr.studies.sample_config import Sample
    >>> _form(dict[str, Sample] | None), _form(dict[str, int])
    ('{NAME: {files: my_jets.root}}', '')
    """
    for kind in (hint, *get_args(hint)):
        if get_origin(kind) is dict and is_dataclass(of := get_args(kind)[1]):
            files = any(field.name == "files" for field in fields(of))
            return "{NAME: {files: my_jets.root}}" if files else "{NAME: {OPTION: VALUE}}"
    return ""


def values_in_words(hint: Any) -> str:
    """Which values an option of that type takes; empty for types that have no words here.

    >>> values_in_words(bool | Literal["prescaled"]), values_in_words(int | None)
    ('true, false or prescaled', 'a whole number or null')
    """
    words = list(dict.fromkeys(_alternatives(hint)))
    if "" in words:
        return ""
    return " or ".join([*([", ".join(words[:-1])] if words[1:] else []), words[-1]])


def _alternatives(hint: Any) -> list[str]:
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _alternatives(inner[0])
    if origin in (Union, types.UnionType):
        none_last = sorted(inner, key=lambda kind: kind is types.NoneType)
        return [word for kind in none_last for word in _alternatives(kind)]
    if origin is Literal:
        return sorted(("null" if word is None else str(word) for word in inner), key="null".__eq__)
    if hint is types.NoneType:
        return ["null"]
    if hint is bool:
        return ["true", "false"]
    if (isinstance(origin, type) and issubclass(origin, Mapping)) or is_dataclass(hint):
        return ["names with values, as {NAME: VALUE}"]
    if isinstance(origin, type) and issubclass(origin, Sequence):
        return [_list(origin, inner)]
    return [_ONE.get(hint, "")]


def _list(origin: type, inner: tuple[Any, ...]) -> str:
    number = f"{len(inner)} " if origin is tuple and Ellipsis not in inner else ""
    if get_origin(inner[0]) is Literal:
        return f"a list of {number}{', '.join(map(str, get_args(inner[0])))}"
    if inner[0] not in _MANY:
        return "a list"
    return f"a list of {number}{' such as '.join(_MANY[inner[0]])}"
