"""Scores -> figures of merit: a table with one row a jet becomes ``metrics.json``."""

from __future__ import annotations

import importlib
import importlib.metadata
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from darkclr.errors import ConfigError, InputError
from darkclr.evaluation.bootstrap import (
    bootstrap_roc,
    central_interval,
    event_multiplicities,
    half_width,
)
from darkclr.evaluation.metrics import (
    auc,
    background_rejection,
    effective_count,
    rejection_lower_bound,
    roc,
    significance_improvement,
)
from darkclr.evaluation.score_file import jet_columns, parton_pdg, read_scores, score_columns
from darkclr.io.parquet import read_metadata
from darkclr.jets import BACKGROUND, SIGNAL
from darkclr.parameters import check_ranges
from darkclr.reweighting import gluon_weights

__all__ = ["EvaluationConfig", "evaluate"]

# Where the ROC curve is sampled: fixed, so that replicas and scores can be compared point by point.
ROC_GRID = np.round(np.linspace(0.01, 1.0, 100), 2)


@dataclass(frozen=True)
class EvaluationConfig:
    """What to measure.

    Args:
        signal_efficiencies: where background rejection and significance improvement are quoted.
        n_bootstrap: replicas of the bootstrap over events.
        seed: of the bootstrap.
        minimum_background: the maximum of the significance improvement is searched where at least
            this many (effective) background jets pass; 25 of them are known to 20 %.
        gluon_share: share of gluon jets among the background, by weights; None: the mixture as it
            is. A share that was not simulated is a choice after the fact: quote it beside None.
    """

    signal_efficiencies: tuple[float, ...] = (0.1, 0.2, 0.3, 0.5)
    n_bootstrap: int = 200
    seed: int = 0
    minimum_background: float = 25.0
    gluon_share: float | None = None

    def __post_init__(self) -> None:
        if not self.signal_efficiencies or not all(0 < e < 1 for e in self.signal_efficiencies):
            raise ConfigError(
                f"signal_efficiencies = {list(self.signal_efficiencies)}",
                where="evaluation",
                fix="give numbers between 0 and 1",
            )
        if self.n_bootstrap < 20:
            raise ConfigError(
                f"n_bootstrap = {self.n_bootstrap}",
                where="evaluation",
                fix="68 % of fewer than 20 replicas mean nothing; give more",
            )
        check_ranges(
            self,
            "evaluation",
            {
                "seed": (self.seed >= 0, "at least 0"),
                "minimum_background": (0 < self.minimum_background < np.inf, "a positive number"),
            },
        )
        if self.gluon_share is not None and not 0 <= self.gluon_share <= 1:
            raise ConfigError(
                f"gluon_share = {self.gluon_share:g}",
                where="evaluation",
                fix="give a number between 0 and 1, or null for the mixture as it is",
            )


@dataclass(frozen=True, eq=False)
class _Sample:
    """Rows of one class, their weights and the multiplicities of its bootstrap."""

    rows: NDArray[np.int64]
    weight: NDArray[np.float64]
    drawn: NDArray[np.uint8]


