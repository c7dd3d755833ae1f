"""Small YAML and JSON files: the one place where they are opened.

They come with models and configurations of strangers. So a file is a regular one and small, its
content is no deeper than anybody writes, aliases of YAML do not multiply it, and nothing has two
values, of which one would be taken silently.
"""

from __future__ import annotations

import json
import os
from glob import has_magic
from itertools import islice
from pathlib import Path
from typing import Any

import yaml

from darkclr.errors import DarkclrError, InputError
from darkclr.names import nearest

__all__ = ["Unclear", "parse_json", "parse_yaml", "read_json", "read_yaml", "regular_file"]

_LARGEST = 2**24  # JSON of a large evaluation [bytes]
_LARGEST_YAML = 2**18  # PyYAML reads some 200 kB a second
_DEEPEST = 50
_VALUES = 100_000  # of a YAML file, each as often as it is named
_ENDLESS = (0, 0)
_LOOKED_AT = 1000  # files of a folder, for one that may have been meant


class Unclear(ValueError):
    """A document that nobody writes: too many values, too deep, a name twice, a zero byte."""


def regular_file(path: str | os.PathLike, error: type[DarkclrError] = InputError) -> Path:
    """The path of a file with an end: no folder, and no pipe or device that one may wait for.

    Raises:
        InputError: or ``error``: there is no such file, or it is something else.
    """
    path = Path(path)
    try:
        if path.is_file():
            return path
        exists = path.exists() and not path.is_dir()
    except (OSError, ValueError):  # a name that is too long, or holds a zero byte
        exists = False
    if exists:
        raise error("is no regular file", where=path, fix="check the path")
    raise error("no such file", where=path, fix=_path_meant(path))


def _path_meant(path: Path) -> str:
    """How to fix the path of a file that is not there: a name like it in its folder."""
    try:
        if path.is_dir() or has_magic(path.name):
            return "check the path"
        others = [other.name for other in islice(path.parent.iterdir(), _LOOKED_AT)]
    except (OSError, ValueError):
        others = []
    meant = nearest(path.name, others)
    return "check the path" if meant is None else f"did you mean {path.parent / meant}?"


def read_yaml(path: str | os.PathLike, error: type[DarkclrError] = InputError) -> dict[str, Any]:
    """The mapping in a YAML file.

    Raises:
        InputError: or ``error``: no such file, one that cannot be read or holds something else.
    """
    return _mapping(path, _content(path, _LARGEST_YAML, error), parse_yaml, "YAML", error)


def read_json(path: str | os.PathLike, error: type[DarkclrError] = InputError) -> dict[str, Any]:
    """The object in a JSON file.

    Raises:
        InputError: or ``error``: no such file, one that cannot be read or holds something else.
    """
    return _mapping(path, _content(path, _LARGEST, error), parse_json, "JSON", error)


def parse_json(text: str | bytes) -> Any:
    """The value of a JSON document.

    Raises:
        ValueError: it is none, or too deep.

    >>> parse_json("[" * 10_000)
    Traceback (most recent call last):
    ...
    darkclr.io.documents.Unclear: its values are nested too deeply
    """
    try:
        return json.loads(text, object_pairs_hook=_object)
    except RecursionError:
        raise Unclear("its values are nested too deeply") from None


def parse_yaml(text: str) -> Any:
    """The value of a YAML document, of plain types.

    Raises:
        ValueError: it is none, is too deep, its aliases multiply it, or a name has two values.

    >>> parse_yaml("a: &a [1, 2]\\nb: *a")
    {'a': [1, 2], 'b': [1, 2]}
    >>> parse_yaml("a: &a [*a]")
    Traceback (most recent call last):
    ...
    darkclr.io.documents.Unclear: a value holds itself
    """
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        if node is None:
            return None
        _check(node, {})
        return loader.construct_document(node)
    except (yaml.YAMLError, TypeError, OverflowError) as problem:
        raise ValueError(" ".join(str(problem).split())) from problem
    except RecursionError:
        raise Unclear("its values are nested too deeply") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON, whose names differ."""
    _check_names([name for name, _ in pairs])
    return dict(pairs)


def _check_names(names: list[str]) -> None:
    """Refuse a name that is there twice: one of its values would be taken silently."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise Unclear(f"{name[:50]!r} is there twice")
        seen.add(name)


def _check(node: yaml.Node, known: dict[int, tuple[int, int]]) -> tuple[int, int]:
    """Number of values in a node, each as often as it is named, and how deep they are nested.

    Raises:
        ValueError: there are too many, they are too deep, or one holds itself.
    """
    if id(node) not in known:
        known[id(node)] = _ENDLESS
        parts: list[yaml.Node] = []
        if isinstance(node, yaml.MappingNode):
            parts = [part for pair in node.value for part in pair]
            _check_names([key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)])
        elif isinstance(node, yaml.SequenceNode):
            parts = node.value
        elif "\0" in node.value:
            raise Unclear("a value holds a zero byte")
        inner = [_check(part, known) for part in parts]
        if _ENDLESS in inner:
            raise Unclear("a value holds itself")
        number = 1 + sum(n for n, _ in inner)
        depth = 1 + max((depth for _, depth in inner), default=0)
        if number > _VALUES:
            raise Unclear(f"it holds more than {_VALUES} values")
        if depth > _DEEPEST:
            raise Unclear("its values are nested too deeply")
        known[id(node)] = number, depth
    return known[id(node)]


def _content(path: str | os.PathLike, largest: int, error: type[DarkclrError]) -> bytes:
    path = regular_file(path, error)
    try:
        with path.open("rb") as file:
            content = file.read(largest + 1)
        if len(content) > largest:
            raise error(f"is larger than {largest // 1024} kB", where=path, fix="check the path")
        return content
    except OSError as problem:
        raise error(f"cannot be read ({problem.strerror})", where=path) from problem


def _mapping(
    path: str | os.PathLike, text: bytes, parse: Any, kind: str, error: type[DarkclrError]
) -> dict[str, Any]:
    try:
        content = parse(text.decode())
    except ValueError as problem:
        raise error(f"is not {kind} ({problem})", where=path) from problem
    if not isinstance(content, dict) or not all(isinstance(key, str) for key in content):
        raise error("is not a mapping of names to values", where=path, fix="check the path")
    return content
