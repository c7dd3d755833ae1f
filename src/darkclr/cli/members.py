"""The members of an ensemble: their files and what is still to be done."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from darkclr.cli import console, steps
from darkclr.cli.plan import Plan
from darkclr.contrastive.config import TrainingConfig
from darkclr.errors import ConfigError
from darkclr.evaluation import (
    EncoderFacts,
    Metrics,
    ScoreFacts,
    evaluate,
    read_metrics,
    write_metrics,
)
from darkclr.io.timings import read_timings, timed

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Members"]

_SUPERVISED = "supervised"  # the column of the classifier's logits
_NATURAL, _GLUONS = "metrics.json", "metrics_gluons.json"


@dataclass
class Members:
    """Encoders 1, 2, ... of a plan, and on each of them the scores with the seeds 1, 2, ...

    Args:
        plan: the configuration; the seed of its training is that of the first encoder.
        encoders, densities: how many.
        gluon_share: of the second half of the table, or None.
        variant: name of a representation beside that of the plan's own configuration. It has the
            scores that read representations, on the same jets, in a directory of its own.

    Raises:
        ConfigError: numbers below 1, a share that is none, a combination of scores on jets.
    """

    plan: Plan
    encoders: int
    densities: int
    gluon_share: float | None
    variant: str | None = None

    def __post_init__(self) -> None:
        from darkclr.anomaly.catalogue import create_detector, find_score

        if min(self.encoders, self.densities) < 1:
            raise ConfigError(
                f"{self.encoders} encoders x {self.densities} densities",
                where="ensemble",
                fix="give at least one of each",
            )
        if self.plan.evaluation.gluon_share is not None:
            raise ConfigError(
                "the table has the simulated mixture and another one",
                where="evaluation.gluon_share",
                fix="give --gluon_share",
            )
        # The evaluation knows what a share is.
        replace(self.plan.evaluation, gluon_share=self.gluon_share)
        reads = {name: find_score(name).reads for name in self.plan.scores}
        self.on_jets = {n: p for n, p in self.plan.scores.items() if reads[n] == "jets"}
        self.on_representations = {n: p for n, p in self.plan.scores.items() if reads[n] != "jets"}
        for name, parameters in self.on_representations.items():
            if reads[name] == "scores":
                members = create_detector(name, parameters).get_params()["members"]
                elsewhere = sorted(set(members) - self.on_representations.keys())
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
        """Directory of all members."""
        output = self.plan.output
        return output if self.variant is None else output / "variants" / self.variant

    def model(self, encoder: int) -> Path:
        """Directory of an encoder, counted from 1."""
        return self.root / f"encoder-{encoder}"

    def member(self, encoder: int, density: int) -> Path:
        """Directory of the scores with a seed on an encoder."""
        return self.model(encoder) / f"density-{density}"

    def jets(self, density: int) -> Path:
        """Directory of the scores on jets with a seed, the same for all encoders."""
        return self.root / "jets" / f"density-{density}"

    def classifier(self, encoder: int) -> Path:
        """Directory of the supervised classifier with the seed of an encoder."""
        return self.root / f"supervised-{encoder}"

    def training(self, encoder: int) -> TrainingConfig:
        """The training with the seed of an encoder."""
        return replace(self.plan.training, seed=self.plan.training.seed + encoder - 1)

    @property
    def supervised(self) -> bool:
        """Whether a classifier is trained on labels beside each encoder."""
        return self.plan.supervised is not None and self.variant is None

    def execute(self) -> None:
        """All members; what is there already is not done again."""
        of = "" if self.variant is None else f", {self.variant}"
        for encoder in self.encoder_numbers:
            console.line(f"encoder {encoder} of {self.encoders}{of}")
            self.plan.represent(self.model(encoder), self.training(encoder))
        for density in self.seeds:
            self._score_jets(density)
        for encoder in self.encoder_numbers:
            self._score_members(encoder)
            for density in self.seeds:
                self._evaluate(self.member(encoder, density))

    def metrics(self, gluon_share: float | None) -> list[list[Metrics]]:
        """Figures of merit of all members with a share of gluon jets, by encoder and density."""
        name = _NATURAL if gluon_share is None else _GLUONS
        return [
            [read_metrics(self.member(encoder, seed) / name) for seed in self.seeds]
            for encoder in self.encoder_numbers
        ]

    def facts(self) -> dict[str, ScoreFacts]:
        """What each score reads, how many numbers it learned and how long that took."""
        from darkclr.anomaly.catalogue import find_score
        from darkclr.anomaly.fitted import FittedScore

        facts: dict[str, ScoreFacts] = {}
        for name in self.plan.scores:
            folders = (
                [self.jets(seed) for seed in self.seeds]
                if name in self.on_jets
                else [
                    self.member(encoder, s) for encoder in self.encoder_numbers for s in self.seeds
                ]
            )
            fits = [folder / "scores" / name for folder in folders]
            facts[name] = ScoreFacts(
                reads=find_score(name).reads,
                parameters=FittedScore.load(fits[0]).n_parameters,
                fit_minutes=_minutes(fits, "fit"),
            )
        if self.supervised:
            fits = [self.classifier(encoder) for encoder in self.encoder_numbers]
            facts[_SUPERVISED] = ScoreFacts(
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

    def _score_jets(self, density: int) -> None:
        """Fit the scores that read jets, and score the test jets."""
        plan, folder = self.plan, self.jets(density)
        if not _has_scores(folder, self.on_jets):
            self._fit(folder, self.model(1), self.on_jets, density)
            with timed(folder, "score"):
                self._write_scores(plan.score(folder, plan.test_rows(self.model(1))), folder)

    def _score_members(self, encoder: int) -> None:
        """Fit all others on an encoder, and put all scores of a member into one table."""
        from darkclr.io.parquet import read_table

        folders = {d: self.member(encoder, d) for d in self.seeds}
        missing = {d: f for d, f in folders.items() if not _has_scores(f, self.plan.scores)}
        if not missing:
            return
        for density, folder in missing.items():
            self._fit(folder, self.model(encoder), self.on_representations, density)
        rows = self.plan.test_rows(self.model(encoder))
        supervised = None
        if self.supervised:
            supervised = self.plan.classify(self.classifier(encoder), self.training(encoder))
        for density, folder in missing.items():
            with timed(folder, "score"):
                table = self.plan.score(folder, rows, supervised)
                if self.on_jets:
                    table = _joined(table, read_table(self.jets(density) / "scores.parquet"))
                self._write_scores(table, folder)

    def _fit(
        self, folder: Path, model: Path, scores: dict[str, dict[str, Any]], density: int
    ) -> None:
        plan = self.plan
        steps.fit(
            plan.representations(model, plan.background),
            folder,
            scores,
            jets=plan.sample(plan.background) if scores is self.on_jets else None,
            split=plan.split,
            seed=density,
        )

    def _write_scores(self, table: pa.Table, folder: Path) -> None:
        from darkclr.io.parquet import read_metadata, write_table

        write_table(table, folder / "scores.parquet", read_metadata(table))

    def _evaluate(self, folder: Path) -> None:
        """Figures of merit with the simulated mixture and with the other one."""
        for path, share in self._files(folder).items():
            config = replace(self.plan.evaluation, gluon_share=share)
            if path.exists():
                found = read_metrics(path)
                known = self.plan.scores.keys() <= set(found.scores)
                if known and found.config == config:
                    continue
            with timed(folder, "evaluate"):
                write_metrics(evaluate(folder / "scores.parquet", config), path)
            console.line(f"figures of merit in {path}")

    def _files(self, folder: Path) -> dict[Path, float | None]:
        """Share of gluon jets by the file of its figures of merit."""
        files: dict[Path, float | None] = {folder / _NATURAL: None}
        if self.gluon_share is not None:
            files[folder / _GLUONS] = self.gluon_share
        return files


def _has_scores(folder: Path, names: Iterable[str]) -> bool:
    """Whether the scores of these names are there; variants may be given more of them later."""
    from darkclr.io.parquet import column_names

    path = folder / "scores.parquet"
    return not (wanted := set(names)) or (path.exists() and wanted <= set(column_names(path)))


def _joined(table: pa.Table, other: pa.Table) -> pa.Table:
    """The table with the scores of another one of the same jets."""
    from darkclr.evaluation.score_file import score_columns

    assert table["id"].equals(other["id"])  # the same split of the same files
    for name in score_columns(other.schema):
        table = table.append_column(name, other[name])
    return table


def _minutes(directories: list[Path], name: str) -> float | None:
    """Mean wall-clock, if that of all is known."""
    seconds = [read_timings(directory).get(name) for directory in directories]
    known = [s for s in seconds if s is not None]
    return float(np.mean(known)) / 60 if len(known) == len(seconds) else None


def _n_elements(model: Path) -> int:
    """Numbers in the weights of a network."""
    from safetensors.numpy import load_file

    return sum(values.size for values in load_file(model / "model.safetensors").values())