def evaluate(
    scores: pa.Table | str | Path | Sequence[str | Path], config: EvaluationConfig | None = None
) -> dict[str, Any]:
    """Figures of merit of every score on every signal sample.

    Background is every row of label 0; the signal samples are told apart by the column ``sample``
    (label 1). Rows of unknown label (-1) are left out and counted.

    Args:
        scores: table, Parquet file or several of them, with columns sample, event, label, weight,
            and a column of floats for each score (higher = more anomalous); parton_pdg if the
            share of gluon jets is to be another one.
        config: what to measure.

    Returns:
        JSON-able: ``config``, ``provenance``, ``samples`` (jets and events), and ``scores``: by
        score ``title``, ``baseline`` and ``signals``, there by sample: ``auc``, ``auc_error``,
        ``background_rejection`` and ``significance_improvement`` by signal efficiency as
        ``{value, error}``, ``roc`` with its 68 % band, ``n_background``, ``n_signal``. A value is
        null where no background passes; ``lower_bound`` (95 %) then stands in for it.

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
    metrics: dict[str, Any] = {
        "kind": "metrics",
        "config": asdict(config) | {"signal_efficiencies": list(config.signal_efficiencies)},
        "provenance": _provenance(table),
        "samples": _counts(columns),
        "n_unlabelled": int(np.sum(~np.isin(columns["label"], (BACKGROUND, SIGNAL)))),
        "scores": {},
    }
    for name, position in score_columns(table, where).items():
        values = table.column(position).to_numpy().astype(np.float64)
        broken = int(np.sum(~np.isfinite(values)))
        if broken:
            raise InputError(
                f"{broken} jets have a score {name!r} that is NaN or infinite",
                where=where,
                fix="fit that score again, or leave the column out",
            )
        metrics["scores"][name] = _describe(name) | {
            "signals": {
                sample: _figures_of_merit(values, background, signal, config)
                for sample, signal in signals.items()
            }
        }
    return metrics


def _describe(name: str) -> dict[str, Any]:
    """Title and baseline flag of a score; unknown scores are called by their column."""
    try:
        registry = importlib.import_module("darkclr.anomaly.catalogue").SCORES
    except ModuleNotFoundError:
        registry = {}
    if name in registry:
        return {"title": registry[name].title, "baseline": bool(registry[name].baseline)}
    return {"title": name, "baseline": False}


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
) -> dict[str, Any]:
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
    n_effective = effective_count(background.weight)
    n_roc = len(ROC_GRID)
    low, high = central_interval(replicas.background_efficiency[:, :n_roc])
    at_quoted = {
        key: {
            f"{e:g}": _number(value, error)
            for e, value, error in zip(
                quoted, function(efficiency[n_roc:]), half_width(spread), strict=True
            )
        }
        for key, function, spread in (
            (
                "background_rejection",
                background_rejection,
                background_rejection(replicas.background_efficiency[:, n_roc:]),
            ),
            (
                "significance_improvement",
                lambda eps_b: significance_improvement(quoted, eps_b),
                significance_improvement(quoted, replicas.background_efficiency[:, n_roc:]),
            ),
        )
    }
    for entry in at_quoted["background_rejection"].values():
        if entry["value"] is None:
            entry["lower_bound"] = rejection_lower_bound(n_effective)
    return {
        "n_background": len(background.rows),
        "n_signal": len(signal.rows),
        "n_background_effective": n_effective,
        "auc": auc(label, values[rows], weight),
        "auc_error": _finite(half_width(replicas.auc)),
        **at_quoted,
        "maximum_significance_improvement": _maximum(
            efficiency[:n_roc], replicas.background_efficiency[:, :n_roc], n_effective, config
        ),
        "roc": {
            "signal_efficiency": ROC_GRID.tolist(),
            "background_efficiency": efficiency[:n_roc].tolist(),
            "low": [_finite(x) for x in low],
            "high": [_finite(x) for x in high],
        },
    }


def _maximum(
    efficiency: NDArray[np.float64],
    replicas: NDArray[np.float64],
    n_background: float,
    config: EvaluationConfig,
) -> dict[str, Any]:
    """Largest ε_S/√ε_B on the grid where enough background passes; all null if nowhere."""
    allowed = efficiency * n_background >= config.minimum_background
    if not np.any(allowed):
        return _number(np.nan, np.nan) | {"signal_efficiency": None}
    grid = ROC_GRID[allowed]
    values = significance_improvement(grid, efficiency[allowed])
    # Each replica may have its maximum elsewhere: the search is part of the uncertainty.
    spread = np.max(significance_improvement(grid, replicas[:, allowed]), axis=1)
    best = int(np.argmax(values))
    return _number(values[best], half_width(spread)) | {"signal_efficiency": float(grid[best])}


def _number(value: Any, error: Any) -> dict[str, Any]:
    value = _finite(value)
    return {"value": value, "error": None if value is None else _finite(error)}


def _finite(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None


def _counts(columns: dict[str, NDArray]) -> dict[str, Any]:
    counts = {}
    for name in dict.fromkeys(columns["sample"]):
        rows = columns["sample"] == name
        counts[str(name)] = {
            "n_jets": int(rows.sum()),
            "n_events": len(np.unique(columns["event"][rows])),
            "n_signal": int(np.sum(columns["label"][rows] == SIGNAL)),
            "n_background": int(np.sum(columns["label"][rows] == BACKGROUND)),
            "sum_of_weights": float(np.sum(columns["weight"][rows], dtype=np.float64)),
        }
    return counts


def _provenance(table: pa.Table) -> dict[str, Any]:
    packages = ("darkclr", "numpy", "scikit-learn", "pyarrow")
    return {
        "versions": {name: importlib.metadata.version(name) for name in packages}
        | {"python": platform.python_version()},
        "scores": read_metadata(table),
    }
