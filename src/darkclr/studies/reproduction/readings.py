"""What studies read off finished ensembles: numbers, curves with bands, tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from darkclr.evaluation.ensemble.table import Table, TableRow
from darkclr.evaluation.metrics_file import read_metrics, to_json
from darkclr.evaluation.published import published_row
from darkclr.evaluation.results import FigureOfMerit, Figures, Metrics, SignalResult
from darkclr.representations import Representations
from darkclr.studies.ensemble import Ensemble
from darkclr.studies.run import Run

if TYPE_CHECKING:
    from darkclr.report.figures.comparisons import Line

__all__ = [
    "COLUMNS",
    "PUBLISHED",
    "REJECTION",
    "TITLES",
    "band",
    "distance",
    "in_column",
    "members",
    "number",
    "numbers_of",
    "over_trainings",
    "ratio",
    "rows_of",
    "scored_rows",
    "spread",
    "with_spread",
]

#: Both columns of every table: as simulated, and with background weighted to the signal's pT.
COLUMNS = ("as simulated", "at equal pT")
#: Background rejection at the signal efficiency that the papers quote.
REJECTION = "rejection_0.2"
#: Signals as tables call them.
TITLES = {
    "aachen": "Aachen",
    "rinv05": "r_inv 0.5",
    "rinv02": "r_inv 0.2",
    "m10": "m 10",
    "m20": "m 20",
}
_UNKNOWN = FigureOfMerit(None, None)
# Standard deviation over encoders, of the AUC and, relative, of the rejection at 0.2: what one
# training does not show. On Aachen, the larger one of both columns: root mean square of the result
# of table3 at laptop scale and of the same ensemble on another processor, five encoders each; that
# of the thesis's autoencoder from the nine members of table2.
_SPREAD = {
    "discriminant": (0.0016, 0.09),
    "norm": (0.030, 0.20),
    "autoencoder": (0.020, 0.22),
    "nae": (0.027, 0.26),
    "knn": (0.025, 0.25),  # and other densities
    "nae_thesis": (0.048, 0.16),
}
_WITHOUT_SPREAD = ("few_constituents", "jet_pt", "supervised")
#: Title of a column of published numbers.
PUBLISHED = "published, another simulation"
# Classifiers by their names among published numbers.
_WITH_LABELS = {
    "supervised_aachen": "classifier trained on Aachen",
    "supervised": "classifier trained on the signal itself",
}


def number(
    table: Table,
    score: str,
    signal: str,
    *,
    figure: str = REJECTION,
    column: str = COLUMNS[0],
    representation: str | None = None,
) -> FigureOfMerit:
    """A figure of merit over all members; its error is their spread, and that of the test jets.

    A single member has no spread: that of others stands for it, see :data:`_SPREAD`.
    """
    for row in table.rows:
        if (row.score, row.signal, row.representation) == (score, signal, representation):
            found = _with_error(_figures(row, column).get(figure, _UNKNOWN))
            several = table.encoders * table.densities > 1
            return found if several else with_spread(found, score, figure)
    return _UNKNOWN


def with_spread(found: FigureOfMerit, score: str, figure: str) -> FigureOfMerit:
    """A figure of merit of one training, its error with the spread of others: :data:`_SPREAD`.

    Args:
        found: with the error of the test jets.
        score: name of the score; nothing is trained for yardsticks.
        figure: ``auc``, or a rejection.
    """
    if found.value is None or score.startswith(_WITHOUT_SPREAD):
        return found
    known = score if score in _SPREAD else score.partition("_")[0]
    absolute, relative = _SPREAD.get(known, _SPREAD["knn"])
    of_seeds = absolute if figure == "auc" else relative * found.value
    return FigureOfMerit(found.value, float(np.hypot(found.error or 0.0, of_seeds)))


def distance(
    first: FigureOfMerit, second: FigureOfMerit, *, score: str | None = None
) -> FigureOfMerit:
    """Of two numbers; unknown if one of them is.

    Args:
        first, second: the two.
        score: name of the score of which they are AUCs, of one training each on the same test jets:
            their fluctuations cancel, and the spread from training to training is the error.
            Without it they fluctuate apart, and the errors of both count.
    """
    if first.value is None or second.value is None:
        return _UNKNOWN
    both = [first, second]
    if score is not None:
        both = [with_spread(FigureOfMerit(one.value, None), score, "auc") for one in both]
    errors = [one.error or 0.0 for one in both]
    return FigureOfMerit(abs(first.value - second.value), float(np.linalg.norm(errors)) or None)


def rows_of(
    table: Table,
    signals: Sequence[str],
    *,
    column: str,
    scores: Sequence[str] | None = None,
    more: Mapping[tuple[str, str], Mapping[str, FigureOfMerit]] | None = None,
    published: tuple[str, ...] = (),
) -> list[dict[str, str]]:
    """Rows of scores, columns of signals: AUC / rejection, and what was published.

    Args:
        table: of an ensemble.
        signals: names of the signals.
        column: one of :data:`COLUMNS`.
        scores: which, in their order; all, yardsticks first, if None.
        more: figures of merit by score and signal, of scores that are not in the table.
        published: sections of published numbers that count before others.
    """
    known = {row.signal for row in table.rows if row.published}  # that is simulated, not a file
    keys = dict.fromkeys((row.representation, row.score) for row in table.rows)
    if scores is not None:
        keys = {key: None for name in scores for key in keys if key[1] == name}
    found = []
    for representation, score in keys:
        own = {
            row.signal: row
            for row in table.rows
            if (row.representation, row.score) == (representation, score)
        }
        first = next(iter(own.values()))
        title = first.title + (" *" if first.baseline else "")
        cells = {"score": f"{title}, {representation}" if representation else title}
        for signal in signals:
            row = own.get(signal)
            cells[TITLES.get(signal, signal)] = _pair(_figures(row, column) if row else {})
        if column == COLUMNS[0]:
            cells[PUBLISHED] = _published(signals, known, score, representation, published)
        found.append(cells)
    for score in dict.fromkeys(score for score, _ in more or {}):
        cells = {"score": _WITH_LABELS.get(score, score)}
        for signal in signals:
            cells[TITLES.get(signal, signal)] = _pair((more or {}).get((score, signal), {}))
        if column == COLUMNS[0]:
            cells[PUBLISHED] = _published(signals, known, score, None, published)
        found.append(cells)
    return found


def _published(
    signals: Sequence[str],
    known: set[str],
    score: str,
    representation: str | None,
    tables: tuple[str, ...],
) -> str:
    """Published numbers of a score on signals that are known, with their source."""
    rows = [
        published_row(signal, score, representation, tables) if signal in known else None
        for signal in signals
    ]
    sources = "; ".join(
        dict.fromkeys(one for row in rows if row for one in str(row["source"]).split("; "))
    )
    texts = ", ".join("–" if row is None else _pair(row) for row in rows)
    return f"{texts} ({sources})" if sources else "–"


def numbers_of(table: Table) -> list[dict[str, Any]]:
    """The rows of a table as plain data."""
    return [to_json(row) for row in table.rows]


def members(steps: Ensemble | Run, representation: str | None = None) -> list[Metrics]:
    """Figures of merit of all members of an ensemble, or of a run."""
    if isinstance(steps, Run):
        return [read_metrics(steps.output / "metrics.json")]
    (own,) = (each for each in steps.repetitions if each.variant == representation)
    return [metrics for of_encoder in own.metrics(None) for metrics in of_encoder]


def in_column(result: SignalResult, column: str) -> Figures | None:
    """Figures of merit of a score on a signal in one of :data:`COLUMNS`, if there are any."""
    return result if column == COLUMNS[0] else result.matched


def spread(values: Sequence[float] | NDArray) -> FigureOfMerit:
    """Mean and standard deviation of a few numbers; one alone has no error, none no mean.

    NaN stands for what could not be measured, and does not count.
    """
    of = np.asarray(values, dtype=np.float64)
    of = of[~np.isnan(of)]
    if not len(of):
        return _UNKNOWN
    return FigureOfMerit(float(of.mean()), float(of.std(ddof=1)) if len(of) > 1 else None)


def over_trainings(figures: Sequence[FigureOfMerit]) -> FigureOfMerit:
    """Mean of a figure of merit; its error is the spread, and that of the test jets.

    One training alone has no error: that of the test jets does not tell how another would differ.

    >>> print(over_trainings([FigureOfMerit(0.7, 0.03), FigureOfMerit(0.7, 0.03)]))
    0.700 ± 0.030
    """
    known = [one for one in figures if one.value is not None]
    found = spread([one.value or 0.0 for one in known])
    if found.error is None:
        return found
    of_jets = np.mean([one.error or 0.0 for one in known])
    return FigureOfMerit(found.value, float(np.hypot(found.error, of_jets)))


def ratio(first: FigureOfMerit, second: FigureOfMerit) -> FigureOfMerit:
    """The quotient of two numbers, with the error of independent ones.

    >>> print(ratio(FigureOfMerit(80.0, 8.0), FigureOfMerit(20.0, 1.0)))
    4.00 ± 0.45
    """
    if not first.value or not second.value:
        return _UNKNOWN
    value = first.value / second.value
    relative = np.hypot((first.error or 0) / first.value, (second.error or 0) / second.value)
    return FigureOfMerit(value, float(value * relative) or None)


def scored_rows(ensemble: Ensemble, model: Path) -> dict[str, Representations]:
    """Representations of the jets that are scored, by sample, without copies."""
    config = ensemble.config
    parts = {
        name: rows.part("test", config.split) if name == config.background else rows
        for name, rows in ensemble.run.representations(model).items()
    }
    return {name: rows[~rows.dropped] for name, rows in parts.items()}


def band(
    metrics: Sequence[Metrics],
    score: str,
    signal: str,
    *,
    label: str,
    column: str = COLUMNS[0],
    style: Mapping[str, Any] | None = None,
    sic: bool = False,
) -> Line:
    """1/ε_B, or ε_S/√ε_B, against ε_S: mean and standard deviation over all members.

    They are those of the logarithm, so that the band stays above zero. Of a single member the band
    is that of the bootstrap.
    """
    from darkclr.report.figures.comparisons import Line  # an extra

    results = [in_column(member.scores[score].signals[signal], column) for member in metrics]
    curves = [of.roc for of in results if isinstance(of, Figures)]
    efficiency = np.array(curves[0].signal_efficiency)
    background = np.array([curve.background_efficiency for curve in curves], dtype=float)
    enough = background.min(axis=0) * min(of.n_background_effective for of in results if of) >= 5
    x, passed = efficiency[enough], background[:, enough]
    values = x / np.sqrt(passed) if sic else 1 / passed
    middle = np.exp(np.log(values).mean(axis=0))
    if len(curves) > 1:
        factor = np.exp(np.log(values).std(axis=0, ddof=1))
        low, high = middle / factor, middle * factor
    else:
        edges = np.array([curves[0].high, curves[0].low], dtype=float)[:, enough]
        with np.errstate(divide="ignore"):  # no background in some replicas
            low, high = x / np.sqrt(edges) if sic else 1 / edges
    return Line(label, x, middle, low, high, style or {})


def _figures(row: TableRow, column: str) -> Mapping[str, FigureOfMerit]:
    return (row.natural if column == COLUMNS[0] else row.natural_matched) or {}


def _with_error(found: FigureOfMerit) -> FigureOfMerit:
    spread, bootstrap = found.error, getattr(found, "bootstrap", None)
    if found.value is None:
        return found
    error = float(np.hypot(spread or 0.0, bootstrap or 0.0))
    return FigureOfMerit(found.value, error or None)


def _pair(figures: Mapping[str, Any]) -> str:
    """AUC / rejection, as far as they are there."""
    texts = [str(figures[name]) if name in figures else "–" for name in ("auc", REJECTION)]
    return "–" if set(texts) == {"–"} else " / ".join(texts)
