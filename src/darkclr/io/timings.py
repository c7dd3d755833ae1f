"""Wall-clock of the steps and fits, in a file beside their results."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from darkclr.io.atomic import atomic_path

__all__ = ["read_timings", "timed"]

TIMINGS = "timings.json"


def read_timings(directory: Path) -> dict[str, float]:
    """Seconds by name, as far as they are known."""
    path = directory / TIMINGS
    return json.loads(path.read_text()) if path.exists() else {}


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
                temporary.write_text(json.dumps(seconds, indent=2))
