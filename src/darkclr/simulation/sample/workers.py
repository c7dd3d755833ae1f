"""Shards on several cores."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_EXCEPTION, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from darkclr.errors import SimulationError
from darkclr.io import write_jets
from darkclr.simulation.sample.shard import Shard, simulate_shard
from darkclr.simulation.sample.shard_folder import record_digest

__all__ = ["available_cores", "simulate_shards"]

_POLL_SECONDS = 0.2

# Counter of accepted jets, shared by the workers of a pool; set once in each of them.
_counter: Any = None


def available_cores() -> int:
    """Cores this process may use; a batch system may grant fewer than the machine has."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS
        return os.cpu_count() or 1


def simulate_shards(
    shards: Mapping[Path, Shard],
    fingerprint: str,
    workers: int,
    progress: Callable[[int], None],
) -> None:
    """Simulate each shard and write it to its path, as soon as it is finished.

    Args:
        shards: what to simulate, by file.
        fingerprint: fingerprint of the sample, which is written with each shard.
        workers: number of processes; with one, everything happens in this process.
        progress: called with the number of new jets.

    Raises:
        DarkclrError: the error of the first shard that fails; finished shards stay.
        SimulationError: a worker process died.
    """
    workers = min(workers, len(shards))
    if workers > 1:
        _in_pool(shards, fingerprint, workers, progress)
    else:
        for path, shard in shards.items():
            _write_shard(path, shard, fingerprint, progress)


def _in_pool(
    shards: Mapping[Path, Shard],
    fingerprint: str,
    workers: int,
    progress: Callable[[int], None],
) -> None:
    # Spawned, not forked: the parent may hold threads of PyTorch and Arrow.
    context = multiprocessing.get_context("spawn")
    counter = context.Value("q", 0)
    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(workers, context, initializer=_start_worker, initargs=(counter,))
    told = 0
    try:
        pending: set[Future] = {
            pool.submit(_work, path, shard, fingerprint) for path, shard in shards.items()
        }
        while pending:
            done, pending = wait(pending, timeout=_POLL_SECONDS, return_when=FIRST_EXCEPTION)
            now = counter.value
            if now > told:
                progress(now - told)
                told = now
            for future in done:
                future.result()
        pool.shutdown()
    except BrokenProcessPool as error:
        raise SimulationError(
            "a worker process died, perhaps for lack of memory",
            where="simulation",
            fix="run again, with fewer workers if need be; finished shards are kept",
        ) from error
    finally:
        # After an error or Ctrl-C nobody wants the rest: end the workers in mid-shard.
        for child in set(multiprocessing.active_children()) - others:
            child.terminate()
        pool.shutdown(cancel_futures=True)


def _start_worker(counter: Any) -> None:
    global _counter
    _counter = counter
    # Ctrl-C reaches the whole process group; the parent ends its workers itself.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A parent that was killed cannot end its workers, and nobody waits for what they do."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _work(path: Path, shard: Shard, fingerprint: str) -> None:
    def report(new: int) -> None:
        with _counter.get_lock():
            _counter.value += new

    _write_shard(path, shard, fingerprint, report)


def _write_shard(path: Path, shard: Shard, fingerprint: str, report: Callable[[int], None]) -> None:
    jets, counts = simulate_shard(shard, report)
    provenance = {"fingerprint": fingerprint, "shard": shard.index, "counts": asdict(counts)}
    write_jets(replace(jets, provenance=provenance), path)
    record_digest(path)
