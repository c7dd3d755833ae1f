"""The comparison of all scores over an ensemble: ``table.json`` and ``table.md``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from darkclr.evaluation.ensemble import ensemble_rows
from darkclr.evaluation.published import PUBLISHED
from darkclr.evaluation.summary import format_number

__all__ = ["comparison", "markdown", "readable_rows"]

#: Signal efficiency of the tables in the papers.
_QUOTED = "rejection_0.2"


def comparison(
    natural: Sequence[Sequence[dict[str, Any]]],
    gluons: Sequence[Sequence[dict[str, Any]]] | None,
    *,
    facts: Mapping[str, Mapping[str, Any]],
    processes: Mapping[str, str],
    encoder: Mapping[str, Any],
) -> dict[str, Any]:
    """All scores on all signals over an ensemble.

    Args:
        natural: metrics of the members with the simulated mixture, ``natural[encoder][density]``.
        gluons: the same with another share of gluon jets.
        facts: by score: ``reads``, ``parameters`` and ``fit_minutes``.
        processes: process of each signal sample, by which published values are found.
        encoder: ``parameters`` and ``train_minutes``.

    Returns:
        JSON-able: ``encoders``, ``densities``, ``gluon_share``, ``samples`` (jets and events),
        ``encoder``, and ``rows``: signal, score, title, baseline, the facts, ``published`` or null,
        ``natural`` and ``gluons`` (or null) with the figures of merit of :func:`ensemble_rows`.

    Raises:
        InputError: as of :func:`ensemble_rows`.
    """
    named = ("signal", "score", "title", "baseline")
    mixed = {(r["signal"], r["score"]): r for r in ensemble_rows(gluons)} if gluons else {}

    def figures(row: dict[str, Any] | None) -> dict[str, Any] | None:
        return row and {name: number for name, number in row.items() if name not in named}

    rows = [
        {name: row[name] for name in named}
        | dict(facts[row["score"]])
        | {
            "published": PUBLISHED.get((processes[row["signal"]], row["score"])),
            "natural": figures(row),
            "gluons": figures(mixed.get((row["signal"], row["score"]))),
        }
        for row in ensemble_rows(natural)
    ]
    return {
        "kind": "table",
        "encoders": len(natural),
        "densities": len(natural[0]),
        "gluon_share": gluons[0][0]["config"]["gluon_share"] if gluons else None,
        "samples": natural[0][0]["samples"],
        "encoder": dict(encoder),
        "rows": rows,
    }


def readable_rows(table: dict[str, Any], signal: str) -> list[dict[str, str]]:
    """The rows of one signal as text: AUC and rejection at ε_S = 0.2, or where it is quoted."""
    rows = [row for row in table["rows"] if row["signal"] == signal]
    quoted = [name for name in rows[0]["natural"] if name.startswith("rejection_")]
    quoted = [_QUOTED] if _QUOTED in quoted else quoted
    figures = {"auc": "AUC"} | {
        name: f"1/ε_B({name.removeprefix('rejection_')})" for name in quoted
    }
    share = table["gluon_share"]
    readable = []
    for row in rows:
        cells = {"score": row["title"] + (" *" if row["baseline"] else ""), "reads": row["reads"]}
        for name, title in figures.items():
            number = row["natural"][name]
            cells[title] = format_number(number)
            cells[f"{title}: encoders, densities, test"] = ", ".join(
                _spread(number[key], name) for key in ("encoders", "densities", "bootstrap")
            )
        if share is not None:
            for name, title in figures.items():
                cells[f"{title}, {share:.0%} gluons"] = format_number(row["gluons"][name])
        cells["published"] = _published(row["published"])
        parameters, minutes = row["parameters"], row["fit_minutes"]
        cells["parameters"] = "–" if parameters is None else f"{parameters}"
        cells["fit [min]"] = "–" if minutes is None else f"{minutes:.1f}"
        readable.append(cells)
    return readable


def markdown(table: dict[str, Any]) -> str:
    """The page: what the numbers are, and a table for each signal."""
    encoders, densities = table["encoders"], table["densities"]
    counts = ", ".join(f"{n['n_jets']} {name}" for name, n in table["samples"].items())
    minutes = table["encoder"]["train_minutes"]
    trained = "" if minutes is None else f", trained in {minutes:.0f} minutes each"
    lines = [
        f"Test jets: {counts}. Mean ± standard deviation over {encoders * densities} members, "
        f"{encoders} encoders × {densities} densities. After it: the spread over encoders (of "
        "their means), over densities (of one encoder), and the error of the test jets from the "
        "bootstrap; all members share these jets, so that it does not shrink with their number.",
        "",
        f"The encoder has {table['encoder']['parameters']} parameters{trained}; those of a score "
        "that reads representations come on top. "
        "* yardstick. – unknown, or no such number: scores that keep training jets, detectors of "
        "other packages. Published: AUC / 1/ε_B at ε_S = 0.2, of another simulation.",
    ]
    for signal in dict.fromkeys(row["signal"] for row in table["rows"]):
        rows = readable_rows(table, signal)
        lines += ["", f"## {signal}", ""]
        lines += [_line(rows[0]), _line(["---"] * len(rows[0]))]
        lines += [_line(row.values()) for row in rows]
    return "\n".join(lines) + "\n"


def _line(cells: Any) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _spread(value: float | None, name: str) -> str:
    return "–" if value is None else f"{value:.3f}" if name == "auc" else f"{value:.1f}"


def _published(row: dict[str, Any] | None) -> str:
    if row is None:
        return "–"
    names = [name for name in ("auc", _QUOTED) if name in row]
    return " / ".join(format_number(row[name]) for name in names)
