"""A run: all steps in order, from collisions to a report, resumed where they stopped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from darkclr.anomaly.definition import define_score
from darkclr.anomaly.fitted import FittedScore
from darkclr.anomaly.fitting import fit_scores
from darkclr.anomaly.scoring import calibrate, load_scores, needs_jets, score_table
from darkclr.contamination import contaminated
from darkclr.contrastive.config import TrainingConfig, check_views
from darkclr.contrastive.files import encode_file, train_file
from darkclr.contrastive.model_directory import is_finished
from darkclr.contrastive.training.loop import check_machine
from darkclr.devices import torch_device
from darkclr.errors import ConfigError
from darkclr.evaluation import evaluate, show_summary, write_metrics
from darkclr.evaluation.search import search, show_search
from darkclr.io import read_jets
from darkclr.io.parquet import read_metadata, write_table
from darkclr.io.representations import read_representations
from darkclr.io.tensors import WEIGHTS
from darkclr.io.timings import read_timings, timed
from darkclr.jets import SIGNAL, Jets
from darkclr.reporter import Reporter, Silent
from darkclr.representations import Representations
from darkclr.simulation.sample import generate
from darkclr.studies.claim import check_directory, claim
from darkclr.studies.config import RunConfig
from darkclr.studies.duration import (
    Job,
    encoder_jobs,
    fit_job,
    score_job,
    show_jobs,
    show_steps,
    simulation_jobs,
)
from darkclr.studies.samples import FILE, FILE_EVENT, take_in
from darkclr.studies.verdicts import read_verdicts
from darkclr.worker_pool import available_cores

__all__ = ["Run", "run"]


def run(config: RunConfig, reporter: Reporter = Silent()) -> None:
    """From collisions, or from files of jets, to a report: all steps in order.

    Every step leaves its files in the directory ``config.output``; what is there already is not
    done again.

    Args:
        config: all that determines the run.
        reporter: hears of the progress and of the results.

    Raises:
        ConfigError: as of :class:`Run`, or the directory holds a run with another configuration.
        DarkclrError: as of the steps.
    """
    Run(config, reporter).execute()


@dataclass
class _Read:
    """What has been read: jets by sample, and representations by sample of one model directory."""

    jets: dict[str, Jets] = field(default_factory=dict)
    rows: dict[str, Representations] = field(default_factory=dict)
    model: Path | None = None


@dataclass
class Run:
    """The steps of a run in its directory. Jets are read once and kept.

    Args:
        config: all that determines the run.
        reporter: hears of the progress and of the results.

    Raises:
        ConfigError: a score that cannot be made, a training that this machine cannot do or that
            takes several processes, an output that is a file.
    """

    config: RunConfig
    reporter: Reporter = field(default_factory=Silent)
    _read: _Read = field(default_factory=_Read, repr=False)

    def __post_init__(self) -> None:
        config = self.config
        check_views(config.augmentations, config.loss)
        check_directory(config.output)
        if (processes := config.training.devices * config.training.nodes) > 1:
            # Each of them would go through all steps.
            raise ConfigError(
                f"{processes} processes, and only `darkclr train` works in several",
                where="training.devices and training.nodes",
                fix="take one of each, or call the steps one by one",
            )
        check_machine(config.training)
        for name, parameters in config.all_scores.items():
            members = define_score(name, parameters).members
            if absent := [member for member in members if member not in config.all_scores]:
                raise ConfigError(
                    f"its members {', '.join(absent)} are not among the scores",
                    where=f"scores.{name}",
                    fix="name them too, or other members",
                )

    @property
    def output(self) -> Path:
        """Directory of the run."""
        return self.config.output

    def on_same_jets(self, config: RunConfig) -> Run:
        """The steps of another configuration in this directory, with the jets that are read."""
        return Run(config, self.reporter, self._read)

    def execute(self) -> None:
        """All steps; what is there already is not done again."""
        from darkclr.report import report  # an extra, which the other steps do not need

        config, output = self.config, self.output
        self.measure()
        with timed(output, "report"):
            page = report(output, config.augmentations, self._read.jets.get(config.background))
        self.reporter.line(f"report: {page}")
        timings = read_timings(output)
        parts = "  ".join(f"{name} {s / 60:.1f}" for name, s in timings.items())
        self.reporter.line(f"minutes: {parts}  in all {sum(timings.values()) / 60:.1f}")

    def measure(self) -> None:
        """All steps up to the figures of merit."""
        config, output = self.config, self.output
        claim(config)
        self.simulate()
        self.represent(output, config.training)
        with timed(output, "fit"):
            self.fit(output, output, config.all_scores)
        with timed(output, "score"):
            supervised = self.classify(output)
            table = self.score(output, output, supervised)
            write_table(table, output / "scores.parquet", read_metadata(table))
        with timed(output, "evaluate"):
            self.evaluate(table)

    def evaluate(self, table: pa.Table) -> None:
        """Figures of merit; or, without any signal, the most anomalous jets."""
        config, output = self.config, self.output
        if not config.signals:
            found = search(table, config.evaluation.background_efficiencies)
            found.write(output)
            show_search(found, self.reporter)
            self.reporter.line(f"most anomalous jets in {output / 'anomalous_jets.csv'}")
            return
        metrics = evaluate(output / "scores.parquet", config.evaluation)
        metrics = replace(metrics, verdicts=read_verdicts(output / "encoder", output / "scores"))
        write_metrics(metrics, output / "metrics.json")
        show_summary(metrics, self.reporter)
        self.reporter.line(f"figures of merit in {output / 'metrics.json'}")

    def describe(self) -> None:
        """Say what is to be done, with the arithmetic, and how long that takes."""
        show_steps(self.config, self.reporter)
        cores = available_cores()
        show_jobs(self.jobs(cores), cores, self.reporter)

    def jobs(self, cores: int) -> list[Job]:
        """What takes time on so many cores."""
        config, output = self.config, self.output
        train, encode, *taught = encoder_jobs(config, cores)
        return [
            *self.simulation_jobs(cores),
            replace(train, results=(output / "encoder" / WEIGHTS,)),
            replace(encode, results=(self.last_representations(output),)),
            *(
                replace(job, results=tuple(output / c / WEIGHTS for c in config.taught.values()))
                for job in taught
            ),
            replace(fit_job(config.all_scores, config), results=(output / "scores.parquet",)),
            replace(score_job(config.all_scores, config), results=(output / "metrics.json",)),
        ]

    def simulation_jobs(self, cores: int) -> list[Job]:
        """The samples."""
        jobs = zip(simulation_jobs(self.config, cores), self.config.samples, strict=True)
        return [replace(job, results=(self.sample(name),)) for job, name in jobs]

    def last_representations(self, model: Path) -> Path:
        """The file in a model directory that is there when all samples are encoded."""
        return _representations(model, list(self.config.samples)[-1])

    def sample(self, name: str) -> Path:
        """File of the jets of a sample."""
        return self.output / "samples" / f"{name}.parquet"

    def jets(self, name: str) -> Jets:
        """The jets of a sample, the background's with the signal that is mixed in; read once."""
        if name not in self._read.jets:
            jets, config = read_jets(self.sample(name), kinds=True), self.config
            if name == config.background and config.contamination:
                signal = [self.jets(n).part("train", config.split) for n in config.signals]
                share = config.contamination
                jets = contaminated(jets, Jets.concatenate(signal), share, config.split)
            self._read.jets[name] = jets
        return self._read.jets[name]

    def simulate(self) -> None:
        """All samples; those of files are taken into the directory."""
        for name, sample in self.config.samples.items():
            if sample.sources:
                with timed(self.output, "read"):
                    label = self.config.labels[name]
                    take_in(name, sample, label, self.sample(name), self.reporter)
                self.reporter.line(f"{name} in {self.sample(name)}")
                continue
            path, total = self.sample(name), sample.n_jets if sample.events is None else None
            told = Silent() if path.exists() else self.reporter
            with (
                timed(self.output, "generate"),
                told.bar(f"generate {sample.process}", total) as advance,
            ):
                generate(sample, path, workers=self.config.workers, progress=advance)
            self.reporter.line(f"{name} in {path}")

    def represent(self, model: Path, training: TrainingConfig) -> None:
        """Encoder and representations of all samples in a model directory.

        A finished training is only checked, and its time stays what it was.
        """
        config, directory = self.config, model / "encoder"
        copies = config.augmentations if config.copies is None else config.copies
        with nullcontext() if is_finished(directory) else timed(model, "train"):
            encoder = train_file(
                self.jets(config.background),
                directory,
                split=config.split,
                encoder=config.encoder,
                augmentations=config.augmentations,
                loss=config.loss,
                training=training,
                reporter=self.reporter,
            )
        self.reporter.line(f"encoder in {directory}")
        for name in config.samples:
            target = _representations(model, name)
            if not target.exists():
                jets, altered = self.jets(name), copies if name == config.background else None
                total = len(jets) * (1 if altered is None else 1 + len(altered.families))
                with timed(model, "encode"), self.reporter.bar(f"encode {name}", total) as advance:
                    n_jets = encode_file(
                        encoder,
                        jets,
                        target,
                        dropped=altered,
                        device=torch_device(config.training.device),
                        progress=advance,
                    )
                self.reporter.line(f"{n_jets} jets in {target}")

    def representations(self, model: Path) -> dict[str, Representations]:
        """Representations of all samples in a model directory; those of one are kept."""
        if self._read.model != model:
            self._read.rows = {}  # whose memory is needed
            self._read.rows = {
                name: read_representations(_representations(model, name))
                for name in self.config.samples
            }
            self._read.model = model
        return self._read.rows

    def fit(
        self, directory: Path, model: Path, scores: Mapping[str, Mapping[str, Any]], seed: int = 0
    ) -> None:
        """Fit scores into ``directory/scores`` on the representations in a model directory."""
        background = self.config.background
        fit_scores(
            scores,
            self.representations(model)[background],
            directory / "scores",
            split=self.config.split,
            jets=partial(self.jets, background),
            seed=seed,
            reporter=self.reporter,
        )
        self.reporter.line(f"scores in {directory / 'scores'}")

    def score(
        self,
        directory: Path,
        model: Path,
        supervised: Mapping[str, Mapping[str, NDArray]] | None = None,
    ) -> pa.Table:
        """One table of the test jets with all scores that were fitted in ``directory/scores``.

        They are the background's test part and all signals, of those that a classifier was
        trained on only the test part. Without signal they are all jets, with columns that say
        their part and where they are.
        """
        config = self.config
        # Whoever names a score trusts its class.
        plugins = [str(options.get("score", n)) for n, options in config.all_scores.items()]
        fitted = load_scores(directory / "scores", plugins=plugins)
        rows = {
            name: of_sample.part(self._tested(name), config.split)
            for name, of_sample in self.representations(model).items()
        }
        jets = {name: self.jets(name) for name in rows} if needs_jets(fitted) else None
        table = score_table(rows, fitted, supervised, jets)
        self._calibrate(table, fitted, directory / "scores")
        return table if config.signals else self._located(table)

    def _calibrate(self, table: pa.Table, fitted: Sequence[FittedScore], directory: Path) -> None:
        """Working points on the test part of the background, which no fit has seen."""
        config, background = self.config, self.config.background
        own = table.filter((pc.field("sample") == background) & (pc.field("label") != SIGNAL))
        own = own.filter(pa.array(config.split.part(own["event"].to_numpy(), "test")))
        if not len(own):
            self.reporter.line("no working points: there is no test part of the background")
            return
        calibrate(
            own,
            fitted,
            directory,
            background_efficiencies=config.evaluation.cuts_at,
            minimum_jets=config.evaluation.minimum_jets,
            background={"files": [str(self.sample(background))], "part": "test"},
        )

    def _located(self, table: pa.Table) -> pa.Table:
        """The table of all background jets with the columns part, file and file_event."""
        jets, split = self.jets(self.config.background), self.config.split
        parts = np.empty(len(table), dtype="<U10")
        for part in ("train", "validation", "test"):
            parts[split.part(table["event"].to_numpy(), part)] = part
        files = [file["name"] for file in jets.provenance["files"]]
        # Representations are in the order of their jets.
        columns = {
            "part": parts.tolist(),
            FILE: [files[i] for i in jets.truth[FILE]],
            FILE_EVENT: jets.truth[FILE_EVENT],
        }
        for name, values in columns.items():
            table = table.append_column(name, pa.array(values))
        return table

    def _tested(self, name: str) -> str:
        """The part of a sample that is scored."""
        if not self.config.signals:
            return "all"
        config = self.config
        mixed_in = config.contamination is not None
        learned_from = mixed_in or name == config.background or name in config.taught
        return "test" if learned_from else "all"

    def classify(
        self, output: Path, later: int = 0, suffix: str = ""
    ) -> dict[str, dict[str, NDArray]]:
        """Logits of the supervised classifiers for the jets that are scored.

        Args:
            output: where their directories are, ``COLUMN`` with the suffix.
            later: added to the seed of their training.
            suffix: of the directories.

        Returns:
            By column and sample; nothing if no classifier was asked for.
        """
        training = self.config.classifier or replace(self.config.training, keep="best")
        training = replace(training, seed=training.seed + later)
        return {
            column: self._classify(signal, output / f"{column}{suffix}", training)
            for signal, column in self.config.taught.items()
        }

    def _classify(
        self, signal: str, directory: Path, training: TrainingConfig
    ) -> dict[str, NDArray]:
        """Logits of a classifier of one signal by sample."""
        from darkclr.supervised.classifier import train_classifier

        config = self.config
        train, validation = (
            Jets.concatenate(
                [self.jets(n).part(half, config.split) for n in (config.background, signal)]
            )
            for half in ("train", "validation")
        )
        steps = len(train) // training.batch_size * training.epochs
        finished = is_finished(directory)
        told = Silent() if finished else self.reporter
        with (
            nullcontext() if finished else timed(directory, "train"),
            told.bar(f"train on {signal}", steps * training.batch_size) as advance,
        ):
            classifier = train_classifier(
                train,
                directory,
                validation=validation,
                encoder=config.encoder,
                training=training,
                progress=lambda n, terms: advance(n, f"loss {terms['loss']:.2f}"),
            ).to(torch_device(training.device))
        return {
            name: classifier.score(self.jets(name).part(self._tested(name), config.split))
            for name in config.samples
        }


def _representations(model: Path, name: str) -> Path:
    """File of the representations of a sample."""
    return model / "representations" / f"{name}.parquet"
