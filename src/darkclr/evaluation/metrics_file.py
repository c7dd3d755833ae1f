"""``metrics.json``: the dataclasses of :mod:`darkclr.evaluation.results` as JSON, and back."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from darkclr.errors import ConfigError, InputError
from darkclr.evaluation.results import Cut, Metrics
from darkclr.io.atomic import atomic_path
from darkclr.io.documents import read_json

__all__ = ["read_metrics", "to_json", "write_cuts", "write_metrics"]


def write_metrics(metrics: Metrics, path: str | Path) -> None:
    """Write ``metrics.json`` atomically; NaN and infinities are refused, not written."""
    _write(to_json(metrics), path)


def write_cuts(cuts: Mapping[str, tuple[str, Sequence[Cut]]], path: str | Path) -> None:
    """Write title and cuts of scores by name, atomically."""
    scores = {name: {"title": title, "cuts": to_json(own)} for name, (title, own) in cuts.items()}
    _write({"kind": "cuts", "scores": scores}, path)


def _write(content: Any, path: str | Path) -> None:
    text = json.dumps(content, indent=1, allow_nan=False, ensure_ascii=False)
    with atomic_path(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def read_metrics(path: str | Path, kind: Literal["metrics", "probe"] = "metrics") -> Metrics:
    """Read what :func:`write_metrics` wrote.

    Args:
        path: of the file.
        kind: as of :class:`~darkclr.evaluation.results.Metrics`.

    Raises:
        InputError: the file is missing, or not the result of :func:`evaluate`.
    """
    path, fix = Path(path), "run `darkclr evaluate`"
    content = read_json(path)
    if content.get("kind") != kind:
        raise InputError("not a metrics file", where=path, fix=fix)
    if isinstance(content.get("config"), dict):
        # Versions that could not match spectra did not.
        content["config"] = {"match": None} | content["config"]
    try:
        return _from_json(Metrics, content, "")
    except (ConfigError, ValueError) as error:
        raise InputError(f"not a metrics file ({error})", where=path, fix=fix) from None


def to_json(value: Any) -> Any:
    """Dataclasses as plain data; a field that is None by default and has no value is left out."""
    if is_dataclass(value):
        content = {field.name: (field, getattr(value, field.name)) for field in fields(value)}
        return {
            name: to_json(item)
            for name, (field, item) in content.items()
            if item is not None or field.default is not None
        }
    if isinstance(value, Mapping):
        return {key: to_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(item) for item in value]
    return value


def _from_json(kind: Any, value: Any, place: str) -> Any:
    """An object of a type from plain data; what a later version added to it is passed over.

    Raises:
        ValueError: the data are not those of the type; it says where.
    """
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _from_json(arguments[0], value, place)
    if origin in (Union, UnionType):
        (inner,) = (argument for argument in arguments if argument is not NoneType)
        return None if value is None else _from_json(inner, value, place)
    if is_dataclass(kind) and isinstance(value, dict):
        return _dataclass(kind, value, place)
    if origin is tuple and isinstance(value, list):
        return tuple(_from_json(arguments[0], item, place) for item in value)
    if origin is Mapping and isinstance(value, dict) and all(map(str.isprintable, value)):
        return {k: _from_json(arguments[1], v, f"{place}.{k}") for k, v in value.items()}
    if kind is Any or (origin is Literal and value in arguments):
        return value
    if kind is bool and isinstance(value, bool):
        return value
    if kind is str and isinstance(value, str) and value.isprintable():
        return value
    number = kind in (int, float) and isinstance(value, int | kind) and not isinstance(value, bool)
    if number and math.isfinite(value):
        return value
    raise ValueError(f"{place.lstrip('.')} is {value!r:.40}")


def _dataclass(kind: Any, value: dict[str, Any], place: str) -> Any:
    hints, known = get_type_hints(kind, include_extras=True), {}
    for field in fields(kind):
        inside = f"{place}.{field.name}"
        if field.name in value:
            known[field.name] = _from_json(hints[field.name], value[field.name], inside)
        elif field.default is MISSING:
            raise ValueError(f"no {inside.lstrip('.')}")
    try:
        return kind(**known)
    except ValueError as error:
        raise ValueError(f"{place.lstrip('.') or 'it'} has {error}") from None
