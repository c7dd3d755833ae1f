"""Samples: as many jets of a process as asked for, on all cores, to be resumed after a stop.

A sample is a sequence of shards. Each has its own seed and does not know of the others, so the
same seed gives the same bytes on one core and on many, and more jets are only appended.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from darkclr.errors import ConfigError, InputError, SimulationError
from darkclr.io.parquet import read_metadata, read_table
from darkclr.simulation.sample.sample_config import SampleConfig
from darkclr.simulation.sample.sample_plan import SamplePlan, plan
from darkclr.simulation.sample.shard import Counts
from darkclr.simulation.sample.shard_folder import ShardFolder, missing_shards
from darkclr.simulation.sample.workers import simulate_shards
from darkclr.worker_pool import available_cores

__all__ = ["counts_of", "generate", "generate_shard", "lost_events"]

_log = logging.getLogger(__name__)

_N_REASONS = 3  # are told


def generate(
    config: SampleConfig,
    output: Path,
    *,
    workers: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> Path:
    """Simulate a sample and write it to a Parquet file.

    The shards are kept in ``<output>.shards`` until all are there; a stopped run continues where
    it was. A finished sample is returned at once.

    Args:
        config: what to simulate.
        output: file to write.
        workers: number of processes; None for one a core.
        progress: called with the number of new jets whenever there are some.

    Returns:
        ``output``.

    Raises:
        ConfigError: there is no such process, or ``workers`` is not positive.
        InputError: output or shards belong to another sample, or cannot be written; the file of
            events is missing or broken.
        MissingExtraError: pythia8mc or fastjet is not installed.
        SimulationError: Pythia refuses the settings, or no jet passes the selection.
    """
    output = Path(output)
    workers = available_cores() if workers is None else workers
    if workers < 1:
        raise ConfigError(f"{workers} workers", where="workers", fix="choose at least 1")
    progress = progress or (lambda _: None)
    planned = plan(config)
    folder = ShardFolder(output, planned.fingerprint)
    with nullcontext() if output.exists() else folder.locked():
        if output.exists():  # perhaps since the lock is ours
            _check_finished(output, planned)
            progress(config.n_jets)
        else:
            _make(planned, folder, output, workers, progress)
        folder.remove()
    return output


def _make(
    planned: SamplePlan,
    folder: ShardFolder,
    output: Path,
    workers: int,
    progress: Callable[[int], None],
) -> None:
    """Simulate what is missing, and put the shards together."""
    config = planned.config
    for note in planned.notes():
        _log.warning("%s: %s", config.events, note)
    found = {shard.index: folder.n_jets(shard) for shard in planned.shards}
    finished = {index: n for index, n in found.items() if n is not None}
    progress(sum(finished.values()))
    while todo := missing_shards(planned.shards, finished, config.n_jets, workers):
        files = {folder.path(shard): shard for shard in todo}
        simulate_shards(files, planned.fingerprint, workers, progress)
        finished |= {shard.index: folder.n_jets(shard) or 0 for shard in todo}
    counts = folder.merge(
        planned.shards,
        config.n_jets,
        output,
        provenance=partial(_provenance, planned),
        mean_weight=1.0 if config.events is None else None,
    )
    if counts.jets == 0:
        raise _nothing(counts, planned)
    if counts.lost:
        _log.warning("%s", lost_events(counts.summary(), counts.events))


def generate_shard(
    config: SampleConfig,
    output: Path,
    index: int,
    *,
    progress: Callable[[int], None] | None = None,
) -> Path:
    """Simulate one shard of a sample, for :func:`generate` to find; nothing if it is there.

    Args:
        config: the whole sample.
        output: the sample's file.
        index: number of the shard, from 0.
        progress: called with the number of new jets whenever there are some.

    Returns:
        The shard's file.

    Raises:
        ConfigError: there is no such shard.
        DarkclrError: as :func:`generate`.
    """
    planned = plan(config)
    if not 0 <= index < len(planned.shards):
        raise ConfigError(
            f"no shard {index}", where="shard", fix=f"choose 0 to {len(planned.shards) - 1}"
        )
    shard = planned.shards[index]
    folder = ShardFolder(Path(output), planned.fingerprint)
    folder.make()
    if folder.n_jets(shard) is None:
        todo = {folder.path(shard): shard}
        simulate_shards(todo, planned.fingerprint, 1, progress or (lambda _: None))
    return folder.path(shard)


def counts_of(output: Path) -> dict[str, Any]:
    """What a finished sample cost; see :meth:`darkclr.simulation.sample.shard.Counts.summary`."""
    return read_metadata(read_table(output, columns=[]))["provenance"]["counts"]


def lost_events(counts: Mapping[str, Any], n_events: int) -> str:
    """How many events Pythia gave up on, and why, in words."""
    reasons = sorted(counts["reasons"], key=counts["reasons"].get, reverse=True)[:_N_REASONS]
    told = f" ({'; '.join(reasons)})" if reasons else ""
    return f"Pythia gave up on {counts['lost_events']} of {n_events} events{told}"


def _nothing(counts: Counts, planned: SamplePlan) -> SimulationError:
    """Why no event of a file has a jet."""
    where = planned.config.events
    if counts.lost == counts.events:
        return SimulationError(
            lost_events(counts.summary(), counts.events),
            where=where,
            fix="check the file and the settings",
        )
    return SimulationError(
        f"none of {counts.events} events has a jet that passes the selection",
        where=where,
        fix="check it against selection and matching of the process",
    )


def _check_finished(output: Path, planned: SamplePlan) -> None:
    if output.is_dir():
        raise InputError("is a directory", where=output, fix="name a file")
    provenance = read_metadata(read_table(output, columns=[])).get("provenance", {})
    expected = {"fingerprint": planned.fingerprint, "n_jets": planned.config.n_jets}
    if any(provenance.get(key) != value for key, value in expected.items()):
        raise InputError(
            "exists and holds another sample", where=output, fix="choose another name or delete it"
        )


def _provenance(planned: SamplePlan, counts: Counts) -> dict[str, Any]:
    """How the sample was made. No dates or hosts: the same sample has the same bytes."""
    config, process = planned.config, planned.process
    return {
        "made_by": "darkclr.simulation",
        "process": process.name,
        "title": process.title,
        "summary": process.summary,
        "label": process.label,
        "level": "detector",
        "parameters": process.chosen,
        "n_jets": config.n_jets,
        "seed": config.seed,
        "shard_jets": config.shard_jets,
        "mpi": config.mpi,
        "early_veto": process.veto.to_dict() if process.veto else None,
        "bias": config.bias,
        "events": None
        if planned.file is None
        else {
            "file": Path(planned.file.path).name,
            "format": planned.file.format,
            "sha256": planned.file.sha256,
            "n_events": planned.file.n_events,
            **({} if planned.file.has_end else {"has_end": False}),
            **({"weight": asdict(planned.weight)} if planned.weight else {}),
            **({"merging": planned.merging} if planned.merging else {}),
        },
        "pythia_settings": list(planned.settings),
        "card": planned.card,
        "selection": asdict(process.selection),
        "match": asdict(process.match),
        "versions": planned.versions,
        "fingerprint": planned.fingerprint,
        "counts": counts.summary(),
    }
