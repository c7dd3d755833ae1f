"""Scores -> figures of merit: a table with one row a jet becomes ``metrics.json``."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from darkclr.errors import InputError
from darkclr.evaluation.bootstrap import (
    bootstrap_roc,
    central_interval,
    event_multiplicities,
    half_width,
)
from darkclr.evaluation.config import EvaluationConfig
from darkclr.evaluation.metrics import (
    auc,
    background_rejection,
    effective_count,
    rejection_lower_bound,
    roc,
    significance_improvement,
)
from darkclr.evaluation.results import (
    Curve,
    FigureOfMerit,
    Maximum,
    Metrics,
    Provenance,
    SampleCounts,
    ScoreResult,
    SignalResult,
)
from darkclr.evaluation.score_file import (
    described_samples,
    described_score,
    jet_columns,
    parton_pdg,
    read_scores,
    score_columns,
)
from darkclr.io.parquet import read_metadata
from darkclr.jets import BACKGROUND, SIGNAL
from darkclr.reweighting import gluon_weights

__all__ = ["evaluate"]

# Where the ROC curve is sampled: fixed, so that replicas and scores can be compared point by point.
ROC_GRID = np.round(np.linspace(0.01, 1.0, 100), 2)


@dataclass(frozen=True, eq=False)
class _Sample:
    """Rows of one class, their weights and the multiplicities of its bootstrap."""

    rows: NDArray[np.int64]
    weight: NDArray[np.float64]
    drawn: NDArray[np.uint8]


def evaluate(
    scores: pa.Table | str | Path | Sequence[str | Path], config: EvaluationConfig | None = None
) -> Metrics:
    """Figures of merit of every score on every signal sample.

    Background is every row of label 0; the signal samples are told apart by the column ``sample``
    (label 1). Rows of unknown label (-1) are left out and counted.

    Args:
        scores: table, Parquet file or several of them, with columns sample, event, label, weight,
            and a column of floats for each score (higher = more anomalous); parton_pdg if the
            share of gluon jets is to be another one.
        config: what to measure.

    Raises:
        InputError: columns are missing, labels are all equal, scores or weights are NaN, the
            background has no gluon or no quark jets to mix anew, files do not go together, or hold
            the same jets.
    """
    config = config or EvaluationConfig()
    if isinstance(scores, pa.Table):
        table, where = scores, None
        columns = jet_columns(table, where)
    else:
        paths = [Path(p) for p in ([scores] if isinstance(scores, str | Path) else scores)]
        table, where = read_scores(paths), ", ".join(map(str, paths))
        columns = jet_columns(table, where)
    if config.gluon_share is not None:
        columns["parton_pdg"] = parton_pdg(table, where)
    background, signals = _classes(columns, config, where)
    scored = {}
    for name, position in score_columns(table, where).items():
        values = table.column(position).to_numpy().astype(np.float64)
        broken = int(np.sum(~np.isfinite(values)))
        if broken:
            raise InputError(
                f"{broken} jets have a score {name!r} that is NaN or infinite",
                where=where,
                fix="fit that score again, or leave the column out",
            )
        title, baseline = described_score(table, name)
        results = {
            sample: _figures_of_merit(values, background, signal, config)
            for sample, signal in signals.items()
        }
        scored[name] = ScoreResult(title, baseline, results)
    return Metrics(
        kind="metrics",
        config=config,
        provenance=_provenance(table),
        samples=_counts(columns, described_samples(table)),
        n_unlabelled=int(np.sum(~np.isin(columns["label"], (BACKGROUND, SIGNAL)))),
        scores=scored,
    )


def _classes(
    columns: dict[str, NDArray], config: EvaluationConfig, where: object
) -> tuple[_Sample, dict[str, _Sample]]:
    label, name = columns["label"], columns["sample"].astype(str)
    # Several files of background are one class; None is no name of a signal.
    masks = {None: label == BACKGROUND} | {
        str(sample): (label == SIGNAL) & (name == sample)
        for sample in dict.fromkeys(name[label == SIGNAL])
    }
    present = sorted({int(x) for x in label})
    if not np.any(masks[None]) or len(masks) == 1:
        raise InputError(
            f"the labels are {present}, a ROC curve needs 0 (background) and 1 (signal)",
            where=where,
            fix="score a background and a signal sample together",
        )
    classes = {}
    for key, mask in masks.items():
        rows = np.flatnonzero(mask)
        weight = columns["weight"][rows].astype(np.float64)
        if key is None and config.gluon_share is not None:
            weight = gluon_weights(weight, columns["parton_pdg"][rows], config.gluon_share)
        if weight.sum() == 0:
            raise InputError(
                f"all weights of {key or 'the background'} are 0",
                where=where,
                fix="give weights, or 1 to all",
            )
        # Events of different files may share a number. Background has a stream of its own, so
        # that its replicas are the same beside every signal.
        _, sample_index = np.unique(name[rows], return_inverse=True)
        _, event_index = np.unique(columns["event"][rows], return_inverse=True)
        event = sample_index * (event_index.max() + 1) + event_index
        rng = np.random.default_rng([config.seed, int(key is not None)])
        drawn = event_multiplicities(event, config.n_bootstrap, rng)
        classes[key] = _Sample(rows, weight, drawn)
    background = classes.pop(None)
    return background, {str(key): of_one for key, of_one in classes.items()}


def _figures_of_merit(
    values: NDArray[np.float64], background: _Sample, signal: _Sample, config: EvaluationConfig
) -> SignalResult:
    rows = np.concatenate([background.rows, signal.rows])
    weight = np.concatenate([background.weight, signal.weight])
    label = np.repeat([0, 1], [len(background.rows), len(signal.rows)])
    quoted = np.array(config.signal_efficiencies)
    grid = np.concatenate([ROC_GRID, quoted])
    efficiency = roc(label, values[rows], weight).background_efficiency_at(grid)
    replicas = bootstrap_roc(
        values[background.rows],
        values[signal.rows],
        (background.weight, background.drawn),
        (signal.weight, signal.drawn),
        grid,
    )
    n_effective, n_roc = effective_count(background.weight), len(ROC_GRID)
    at_quoted = efficiency[n_roc:], replicas.background_efficiency[:, n_roc:]
    rejection, improvement = (
        {
            f"{e:g}": _number(value, error, bound)
            for e, value, error in zip(quoted, values, half_width(spread), strict=True)
        }
        for (values, spread), bound in (
            (map(background_rejection, at_quoted), rejection_lower_bound(n_effective)),
            ((significance_improvement(quoted, x) for x in at_quoted), None),
        )
    )
    efficiency, spread = efficiency[:n_roc], replicas.background_efficiency[:, :n_roc]
    low, high = central_interval(spread)
    return SignalResult(
        n_background=len(background.rows),
        n_signal=len(signal.rows),
        n_background_effective=n_effective,
        auc=auc(label, values[rows], weight),
        auc_error=_finite(half_width(replicas.auc)),
        background_rejection=rejection,
        significance_improvement=improvement,
        maximum_significance_improvement=_maximum(efficiency, spread, n_effective, config),
        roc=Curve(
            tuple(ROC_GRID.tolist()),
            tuple(efficiency.tolist()),
            tuple(map(_finite, low)),
            tuple(map(_finite, high)),
        ),
    )


def _maximum(
    efficiency: NDArray[np.float64],
    replicas: NDArray[np.float64],
    n_background: float,
    config: EvaluationConfig,
) -> Maximum:
    """Largest ε_S/√ε_B on the grid where enough background passes."""
    allowed = efficiency * n_background >= config.minimum_background
    if not np.any(allowed):
        return Maximum(None, None)
    grid = ROC_GRID[allowed]
    values = significance_improvement(grid, efficiency[allowed])
    # Each replica may have its maximum elsewhere: the search is part of the uncertainty.
    spread = np.max(significance_improvement(grid, replicas[:, allowed]), axis=1)
    best = int(np.argmax(values))
    error = _finite(half_width(spread))
    return Maximum(float(values[best]), error, signal_efficiency=float(grid[best]))


def _number(value: float, error: float, bound: float | None) -> FigureOfMerit:
    if np.isfinite(value):
        return FigureOfMerit(float(value), _finite(error))
    return FigureOfMerit(None, None, bound)


def _finite(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None


def _counts(
    columns: dict[str, NDArray], described: dict[str, dict[str, Any]]
) -> dict[str, SampleCounts]:
    counts = {}
    for name in dict.fromkeys(columns["sample"]):
        rows = columns["sample"] == name
        counts[str(name)] = SampleCounts(
            n_jets=int(rows.sum()),
            n_events=len(np.unique(columns["event"][rows])),
            n_signal=int(np.sum(columns["label"][rows] == SIGNAL)),
            n_background=int(np.sum(columns["label"][rows] == BACKGROUND)),
            sum_of_weights=float(np.sum(columns["weight"][rows], dtype=np.float64)),
            title=described.get(str(name), {}).get("title"),
            process=described.get(str(name), {}).get("process"),
        )
    return counts


def _provenance(table: pa.Table) -> Provenance:
    packages = ("darkclr", "numpy", "scikit-learn", "pyarrow")
    versions = {name: importlib.metadata.version(name) for name in packages}
    return Provenance(versions | {"python": platform.python_version()}, read_metadata(table))
