"""Names of a package that are imported when first used.

So help texts and errors come before PyArrow, and what one does not use need not be installed. Type
checkers do not run it: beside it, the same names are imported under ``TYPE_CHECKING``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

__all__ = ["lazy_names"]


def lazy_names(
    package: str, homes: Mapping[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """The functions ``__getattr__`` and ``__dir__`` of a package.

    Args:
        package: its ``__name__``.
        homes: the module of each name.

    >>> __getattr__, __dir__ = lazy_names("darkclr", {"Split": "darkclr.split"})
    >>> __getattr__("Split")
    <class 'darkclr.split.Split'>
    """

    def get(name: str) -> Any:
        if name in homes:
            return getattr(import_module(homes[name]), name)
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    def names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *homes})

    return get, names
