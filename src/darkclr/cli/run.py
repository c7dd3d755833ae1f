"""``darkclr run``: all stations, from collisions to a report, resumed where they stopped."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml
from numpy.typing import NDArray

from darkclr.augmentations import Augmentations
from darkclr.cli import console, stations
from darkclr.contrastive.encoder import EncoderConfig
from darkclr.contrastive.losses import LossConfig
from darkclr.contrastive.training import TrainingConfig
from darkclr.errors import ConfigError
from darkclr.evaluation import EvaluationConfig
from darkclr.io import atomic_path
from darkclr.jets import BACKGROUND, Jets, Split
from darkclr.simulation.sample import SampleConfig

__all__ = ["run"]


def run(
    samples: dict[str, SampleConfig] | None = None,
    output: Path = Path("runs/mine"),
    split: Split = Split(),
    encoder: EncoderConfig = EncoderConfig(),
    augmentations: Augmentations = Augmentations(),
    loss: LossConfig = LossConfig(),
    training: TrainingConfig = TrainingConfig(),
    scores: dict[str, dict[str, Any]] | None = None,
    evaluation: EvaluationConfig = EvaluationConfig(),
    supervised: str | None = None,
    workers: int | None = None,
    dry_run: bool = False,
) -> None:
    """From collisions to a ROC curve: all stations in order.

    Every station leaves its files in the output directory. Stop with Ctrl-C; the same command
    goes on where it was. A directory that holds a run with another configuration is refused.

    Example: darkclr run --config configs/quick.yaml

    Args:
        samples: what to simulate, by name: one background process and any number of signals.
        output: directory of the run.
        split: shares of the background's events for training, validation and test.
        encoder: architecture.
        augmentations: what makes the views.
        loss: contrastive loss: AnomCLR+ of the paper, full AnomCLR, or NT-Xent (JetCLR).
        training: optimiser and schedule.
        scores: parameters of each anomaly score, by name; the yardsticks are always added.
        evaluation: what to measure.
        supervised: name of a signal sample on which the supervised classifier is trained as the
            ceiling; its training part is then left out of the table for all scores.
        workers: processes of the simulation; by default one a core.
        dry_run: only say what would be done.
    """
    samples = samples or {
        "qcd": SampleConfig(process="qcd", n_jets=15000),
        "aachen": SampleConfig(process="aachen", n_jets=3000),
    }
    plan = _Run(
        output=output,
        samples=samples,
        split=split,
        encoder=encoder,
        augmentations=augmentations,
        loss=loss,
        training=training,
        scores=_with_yardsticks(scores),
        evaluation=evaluation,
        supervised=supervised,
        workers=workers,
    )
    plan.describe()
    if not dry_run:
        plan.execute()


@dataclass
class _Run:
    """A resolved run."""

    output: Path
    samples: dict[str, SampleConfig]
    split: Split
    encoder: EncoderConfig
    augmentations: Augmentations
    loss: LossConfig
    training: TrainingConfig
    scores: dict[str, dict[str, Any]]
    evaluation: EvaluationConfig
    supervised: str | None
    workers: int | None
    timings: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        names = [n for n, s in self.samples.items() if s.resolve().label == BACKGROUND]
        if len(names) != 1 or len(self.samples) < 2:
            raise ConfigError(
                f"{len(names)} background and {len(self.samples) - len(names)} signal samples",
                where="samples",
                mend="name one background process and at least one signal",
            )
        self.background = names[0]
        if self.supervised is not None and self.supervised not in self.signals:
            raise ConfigError(
                f"{self.supervised!r} is no signal sample",
                where="supervised",
                mend=f"choose of {', '.join(self.signals)}",
            )
        from darkclr.anomaly.registry import create_detector

        for name, parameters in self.scores.items():
            create_detector(name, parameters)

    @property
    def signals(self) -> list[str]:
        """Names of the signal samples."""
        return [name for name in self.samples if name != self.background]

    def config(self) -> dict[str, Any]:
        """Everything that determines the results, as plain data."""
        return {
            "samples": {name: asdict(sample) for name, sample in self.samples.items()},
            "split": asdict(self.split),
            "encoder": asdict(self.encoder),
            "augmentations": self.augmentations.to_dict(),
            "loss": asdict(self.loss),
            "training": asdict(self.training) | {"betas": list(self.training.betas)},
            "scores": self.scores,
            "evaluation": asdict(self.evaluation)
            | {"signal_efficiencies": list(self.evaluation.signal_efficiencies)},
            "supervised": self.supervised,
        }

    def describe(self) -> None:
        """Say what is to be done, with the arithmetic."""
        n_train = round(self.samples[self.background].n_jets * self.split.train)
        steps = n_train // self.training.batch_size * self.training.epochs
        drawn = ", ".join(f"{s.n_jets} {name}" for name, s in self.samples.items())
        console.line(f"samples   {drawn} jets")
        console.line(
            f"training  about {n_train} {self.background} jets x {self.training.epochs} epochs / "
            f"{self.training.batch_size} = {steps} steps"
        )
        console.line(f"scores    {', '.join(self.scores)}")
        console.line(f"output    {self.output}")

    def execute(self) -> None:
        """All stations; what is there already is not done again."""
        self._claim_directory()
        for name, sample in self.samples.items():
            with self._timed("generate"):
                stations.generate(self._file("samples", name), sample, self.workers)
        with self._timed("train"):
            stations.train(
                self._file("samples", self.background),
                self.output,
                self.split,
                self.encoder,
                self.augmentations,
                self.loss,
                self.training,
            )
        for name in self.samples:
            target = self._file("representations", name)
            if not target.exists():
                with self._timed("encode"):
                    stations.encode(
                        self._file("samples", name),
                        self.output,
                        target,
                        dropped=name == self.background,
                        augmentations=self.augmentations,
                    )
        with self._timed("fit"):
            stations.fit(
                self._file("representations", self.background),
                self.output,
                self.scores,
                jets=self._file("samples", self.background),
                split=self.split,
            )
        with self._timed("score"):
            self._score()
        with self._timed("evaluate"):
            stations.evaluate(
                [self.output / "scores.parquet"], self.output / "metrics.json", self.evaluation
            )
        with self._timed("report"):
            stations.report(self.output, self.augmentations)
        parts = "  ".join(f"{name} {s / 60:.1f}" for name, s in self.timings.items())
        console.line(f"minutes: {parts}  in all {sum(self.timings.values()) / 60:.1f}")

    def _score(self) -> None:
        """One table of the background's test part and of the signals."""
        from darkclr.anomaly.scoring import load_scores, needs_jets, score_table
        from darkclr.contrastive.representations import Representations
        from darkclr.io import read_jets
        from darkclr.io.parquet import write_table

        signal_part = "all" if self.supervised is None else "test"
        rows = {
            name: Representations.from_parquet(self._file("representations", name)).part(
                "test" if name == self.background else signal_part, self.split
            )
            for name in self.samples
        }
        fitted = load_scores(self.output / "scores")
        supervised = None if self.supervised is None else self._classify(self.supervised)
        jets = None
        if needs_jets(fitted):
            jets = {name: read_jets(self._file("samples", name)) for name in self.samples}
        table = score_table(rows, fitted, supervised, jets)
        write_table(table, self.output / "scores.parquet", {"kind": "scores"})

    def _classify(self, signal: str) -> dict[str, NDArray]:
        """Logits of the classifier for the rows of the table, by sample."""
        from darkclr.io import read_jets
        from darkclr.supervised.classifier import train_classifier

        jets = {name: read_jets(self._file("samples", name)) for name in self.samples}
        train, validation = (
            Jets.concatenate(
                [jets[name].part(half, self.split) for name in (self.background, signal)]
            )
            for half in ("train", "validation")
        )
        steps = len(train) // self.training.batch_size * self.training.epochs
        with console.bar("train supervised", steps * self.training.batch_size) as advance:
            classifier = train_classifier(
                train,
                self.output / "supervised",
                validation=validation,
                encoder=self.encoder,
                training=replace(self.training, keep="best"),
                progress=lambda n, terms: advance(n, f"loss {terms['loss']:.2f}"),
            )
        return {
            name: classifier.score(jets[name].part("test", self.split)) for name in self.samples
        }

    def _file(self, station: str, name: str) -> Path:
        return self.output / station / f"{name}.parquet"

    def _claim_directory(self) -> None:
        path = self.output / "config.yaml"
        config = self.config()
        if path.exists():
            earlier = yaml.safe_load(path.read_text())
            differing = [key for key in config if earlier.get(key) != config[key]]
            if differing:
                raise ConfigError(
                    f"holds a run with another configuration ({', '.join(differing)})",
                    where=self.output,
                    mend="choose another --output or delete it",
                )
        with atomic_path(path) as temporary:
            temporary.write_text(yaml.safe_dump(config, sort_keys=False))
        timings = self.output / "timings.json"
        self.timings = json.loads(timings.read_text()) if timings.exists() else {}

    @contextmanager
    def _timed(self, station: str) -> Iterator[None]:
        """Add the wall-clock of a station, over all attempts, to ``timings.json``."""
        start = time.monotonic()
        try:
            yield
        finally:
            elapsed = time.monotonic() - start
            self.timings[station] = self.timings.get(station, 0.0) + elapsed
            with atomic_path(self.output / "timings.json") as temporary:
                temporary.write_text(json.dumps(self.timings, indent=2))


def _with_yardsticks(scores: dict[str, dict[str, Any]] | None) -> dict[str, dict[str, Any]]:
    from darkclr.anomaly.registry import default_scores

    if scores is None:
        return {name: {} for name in default_scores()}
    return scores | {name: {} for name in ("few_constituents", "jet_pt") if name not in scores}
