"""What C++ libraries print, caught instead of shown."""

from __future__ import annotations

import ctypes
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["captured_output"]


@contextmanager
def captured_output() -> Iterator[list[str]]:
    """Collect the lines written to the process's standard output; filled when the block ends.

    It diverts the output of all threads, so it is for moments, not for computations.
    """
    lines: list[str] = []
    if sys.stdout is not None:
        sys.stdout.flush()
    _flush_c()
    with tempfile.TemporaryFile() as file:
        saved = os.dup(1)
        os.dup2(file.fileno(), 1)
        try:
            yield lines
        finally:
            _flush_c()
            os.dup2(saved, 1)
            os.close(saved)
            file.seek(0)
            lines += file.read().decode(errors="replace").splitlines()


def _flush_c() -> None:
    """Write out what C and C++ keep back when the output is no terminal."""
    ctypes.CDLL(None).fflush(None)
