"""What whole runs share: a checked configuration, the directory it claims, the steps."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from numpy.typing import NDArray

from darkclr.augmentations import Augmentations
from darkclr.cli import console, steps
from darkclr.contrastive.config import EncoderConfig, LossConfig, TrainingConfig, check_views
from darkclr.errors import ConfigError
from darkclr.evaluation import EvaluationConfig
from darkclr.io import atomic_path
from darkclr.io.representations import read_representations
from darkclr.io.timings import timed
from darkclr.jets import BACKGROUND, Jets
from darkclr.parameters import check_ranges, recorded
from darkclr.simulation.sample import SampleConfig
from darkclr.split import Split

if TYPE_CHECKING:
    import pyarrow as pa

    from darkclr.representations import Representations

__all__ = ["YARDSTICKS", "Plan", "check_names", "default_samples", "with_yardsticks"]

#: Scores that are always there; they need no training.
YARDSTICKS = ("few_constituents", "jet_pt")


def default_samples() -> dict[str, SampleConfig]:
    """What is simulated where nothing is named."""
    return {
        "qcd": SampleConfig(process="qcd", n_jets=15000),
        "aachen": SampleConfig(process="aachen", n_jets=3000),
    }


def with_yardsticks(scores: dict[str, dict[str, Any]] | None) -> dict[str, dict[str, Any]]:
    """The scores of a run: those named, or the default ones, and always the yardsticks."""
    from darkclr.anomaly.catalogue import default_scores

    if scores is None:
        return {name: {} for name in default_scores()}
    return scores | {name: {} for name in YARDSTICKS if name not in scores}


def check_names(names: Iterable[str], where: str) -> None:
    """Refuse names that cannot be those of a file or folder.

    Raises:
        ConfigError: an empty name, one that begins with a dot, one with a slash or backslash.
    """
    for name in names:
        if not name or name.startswith(".") or {"/", "\\"} & set(name):
            raise ConfigError(
                f"{name!r} cannot be the name of a file",
                where=where,
                fix="take letters, digits and underscores",
            )


@dataclass
class Plan:
    """A resolved run in the directory ``output``; arguments as in `darkclr run --help`.

    Raises:
        ConfigError: not one background and at least one signal, a score that cannot be made, a
            sample whose name cannot be that of a file, too few jets, a training that this machine
            cannot do or that takes several processes, an output that is a file.
    """

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

    def __post_init__(self) -> None:
        check_names(self.samples, "samples")
        workers = self.workers is None or self.workers >= 1
        check_ranges(self, "run", {"workers": (workers, "at least 1")})
        names = [n for n, s in self.samples.items() if s.resolve().label == BACKGROUND]
        if len(names) != 1 or len(self.samples) < 2:
            raise ConfigError(
                f"{len(names)} background and {len(self.samples) - len(names)} signal samples",
                where="samples",
                fix="name one background process and at least one signal",
            )
        self.background = names[0]
        if self.supervised is not None and self.supervised not in self.signals:
            raise ConfigError(
                f"{self.supervised!r} is no signal sample",
                where="supervised",
                fix=f"choose of {', '.join(self.signals)}",
            )
        from darkclr.anomaly.catalogue import create_detector
        from darkclr.contrastive.training.loop import check_machine

        check_views(self.augmentations, self.loss)
        self._check_sizes()
        self._check_output()
        if (processes := self.training.devices * self.training.nodes) > 1:
            # Each of them would go through all steps.
            raise ConfigError(
                f"{processes} processes, and only `darkclr train` works in several",
                where="training.devices and training.nodes",
                fix="take one of each, or call the steps one by one",
            )
        check_machine(self.training)
        for name, parameters in self.scores.items():
            members = create_detector(name, parameters).get_params(deep=False).get("members", ())
            if absent := [member for member in members if member not in self.scores]:
                raise ConfigError(
                    f"its members {', '.join(absent)} are not among the scores",
                    where=f"scores.{name}",
                    fix="name them too, or other members",
                )

    def _check_sizes(self) -> None:
        """Refuse samples of which a part is too small, as far as that is known before they are."""
        n_jets = self.samples[self.background].n_jets
        smallest = {"train": self.training.batch_size, "validation": 2, "test": 1}
        for part, least in smallest.items():
            if (n := round(n_jets * getattr(self.split, part))) < least:
                raise ConfigError(
                    f"about {n} of {n_jets} {self.background} jets, at least {least} are needed",
                    where=f"split.{part}",
                    fix="generate more jets"
                    + (" or lower training.batch_size" if part == "train" else ""),
                )

    def _check_output(self) -> None:
        """Refuse a directory that cannot be one."""
        for path in (self.output, *self.output.parents):
            if path.exists():
                if not path.is_dir():
                    raise ConfigError("is a file", where=path, fix="choose another --output")
                break

    @property
    def signals(self) -> list[str]:
        """Names of the signal samples."""
        return [name for name in self.samples if name != self.background]

    def config(self) -> dict[str, Any]:
        """Everything that determines the results, as plain data."""
        return {
            "samples": {name: asdict(sample) for name, sample in self.samples.items()},
            "split": asdict(self.split),
            "encoder": recorded(self.encoder),
            "augmentations": self.augmentations.to_dict(),
            "loss": recorded(self.loss),
            "training": recorded(self.training),
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

    def claim(self) -> None:
        """Write the configuration to the output directory.

        Raises:
            ConfigError: it holds a run with another one.
        """
        path = self.output / "config.yaml"
        config = self.config()
        if path.exists():
            earlier = yaml.safe_load(path.read_text())
            # Figures of merit are cheap: what is measured may change, and is measured anew.
            kept = [key for key in config if key != "evaluation"]
            differing = [key for key in kept if _set(earlier.get(key)) != _set(config[key])]
            if differing:
                raise ConfigError(
                    f"holds a run with another configuration ({', '.join(differing)})",
                    where=self.output,
                    fix="choose another --output or delete it",
                )
        with atomic_path(path) as temporary:
            temporary.write_text(yaml.safe_dump(config, sort_keys=False))

    def sample(self, name: str) -> Path:
        """File of the jets of a sample."""
        return self.output / "samples" / f"{name}.parquet"

    def simulate(self) -> None:
        """All samples."""
        for name, sample in self.samples.items():
            with timed(self.output, "generate"):
                steps.generate(self.sample(name), sample, self.workers)

    def represent(self, model: Path, training: TrainingConfig) -> None:
        """Encoder and representations of all samples in a model directory.

        A finished training is only checked, and its time stays what it was.
        """
        from darkclr.contrastive.model_directory import is_finished

        finished = is_finished(model / "encoder")
        with nullcontext() if finished else timed(model, "train"):
            steps.train(
                self.sample(self.background),
                model,
                self.split,
                self.encoder,
                self.augmentations,
                self.loss,
                training,
            )
        for name in self.samples:
            target = self.representations(model, name)
            if not target.exists():
                with timed(model, "encode"):
                    steps.encode(
                        self.sample(name),
                        model,
                        target,
                        dropped=name == self.background,
                        augmentations=self.augmentations,
                    )

    def representations(self, model: Path, name: str) -> Path:
        """File of the representations of a sample."""
        return model / "representations" / f"{name}.parquet"

    def test_rows(self, model: Path) -> dict[str, Representations]:
        """What is scored: the background's test part; of signals too if labels were learned."""

        signal_part = "all" if self.supervised is None else "test"
        return {
            name: read_representations(self.representations(model, name)).part(
                "test" if name == self.background else signal_part, self.split
            )
            for name in self.samples
        }

    def score(
        self,
        directory: Path,
        rows: dict[str, Representations],
        supervised: dict[str, NDArray] | None = None,
    ) -> pa.Table:
        """One table of the rows with all scores that were fitted in ``directory/scores``."""
        from darkclr.anomaly.scoring import load_scores, needs_jets, score_table
        from darkclr.io import read_jets

        fitted = load_scores(directory / "scores")
        jets = None
        if needs_jets(fitted):
            jets = {name: read_jets(self.sample(name)) for name in self.samples}
        return score_table(rows, fitted, supervised, jets)

    def classify(self, directory: Path, training: TrainingConfig) -> dict[str, NDArray] | None:
        """Logits of the supervised classifier, if asked for, for the rows that are scored."""
        if self.supervised is None:
            return None
        from darkclr.contrastive.model_directory import is_finished
        from darkclr.io import read_jets
        from darkclr.supervised.classifier import train_classifier

        jets = {name: read_jets(self.sample(name)) for name in self.samples}
        train, validation = (
            Jets.concatenate(
                [jets[name].part(half, self.split) for name in (self.background, self.supervised)]
            )
            for half in ("train", "validation")
        )
        steps = len(train) // training.batch_size * training.epochs
        finished = is_finished(directory)
        with (
            nullcontext() if finished else timed(directory, "train"),
            console.bar("train supervised", steps * training.batch_size) as advance,
        ):
            classifier = train_classifier(
                train,
                directory,
                validation=validation,
                encoder=self.encoder,
                training=replace(training, keep="best"),
                progress=lambda n, terms: advance(n, f"loss {terms['loss']:.2f}"),
            )
        return {
            name: classifier.score(jets[name].part("test", self.split)) for name in self.samples
        }


def _set(value: Any) -> Any:
    """The options that are not null: one that an earlier version did not have is."""
    if isinstance(value, dict):
        return {key: _set(option) for key, option in value.items() if option is not None}
    return value
