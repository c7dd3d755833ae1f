"""What a user adds to the package without editing it: by an import path or an entry point.

Nothing is imported but what the user has named: never what a file or a model directory names.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import TypeVar

from darkclr.errors import ConfigError

__all__ = ["find_plugin", "installed"]

Kind = TypeVar("Kind")


def installed(group: str) -> Mapping[str, EntryPoint]:
    """Entry points of all installed packages by name; none of them is imported.

    Args:
        group: ``darkclr.processes``, ``darkclr.scores`` or ``darkclr.layouts``.
    """
    return {point.name: point for point in entry_points(group=group)}


def find_plugin(name: str, kind: type[Kind], *, group: str, where: str) -> Kind | None:
    """The object that a user names; None if the name is neither of the two.

    Args:
        name: an entry point of the group, or an import path such as ``my_processes.HEAVY``.
        kind: class of which it must be an instance.
        group: of the entry points.
        where: option at which it is named, for messages.

    Raises:
        ConfigError: it cannot be imported, or is something else.
    """
    module, _, attribute = name.rpartition(".")
    point = installed(group).get(name)
    if point is None and not module:
        return None
    try:
        found = point.load() if point else getattr(import_module(module), attribute)
    except Exception as error:  # whatever the user's file does
        raise ConfigError(
            f"{name} cannot be imported ({type(error).__name__}: {error})",
            where=where,
            fix=None if point else "check the name, and put the folder of its file on PYTHONPATH",
        ) from error
    if not isinstance(found, kind):
        raise ConfigError(
            f"{name} is of type {type(found).__name__}",
            where=where,
            fix=f"name a {kind.__name__}",
        )
    return found
