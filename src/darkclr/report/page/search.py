"""The most anomalous jets of a run without signal, and its cuts, as HTML."""

from __future__ import annotations

import html
from collections.abc import Iterable
from pathlib import Path

from darkclr.evaluation.search import FoundJet, Search

__all__ = ["cuts_table", "jets_table"]

_HEADS = (
    *("file", "event", "jet", "part", "pT [GeV]", "η", "mass [GeV]", "constituents"),
    *("score", "p-value", "at equal pT"),
)


def jets_table(found: Search) -> str:
    """The most anomalous jets by each score that is no yardstick."""
    parts = []
    for score in found.scores.values():
        if not score.baseline:
            lines = (_line(jet) for jet in score.jets)
            parts.append(f"<h3>{html.escape(score.title)}</h3>" + _table(_HEADS, lines))
    return "".join(parts)


def cuts_table(found: Search) -> str:
    """The cuts on each score, and the share of the test jets above them."""
    points = next(iter(found.scores.values())).working_points
    heads = ["score"]
    for point in points:
        heads += [f"cut at ε = {point.background_efficiency:g}", "of test jets"]
    lines = []
    for score in found.scores.values():
        cells = [score.title + (" (yardstick)" if score.baseline else "")]
        for point in score.working_points:
            cells += ["–", "–"] if point.cut is None else [f"{point.cut:.4g}", str(point.measured)]
        lines.append(cells)
    return _table(heads, lines)


def _line(jet: FoundJet) -> list[str]:
    def number(value: float | None, digits: str) -> str:
        return "–" if value is None else f"{value:{digits}}"

    return [
        *(Path(jet.file).name, str(jet.event), str(jet.rank), jet.part, f"{jet.pt:.1f}"),
        *(number(jet.eta, ".2f"), number(jet.mass, ".1f"), str(jet.n_constituents)),
        *(f"{jet.score:.4g}", f"{jet.p_value:.2g}", number(jet.p_value_given_pt, ".2g")),
    ]


def _table(heads: Iterable[str], lines: Iterable[list[str]]) -> str:
    head = "".join(f"<th>{html.escape(text)}</th>" for text in heads)
    rows = []
    for first, *rest in lines:
        cells = "".join(f"<td>{html.escape(text)}</td>" for text in rest)
        rows.append(f"<tr><th>{html.escape(first)}</th>{cells}</tr>")
    return (
        f'<div class="scroll" tabindex="0"><table class="numbers"><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )
