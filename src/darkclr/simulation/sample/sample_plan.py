"""What a sample consists of: its shards, and the fingerprint of all that determines them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from importlib import metadata

import numpy as np

import darkclr
from darkclr.errors import ConfigError, MissingExtraError
from darkclr.simulation.detector import load_card
from darkclr.simulation.events.event_files import EventFile, EventRange, scan_events
from darkclr.simulation.events.hepmc import HepMCEvents
from darkclr.simulation.events.les_houches import without_production
from darkclr.simulation.events.les_houches_file import merging_of, weights_of
from darkclr.simulation.events.weights import Weight, named_weight, nominal_weight
from darkclr.simulation.processes import PROCESSES, Process
from darkclr.simulation.sample.sample_config import SampleConfig
from darkclr.simulation.sample.shard import Shard

__all__ = ["SamplePlan", "plan"]

# Without multiparton interactions an event takes this much less time.
_SPEED_WITHOUT_MPI = 4.5
# With a prescale a jet does.
_SPEED_PRESCALED = 1.7


@dataclass(frozen=True)
class SamplePlan:
    """What :func:`generate` would do.

    Args:
        config: what was asked for.
        process: the process with the chosen parameters, selection and label.
        card: name or path of the detector card.
        settings: all Pythia settings in order, without the seeds of the shards.
        file: what is in the file of events, if there is one.
        weight: which of several weights of its events is taken.
        merging: by what its samples of several multiplicities were to be merged.
        shards: all shards.
        versions: versions of the programs that determine the jets.
        fingerprint: hash of everything that determines the jets except their number.
        jets_per_second: expected rate on one core.
    """

    config: SampleConfig
    process: Process
    card: str
    settings: tuple[str, ...]
    file: EventFile | None
    weight: Weight | None
    merging: str | None
    shards: tuple[Shard, ...]
    versions: dict[str, str]
    fingerprint: str
    jets_per_second: float

    def seconds(self, workers: int) -> float:
        """Expected duration on that many cores."""
        return self.config.n_jets / (self.jets_per_second * min(workers, len(self.shards)))

    def notes(self) -> list[str]:
        """What is to be known about the file of events before hours are spent on it."""
        notes = [str(self.weight)] if self.weight else []
        if self.file and not self.file.has_end:
            notes.append(
                f"the mark of the end is missing: all {self.file.n_events} events that are there "
                "are whole and read, but there may have been more"
            )
        if self.merging:
            notes.append(
                f"samples of several multiplicities ({self.merging}) are not matched to the shower "
                "here: radiation is counted twice, and the cross section is the sum of all; match "
                "and shower them where they come from, and give the HepMC file"
            )
        return notes


def plan(config: SampleConfig) -> SamplePlan:
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
    weight = _weight(config, file)
    contents: Iterable[tuple[int | None, EventRange | None]]
    if file is None:
        starts = range(0, config.n_jets, config.shard_jets)
        contents = ((min(config.shard_jets, config.n_jets - start), None) for start in starts)
    else:
        contents = ((None, events) for events in file.ranges)
    shards = tuple(
        Shard(
            process,
            settings,
            config.seed,
            index,
            card,
            n_jets,
            events,
            weight,
            config.negative_weights,
        )
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
    if process.name not in PROCESSES:  # what the name of another one stands for
        determined_by["top_truth"] = process.top_truth
    if process.veto:
        determined_by["veto"] = process.veto.to_dict()
    if file is not None:
        determined_by["events"] = file.sha256
        if weight is not None:
            determined_by["weight"] = weight.name
        if config.negative_weights != "refuse":
            determined_by["negative_weights"] = config.negative_weights
    speed = 1.0 if config.mpi else _SPEED_WITHOUT_MPI
    if process.veto and process.veto.prescale:
        speed *= _SPEED_PRESCALED
    encoded = json.dumps(determined_by, sort_keys=True, default=np.ndarray.tolist)
    return SamplePlan(
        config=config,
        process=process,
        card=card,
        settings=settings,
        file=file,
        weight=weight,
        merging=merging_of(file.ranges[0]) if file and file.format == "lhe" else None,
        shards=shards,
        versions=versions,
        fingerprint=hashlib.sha256(encoded.encode()).hexdigest()[:16],
        jets_per_second=process.jets_per_second * speed,
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


def _weight(config: SampleConfig, file: EventFile | None) -> Weight | None:
    """Which weight is taken of several."""
    if file is None:
        return None
    first = file.ranges[0]
    if file.format == "lhe":
        described = weights_of(first)
        own = Weight(None, 0, len(described) + 1)
    else:
        names = HepMCEvents(first).weight_names()
        described = dict(zip(names, names, strict=True))
        own = nominal_weight(names) if names else Weight(None, 0, 1)
    if config.weight is not None:
        return replace(named_weight(config.weight, described, file.path), of=own.of)
    return own if described else None


def _bias_settings(power: float) -> tuple[str, ...]:
    return ("PhaseSpace:bias2Selection = on", f"PhaseSpace:bias2SelectionPow = {power:g}")


def _versions() -> dict[str, str]:
    versions = {"darkclr": darkclr.__version__}
    for package in ("pythia8mc", "fastjet"):
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError as error:
            raise MissingExtraError(package, "simulation") from error
    return versions
