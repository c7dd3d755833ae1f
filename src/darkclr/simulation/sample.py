"""Samples: as many jets of a process as asked for, on all cores, to be resumed after a stop.

A sample is a sequence of shards. Each has its own seed and does not know of the others, so the
same seed gives the same bytes on one core and on many, and more jets are only appended.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, field, replace
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

import darkclr
from darkclr.errors import ConfigError, InputError, MissingExtraError
from darkclr.io import atomic_path, read_parquet
from darkclr.io.parquet import read_metadata, read_table
from darkclr.io.writers import ParquetWriter
from darkclr.simulation.detector import load_card
from darkclr.simulation.processes import Process, get_process
from darkclr.simulation.shard import Counts, Shard
from darkclr.simulation.workers import available_cores, simulate_shards

__all__ = ["Plan", "SampleConfig", "generate", "plan"]

# Without multiparton interactions an event takes this much less time.
_SPEED_WITHOUT_MPI = 4.5


@dataclass(frozen=True)
class SampleConfig:
    """What to simulate.

    Args:
        process: name of the sample.
        n_jets: accepted jets.
        seed: another seed, another sample.
        card: detector card, by name or path; None for the one of the process.
        mpi: multiparton interactions; off is four times faster and costs four constituents a jet,
            for quick looks only.
        shard_jets: jets of a shard, the unit of parallel work and of resuming.
        settings: further Pythia settings, applied last.
        parameters: of the samples that have some, by name; see the list of samples.
        early_veto: give up events early that cannot hold a wanted jet, where the process says how;
            off is three times slower and gives the same distributions.
        bias: power of pTHat by which hard events are preferred, for spectra with a long tail; the
            jets get weights of mean 1 that undo it. Only for processes of two partons to two.
    """

    process: str = "qcd"
    n_jets: int = 1000
    seed: int = 1
    card: str | None = None
    mpi: bool = True
    shard_jets: int = 1000
    settings: list[str] = field(default_factory=list)
    parameters: dict[str, Any] = field(default_factory=dict)
    early_veto: bool = True
    bias: float = 0.0

    def __post_init__(self) -> None:
        get_process(self.process, self.parameters)
        for name, lowest in (("n_jets", 1), ("shard_jets", 1), ("seed", 0), ("bias", 0)):
            if getattr(self, name) < lowest:
                raise ConfigError(
                    f"{getattr(self, name)} is too small", where=name, mend=f"at least {lowest}"
                )


@dataclass(frozen=True)
class Plan:
    """What :func:`generate` would do.

    Args:
        config: as asked for.
        process: the sample's description.
        card: name or path of the detector card.
        settings: all Pythia settings in order, without the seeds of the shards.
        shards: all shards.
        versions: of the programs that determine the jets.
        fingerprint: of everything that determines the jets except their number.
        jets_per_second: expected on one core.
    """

    config: SampleConfig
    process: Process
    card: str
    settings: tuple[str, ...]
    shards: tuple[Shard, ...]
    versions: dict[str, str]
    fingerprint: str
    jets_per_second: float

    def seconds(self, workers: int) -> float:
        """Expected duration on that many cores."""
        return self.config.n_jets / (self.jets_per_second * min(workers, len(self.shards)))


def plan(config: SampleConfig) -> Plan:
    """What a sample consists of, without simulating anything.

    Raises:
        ConfigError: there is no such process.
        InputError: there is no such card.
        MissingExtraError: pythia8mc or fastjet is not installed.
    """
    process = get_process(config.process, config.parameters)
    if not config.early_veto:
        process = replace(process, veto=None)
    card = config.card or process.card
    switch = "on" if config.mpi else "off"
    settings = (
        *process.all_settings,
        f"PartonLevel:MPI = {switch}",
        *(_bias_settings(config.bias) if config.bias else ()),
        *config.settings,
    )
    starts = range(0, config.n_jets, config.shard_jets)
    shards = tuple(
        Shard(
            process=process,
            settings=settings,
            seed=config.seed,
            index=index,
            card=card,
            n_jets=min(config.shard_jets, config.n_jets - start),
        )
        for index, start in enumerate(starts)
    )
    versions = _versions()
    determined_by = {
        "process": process.name,
        "label": process.label,
        "selection": asdict(process.selection),
        "match": asdict(process.match),
        "settings": settings,
        "seed": config.seed,
        "shard_jets": config.shard_jets,
        "card": asdict(load_card(card)),
        "versions": versions,
    }
    if process.parameters:
        determined_by["parameters"] = process.chosen
    if process.veto:
        determined_by["veto"] = asdict(process.veto)
    encoded = json.dumps(determined_by, sort_keys=True, default=np.ndarray.tolist)
    return Plan(
        config=config,
        process=process,
        card=card,
        settings=settings,
        shards=shards,
        versions=versions,
        fingerprint=hashlib.sha256(encoded.encode()).hexdigest()[:16],
        jets_per_second=process.jets_per_second * (1.0 if config.mpi else _SPEED_WITHOUT_MPI),
    )


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
        workers: processes; None for one a core.
        progress: called with the number of new jets whenever there are some.

    Returns:
        ``output``.

    Raises:
        ConfigError: there is no such process, or ``workers`` is not positive.
        InputError: output or shards belong to another sample, or cannot be written.
        MissingExtraError: pythia8mc or fastjet is not installed.
        SimulationError: Pythia refuses the settings, or no jet passes the selection.
    """
    output = Path(output)
    workers = available_cores() if workers is None else workers
    if workers < 1:
        raise ConfigError(f"{workers} workers", where="workers", mend="choose at least 1")
    progress = progress or (lambda _: None)
    planned = plan(config)
    folder = output.with_name(f"{output.name}.shards")
    if output.exists():
        _check_finished(output, planned)
        progress(config.n_jets)
    else:
        _check_writable(folder, output)
        todo: dict[Path, Shard] = {}
        for shard in planned.shards:
            path = _path(folder, shard)
            if _is_done(path, shard, planned):
                progress(shard.n_jets)
            else:
                todo[path] = shard
        simulate_shards(todo, planned.fingerprint, workers, progress)
        _merge(planned, folder, output)
    shutil.rmtree(folder, ignore_errors=True)
    return output


