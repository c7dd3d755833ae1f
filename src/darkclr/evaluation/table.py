"""The comparison of all scores over an ensemble: ``table.json`` and ``table.md``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from darkclr.errors import InputError
from darkclr.evaluation.ensemble import ensemble_rows
from darkclr.evaluation.published import PUBLISHED
from darkclr.evaluation.summary import format_number

__all__ = ["comparison", "markdown", "readable_rows"]

#: Signal efficiency of the tables in the papers.
_QUOTED = "rejection_0.2"


def comparison(
    representations: Mapping[str | None, Mapping[str, Any]], *, processes: Mapping[str, str]
) -> dict[str, Any]:
    """All scores on all signals over an ensemble.

    Args:
        representations: by name, None for that of the configuration itself, which comes first:
            ``natural``, metrics of the members with the simulated mixture, ``[encoder][density]``;
            ``gluons``, the same with another share of gluon jets, or None; ``facts`` by score with
            ``reads``, ``parameters``, ``fit_minutes``; ``encoder`` with ``parameters`` and
            ``train_minutes``.
        processes: process of each signal sample, by which published values are found.

    Returns:
        JSON-able: ``encoders``, ``densities``, ``gluon_share``, ``samples`` (jets and events),
        ``representations`` (``name`` or null, ``parameters``, ``train_minutes``), and ``rows``:
        representation, signal, score, title, baseline, the facts, ``published`` or null,
        ``natural`` and ``gluons`` (or null) with the figures of merit of :func:`ensemble_rows`.

    Raises:
        InputError: as of :func:`ensemble_rows`, or the members have other test jets.
    """
    own = representations[None]
    natural, gluons = own["natural"], own["gluons"]
    samples = natural[0][0]["samples"]
    rows = []
    for name, of_one in representations.items():
        if any(m["samples"] != samples for members in of_one["natural"] for m in members):
            raise InputError("the members have other test jets", where=f"variant {name}")
        rows += _rows(name, of_one, processes)
    signals = list(dict.fromkeys(row["signal"] for row in rows))
    rows.sort(
        key=lambda row: (
            signals.index(row["signal"]),
            not row["baseline"],
            -row["natural"]["auc"]["value"],
        )
    )
    return {
        "kind": "table",
        "encoders": len(natural),
        "densities": len(natural[0]),
        "gluon_share": gluons[0][0]["config"]["gluon_share"] if gluons else None,
        "samples": samples,
        "representations": [
            {"name": name} | of_one["encoder"] for name, of_one in representations.items()
        ],
        "rows": rows,
    }


def _rows(
    representation: str | None, members: Mapping[str, Any], processes: Mapping[str, str]
) -> list[dict[str, Any]]:
    named = ("signal", "score", "title", "baseline")
    gluons = members["gluons"]
    mixed = {(r["signal"], r["score"]): r for r in ensemble_rows(gluons)} if gluons else {}

    def figures(row: dict[str, Any] | None) -> dict[str, Any] | None:
        return row and {name: number for name, number in row.items() if name not in named}

    def published(row: dict[str, Any]) -> dict[str, Any] | None:
        return PUBLISHED.get((processes[row["signal"]], row["score"], representation))

    return [
        {"representation": representation}
        | {name: row[name] for name in named}
        | dict(members["facts"][row["score"]])
        | {
            "published": published(row),
            "natural": figures(row),
            "gluons": figures(mixed.get((row["signal"], row["score"]))),
        }
        for row in ensemble_rows(members["natural"])
        if row["score"] in members["facts"]  # earlier calls may have asked for more
    ]


def readable_rows(table: dict[str, Any], signal: str) -> list[dict[str, str]]:
    """The rows of one signal as text: AUC and rejection at ε_S = 0.2, or where it is quoted."""
    rows = [row for row in table["rows"] if row["signal"] == signal]
    quoted = [name for name in rows[0]["natural"] if name.startswith("rejection_")]
    quoted = [_QUOTED] if _QUOTED in quoted else quoted
    figures = {"auc": "AUC"} | {
        name: f"1/ε_B({name.removeprefix('rejection_')})" for name in quoted
    }
    share = table["gluon_share"]
    variants = len(table["representations"]) > 1
    readable = []
    for row in rows:
        cells = {"representation": row["representation"] or "–"} if variants else {}
        cells |= {"score": row["title"] + (" *" if row["baseline"] else ""), "reads": row["reads"]}
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
    own, *variants = table["representations"]
    minutes = own["train_minutes"]
    trained = "" if minutes is None else f", trained in {minutes:.0f} minutes each"
    lines = [
        f"Test jets: {counts}. Mean ± standard deviation over {encoders * densities} members, "
        f"{encoders} encoders × {densities} densities; of a score that does not depend on one of "
        "both, over the others. After it: the spread over encoders (of "
        "their means), over densities (of one encoder), and the error of the test jets from the "
        "bootstrap; all members share these jets, so that it does not shrink with their number.",
        "",
        f"The encoder has {own['parameters']} parameters{trained}; those of a score "
        "that reads representations come on top. "
        "* yardstick. – unknown, or no such number: scores that keep training jets, detectors of "
        "other packages, spreads over what a score does not depend on. "
        "Published: AUC / 1/ε_B at ε_S = 0.2, of another simulation.",
    ]
    if variants:
        lines += [
            "",
            "Representation: – is that of the configuration itself, or none where a score does not "
            "read it; the others are its variants.",
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
