"""What a run and an ensemble of runs are: every option, declared once."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

from darkclr.augmentations import Augmentations
from darkclr.contamination import CONTAMINATION, Contamination
from darkclr.contrastive.config import EncoderConfig, LossConfig, TrainingConfig
from darkclr.errors import ConfigError
from darkclr.evaluation.config import EvaluationConfig
from darkclr.jets import BACKGROUND, SIGNAL
from darkclr.names import check_file_names, did_you_mean
from darkclr.parameters import AtLeast, Between, check_parameters, recorded
from darkclr.split import Split
from darkclr.studies.sample_config import Look, Sample

__all__ = ["YARDSTICKS", "EnsembleConfig", "RunConfig", "default_samples"]

#: Scores that are always there; they need no training.
YARDSTICKS = ("few_constituents", "jet_pt")


def default_samples() -> dict[str, Sample]:
    """What is simulated where nothing is named."""
    return {
        "qcd": Sample(process="qcd", n_jets=15000),
        "aachen": Sample(process="aachen", n_jets=3000),
    }


@dataclass(frozen=True)
class RunConfig:
    """All that determines a run, from collisions to figures of merit.

    Raises:
        ConfigError: there is not one background and at least one signal, a sample's name cannot be
            that of a file, or a part of the background is too small to work with.
    """

    samples: dict[str, Sample] = field(default_factory=default_samples)
    """Samples by name, to simulate or to read from files: one of background and any number of
    signals. Of files that are given no label the first are background, unless another sample is,
    and the others signal. Background from files may stand alone: its most anomalous jets are listed
    then."""
    output: Path = Path("runs/mine")
    """Directory of the run."""
    split: Split = Split()
    """Shares of the background's events for training, validation and test."""
    contamination: Contamination = CONTAMINATION
    """Share of the background's training jets that signal takes the place of, for the study of just
    that: jets of the training parts of all signal samples, which are not tested on then. With 0
    none are mixed in, but the same jets are tested."""
    encoder: EncoderConfig = EncoderConfig()
    """Architecture of the encoder."""
    augmentations: Augmentations = Augmentations()
    """Augmentations that make the views of a jet."""
    copies: Augmentations | None = None
    """Augmentations that make the anomalous copies of background jets on which scores are fitted;
    those of the training if not given."""
    loss: LossConfig = LossConfig()
    """Contrastive loss, which is AnomCLR+ of the paper, full AnomCLR, or NT-Xent (JetCLR)."""
    training: TrainingConfig = TrainingConfig()
    """Optimiser and schedule of the training."""
    scores: dict[str, dict[str, Any]] | None = None
    """Parameters of each anomaly score, by name; the default scores if none is named. The
    yardsticks are always added."""
    evaluation: EvaluationConfig = EvaluationConfig()
    """Figures of merit to measure."""
    supervised: str | list[str] | None = None
    """Name of a signal sample on which a supervised classifier is trained, as the ceiling, or names
    of several, each with a classifier of its own; the training part of these samples is then left
    out of the table for all scores."""
    classifier: TrainingConfig | None = None
    """Optimiser and schedule of the supervised classifiers; those of the encoder if not given."""
    workers: Annotated[int | None, AtLeast(1)] = None
    """Number of processes of the simulation; one a core if not given."""

    def __post_init__(self) -> None:
        check_parameters(self, "run")
        if self.samples is None:  # null in a configuration
            raise ConfigError("there are none", where="samples", fix="leave it out, or name some")
        check_file_names(self.samples, "samples")
        samples = {name: Sample.of(sample) for name, sample in self.samples.items()}
        object.__setattr__(self, "samples", samples)
        names = [name for name, label in self.labels.items() if label == BACKGROUND]
        if len(names) != 1 or (len(self.samples) < 2 and not samples[names[0]].sources):
            raise ConfigError(
                f"{len(names)} background and {len(self.samples) - len(names)} signal samples",
                where="samples",
                fix="name one background process and at least one signal, or give files a label",
            )
        if unknown := [name for name in self.taught if name not in self.signals]:
            raise ConfigError(
                f"{', '.join(map(repr, unknown))} is no signal sample",
                where="supervised",
                fix=did_you_mean(unknown[0], self.signals),
            )
        background = self.samples[self.background]
        if "keep" in (background.negative_weights, background.options.negative_weights):
            raise ConfigError(
                "negative weights cannot stay in the background, on which densities are fitted",
                where=f"samples.{self.background}",
                fix="give negative_weights: absolute",
            )
        if self.contamination and not self.signals:
            raise ConfigError(
                "there is no sample of signal",
                where="contamination",
                fix="name one, or leave it out",
            )
        if not background.sources:
            self.check_sizes(background.n_jets)

    def check_sizes(self, n_jets: int) -> None:
        """Refuse so many jets of background, of which a part is too small.

        Raises:
            ConfigError: it is.
        """
        smallest = {"train": self.training.batch_size, "validation": 2, "test": 1}
        for part, least in smallest.items():
            if (n := round(n_jets * getattr(self.split, part))) < least:
                raise ConfigError(
                    f"about {n} of {n_jets} {self.background} jets, at least {least} are needed",
                    where=f"split.{part}",
                    fix=(
                        "name more files"
                        if self.samples[self.background].sources
                        else "generate more jets"
                    )
                    + (" or lower training.batch_size" if part == "train" else ""),
                )

    @property
    def labels(self) -> dict[str, int]:
        """Labels of the samples: 0 is background, 1 is signal."""
        labels = {
            name: sample.label if sample.sources else sample.resolve().label
            for name, sample in self.samples.items()
        }
        for name, label in labels.items():
            if label is None:
                labels[name] = SIGNAL if BACKGROUND in labels.values() else BACKGROUND
        return {name: int(label or 0) for name, label in labels.items()}

    @cached_property
    def looks(self) -> dict[str, Look]:
        """What is in the samples, as far as that is known before they are simulated and read.

        Raises:
            ConfigError: jets are given as events, are in two samples, or are too few for the
                training.
            InputError: files that are missing or no jets.
        """
        from darkclr.studies.samples import look_at, refuse_shared  # help comes without PyArrow

        labels = self.labels
        looks = {name: look_at(name, s, labels[name]) for name, s in self.samples.items()}
        refuse_shared(self.samples, looks)
        n_signal = sum(look.n_jets for name, look in looks.items() if name != self.background)
        wanted = (self.contamination or 0) * looks[self.background].n_jets
        if wanted > n_signal and all(look.is_exact for look in looks.values()):
            raise ConfigError(
                f"a share of {self.contamination:g} takes more than {n_signal} jets of signal",
                where="contamination",
                fix="give a smaller share, or more signal",
            )
        if self.samples[self.background].sources and looks[self.background].is_exact:
            self.check_sizes(looks[self.background].n_jets)
        return looks

    @property
    def n_training_jets(self) -> int:
        """How many background jets the encoder is trained on, as the split has it."""
        return round(self.looks[self.background].n_jets * self.split.train)

    @property
    def background(self) -> str:
        """Name of the background sample."""
        return next(name for name, label in self.labels.items() if label == BACKGROUND)

    @property
    def signals(self) -> list[str]:
        """Names of the signal samples."""
        return [name for name in self.samples if name != self.background]

    @property
    def taught(self) -> dict[str, str]:
        """Signal samples that a classifier is trained on, with the columns of the classifiers."""
        names = [self.supervised] if isinstance(self.supervised, str) else self.supervised or []
        return {name: "supervised" if len(names) == 1 else f"supervised_{name}" for name in names}

    @property
    def all_scores(self) -> dict[str, dict[str, Any]]:
        """Parameters of the scores that are named, or of the default ones, and the yardsticks."""
        from darkclr.anomaly.catalogue import default_scores

        if self.scores is None:
            return {name: {} for name in default_scores()}
        return self.scores | {name: {} for name in YARDSTICKS if name not in self.scores}

    def to_dict(self) -> dict[str, Any]:
        """Everything that determines the results, as plain data."""
        return {
            "samples": {name: sample.to_dict() for name, sample in self.samples.items()},
            "split": asdict(self.split),
            "contamination": self.contamination,
            "encoder": recorded(self.encoder),
            "augmentations": self.augmentations.to_dict(),
            "copies": None if self.copies is None else self.copies.to_dict(),
            "loss": recorded(self.loss),
            "training": recorded(self.training),
            "scores": self.all_scores,
            "evaluation": asdict(self.evaluation)
            | {"signal_efficiencies": list(self.evaluation.signal_efficiencies)},
            "supervised": self.supervised,
            "classifier": None if self.classifier is None else recorded(self.classifier),
        }


