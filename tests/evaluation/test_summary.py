from __future__ import annotations

from dataclasses import replace

from darkclr.evaluation import show_summary
from darkclr.reporter import Silent


class Tables(Silent):
    """Keeps what is shown."""

    def __init__(self) -> None:
        self.shown: dict[str, list] = {}

    def table(self, title, rows):
        self.shown[title] = list(rows)


def test_both_columns_and_the_spectra_are_shown(metrics):
    tables = Tables()
    scores = metrics.scores | {"blind": replace(metrics.scores["blind"], baseline=True)}
    show_summary(replace(metrics, scores=scores), tables)
    for signal in ("aachen", "light"):
        simulated, matched = (
            next(rows for title, rows in tables.shown.items() if title.startswith(start))
            for start in (f"{signal} against background, as simulated", f"{signal} at equal pT")
        )
        for rows, column in ((simulated, "figures"), (matched, "matched")):
            expected = [row for row in metrics.rows() if row.signal == signal]
            shown = {row["score"]: row["AUC"] for row in rows}
            assert shown == {
                row.title + (" *" if row.score == "blind" else ""): str(getattr(row, column)["auc"])
                for row in expected
            }
    spectra = next(rows for title, rows in tables.shown.items() if "by pt" in title)
    found = metrics.scores["good"].sculpting["pt"]["0.1"]
    assert [row["score"] for row in tables.shown["cuts by background efficiency"]] == [
        entry.title for entry in metrics.scores.values() if entry.cuts
    ]
    assert spectra[0]["0.1"] == f"{found.largest_deviation} ({found.flat:.2f})"


def test_only_what_was_measured_is_shown(metrics):
    tables = Tables()
    scores = {
        name: replace(
            entry,
            sculpting=None,
            signals={s: replace(r, matched=None) for s, r in entry.signals.items()},
            cuts=None,
        )
        for name, entry in metrics.scores.items()
    }
    show_summary(replace(metrics, scores=scores), tables)
    shown = [title for title, rows in tables.shown.items() if rows]
    assert [title.split(",")[0] for title in shown] == [
        "aachen against background",
        "light against background",
    ]
