"""What an evaluation found: the content of ``metrics.json``, field by field.

A number that there is none of, such as the rejection where no background passes, is None.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from darkclr.anomaly.working_points import WorkingPoint
from darkclr.evaluation.config import EvaluationConfig

__all__ = [
    "Curve",
    "Cut",
    "FigureOfMerit",
    "Figures",
    "Matched",
    "Maximum",
    "Metrics",
    "Provenance",
    "Row",
    "SampleCounts",
    "ScoreResult",
    "Sculpting",
    "SignalResult",
    "equal",
    "sorted_rows",
]


@dataclass(frozen=True)
class FigureOfMerit:
    """A number and its uncertainty.

    Args:
        value: the number.
        error: half of the central 68 % of its bootstrap.
        lower_bound: at 95 % confidence, where there is no value.

    >>> print(FigureOfMerit(0.75731, 0.00412), FigureOfMerit(58.93, 3.21), sep=", ")
    0.757 ± 0.004, 58.9 ± 3.2
    >>> print(FigureOfMerit(412.7, 61.3))
    413 ± 61
    >>> print(FigureOfMerit(None, None, lower_bound=1668.9), FigureOfMerit(None, None), sep=", ")
    > 1670, –
    """

    value: float | None
    error: float | None
    lower_bound: float | None = None

    def __str__(self) -> str:
        """Value ± error, rounded to two digits of the error; a bound or a dash where none is."""
        value, error = self.value, self.error
        if value is None:
            return "–" if self.lower_bound is None else f"> {_significant(self.lower_bound, 3)}"
        if not error:
            return f"{value:.4g}"
        # AUC to three decimals at least costs nothing; larger numbers show two digits of the error.
        decimals = max(0, 1 - math.floor(math.log10(error)))
        decimals = min(decimals, 3) if abs(value) <= 1 else decimals
        return f"{value:.{decimals}f} ± {error:.{decimals}f}"


@dataclass(frozen=True)
class Maximum(FigureOfMerit):
    """The largest value that a figure of merit reaches.

    Args:
        signal_efficiency: where it does.
    """

    signal_efficiency: float | None = None


@dataclass(frozen=True)
class Curve:
    """A ROC curve on a fixed grid of signal efficiencies, with its 68 % band."""

    signal_efficiency: tuple[float, ...]
    background_efficiency: tuple[float, ...]
    low: tuple[float | None, ...]
    high: tuple[float | None, ...]

    def __post_init__(self) -> None:
        lengths = {len(self.signal_efficiency), len(self.background_efficiency)}
        if len(lengths | {len(self.low), len(self.high)}) > 1:
            raise ValueError("columns of different lengths")


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Figures of merit of one score on one signal sample.

    Args:
        n_background_effective: number of unweighted background jets that know as much.
        auc, auc_error: area under the ROC curve.
        background_rejection: 1/ε_B by signal efficiency.
        significance_improvement: ε_S/√ε_B by signal efficiency.
        maximum_significance_improvement: its largest value where enough background passes.
        roc: the curve.
    """

    n_background_effective: float
    auc: float
    auc_error: float | None
    background_rejection: Mapping[str, FigureOfMerit]
    significance_improvement: Mapping[str, FigureOfMerit]
    maximum_significance_improvement: Maximum
    roc: Curve

    def summary(self) -> dict[str, FigureOfMerit]:
        """Those that tables show: ``auc``, ``rejection_EFFICIENCY`` and ``max_sic``."""
        rejections = {f"rejection_{e}": n for e, n in self.background_rejection.items()}
        auc = FigureOfMerit(self.auc, self.auc_error)
        return {"auc": auc, **rejections, "max_sic": self.maximum_significance_improvement}


@dataclass(frozen=True, kw_only=True)
class Matched(Figures):
    """Figures of merit with the background weighted to the spectrum of the signal sample.

    Args:
        by: what is equal: ``pt``, or ``pt_mass``.
        uncovered: share of the signal's spectrum for which there is too little background.
    """

    by: Literal["pt", "pt_mass"]
    uncovered: float


