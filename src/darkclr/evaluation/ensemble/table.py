"""The comparison of all scores over an ensemble: ``table.json`` and ``table.md``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from darkclr.errors import InputError
from darkclr.evaluation.ensemble.spreads import Spread, ensemble_rows
from darkclr.evaluation.published import published_row
from darkclr.evaluation.results import FigureOfMerit, Metrics, Row, SampleCounts, equal

__all__ = [
    "EncoderFacts",
    "EnsembleMetrics",
    "ScoreFacts",
    "Table",
    "TableRow",
    "comparison",
    "markdown",
    "readable_rows",
]

#: Signal efficiency of the tables in the papers.
_QUOTED = "rejection_0.2"


@dataclass(frozen=True)
class ScoreFacts:
    """What a score reads and costs.

    Args:
        reads: what, in words.
        parameters: how many numbers it learned, if that is known.
        fit_minutes: how long that took, if that is known.
    """

    reads: str
    parameters: int | None
    fit_minutes: float | None


@dataclass(frozen=True)
class EncoderFacts:
    """What an encoder costs.

    Args:
        parameters: how many numbers it learned.
        train_minutes: how long that took, if that is known.
    """

    parameters: int
    train_minutes: float | None


@dataclass(frozen=True)
class EnsembleMetrics:
    """The members of one configuration.

    Args:
        natural: figures of merit with the simulated mixture, ``[encoder][density]``.
        gluons: the same with another share of gluon jets, or None.
        facts: by name of the score.
        encoder: of all encoders.
    """

    natural: Sequence[Sequence[Metrics]]
    gluons: Sequence[Sequence[Metrics]] | None
    facts: Mapping[str, ScoreFacts]
    encoder: EncoderFacts


@dataclass(frozen=True)
class Representation(EncoderFacts):
    """A representation of the table; the configuration's own has no name."""

    name: str | None


@dataclass(frozen=True)
class TableRow:
    """A score on a signal sample, over all members.

    Args:
        representation: name of the variant that it reads, None for the configuration's own.
        signal, score, title, baseline: as of :class:`~darkclr.evaluation.results.Row`.
        reads, parameters, fit_minutes: as of :class:`ScoreFacts`.
        published: ``source`` and figures of merit, if there are any.
        natural, gluons: figures of merit with the simulated and with the other mixture.
        natural_matched, gluons_matched: the same at equal pT, or pT and mass.
    """

    representation: str | None
    signal: str
    score: str
    title: str
    baseline: bool
    reads: str
    parameters: int | None
    fit_minutes: float | None
    published: Mapping[str, FigureOfMerit | str] | None
    natural: Mapping[str, FigureOfMerit]
    gluons: Mapping[str, FigureOfMerit] | None
    natural_matched: Mapping[str, FigureOfMerit] | None
    gluons_matched: Mapping[str, FigureOfMerit] | None


@dataclass(frozen=True)
class Table:
    """All scores on all signals over an ensemble: the content of ``table.json``."""

    kind: str
    encoders: int
    densities: int
    gluon_share: float | None
    match: str | None
    samples: Mapping[str, SampleCounts]
    representations: Sequence[Representation]
    rows: Sequence[TableRow]


def comparison(
    representations: Mapping[str | None, EnsembleMetrics], *, processes: Mapping[str, str]
) -> Table:
    """All scores on all signals over an ensemble.

    Args:
        representations: by name, None for that of the configuration itself, which comes first.
        processes: process of each signal sample, by which published values are found.

    Raises:
        InputError: as of :func:`ensemble_rows`, or the members have other test jets.
    """
    own = representations[None]
    samples = own.natural[0][0].samples
    rows: list[TableRow] = []
    for name, ensemble in representations.items():
        if any(m.samples != samples for members in ensemble.natural for m in members):
            raise InputError("the members have other test jets", where=f"variant {name}")
        rows += _rows(name, ensemble, processes)
    signals = list(dict.fromkeys(row.signal for row in rows))
    rows.sort(
        key=lambda row: (
            signals.index(row.signal),
            not row.baseline,
            -(row.natural["auc"].value or 0.0),
        )
    )
    return Table(
        kind="table",
        encoders=len(own.natural),
        densities=len(own.natural[0]),
        gluon_share=own.gluons[0][0].config.gluon_share if own.gluons else None,
        match=own.natural[0][0].matched,
        samples=samples,
        representations=[
            Representation(e.encoder.parameters, e.encoder.train_minutes, name)
            for name, e in representations.items()
        ],
        rows=rows,
    )


