"""Wall-clock of the steps and fits, in a file beside their results."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from darkclr.errors import InputError
from darkclr.io.atomic import atomic_path
from darkclr.io.documents import read_json

__all__ = ["read_timings", "timed"]

TIMINGS = "timings.json"


def read_timings(directory: Path) -> dict[str, float]:
    """Seconds by name, as far as they are known."""
    path = directory / TIMINGS
    try:
        content = read_json(path) if path.exists() else {}
        return {name: float(seconds) for name, seconds in content.items()}
    except (TypeError, ValueError, InputError):  # times are no reason to stop
        return {}


@contextmanager
def timed(directory: Path, name: str) -> Iterator[None]:
    """Add the wall-clock of the block to ``timings.json`` of a directory.

    An attempt that was stopped counts, since the next one goes on from it; one that an error ended
    does not.
    """
    start = time.monotonic()
    failed = False
    try:
        yield
    except Exception:
        failed = True
        raise
    finally:
        if not failed:
            seconds = read_timings(directory)
            seconds[name] = seconds.get(name, 0.0) + time.monotonic() - start
            with atomic_path(directory / TIMINGS) as temporary:
                temporary.write_text(json.dumps(seconds, indent=2), encoding="utf-8")
