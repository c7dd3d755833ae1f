"""The autoencoders of CMS, each trained several times while signals are watched."""

from __future__ import annotations

import csv
import hashlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from darkclr.anomaly.definition import define_score
from darkclr.anomaly.fitted import FittedScore, is_fitted
from darkclr.anomaly.normal_map import NormalMap
from darkclr.anomaly.training.watching import Watch
from darkclr.jets import Jets
from darkclr.reporter import Reporter
from darkclr.reweighting import MAX_RATIO, Cells
from darkclr.substructure import CMS_OBSERVABLES, observables
from darkclr.worker_pool import worker_pool

__all__ = ["Columns", "Fit", "equal_pt", "fits", "yardsticks"]

Floats = NDArray[np.float64]

# What needs no training, with the signs of the scores "jet_pt" and "few_constituents".
_YARDSTICKS: Mapping[str, Callable[[Jets], NDArray]] = {
    "jet pT *": lambda jets: jets.pt,
    "number of constituents *": lambda jets: -jets.n_constituents,
}
_LEAST = 0.1  # share of signal jets that can be compared: spectra that only touch share a bin


@dataclass(frozen=True, eq=False)
class Columns:
    """Observables of jets, mapped to normal distributions on the training jets.

    Args:
        normal: the map.
        train: of background to train on, (n, 8).
        background: of background that no fit sees.
        signals: by name.
        pt: of ``background``, under "", and of the signals [GeV].
    """

    normal: NormalMap
    train: Floats
    background: Floats
    signals: Mapping[str, Floats]
    pt: Mapping[str, Floats]

    @classmethod
    def of(cls, train: Jets, background: Jets, signals: Mapping[str, Jets]) -> Columns:
        """Of jets."""
        raw = observables(train.constituents, CMS_OBSERVABLES)
        normal = NormalMap().fit(raw)

        def mapped(jets: Jets) -> Floats:
            return normal(observables(jets.constituents, CMS_OBSERVABLES))

        return cls(
            normal,
            normal(raw),
            mapped(background),
            {name: mapped(jets) for name, jets in signals.items()},
            {
                name: jets.pt.astype(np.float64)
                for name, jets in {"": background, **signals}.items()
            },
        )

    @property
    def digest(self) -> str:
        """Of the jets of the fit."""
        return hashlib.sha256(np.ascontiguousarray(self.train).data).hexdigest()[:16]


@dataclass(frozen=True, eq=False)
class Fit:
    """A finished training.

    Args:
        history: column by name, an entry an epoch, without those that diverged and those before a
            normalisation; NaN where there is none.
        chosen: index of the epoch that was kept.
        auc: of each signal, as simulated and at equal pT.
        energy: mean over background, under "", and over the jets of each signal.
    """

    history: Mapping[str, Floats]
    chosen: int
    auc: Mapping[str, tuple[float, float]]
    energy: Mapping[str, float]

    def mean_auc(self, signals: Sequence[str]) -> Floats:
        """AUC of each epoch, averaged over signals."""
        return np.mean([self.history[f"{name}_auc"] for name in signals], axis=0)


def fits(
    score: str,
    options: Mapping[str, Any],
    columns: Columns,
    folder: Path,
    *,
    trainings: int,
    workers: int,
    reporter: Reporter,
) -> list[Fit]:
    """So many trainings with the seeds 1, 2, ...; finished ones are read.

    Args:
        score: name in the catalogue.
        options: parameters that differ from the defaults.
        columns: of the jets.
        folder: of the trainings.
        trainings: their number.
        workers: number of processes, each with a training at a time; 1: this one.
        reporter: hears of the progress.
    """
    definition = define_score(score, options)
    directories = {seed: folder / f"{score}-{seed}" for seed in range(1, trainings + 1)}
    background = {"n": len(columns.train), "sha256": columns.digest}
    missing = {
        seed: directory
        for seed, directory in directories.items()
        if not is_fitted(directory, definition, seed=seed, background=background)
    }
    tasks = [(score, options, seed, columns, path) for seed, path in missing.items()]
    if tasks:
        with reporter.bar(f"fit {score}", len(tasks), "trainings") as advance:
            for _ in _each(tasks, min(workers, len(tasks))):
                advance()
    return [_read(directory, columns) for directory in directories.values()]


