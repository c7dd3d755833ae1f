"""Scores -> figures of merit: a table with one row a jet becomes ``metrics.json``.

Each score is sorted once. The bootstrap draws replica by replica and gathers the weights of all
scores at once, so that memory does not depend on the number of replicas.
"""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from darkclr.anomaly.working_points import BackgroundScores
from darkclr.evaluation.bootstrap import drawn_weights, grouped_ranks
from darkclr.evaluation.classes import JetClass, Name, matching_cells, read_classes
from darkclr.evaluation.config import EvaluationConfig
from darkclr.evaluation.figures import Column
from darkclr.evaluation.metrics import effective_count, ranks
from darkclr.evaluation.results import (
    Cut,
    FigureOfMerit,
    Matched,
    Metrics,
    Provenance,
    ScoreResult,
    SignalResult,
)
from darkclr.evaluation.score_file import ScoreFiles
from darkclr.evaluation.sculpting import CutSpectra, Spectrum
from darkclr.reweighting import Cells

__all__ = ["evaluate", "provenance"]

Floats = NDArray[np.float64]
#: By score, signal, and whether the background is weighted to its spectrum.
Columns = Mapping[tuple[str, str, bool], Column]


@dataclass(frozen=True, eq=False)
class _Ranked:
    """A score as the thresholds that the jets of each class pass, of so many thresholds."""

    ranks: Mapping[Name, NDArray[Any]]
    number: int

    @classmethod
    def of(cls, rank: NDArray[Any], classes: Mapping[Name, JetClass]) -> _Ranked:
        """Of the ranks of all jets, class after class."""
        ends = np.cumsum([len(one.rows) for one in classes.values()])[:-1]
        parts = zip(classes, np.split(rank, ends), strict=True)
        return cls(dict(parts), int(rank.max()) + 1)

    def sums(self, name: Name, weight: Floats) -> Floats:
        """Weights of the jets of a class, added up by threshold."""
        return np.asarray(np.bincount(self.ranks[name], weight, self.number), np.float64)


def evaluate(
    scores: pa.Table | str | Path | Sequence[str | Path], config: EvaluationConfig | None = None
) -> Metrics:
    """Figures of merit of every score on every signal sample, as simulated and at equal pT.

    Background is every row of label 0; the signal samples are told apart by the column ``sample``
    (label 1). Rows of unknown label (-1) are left out and counted.

    Args:
        scores: table, Parquet file or several of them, with columns sample, event, label, weight,
            pt, and a column of floats for each score (higher = more anomalous); mass, if it is to
            be equal too; parton_pdg, if the share of gluon jets is to be another one.
        config: what to measure.

    Raises:
        InputError: columns are missing, labels are all equal, scores or weights are NaN, weights
            do not add up to more than 0, the background has no gluon or no quark jets to mix anew,
            files do not go together, or hold the same jets.
    """
    config, files = config or EvaluationConfig(), ScoreFiles(scores)
    files.check()
    samples, n_unlabelled, classes = read_classes(files, config)
    background, signals = classes[None], [name for name in classes if name is not None]
    cells = matching_cells(files, config, classes)
    columns = {
        (score, signal, matched): Column(config)
        for score in files.names
        for signal in signals
        for matched in ((False, True) if cells else (False,))
    }
    cut_spectra = CutSpectra(
        {
            name: Spectrum.of(files.numbers(name)[background.rows])
            for name in ("pt", "mass")
            if name in files and not files[name].null_count
        },
        background.weight,
    )
    rows = np.concatenate([one.rows for one in classes.values()])
    weights = {name: one.weight for name, one in classes.items()}
    grouped = {}
    for score in files.names:
        rank = ranks(files.numbers(score)[rows])
        ranked = _Ranked.of(rank, classes)
        _fill(0, columns, {score: ranked}, weights, cells)
        cut_spectra.cut(score, ranked.ranks[None], config.background_efficiencies)
        grouped[score] = _Ranked.of(grouped_ranks(rank), classes)
    cut_spectra.fill(background.weight)
    for i, drawn in enumerate(_replicas(classes, config), start=1):
        _fill(i, columns, grouped, drawn, cells)
        cut_spectra.fill(drawn[None])
    results = {}
    for score in files.names:
        title, baseline = files.describe(score)
        of_signals = {
            signal: _result(score, signal, columns, weights, cells, config) for signal in signals
        }
        cuts = _cuts(files.numbers(score), classes, config)
        results[score] = ScoreResult(title, baseline, of_signals, cut_spectra.results(score), cuts)
    return Metrics(
        kind="metrics",
        config=config,
        provenance=provenance(files),
        samples=samples,
        n_unlabelled=n_unlabelled,
        scores=results,
    )


