"""Named exceptions. Each says what is wrong, where, and how to fix it, in one line.

The command line prints the line and exits with code 2; library users catch :class:`DarkclrError`.
"""

from __future__ import annotations

__all__ = [
    "ConfigError",
    "DarkclrError",
    "InputError",
    "MissingExtraError",
    "SimulationError",
    "TrainingError",
    "is_lack_of_memory",
]

_MEMORY = ("MemoryError", "OutOfMemoryError", "ArrowMemoryError", "_ArrayMemoryError")
_MEMORY_WORDS = ("allocate memory", "unable to allocate", "out of memory", "bad_alloc")


class DarkclrError(Exception):
    """Base of all errors that a user can fix.

    Args:
        what: what is wrong, a clause without a full stop.
        where: the file, column, jet or option it was found at.
        fix: what the user can do about it.

    >>> print(InputError("3 constituents have negative pT", where="my.parquet", fix="use GeV"))
    my.parquet: 3 constituents have negative pT; use GeV
    """

    def __init__(self, what: str, *, where: object = None, fix: str | None = None) -> None:
        text = what if where is None else f"{where}: {what}"
        super().__init__(text if fix is None else f"{text}; {fix}")


class InputError(DarkclrError):
    """Data that cannot be used: a missing or broken file, wrong columns, unphysical values."""


class ConfigError(DarkclrError):
    """An option or a configuration file that makes no sense."""


class SimulationError(DarkclrError):
    """The generator refused a setting or gave up."""


class TrainingError(DarkclrError):
    """A training that cannot start, go on or be resumed."""


class MissingExtraError(DarkclrError):
    """An optional dependency is not installed."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(
            f"this needs the package {package!r}", fix=f"pip install 'darkclr[{extra}]'"
        )


def is_lack_of_memory(problem: BaseException | None) -> bool:
    """Whether an exception, or one that it comes from, says that there is no more memory.

    NumPy, PyTorch, Arrow and CUDA have a class of their own each.

    >>> is_lack_of_memory(RuntimeError("DefaultCPUAllocator: can't allocate memory"))
    True
    """
    while problem is not None:
        text = str(problem).lower()
        if type(problem).__name__ in _MEMORY or any(words in text for words in _MEMORY_WORDS):
            return True
        problem = problem.__cause__ or problem.__context__
    return False