@dataclass(frozen=True, kw_only=True)
class SignalResult(Figures):
    """A score on one signal sample, as simulated.

    Args:
        n_background, n_signal: numbers of jets.
        matched: the same at equal pT, or pT and mass.
    """

    n_background: int
    n_signal: int
    matched: Matched | None = None


@dataclass(frozen=True)
class Sculpting:
    """The share of background above a cut, as a function of pT or mass.

    Args:
        background_efficiency: share of all background above the cut; jets of equal score stay
            together, so that it may be larger than the one that was asked for.
        edges: of the bins [GeV].
        share, error: of the jets of each bin that pass.
        largest_deviation: of a bin's share from that of all jets, relative to it.
        flat: what the largest deviation of a score that changes no spectrum stays below in 95 % of
            such samples.
        divergence: Jensen-Shannon divergence of the spectra of jets that pass and fail, in bits.
    """

    background_efficiency: float
    edges: tuple[float, ...]
    share: tuple[float, ...]
    error: tuple[float, ...]
    largest_deviation: FigureOfMerit
    flat: float
    divergence: FigureOfMerit

    def __post_init__(self) -> None:
        if len({len(self.edges) - 1, len(self.share), len(self.error)}) > 1:
            raise ValueError("columns of different lengths")


@dataclass(frozen=True)
class Cut:
    """A working point, and the share of each signal sample above it."""

    point: WorkingPoint
    signal_efficiency: Mapping[str, FigureOfMerit]


@dataclass(frozen=True)
class ScoreResult:
    """A score on all signal samples.

    Args:
        title: label in tables and plots.
        baseline: a yardstick rather than a proposal.
        signals: by name of the sample.
        sculpting: by ``pt`` or ``mass``, then by the background efficiency that was asked for, as
            far as enough jets pass.
        cuts: at the background efficiencies that were asked for, the loosest first.
    """

    title: str
    baseline: bool
    signals: Mapping[str, SignalResult]
    sculpting: Mapping[str, Mapping[str, Sculpting]] | None = None
    cuts: tuple[Cut, ...] | None = None


@dataclass(frozen=True)
class SampleCounts:
    """How many jets of a sample were scored.

    Args:
        n_jets, n_events: numbers of rows, and of the events that they come from.
        n_signal, n_background: jets by label.
        sum_of_weights: of all jets.
        title: label in tables and plots; the name of the sample if None.
        process: what was simulated, if the file of scores says so.
    """

    n_jets: int
    n_events: int
    n_signal: int
    n_background: int
    sum_of_weights: float
    title: str | None = None
    process: str | None = None


@dataclass(frozen=True)
class Provenance:
    """What made the figures of merit.

    Args:
        versions: of the packages, by name.
        scores: metadata of the files of scores.
    """

    versions: Mapping[str, str]
    scores: Mapping[str, Any]


@dataclass(frozen=True)
class Row:
    """A line of a summary table: a score on a signal sample.

    Args:
        signal, score: their names.
        title, baseline: as of :class:`ScoreResult`.
        figures: as of :meth:`Figures.summary`, as simulated.
        matched: the same at equal pT, or pT and mass, if that was measured.
    """

    signal: str
    score: str
    title: str
    baseline: bool
    figures: Mapping[str, FigureOfMerit]
    matched: Mapping[str, FigureOfMerit] | None = None


