"""What no part of darkclr has expected: told in one line, with all of it in a file."""

from __future__ import annotations

import platform
import sys
import tempfile
import traceback
from collections.abc import Sequence
from importlib import metadata

from darkclr.errors import is_lack_of_memory

__all__ = ["explain", "is_interrupt"]


def explain(problem: Exception, arguments: Sequence[str]) -> tuple[str, int]:
    """One line on an exception that nobody caught, and the exit code.

    Args:
        problem: the exception.
        arguments: of the command.
    """
    if is_lack_of_memory(problem):
        return "there is not enough memory; take fewer jets at a time or a smaller batch", 2
    if isinstance(problem, OSError) and problem.filename and problem.strerror:
        return f"{str(problem.filename)[-200:]}: cannot be used ({problem.strerror})", 2
    what = traceback.format_exception_only(problem)[-1].strip().splitlines()[0]
    with tempfile.NamedTemporaryFile(
        "w", prefix="darkclr-", suffix=".log", delete=False, encoding="utf-8"
    ) as log:
        log.write(f"darkclr {metadata.version('darkclr')}, Python {sys.version}\n")
        log.write(f"{platform.platform()}\ndarkclr {' '.join(arguments)}\n\n")
        log.writelines(traceback.format_exception(problem))
    return f"this should not happen ({what}); please report it {_where()} with {log.name}", 1


def is_interrupt(problem: BaseException | None) -> bool:
    """Whether an exception comes from a Ctrl-C, of which compiled libraries make one of theirs."""
    while problem is not None:
        if isinstance(problem, KeyboardInterrupt):
            return True
        problem = problem.__cause__ or problem.__context__
    return False


def _where() -> str:
    """Where mistakes are reported, as far as the package says."""
    for entry in metadata.metadata("darkclr").get_all("Project-URL") or ():
        name, _, address = entry.partition(", ")
        if name.lower() in ("issues", "bug tracker", "repository"):
            return f"at {address}"
    return "to the developers of darkclr"