@dataclass(frozen=True)
class EnsembleConfig(RunConfig):
    """All that determines an ensemble: encoders of one configuration, densities on each of them.

    Encoder E is trained with the seed ``training.seed`` + E - 1, the classifiers of ``supervised``
    beside it with theirs + E - 1; densities have the seeds 1, 2, ...

    Raises:
        ConfigError: as of :class:`RunConfig`, or the evaluation already has another mixture.
    """

    output: Path = Path("runs/table")
    """Directory of the ensemble."""
    encoders: Annotated[int, AtLeast(1)] = 3
    """Number of encoders to train."""
    densities: Annotated[int, AtLeast(1)] = 3
    """Number of times that each score is fitted on each encoder."""
    encoders_at_once: Annotated[int, AtLeast(1)] = 1
    """Number of encoders that are trained at the same time, each in a process of its own on one
    thread; on several cores that is faster than one after the other on all of them."""
    gluon_share: Annotated[float | None, Between(0, 1, low_included=True, high_included=True)] = (
        0.45
    )
    """Share of gluon jets among the background in the second half of the table, which needs
    simulated partons; null leaves that half out, as does background from files."""
    variants: dict[str, Path] = field(default_factory=dict)
    """Files of other representations, by name."""
    variant_scores: list[str] | None = None
    """Names of the scores that are fitted on variants; all that read representations if not
    given."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_file_names(self.variants, "variants")
        if self.evaluation.gluon_share is not None:
            raise ConfigError(
                "the table has the simulated mixture and another one",
                where="evaluation.gluon_share",
                fix="give --gluon_share",
            )
