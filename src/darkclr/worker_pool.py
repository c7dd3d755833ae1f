"""Processes that work for this one, and end with it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from typing import Any

__all__ = ["CONTEXT", "available_cores", "worker_pool"]

#: Spawned, not forked: this process may hold threads of PyTorch and Arrow.
CONTEXT = multiprocessing.get_context("spawn")


def available_cores() -> int:
    """Cores this process may use; a batch system may grant fewer than the machine has."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS
        return os.cpu_count() or 1


@contextmanager
def worker_pool(
    workers: int, start: Callable[..., None], *arguments: Any
) -> Iterator[ProcessPoolExecutor]:
    """So many processes, in which no warning is shown that this one would not show.

    After an error or Ctrl-C they end in the midst of what they do.

    Args:
        workers: number of processes.
        start: called once in each of them, with the arguments.
    """
    others = set(multiprocessing.active_children())
    initial = list(warnings.filters), start, arguments
    pool = ProcessPoolExecutor(workers, CONTEXT, initializer=_start, initargs=initial)
    try:
        yield pool
        pool.shutdown()
    finally:
        for child in set(multiprocessing.active_children()) - others:
            child.terminate()
        pool.shutdown(cancel_futures=True)


def _start(filters: list[Any], start: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    warnings.filters[:] = filters  # type: ignore[index]
    # Ctrl-C reaches the whole process group; the parent ends its workers itself.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    start(*arguments)


def _end_with_parent() -> None:
    """A parent that was killed cannot end its workers, and nobody waits for what they do."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