@dataclass(frozen=True)
class Metrics:
    """Figures of merit of every score on every signal sample.

    >>> metrics.scores["discriminant"].signals["aachen"].auc  # doctest: +SKIP
    0.797

    Args:
        kind: ``probe`` if the scores are those of supervised classifiers.
        config: what was measured.
        provenance: of what.
        samples: numbers of jets, by name of the sample.
        n_unlabelled: rows that are neither background nor signal.
        scores: by name.
        supervised: whether the scores were made with labels.
        probe: how the classifiers of a probe were trained.
        verdicts: what became of the trainings, by the name of the score or ``encoder``; each with a
            ``sentence``.
    """

    kind: Literal["metrics", "probe"]
    config: EvaluationConfig
    provenance: Provenance
    samples: Mapping[str, SampleCounts]
    n_unlabelled: int
    scores: Mapping[str, ScoreResult]
    supervised: bool | None = None
    probe: Mapping[str, Any] | None = None
    verdicts: Mapping[str, Mapping[str, Any]] | None = None

    def __post_init__(self) -> None:
        if not any(entry.signals for entry in self.scores.values()):
            raise ValueError("no scores on any signal")
        results = [result for entry in self.scores.values() for result in entry.signals.values()]
        matched = {result.matched and result.matched.by for result in results}
        quoted = {tuple(r.summary()) for r in (*results, *(r.matched for r in results)) if r}
        if len(quoted) > 1 or len(matched) > 1:
            raise ValueError("scores with different figures of merit")

    @property
    def matched(self) -> str | None:
        """What is equal in the second column, ``pt`` or ``pt_mass``; None without it."""
        first = next(iter(self.scores.values())).signals
        return next((r.matched.by for r in first.values() if r.matched), None)

    @property
    def signals(self) -> list[str]:
        """Names of the signal samples, in their order."""
        return list(dict.fromkeys(s for entry in self.scores.values() for s in entry.signals))

    def title(self, sample: str) -> str:
        """The label of a sample in tables and plots."""
        counts = self.samples.get(sample)
        return (counts and counts.title) or sample

    def rows(self) -> list[Row]:
        """Lines of the summary table: by signal sample, yardsticks first, then by falling AUC."""
        return sorted_rows(
            [
                Row(
                    signal,
                    score,
                    entry.title,
                    entry.baseline,
                    result.summary(),
                    None if result.matched is None else result.matched.summary(),
                )
                for score, entry in self.scores.items()
                for signal, result in entry.signals.items()
            ]
        )

    def below_yardsticks(self) -> list[str]:
        """A sentence for each column in which learned scores are no better than a yardstick.

        A score is that if its AUC and all its rejections are below those of one yardstick, or if
        its AUC is by more than two errors.
        """
        sentences = []
        for signal in self.signals:
            for column, figures_of in {
                "as simulated": lambda row: row.figures,
                f"at {equal(self.matched)}": lambda row: row.matched or {},
            }.items():
                rows = [row for row in self.rows() if row.signal == signal and figures_of(row)]
                yardsticks = [row for row in rows if row.baseline]
                beaten: dict[str, list[str]] = {}
                for row in rows:
                    for yardstick in yardsticks:
                        if not row.baseline and _below(figures_of(row), figures_of(yardstick)):
                            beaten.setdefault(yardstick.title, []).append(row.title)
                sentences += [
                    f"{self.title(signal)}, {column}: below {yardstick} {_are(titles)}"
                    for yardstick, titles in beaten.items()
                ]
        return sentences


def _are(titles: list[str]) -> str:
    return f"{'are' if len(titles) > 1 else 'is'} {', '.join(titles)}"


def _below(score: Mapping[str, FigureOfMerit], yardstick: Mapping[str, FigureOfMerit]) -> bool:
    """Whether a score is no better than a yardstick anywhere, or clearly worse in AUC."""
    mine, other = score["auc"], yardstick["auc"]
    if mine.value is None or other.value is None:
        return False
    error = math.hypot(mine.error or 0.0, other.error or 0.0)
    if mine.value < other.value - 2 * error:
        return True
    rejections = [name for name in score if name.startswith("rejection_")]
    known = [(score[n].value, yardstick[n].value) for n in rejections if n in yardstick]
    worse = [a is not None and b is not None and a < b for a, b in known]
    return mine.value < other.value and all(worse)


def equal(match: str | None) -> str:
    """What is equal in the second column, in words."""
    return {"pt": "equal pT", "pt_mass": "equal pT and mass"}.get(match or "", "")


def sorted_rows(rows: list[Row]) -> list[Row]:
    """By signal sample in order of appearance, yardsticks first, then by falling AUC."""
    signals = list(dict.fromkeys(row.signal for row in rows))
    return sorted(
        rows,
        key=lambda row: (
            signals.index(row.signal),
            not row.baseline,
            -(row.figures["auc"].value or 0.0),
        ),
    )


def _significant(value: float, digits: int) -> str:
    return f"{round(value, digits - 1 - math.floor(math.log10(abs(value)))):.0f}"
