"""Samples: as many jets of a process as asked for, on all cores, to be resumed after a stop.

A sample is a sequence of shards. Each has its own seed and does not know of the others, so the
same seed gives the same bytes on one core and on many, and more jets are only appended.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

import darkclr
from darkclr.errors import ConfigError, InputError, MissingExtraError, SimulationError
from darkclr.io.parquet import read_metadata, read_table
from darkclr.jets import BACKGROUND, SIGNAL
from darkclr.simulation.detector import load_card
from darkclr.simulation.event_files import EventFile, EventRange, scan_events
from darkclr.simulation.les_houches import without_production
from darkclr.simulation.processes import Process, get_process
from darkclr.simulation.shard import Counts, Shard
from darkclr.simulation.shard_folder import ShardFolder, missing_shards
from darkclr.simulation.workers import available_cores, simulate_shards

__all__ = ["Plan", "SampleConfig", "counts_of", "generate", "generate_shard", "plan"]

# Without multiparton interactions an event takes this much less time.
_SPEED_WITHOUT_MPI = 4.5


@dataclass(frozen=True)
class SampleConfig:
    """What to simulate.

    Args:
        process: name of the sample.
        n_jets: accepted jets; of a file of events, at most so many.
        seed: another seed, another sample.
        card: detector card, by name or path; None for the one of the process.
        mpi: multiparton interactions; off is four times faster and costs four constituents a jet,
            for quick looks only.
        shard_jets: jets of a shard, the unit of parallel work and of resuming; of a file of
            events, its events.
        settings: further Pythia settings, applied last.
        parameters: of the samples that have some, by name; see the list of samples.
        early_veto: give up events early that cannot hold a wanted jet, where the process says how;
            off is three times slower and gives the same distributions.
        bias: power of pTHat by which hard events are preferred, for spectra with a long tail; the
            jets get weights of mean 1 that undo it. Only for processes of two partons to two.
        events: file of events to use in place of Pythia's hard processes: a Les Houches file
            (MadGraph), which Pythia showers, or a HepMC file (ASCII), which goes to the detector
            as it is; both may be gzipped. Settings, matching, selection and label are those of the
            process; `events` is one without matching.
        selection: values that replace those of the process's jet selection: `pt_min`, `pt_max`,
            `abs_eta_max`, `radius`.
        label: 0 background, 1 signal; None for that of the process.
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
    events: str | None = None
    selection: dict[str, float | None] = field(default_factory=dict)
    label: int | None = None

    def __post_init__(self) -> None:
        self.resolve()
        if self.events is None and self.process == "events":
            raise ConfigError("the process 'events' needs a file", where="events", fix="name one")
        if self.events is not None and self.bias:
            raise ConfigError("a file's events cannot be biased", where="bias", fix="leave it out")
        for name, lowest in (("n_jets", 1), ("shard_jets", 1), ("seed", 0), ("bias", 0)):
            if not lowest <= getattr(self, name) < math.inf:
                raise ConfigError(
                    f"{getattr(self, name)} is out of range", where=name, fix=f"at least {lowest}"
                )

    def resolve(self) -> Process:
        """The process with the chosen parameters, selection and label.

        Raises:
            ConfigError: there is no such process, or a value makes no sense.
        """
        process = get_process(self.process, self.parameters)
        if self.label not in (None, BACKGROUND, SIGNAL):
            raise ConfigError(f"no label {self.label}", where="label", fix="choose 0 or 1")
        # The veto is tuned to the process's own selection, and no part of the file's events.
        veto = self.early_veto and self.events is None and not self.selection
        return replace(
            process,
            label=process.label if self.label is None else self.label,
            selection=process.selection.with_values(self.selection),
            veto=process.veto if veto else None,
        )


