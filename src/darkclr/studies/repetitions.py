"""Encoders trained several times, and on each of them the scores fitted several times."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import as_completed
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from safetensors.numpy import load_file

from darkclr.anomaly.definition import define_score
from darkclr.anomaly.fitted import FittedScore
from darkclr.contrastive.config import TrainingConfig
from darkclr.contrastive.model_directory import is_finished
from darkclr.errors import ConfigError
from darkclr.evaluation import (
    EncoderFacts,
    Metrics,
    ScoreFacts,
    evaluate,
    read_metrics,
    write_metrics,
)
from darkclr.evaluation.score_file import score_columns
from darkclr.io.parquet import (
    METADATA_KEY,
    column_names,
    encode_metadata,
    read_metadata,
    read_table,
    write_table,
)
from darkclr.io.tensors import WEIGHTS
from darkclr.io.timings import read_timings, timed
from darkclr.studies.config import RunConfig
from darkclr.studies.duration import Job, encoder_jobs, fit_job, score_job
from darkclr.studies.run import Run
from darkclr.studies.verdicts import read_verdicts
from darkclr.worker_pool import available_cores, worker_pool

__all__ = ["Repetitions"]

_NATURAL, _GLUONS = "metrics.json", "metrics_gluons.json"


@dataclass
class Repetitions:
    """Encoders 1, 2, ... of a configuration, on each of them the scores with the seeds 1, 2, ...

    Args:
        run: the configuration and its steps; the seed of its training is that of the first encoder.
        scores: parameters of the scores by name.
        encoders, densities: how many.
        gluon_share: of the second half of the table, or None.
        at_once: number of encoders that are trained at the same time.
        variant: name of a representation beside that of the configuration itself. It has the
            scores that read representations, on the same jets, in a directory of its own.

    Raises:
        ConfigError: a combination of scores on jets.
    """

    run: Run
    scores: Mapping[str, dict[str, Any]]
    encoders: int
    densities: int
    gluon_share: float | None
    at_once: int = 1
    variant: str | None = None

    def __post_init__(self) -> None:
        self.definitions = {name: define_score(name, p) for name, p in self.scores.items()}
        on_jets = {name for name, score in self.definitions.items() if score.part == "jets"}
        self.on_jets = {n: p for n, p in self.scores.items() if n in on_jets}
        self.on_representations = {n: p for n, p in self.scores.items() if n not in on_jets}
        for name in self.on_representations:
            elsewhere = sorted({*self.definitions[name].members} - self.on_representations.keys())
            if elsewhere:
                raise ConfigError(
                    f"its members {', '.join(elsewhere)} are not fitted on representations",
                    where=f"scores.{name}",
                    fix="name scores of the configuration that read representations",
                )

    @property
    def encoder_numbers(self) -> range:
        """Numbers of the encoders."""
        return range(1, self.encoders + 1)

    @property
    def seeds(self) -> range:
        """Seeds of the densities."""
        return range(1, self.densities + 1)

    @property
    def root(self) -> Path:
        """Directory of all repetitions."""
        output = self.run.output
        return output if self.variant is None else output / "variants" / self.variant

    def model(self, encoder: int) -> Path:
        """Directory of an encoder, counted from 1."""
        return self.root / f"encoder-{encoder}"

    def folder(self, encoder: int, density: int) -> Path:
        """Directory of the scores with a seed on an encoder."""
        return self.model(encoder) / f"density-{density}"

    def jets(self, density: int) -> Path:
        """Directory of the scores on jets with a seed, the same for all encoders."""
        return self.root / "jets" / f"density-{density}"

    def training(self, encoder: int) -> TrainingConfig:
        """The training with the seed of an encoder."""
        training = self.run.config.training
        return replace(training, seed=training.seed + encoder - 1)

    @property
    def classifiers(self) -> list[str]:
        """Columns of the classifiers that are trained on labels beside each encoder."""
        return list(self.run.config.taught.values()) if self.variant is None else []

    def jobs(self, cores: int) -> list[Job]:
        """What takes time."""
        config, of = self.run.config, "" if self.variant is None else f" {self.variant}"
        members, mixtures = self.encoders * self.densities, 1 + (self.gluon_share is not None)
        models = [self.model(e) for e in self.encoder_numbers]
        folders = [self.folder(e, d) for e in self.encoder_numbers for d in self.seeds]
        train, encode, *taught = encoder_jobs(config, cores, self.encoders, of)
        jobs = [
            replace(train, results=tuple(model / "encoder" / WEIGHTS for model in models)),
            replace(encode, results=tuple(map(self.run.last_representations, models))),
        ]
        classifiers = [
            self.root / f"{c}-{e}" for c in self.classifiers for e in self.encoder_numbers
        ]
        jobs += [replace(job, results=tuple(c / WEIGHTS for c in classifiers)) for job in taught]
        if self.on_jets:
            job = fit_job(self.on_jets, config, self.densities, " on jets")
            jobs.append(replace(job, results=_tables(map(self.jets, self.seeds))))
        fit = fit_job(self.on_representations, config, members, of)
        score = score_job(self.scores, config, members, mixtures, of)
        measured = tuple(folder / _NATURAL for folder in folders)
        return [*jobs, replace(fit, results=_tables(folders)), replace(score, results=measured)]

    def execute(self, only: int | None = None) -> None:
        """All repetitions; what is there already is not done again.

        Args:
            only: number of the encoder that alone is trained and scored; all of them if None. The
                first one is needed by the others, which may then be made at the same time.
        """
        of = "" if self.variant is None else f", {self.variant}"
        encoders = self.encoder_numbers if only is None else [only]
        self._represent_at_once(encoders)
        for encoder in encoders:
            self.run.reporter.line(f"encoder {encoder} of {self.encoders}{of}")
            self.run.represent(self.model(encoder), self.training(encoder))
        for density in self.seeds:
            self._score_jets(density)
        for encoder in encoders:
            self._score(encoder)
            for density in self.seeds if self.run.config.signals else ():
                self._evaluate(self.folder(encoder, density))

    def metrics(self, gluon_share: float | None) -> list[list[Metrics]]:
        """Figures of merit with a share of gluon jets, by encoder and density."""
        name = _NATURAL if gluon_share is None else _GLUONS
        return [
            [read_metrics(self.folder(encoder, seed) / name) for seed in self.seeds]
            for encoder in self.encoder_numbers
        ]

    def facts(self) -> dict[str, ScoreFacts]:
        """What each score reads, how many numbers it learned and how long that took."""
        facts: dict[str, ScoreFacts] = {}
        for name, definition in self.definitions.items():
            folders = (
                [self.jets(seed) for seed in self.seeds]
                if name in self.on_jets
                else [self.folder(e, seed) for e in self.encoder_numbers for seed in self.seeds]
            )
            fits = [folder / "scores" / name for folder in folders]
            facts[name] = ScoreFacts(
                reads=definition.part,
                parameters=FittedScore.load(fits[0], plugins=[definition.entry.name]).n_parameters,
                fit_minutes=_minutes(fits, "fit"),
            )
        for column in self.classifiers:
            fits = [self.root / f"{column}-{encoder}" for encoder in self.encoder_numbers]
            facts[column] = ScoreFacts(
                reads="jets and labels",
                parameters=_n_elements(fits[0]),
                fit_minutes=_minutes(fits, "train"),
            )
        return facts

    def encoder_facts(self) -> EncoderFacts:
        """How many numbers an encoder learned and how long that took."""
        return EncoderFacts(
            parameters=_n_elements(self.model(1) / "encoder"),
            train_minutes=_minutes([self.model(e) for e in self.encoder_numbers], "train"),
        )

    def _represent_at_once(self, encoders: Iterable[int]) -> None:
        """Train encoders and encode with them in several processes, if that is asked for."""
        todo = [e for e in encoders if not is_finished(self.model(e) / "encoder")]
        if (workers := min(self.at_once, len(todo))) < 2:
            return
        import torch

        title = f"train {len(todo)} encoders, {workers} at once"
        with (
            worker_pool(workers, torch.set_num_threads, 1) as pool,
            self.run.reporter.bar(title, len(todo), "encoders") as advance,
        ):
            jobs = [
                pool.submit(
                    _represent, self.run.config, self.model(e), _one_of(self.training(e), workers)
                )
                for e in todo
            ]
            for job in as_completed(jobs):
                job.result()
                advance()

    def _score_jets(self, density: int) -> None:
        """Fit the scores that read jets, and score the test jets."""
        folder, model = self.jets(density), self.model(1)
        if not _has_scores(folder, self.on_jets):
            self.run.fit(folder, model, self.on_jets, density)
            with timed(folder, "score"):
                _write_scores(self.run.score(folder, model), folder)

    def _score(self, encoder: int) -> None:
        """Fit all others on an encoder, and put all scores of a density into one table."""
        folders = {seed: self.folder(encoder, seed) for seed in self.seeds}
        missing = {seed: f for seed, f in folders.items() if not _has_scores(f, self.scores)}
        if not missing:
            return
        model = self.model(encoder)
        for seed, folder in missing.items():
            self.run.fit(folder, model, self.on_representations, seed)
        supervised = None
        if self.classifiers:
            supervised = self.run.classify(self.root, encoder - 1, f"-{encoder}")
        for seed, folder in missing.items():
            with timed(folder, "score"):
                table = self.run.score(folder, model, supervised)
                if self.on_jets:
                    table = _joined(table, read_table(self.jets(seed) / "scores.parquet"))
                _write_scores(table, folder)

    def _evaluate(self, folder: Path) -> None:
        """Figures of merit with the simulated mixture and with the other one."""
        shares: dict[str, float | None] = {_NATURAL: None}
        if self.gluon_share is not None:
            shares[_GLUONS] = self.gluon_share
        for name, share in shares.items():
            path, config = folder / name, replace(self.run.config.evaluation, gluon_share=share)
            if path.exists():
                found = read_metrics(path)
                known = self.scores.keys() <= set(found.scores)
                if known and found.config == config:
                    continue
            with timed(folder, "evaluate"):
                metrics = evaluate(folder / "scores.parquet", config)
                verdicts = read_verdicts(folder.parent / "encoder", folder / "scores")
                write_metrics(replace(metrics, verdicts=verdicts), path)
            self.run.reporter.line(f"figures of merit in {path}")


def _one_of(training: TrainingConfig, at_once: int) -> TrainingConfig:
    """A training that leaves cores to the others that run at the same time."""
    if training.workers is not None:
        return training
    share = max(available_cores() // at_once - 1, 0)
    return replace(training, workers=min(training.view_workers, share))


def _represent(config: RunConfig, model: Path, training: TrainingConfig) -> None:
    """In a process of its own."""
    Run(config).represent(model, training)


def _tables(folders: Iterable[Path]) -> tuple[Path, ...]:
    return tuple(folder / "scores.parquet" for folder in folders)


def _write_scores(table: pa.Table, folder: Path) -> None:
    write_table(table, folder / "scores.parquet", read_metadata(table))


def _has_scores(folder: Path, names: Iterable[str]) -> bool:
    """Whether the scores of these names are there; variants may be given more of them later."""
    path = folder / "scores.parquet"
    return not (wanted := set(names)) or (path.exists() and wanted <= set(column_names(path)))


def _joined(table: pa.Table, other: pa.Table) -> pa.Table:
    """The table with the scores of another one of the same jets, and what they are called."""
    assert table["id"].equals(other["id"])  # the same split of the same files
    for name in score_columns(other.schema):
        table = table.append_column(name, other[name])
    own, others = read_metadata(table), read_metadata(other)
    own["titles"] = own.get("titles", {}) | others.get("titles", {})
    own["baselines"] = [*own.get("baselines", []), *others.get("baselines", [])]
    return table.replace_schema_metadata({METADATA_KEY: encode_metadata(own)})


def _minutes(directories: list[Path], name: str) -> float | None:
    """Mean wall-clock, if that of all is known."""
    seconds = [read_timings(directory).get(name) for directory in directories]
    known = [s for s in seconds if s is not None]
    return float(np.mean(known)) / 60 if len(known) == len(seconds) else None


def _n_elements(model: Path) -> int:
    """Numbers in the weights of a network."""
    return sum(values.size for values in load_file(model / "model.safetensors").values())
