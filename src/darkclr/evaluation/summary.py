"""The summary of an evaluation for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from darkclr.evaluation.results import Cut, FigureOfMerit, Metrics, Row, equal
from darkclr.reporter import Reporter

__all__ = ["show_cuts", "show_summary"]


def show_summary(metrics: Metrics, reporter: Reporter) -> None:
    """Show tables of figures of merit, and of what cuts do to the spectra of background."""
    for signal in metrics.signals:
        rows = [row for row in metrics.rows() if row.signal == signal]
        reporter.table(
            f"{signal} against background, as simulated "
            "(rejection at signal efficiency; * = yardstick)",
            [_cells(row, row.figures) for row in rows],
        )
        if matched := metrics.scores[rows[0].score].signals[signal].matched:
            reporter.table(
                f"{signal} at {equal(matched.by)}: background weighted to the spectrum of "
                f"{signal}, worth {matched.n_background_effective:.0f} jets",
                [_cells(row, row.matched or {}) for row in rows],
            )
    for sentence in metrics.below_yardsticks():
        reporter.line(sentence)
    for quantity in ("pt", "mass"):
        measured = {
            entry.title: entry.sculpting[quantity]
            for entry in metrics.scores.values()
            if entry.sculpting and entry.sculpting.get(quantity)
        }
        cuts = dict.fromkeys(cut for of_score in measured.values() for cut in of_score)
        reporter.table(
            f"share of background above a cut, by {quantity}: largest deviation from that of all "
            "(a flat score stays below)",
            [
                {"score": title}
                | {
                    cut: f"{found.largest_deviation} ({found.flat:.2f})" if found else "–"
                    for cut in cuts
                    for found in [of_score.get(cut)]
                }
                for title, of_score in measured.items()
            ],
        )
    show_cuts([(s.title, s.cuts) for s in metrics.scores.values() if s.cuts], reporter)
    counts = metrics.samples.items()
    reporter.line("scored: " + ", ".join(f"{n.n_jets} {name} jets" for name, n in counts))


def show_cuts(cuts: Sequence[tuple[str, Sequence[Cut]]], reporter: Reporter) -> None:
    """Show the working points of scores, with what they keep of each signal.

    Args:
        cuts: title of each score, and its cuts at the same background efficiencies.
        reporter: what they are shown on.
    """
    reporter.table(
        "cuts by background efficiency",
        [
            {"score": title}
            | {f"{cut.point.background_efficiency:g}": str(cut.point) for cut in of_score}
            for title, of_score in cuts
        ],
    )
    signals = {name for _, of_score in cuts for c in of_score for name in c.signal_efficiency}
    for signal in sorted(signals):
        reporter.table(
            f"{signal} above these cuts: signal efficiency",
            [
                {"score": title}
                | {
                    f"{cut.point.background_efficiency:g}": str(cut.signal_efficiency[signal])
                    for cut in of_score
                }
                for title, of_score in cuts
            ],
        )
    problems: dict[str, list[str]] = {}
    for title, of_score in cuts:
        for cut in of_score:
            if cut.point.problem is not None:
                what = f"no cut at {cut.point.background_efficiency:g}: {cut.point.problem}"
                problems.setdefault(what, []).append(title)
    for what, titles in problems.items():
        all_of_them = len(titles) == len(cuts) and len(cuts) > 1
        reporter.line(f"{'all scores' if all_of_them else ', '.join(titles)}: {what}")


def _cells(row: Row, figures: Mapping[str, FigureOfMerit]) -> dict[str, str]:
    """A line of a table: a score, its AUC and rejections."""
    cells = {"score": row.title + (" *" if row.baseline else ""), "AUC": str(figures["auc"])}
    for name, number in figures.items():
        if name.startswith("rejection_"):
            cells[name.removeprefix("rejection_")] = str(number)
    return cells
