"""Shards on several cores."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_EXCEPTION, Future, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from darkclr.errors import SimulationError
from darkclr.io import write_jets
from darkclr.simulation.sample.shard import Shard, simulate_shard
from darkclr.simulation.sample.shard_folder import record_digest
from darkclr.worker_pool import CONTEXT, worker_pool

__all__ = ["simulate_shards"]

_POLL_SECONDS = 0.2

# Counter of accepted jets, shared by the workers of a pool; set once in each of them.
_counter: Any = None


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
    counter = CONTEXT.Value("q", 0)
    told = 0
    try:
        with worker_pool(workers, _count_with, counter) as pool:
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
    except BrokenProcessPool as error:
        raise SimulationError(
            "a worker process died, perhaps for lack of memory",
            where="simulation",
            fix="run again, with fewer workers if need be; finished shards are kept",
        ) from error


def _count_with(counter: Any) -> None:
    global _counter
    _counter = counter


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