def _each(tasks: Sequence[tuple[Any, ...]], workers: int) -> Iterator[None]:
    """Fit, and say so after each."""
    if workers < 2:
        for task in tasks:
            _fit(*task)
            yield
        return
    with worker_pool(workers, torch.set_num_threads, 1) as pool:  # the networks are tiny
        for future in as_completed([pool.submit(_fit, *task) for task in tasks]):
            future.result()
            yield


def _fit(
    score: str, options: Mapping[str, Any], seed: int, columns: Columns, directory: Path
) -> None:
    """Train and save; an interrupted training goes on from its last epoch."""
    definition = define_score(score, options)
    detector = definition.detector(seed)
    watch = Watch(detector, columns.background, columns.signals)
    detector.fit(columns.train, progress=watch, checkpoint_directory=directory)  # type: ignore[call-arg]
    background = {"n": len(columns.train), "sha256": columns.digest}
    FittedScore(definition, detector, background, columns.normal).save(directory)


def _read(directory: Path, columns: Columns) -> Fit:
    """What a finished training says of the jets."""
    detector = FittedScore.load(directory).detector
    with (directory / "history.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    stage = "normalisation" if any(r["stage"] == "normalisation" for r in rows) else "autoencoder"
    rows = [row for row in rows if row["stage"] == stage]
    names = [name for name in rows[0] if name != "stage"]
    history = {name: np.array([float(row[name] or math.nan) for row in rows]) for name in names}
    kept = getattr(detector, "selected_epoch_", None)
    if kept is None:  # the autoencoder: the smallest validation error
        chosen = int(np.argmin(history["validation_energy"]))
    else:
        chosen = int(np.flatnonzero(history["epoch"] == kept)[0])
    background = detector.score_samples(columns.background)
    signals = {name: detector.score_samples(x) for name, x in columns.signals.items()}
    return Fit(
        history,
        chosen,
        {
            name: _auc(background, s, columns.pt[""], columns.pt[name])
            for name, s in signals.items()
        },
        {"": float(background.mean())} | {name: float(s.mean()) for name, s in signals.items()},
    )


def _auc(background: Floats, signal: Floats, pt: Floats, signal_pt: Floats) -> tuple[float, float]:
    """As simulated, and at equal pT, of signal jets whose pT background reaches; NaN of few."""
    weight, reached = equal_pt(pt, signal_pt)
    natural = _area(background, signal, np.ones(len(background)))
    few = reached.mean() < _LEAST
    return natural, math.nan if few else _area(background, signal[reached], weight)


def yardsticks(
    background: Jets, signals: Mapping[str, Jets]
) -> dict[str, dict[str, tuple[float, float]]]:
    """AUC of scores that learn nothing, as simulated and at equal pT, by title and signal.

    Args:
        background: jets that no fit sees.
        signals: jets by name.
    """
    return {
        title: {
            name: _auc(
                *(of(each).astype(np.float64) for each in (background, jets)),
                *(each.pt.astype(np.float64) for each in (background, jets)),
            )
            for name, jets in signals.items()
        }
        for title, of in _YARDSTICKS.items()
    }


def equal_pt(pt: Floats, signal_pt: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """Weights of background with the spectrum of a signal, and the signal jets that they cover.

    Jets of heavy mediators are harder than any of top pairs. What has no background beside it, or
    so little that its weights would be above the bound, is left out on both sides.

    Args:
        pt: of background, (n,) [GeV].
        signal_pt: of the signal, (m,) [GeV].

    Returns:
        (n,) weights, and an (m,) mask.
    """
    cells = Cells.of([pt], [signal_pt])
    ratio, _ = cells.ratio(np.ones(len(pt)), np.ones(len(signal_pt)))
    reached = (ratio > 0) & (ratio < MAX_RATIO)
    return (ratio * reached)[cells.jets], reached[cells.reference]


def _area(background: Floats, signal: Floats, weight: Floats) -> float:
    labels = np.repeat([0, 1], [len(background), len(signal)])
    weights = np.concatenate([weight, np.ones(len(signal))])
    return float(roc_auc_score(labels, np.concatenate([background, signal]), sample_weight=weights))
