"""The summary of an evaluation for a terminal."""

from __future__ import annotations

from collections.abc import Mapping

from darkclr.evaluation.results import FigureOfMerit, Metrics, Row, equal
from darkclr.reporter import Reporter

__all__ = ["show_summary"]


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
    counts = metrics.samples.items()
    reporter.line("scored: " + ", ".join(f"{n.n_jets} {name} jets" for name, n in counts))


def _cells(row: Row, figures: Mapping[str, FigureOfMerit]) -> dict[str, str]:
    """A line of a table: a score, its AUC and rejections."""
    cells = {"score": row.title + (" *" if row.baseline else ""), "AUC": str(figures["auc"])}
    for name, number in figures.items():
        if name.startswith("rejection_"):
            cells[name.removeprefix("rejection_")] = str(number)
    return cells