def _rows(
    representation: str | None, ensemble: EnsembleMetrics, processes: Mapping[str, str]
) -> Iterable[TableRow]:
    mixed: dict[tuple[str, str], Row] = {}
    if ensemble.gluons:
        mixed = {(row.signal, row.score): row for row in ensemble_rows(ensemble.gluons)}
    for row in ensemble_rows(ensemble.natural):
        if row.score not in ensemble.facts:  # earlier calls may have asked for more
            continue
        facts, other = ensemble.facts[row.score], mixed.get((row.signal, row.score))
        yield TableRow(
            representation=representation,
            signal=row.signal,
            score=row.score,
            title=row.title,
            baseline=row.baseline,
            reads=facts.reads,
            parameters=facts.parameters,
            fit_minutes=facts.fit_minutes,
            published=published_row(processes[row.signal], row.score, representation),
            natural=row.figures,
            gluons=None if other is None else other.figures,
            natural_matched=row.matched,
            gluons_matched=None if other is None else other.matched,
        )


def readable_rows(table: Table, signal: str) -> list[dict[str, str]]:
    """The rows of one signal as text: AUC and rejection at ε_S = 0.2, or where it is quoted."""
    rows = [row for row in table.rows if row.signal == signal]
    quoted = [name for name in rows[0].natural if name.startswith("rejection_")]
    quoted = [_QUOTED] if _QUOTED in quoted else quoted
    figures = {"auc": "AUC"} | {
        name: f"1/ε_B({name.removeprefix('rejection_')})" for name in quoted
    }
    variants = len(table.representations) > 1
    readable = []
    for row in rows:
        cells = {"representation": row.representation or "–"} if variants else {}
        cells |= {"score": row.title + (" *" if row.baseline else ""), "reads": row.reads}
        at_equal, gluons = f", {equal(table.match)}", f", {table.gluon_share or 0:.0%} gluons"
        for column, suffix, spreads in (
            (row.natural, "", True),
            (row.natural_matched, at_equal, True),
            (row.gluons, gluons, False),
            (row.gluons_matched, gluons + at_equal, False),
        ):
            for name, number in (column or {}).items():
                if name in figures:
                    title = f"{figures[name]}{suffix}"
                    cells[title] = str(number)
                    if spreads:
                        cells[f"{title}: encoders, densities, test"] = _spreads(number, name)
        cells["published"] = _published(row.published)
        cells["parameters"] = "–" if row.parameters is None else f"{row.parameters}"
        cells["fit [min]"] = "–" if row.fit_minutes is None else f"{row.fit_minutes:.1f}"
        readable.append(cells)
    return readable


def markdown(table: Table) -> str:
    """The page: what the numbers are, and a table for each signal."""
    encoders, densities = table.encoders, table.densities
    counts = ", ".join(f"{n.n_jets} {name}" for name, n in table.samples.items())
    own, *variants = table.representations
    minutes = own.train_minutes
    trained = "" if minutes is None else f", trained in {minutes:.0f} minutes each"
    lines = [
        f"Test jets: {counts}. Mean ± standard deviation over {encoders * densities} members, "
        f"{encoders} encoders × {densities} densities; of a score that does not depend on one of "
        "both, over the others. After it: the spread over encoders (of "
        "their means), over densities (of one encoder), and the error of the test jets from the "
        "bootstrap; all members share these jets, so that it does not shrink with their number.",
        "",
        f"The encoder has {own.parameters} parameters{trained}; those of a score "
        "that reads representations come on top. "
        "* yardstick. – unknown, or no such number: scores that keep training jets, detectors of "
        "other packages, spreads over what a score does not depend on. "
        "Published: AUC / 1/ε_B at ε_S = 0.2, of another simulation.",
    ]
    if table.match is not None:
        lines += [
            "",
            f"At {equal(table.match)}, background is weighted to the spectrum of each signal, so "
            "that a score gains nothing by following it; the errors include the weights.",
        ]
    if variants:
        lines += [
            "",
            "Representation: – is that of the configuration itself, or none where a score does not "
            "read it; the others are its variants.",
        ]
    for signal in dict.fromkeys(row.signal for row in table.rows):
        rows = readable_rows(table, signal)
        lines += ["", f"## {signal}", ""]
        lines += [_line(rows[0]), _line(["---"] * len(rows[0]))]
        lines += [_line(row.values()) for row in rows]
    return "\n".join(lines) + "\n"


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _spreads(number: FigureOfMerit, name: str) -> str:
    assert isinstance(number, Spread)
    digits = 3 if name == "auc" else 1
    spreads = (number.encoders, number.densities, number.bootstrap)
    return ", ".join("–" if spread is None else f"{spread:.{digits}f}" for spread in spreads)


def _published(row: Mapping[str, FigureOfMerit | str] | None) -> str:
    if row is None:
        return "–"
    return " / ".join(str(row[name]) for name in ("auc", _QUOTED) if name in row)