@dataclass(frozen=True)
class Plan:
    """What :func:`generate` would do.

    Args:
        config: as asked for.
        process: the sample's description.
        card: name or path of the detector card.
        settings: all Pythia settings in order, without the seeds of the shards.
        file: what is in the file of events, if there is one.
        shards: all shards.
        versions: of the programs that determine the jets.
        fingerprint: of everything that determines the jets except their number.
        jets_per_second: expected on one core.
    """

    config: SampleConfig
    process: Process
    card: str
    settings: tuple[str, ...]
    file: EventFile | None
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
        ConfigError: there is no such process, or settings are given for events that Pythia does
            not touch.
        InputError: there is no such card, or the file of events is missing or not whole.
        MissingExtraError: pythia8mc or fastjet is not installed.
    """
    process = config.resolve()
    card = config.card or process.card
    file = None if config.events is None else scan_events(config.events, config.shard_jets)
    settings = _settings(config, process, file)
    contents: Iterable[tuple[int | None, EventRange | None]]
    if file is None:
        starts = range(0, config.n_jets, config.shard_jets)
        contents = ((min(config.shard_jets, config.n_jets - start), None) for start in starts)
    else:
        contents = ((None, events) for events in file.ranges)
    shards = tuple(
        Shard(process, settings, config.seed, index, card, n_jets, events)
        for index, (n_jets, events) in enumerate(contents)
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
    if file is not None:
        determined_by["events"] = file.sha256
    encoded = json.dumps(determined_by, sort_keys=True, default=np.ndarray.tolist)
    return Plan(
        config=config,
        process=process,
        card=card,
        settings=settings,
        file=file,
        shards=shards,
        versions=versions,
        fingerprint=hashlib.sha256(encoded.encode()).hexdigest()[:16],
        jets_per_second=process.jets_per_second * (1.0 if config.mpi else _SPEED_WITHOUT_MPI),
    )


def _settings(config: SampleConfig, process: Process, file: EventFile | None) -> tuple[str, ...]:
    switch = "on" if config.mpi else "off"
    settings = (
        *process.all_settings,
        f"PartonLevel:MPI = {switch}",
        *(_bias_settings(config.bias) if config.bias else ()),
        # MadGraph's parameter card in the file would replace masses and decays of the sample.
        *(("SLHA:readFrom = 0",) if file is not None else ()),
        *config.settings,
    )
    if file is None:
        return settings
    if file.format == "lhe":
        return without_production(settings)
    for name in ("settings", "parameters"):
        if getattr(config, name):
            raise ConfigError(
                "the events of a HepMC file are showered already",
                where=name,
                fix="leave it out",
            )
    return ()


def _bias_settings(power: float) -> tuple[str, ...]:
    return ("PhaseSpace:bias2Selection = on", f"PhaseSpace:bias2SelectionPow = {power:g}")


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
    if output.exists():
        _check_finished(output, planned)
        progress(config.n_jets)
    else:
        folder.check_writable()
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
            raise SimulationError(
                f"none of {counts.events} events has a jet that passes the selection",
                where=config.events,
                fix="check it against selection and matching of the process",
            )
    folder.remove()
    return output


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
        index: of the shard, from 0.
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


def counts_of(output: Path) -> dict[str, float]:
    """What a finished sample cost; see :meth:`darkclr.simulation.shard.Counts.summary`."""
    return read_metadata(read_table(output, columns=[]))["provenance"]["counts"]


def _check_finished(output: Path, planned: Plan) -> None:
    if output.is_dir():
        raise InputError("is a directory", where=output, fix="name a file")
    provenance = read_metadata(read_table(output, columns=[])).get("provenance", {})
    expected = {"fingerprint": planned.fingerprint, "n_jets": planned.config.n_jets}
    if any(provenance.get(key) != value for key, value in expected.items()):
        raise InputError(
            "exists and holds another sample", where=output, fix="choose another name or delete it"
        )


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
        "events": None
        if planned.file is None
        else {
            "file": Path(planned.file.path).name,
            "format": planned.file.format,
            "sha256": planned.file.sha256,
            "n_events": planned.file.n_events,
        },
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
