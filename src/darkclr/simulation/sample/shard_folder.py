"""Finished shards of a sample: which are there, which are missing, all of them together."""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from darkclr.errors import InputError
from darkclr.io import ReadOptions, atomic_path, read_jets
from darkclr.io.parquet import TableWriter, read_metadata, read_table
from darkclr.io.writers import JetsWriter
from darkclr.simulation.sample.shard import Counts, Shard

__all__ = ["ShardFolder", "missing_shards", "record_digest"]

_log = logging.getLogger(__name__)

_DIGEST = ".sha256"


class ShardFolder:
    """The folder ``<output>.shards``, which holds a sample until all its shards are there.

    Args:
        output: the sample's file.
        fingerprint: fingerprint of the sample; shards of another one are refused.
    """

    def __init__(self, output: Path, fingerprint: str) -> None:
        self._output = output
        self._folder = output.with_name(f"{output.name}.shards")
        self._fingerprint = fingerprint

    def path(self, shard: Shard) -> Path:
        """File of a shard."""
        return self._folder / f"shard-{shard.index:05d}.parquet"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """In the block no other process puts the sample together, which removes the folder.

        Jobs that make single shards may come and go. An empty folder does not stay.

        Raises:
            InputError: no file can be written there, which is better known now than after the first
                shard; or another process puts the sample together.
        """
        self.make()
        try:
            with _lock(self._folder, self._output):
                yield
        finally:
            with suppress(OSError):  # it holds shards, or is gone
                self._folder.rmdir()

    def make(self) -> None:
        """Make the folder; other jobs may be about to write into it.

        Raises:
            InputError: no file can be written there.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self._folder):
                pass
        except OSError as error:
            raise InputError(
                f"cannot be written ({error.strerror or error})",
                where=self._output,
                fix="check the path, permissions and free space",
            ) from error

    def n_jets(self, shard: Shard) -> int | None:
        """Jets of a finished shard; None if it is not there.

        Raises:
            InputError: it belongs to another sample.
        """
        path = self.path(shard)
        if not path.exists() or not _is_intact(path):
            return None
        try:
            table = read_table(path)
        except InputError:  # torn by a crash of the machine: simulate again
            return None
        provenance = read_metadata(table).get("provenance", {})
        if provenance.get("fingerprint") != self._fingerprint:
            raise InputError(
                "holds shards of another sample (other settings, seed or program versions)",
                where=self._folder,
                fix="delete the folder or choose another name for the output",
            )
        return table.num_rows if shard.n_jets in (None, table.num_rows) else None

    def merge(
        self,
        shards: Sequence[Shard],
        n_jets: int,
        output: Path,
        *,
        provenance: Callable[[Counts], Mapping[str, Any]],
        mean_weight: float | None,
    ) -> Counts:
        """Write the first jets of all shards in order, one row group a shard; return their cost.

        Shards that come after the last jet do not count. Without a single jet, nothing is written.
        Memory is that of a shard.

        Args:
            shards: finished shards.
            n_jets: largest number of jets.
            output: file to write.
            provenance: gives the provenance of the sample, from what it cost.
            mean_weight: to which the weights are scaled; None to leave them.
        """
        parts: list[tuple[Path, int]] = []
        counts, found, weight = Counts(), 0, 0.0
        for shard in shards:
            if found >= n_jets:
                break
            table = read_table(self.path(shard), columns=["weight"])
            wanted = min(table.num_rows, n_jets - found)
            counts += Counts(**read_metadata(table)["provenance"]["counts"])
            weight += float(table["weight"].to_numpy()[:wanted].sum(dtype=np.float64))
            found += wanted
            if wanted:
                parts.append((self.path(shard), wanted))
        if not parts:
            return counts
        signed = ReadOptions(negative_weights="keep")  # the simulation has asked
        scale = 1.0 if mean_weight is None else weight / found / mean_weight
        with (
            atomic_path(output) as temporary,
            closing(JetsWriter(TableWriter(temporary), output)) as writer,
        ):
            for path, wanted in parts:
                part = read_jets(path, options=signed, kinds=True)[:wanted]
                writer.write(replace(part, weight=(part.weight / scale).astype(np.float32)))
            writer.finish(provenance(counts))
        return counts

    def remove(self) -> None:
        """Delete the folder."""
        shutil.rmtree(self._folder, ignore_errors=True)


def record_digest(path: Path) -> None:
    """Write the digest of a finished shard beside it.

    Raises:
        InputError: it cannot be written.
    """
    with atomic_path(path.with_suffix(_DIGEST)) as temporary:
        temporary.write_text(_digest(path))


def _is_intact(path: Path) -> bool:
    """Whether a shard is as it was written; one without a digest, of earlier versions, is."""
    try:
        recorded = path.with_suffix(_DIGEST)
        if not recorded.exists() or recorded.read_text() == _digest(path):
            return True
    except (OSError, UnicodeDecodeError):
        pass
    _log.warning("%s is damaged and is simulated again", path)
    return False


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@contextmanager
def _lock(folder: Path, output: Path) -> Iterator[None]:
    """Hold a folder; where a system has no locks, nothing."""
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise InputError(
            "is being made by another process", where=output, fix="wait for it to end"
        ) from error
    except OSError:  # a file system without locks
        pass
    try:
        yield
    finally:
        os.close(descriptor)


def missing_shards(
    shards: Sequence[Shard], finished: Mapping[int, int], n_jets: int, at_once: int
) -> list[Shard]:
    """Shards to simulate next, so that the first shards together have enough jets.

    How many jets the events of a file give is only known when some shards are there; before,
    ``at_once`` of them are taken. Which are simulated has no influence on the sample.

    Args:
        shards: all shards of the sample.
        finished: number of jets of the finished shards, by index.
        n_jets: number of jets that are wanted.
        at_once: number of processes.
    """
    events = sum(s.events.n_events for s in shards if s.events and s.index in finished)
    jets_per_event = sum(finished.values()) / events if events else 0.0
    missing: list[Shard] = []
    total = 0.0
    for shard in shards:
        if total >= n_jets or (shard.events and not events and len(missing) == at_once):
            break
        if shard.index in finished:
            total += finished[shard.index]
            continue
        missing.append(shard)
        if shard.n_jets is not None:
            total += shard.n_jets
        elif shard.events is not None:
            total += jets_per_event * shard.events.n_events
    return missing