def _replicas(
    classes: Mapping[Name, JetClass], config: EvaluationConfig
) -> Iterator[dict[Name, Floats]]:
    """Weights of the jets of each class, replica by replica."""
    # Background has a stream of its own, so that its replicas are the same beside every signal.
    streams = [
        drawn_weights(
            one.weight,
            one.event,
            config.n_bootstrap,
            np.random.default_rng([config.seed, int(name is not None)]),
        )
        for name, one in classes.items()
    ]
    for drawn in zip(*streams, strict=True):
        yield dict(zip(classes, drawn, strict=True))


def _fill(
    i: int,
    columns: Columns,
    ranked: Mapping[str, _Ranked],
    weights: Mapping[Name, Floats],
    cells: Mapping[str, Cells] | None,
) -> None:
    """The curves of some scores for the sample (0) or a replica, from the weights of its jets."""
    background = weights[None]
    simulated = {score: of_score.sums(None, background) for score, of_score in ranked.items()}
    for signal, weight in weights.items():
        if signal is None:
            continue
        equal = None
        if cells is not None:
            ratio, _ = cells[signal].ratio(background, weight)
            equal = background * ratio[cells[signal].jets]
        for score, of_score in ranked.items():
            own = of_score.sums(signal, weight)
            columns[score, signal, False].fill(i, simulated[score], own)
            if equal is not None:
                columns[score, signal, True].fill(i, of_score.sums(None, equal), own)


def _cuts(
    values: Floats, classes: Mapping[Name, JetClass], config: EvaluationConfig
) -> tuple[Cut, ...]:
    """The working points of a score, and what they keep of each signal."""
    background = classes[None]
    scores = BackgroundScores(values[background.rows], background.weight, background.event)
    return tuple(
        Cut(
            point := scores.working_point(share, config.minimum_jets),
            {
                name: FigureOfMerit(*point.efficiency(values[one.rows], one.weight, one.event))
                for name, one in classes.items()
                if name is not None
            },
        )
        for share in sorted({*config.cuts_at}, reverse=True)
    )


def _result(
    score: str,
    signal: str,
    columns: Columns,
    weights: Mapping[Name, Floats],
    cells: Mapping[str, Cells] | None,
    config: EvaluationConfig,
) -> SignalResult:
    background, weight = weights[None], weights[signal]
    matched = None
    if cells is not None and config.match is not None:
        ratio, uncovered = cells[signal].ratio(background, weight)
        n_effective = effective_count(background * ratio[cells[signal].jets])
        figures = columns[score, signal, True].figures(n_effective)
        matched = Matched(**figures, by=config.match, uncovered=uncovered)
    return SignalResult(
        **columns[score, signal, False].figures(effective_count(background)),
        n_background=len(background),
        n_signal=len(weight),
        matched=matched,
    )


def provenance(files: ScoreFiles) -> Provenance:
    """Versions of the packages, and what the files say of themselves."""
    packages = ("darkclr", "numpy", "scikit-learn", "pyarrow")
    versions = {name: importlib.metadata.version(name) for name in packages}
    return Provenance(versions | {"python": platform.python_version()}, files.metadata)
