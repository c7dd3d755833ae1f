"""Fig. 3: ROC curves and significance improvement as bands over encoders × densities."""

from __future__ import annotations

import math
from collections.abc import Sequence

from darkclr.evaluation.results import FigureOfMerit, Metrics
from darkclr.studies.reproduction.claims import Claim, compare
from darkclr.studies.reproduction.readings import (
    COLUMNS,
    band,
    in_column,
    members,
    number,
    numbers_of,
    over_trainings,
    rows_of,
)
from darkclr.studies.reproduction.scales import robustness
from darkclr.studies.reproduction.study import Material, Result, Study

_SHOWN = {
    "norm": "s_CLR",
    "nae": "s_NAE",
    "autoencoder": "s_AE *",
    "discriminant": "discriminant given pT",
    "few_constituents": "number of constituents *",
    "jet_pt": "jet pT *",
}


def _measure(material: Material) -> Result:
    from darkclr.report.figures.comparisons import lines_figure
    from darkclr.report.figures.style import score_styles

    ensemble, styles = material.ensemble("robustness"), score_styles(_SHOWN)
    table, of_members = ensemble.table(), members(ensemble)
    claims: list[Claim] = []
    panels = {}
    for sic in (False, True):
        for column in COLUMNS:
            name = "significance improvement" if sic else "rejection"
            panels[f"{name}, {column}"] = [
                band(
                    of_members,
                    score,
                    "aachen",
                    label=label,
                    column=column,
                    style=styles[score],
                    sic=sic,
                )
                for score, label in _SHOWN.items()
            ]
    for column in COLUMNS:

        def numbers(score: str, figure: str, column: str = column):
            return number(table, score, "aachen", column=column, figure=figure)

        claims += [
            compare(
                f"s_CLR rejects background at low signal efficiency, {column}",
                {
                    f"rejection at {e} and that of chance": (
                        numbers("norm", f"rejection_{e}"),
                        FigureOfMerit(1 / float(e), None),
                    )
                    for e in ("0.1", "0.2")
                },
                reason="where the encoder reads fractions of jet pT, the norm cannot follow jet pT",
            ),
            compare(
                f"s_CLR drops off at a signal efficiency of 0.3, s_NAE does not, {column}",
                {
                    "logarithm of rejection at 0.1 over that at 0.3, s_CLR and s_NAE": (
                        _fall(of_members, "norm", column),
                        _fall(of_members, "nae", column),
                    ),
                    "rejection at 0.3, s_NAE and s_CLR": (
                        numbers("nae", "rejection_0.3"),
                        numbers("norm", "rejection_0.3"),
                    ),
                },
                reason="the norm penalty and the length of the training decide on s_CLR",
            ),
            compare(
                f"s_NAE solves a problem that a standard autoencoder has, {column}",
                {
                    name: (numbers("nae", figure), numbers("autoencoder", figure))
                    for figure, name in (("auc", "AUC"), ("rejection_0.2", "rejection at 0.2"))
                },
                reason="the chains are short, and s_NAE changes from encoder to encoder by "
                f"{numbers('nae', 'auc').error or 0:.3f} in AUC, the autoencoder by "
                f"{numbers('autoencoder', 'auc').error or 0:.3f}",
            ),
            compare(
                f"s_NAE rejects more than the number of constituents, {column}",
                {
                    "rejection at 0.2": (
                        numbers("nae", "rejection_0.2"),
                        numbers("few_constituents", "rejection_0.2"),
                    )
                },
                reason="a density is two-sided: jets with many constituents are as improbable as "
                "those with few",
                ours=True,
            ),
        ]
    return Result(
        figure=lines_figure(
            panels, x="signal efficiency ε$_S$",
            y=["1/ε$_B$", "1/ε$_B$", "ε$_S$/√ε$_B$", "ε$_S$/√ε$_B$"],
            logarithmic=[title for title in panels if title.startswith("rejection")], columns=2,
        ),
        claims=claims,
        tables={
            f"AUC / rejection at ε_S = 0.2, {column}": rows_of(
                table, ("aachen",), column=column, scores=tuple(_SHOWN), published=("table2",)
            )
            for column in COLUMNS
        },
        numbers={
            "rows": [r for r in numbers_of(table) if r["signal"] == "aachen"],
            "curves": {
                title: {line.label: line.numbers() for line in lines}
                for title, lines in panels.items()
            },
        },
        remarks=[
            f"Bands are mean ± standard deviation over {table.encoders} encoders × "
            f"{table.densities} densities; of yardsticks all members are the same."
        ],
        not_run=[] if table.encoders * table.densities >= 15 else ["5 encoders × 3 densities"],
    )  # fmt: skip


def _fall(of_members: Sequence[Metrics], score: str, column: str) -> FigureOfMerit:
    """Logarithm of the rejection at 0.1 over that at 0.3: trainings multiply both alike."""
    found = []
    for member in of_members:
        figures = in_column(member.scores[score].signals["aachen"], column)
        if figures is None:
            continue
        low, high = (figures.summary()[f"rejection_{e}"] for e in ("0.1", "0.3"))
        if low.value and high.value:
            relative = math.hypot((low.error or 0) / low.value, (high.error or 0) / high.value)
            found.append(FigureOfMerit(math.log(low.value / high.value), relative))
    return over_trainings(found)


STUDY = Study(
    name="fig3",
    title="ROC curves of s_CLR and s_NAE as bands over encoders × densities",
    source="DarkCLR, Fig. 3",
    needs="the ensemble of five signals",
    trainings=lambda scale: {"robustness": robustness(scale)},
    measure=_measure,
    published=("table2",),
)