def _bias_settings(power: float) -> tuple[str, ...]:
    return ("PhaseSpace:bias2Selection = on", f"PhaseSpace:bias2SelectionPow = {power:g}")


def _is_done(path: Path, shard: Shard, planned: Plan) -> bool:
    """Whether a finished shard can be used.

    Raises:
        InputError: it belongs to another sample.
    """
    if not path.exists():
        return False
    try:
        table = read_table(path)
    except InputError:  # torn by a crash of the machine: simulate again
        return False
    provenance = read_metadata(table).get("provenance", {})
    if provenance.get("fingerprint") != planned.fingerprint:
        raise InputError(
            "holds shards of another sample (other settings, seed or program versions)",
            where=path.parent,
            mend="delete the folder or choose another name for the output",
        )
    return table.num_rows == shard.n_jets


def _check_writable(folder: Path, output: Path) -> None:
    """Find out now rather than after the first shard."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise InputError(
            f"cannot be written ({error.strerror or error})",
            where=output,
            mend="check the path, permissions and free space",
        ) from error
    with suppress(OSError):  # finished shards stay
        folder.rmdir()


def _check_finished(output: Path, planned: Plan) -> None:
    if output.is_dir():
        raise InputError("is a directory", where=output, mend="name a file")
    provenance = read_metadata(read_table(output, columns=[])).get("provenance", {})
    expected = {"fingerprint": planned.fingerprint, "n_jets": planned.config.n_jets}
    if any(provenance.get(key) != value for key, value in expected.items()):
        raise InputError(
            "exists and holds another sample", where=output, mend="choose another name or delete it"
        )


def _merge(planned: Plan, folder: Path, output: Path) -> None:
    """All shards in one file, one row group each: memory is that of a shard."""
    paths = [_path(folder, shard) for shard in planned.shards]
    counts, weight = Counts(), 0.0
    for path in paths:
        table = read_table(path, columns=["weight"])
        counts += Counts(**read_metadata(table)["provenance"]["counts"])
        weight += float(table["weight"].to_numpy().sum(dtype=np.float64))
    mean = weight / planned.config.n_jets
    with atomic_path(output) as temporary, closing(ParquetWriter(temporary, output)) as writer:
        for path in paths:
            part = read_parquet(path)
            writer.write(replace(part, weight=(part.weight / mean).astype(np.float32)))
        writer.finish(_provenance(planned, counts))


def _path(folder: Path, shard: Shard) -> Path:
    return folder / f"shard-{shard.index:05d}.parquet"


def _provenance(planned: Plan, counts: Counts) -> dict[str, Any]:
    """How the sample was made. No dates or hosts: the same sample has the same bytes."""
    config, process = planned.config, planned.process
    return {
        "made_by": "darkclr.simulation",
        "process": process.name,
        "title": process.title,
        "summary": process.summary,
        "parameters": process.chosen,
        "n_jets": config.n_jets,
        "seed": config.seed,
        "shard_jets": config.shard_jets,
        "mpi": config.mpi,
        "early_veto": asdict(process.veto) if process.veto else None,
        "bias": config.bias,
        "pythia_settings": list(planned.settings),
        "card": planned.card,
        "selection": asdict(process.selection),
        "match": asdict(process.match),
        "versions": planned.versions,
        "fingerprint": planned.fingerprint,
        "counts": counts.summary(),
    }


def _versions() -> dict[str, str]:
    versions = {"darkclr": darkclr.__version__}
    for package in ("pythia8mc", "fastjet"):
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError as error:
            raise MissingExtraError(package, "simulation") from error
    return versions
