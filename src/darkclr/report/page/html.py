"""One self-contained HTML page: pictures embedded, no address of anything outside the file."""

from __future__ import annotations

import base64
import hashlib
import html
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files

from darkclr.evaluation import FigureOfMerit, Metrics
from darkclr.evaluation.results import Row, equal

__all__ = ["Picture", "Section", "box", "clearly_best", "page", "sculpting_table", "summary_table"]

# Share of a signal's spectrum without background that a reader should know of.
_WORTH_SAYING = 0.01


@dataclass(frozen=True)
class Picture:
    """A picture of the page.

    Args:
        name: name of its file, without ``.png``.
        caption: what one sees, also for readers who cannot see it.
        png: the image.
        pdf: the same for papers and talks; only a file of its own.
        wide: whether it takes the whole width of the page.
    """

    name: str
    caption: str
    png: bytes
    pdf: bytes = b""
    wide: bool = False


@dataclass
class Section:
    """A section of the page.

    Args:
        anchor: its id.
        title: its heading.
        text: a paragraph of plain text, before the pictures.
        markup: HTML after it, already escaped.
        pictures: in order.
        missing: one line for each picture that could not be made, saying why.
    """

    anchor: str
    title: str
    text: str = ""
    markup: str = ""
    pictures: list[Picture] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


def page(title: str, sections: Sequence[Section]) -> str:
    """The HTML document."""
    style, script = (
        files("darkclr.report.page").joinpath(name).read_text(encoding="utf-8")
        for name in ("page.css", "page.js")
    )
    # Whatever a name of a stranger manages to smuggle in, the browser runs this script only.
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
    policy += f"script-src 'sha256-{digest}'"
    links = "".join(f'<a href="#{s.anchor}">{html.escape(s.title)}</a>' for s in sections)
    body = "".join(_section(s) for s in sections)
    name = html.escape(title)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        f"<title>{name} · darkclr</title>\n<style>\n{style}</style>\n</head>\n<body>\n"
        f'<header><p class="kicker">darkclr</p><h1>{name}</h1>'
        f'<nav aria-label="sections">{links}</nav></header>\n'
        f"<main>\n{body}</main>\n<script>{script}</script>\n</body>\n</html>\n"
    )


def summary_table(metrics: Metrics, title: Callable[[str], str]) -> str:
    """The tables of all scores as HTML, yardsticks marked.

    Bold is what is better than all others by more than the errors of both.

    Args:
        metrics: figures of merit.
        title: of a sample, by its name.
    """
    parts = []
    for signal in metrics.signals:
        rows = [row for row in metrics.rows() if row.signal == signal]
        result = metrics.scores[rows[0].score].signals[signal]
        parts.append(
            f"<h3>{html.escape(title(signal))}"
            f" <small>{result.n_background:,} background and {result.n_signal:,} signal "
            "jets</small></h3><h4>as simulated</h4>"
        )
        parts.append(_figures_table([(row, row.figures) for row in rows]))
        if matched := result.matched:
            note = f"background worth {matched.n_background_effective:,.0f} jets"
            if matched.uncovered > _WORTH_SAYING:
                note += f"; too little background for {matched.uncovered:.0%} of the spectrum"
            parts.append(f"<h4>at {equal(matched.by)} <small>{note}</small></h4>")
            parts.append(_figures_table([(row, row.matched or {}) for row in rows]))
    return "".join(parts)


def sculpting_table(metrics: Metrics, quantity: str) -> str:
    """How far cuts on each score change a spectrum of background, as HTML.

    Args:
        metrics: figures of merit.
        quantity: ``pt`` or ``mass``.
    """
    measured = {
        entry.title: entry.sculpting[quantity]
        for entry in metrics.scores.values()
        if entry.sculpting and entry.sculpting.get(quantity)
    }
    cuts = list(dict.fromkeys(cut for of_score in measured.values() for cut in of_score))
    lines = []
    for name, of_score in measured.items():
        cells = []
        for cut in cuts:
            deviation = divergence = "–"
            if found := of_score.get(cut):
                deviation = f"{found.largest_deviation} <small>(flat &lt; {found.flat:.2g})</small>"
                divergence = str(found.divergence)
            cells += [f"<td>{deviation}</td>", f"<td>{divergence}</td>"]
        lines.append(f"<tr><th>{html.escape(name)}</th>{''.join(cells)}</tr>")
    heads = (
        f"<th>largest deviation, ε<sub>B</sub> = {cut}</th><th>divergence [bits]</th>"
        for cut in cuts
    )
    return _table(heads, lines)


def key_values(rows: Mapping[str, str]) -> str:
    """A two-column table as HTML."""
    lines = "".join(
        f"<tr><th>{html.escape(k)}</th><td>{html.escape(v)}</td></tr>" for k, v in rows.items()
    )
    return f'<div class="scroll"><table class="facts"><tbody>{lines}</tbody></table></div>'


def box(title: str, sentence: str) -> str:
    """A framed sentence as HTML, a line for each part of it between semicolons."""
    items = "".join(f"<li>{html.escape(part)}</li>" for part in sentence.split("; "))
    return f'<div class="verdict"><h3>{html.escape(title)}</h3><ul>{items}</ul></div>'


def folded(title: str, text: str) -> str:
    """Preformatted text that opens on a click, as HTML."""
    return (
        f"<details><summary>{html.escape(title)}</summary><pre>{html.escape(text)}</pre></details>"
    )


def _figures_table(rows: Sequence[tuple[Row, Mapping[str, FigureOfMerit]]]) -> str:
    """Figures of merit of scores on one signal."""
    columns = list(rows[0][1])
    heads = {
        name: f"1/ε<sub>B</sub> at ε<sub>S</sub> = {html.escape(name.removeprefix('rejection_'))}"
        for name in columns
    } | {"auc": "AUC", "max_sic": "max ε<sub>S</sub>/√ε<sub>B</sub>"}
    best = {column: clearly_best([figures[column] for _, figures in rows]) for column in columns}
    lines = [_row(row, figures, best) for row, figures in rows]
    return _table((f"<th>{heads[name]}</th>" for name in columns), lines)


def clearly_best(numbers: Sequence[FigureOfMerit]) -> FigureOfMerit | None:
    """The largest, if it leads the next by more than both errors; none if there is nothing else."""
    known = sorted((n for n in numbers if n.value is not None), key=lambda n: n.value or 0)
    if len(known) < 2 or len(known) < len(numbers):  # one without a value may be larger
        return None
    *_, second, first = known
    error = math.hypot(first.error or 0, second.error or 0)
    return first if (first.value or 0) - (second.value or 0) > error else None


def _table(heads: Iterable[str], lines: Iterable[str]) -> str:
    return (
        '<div class="scroll" tabindex="0"><table class="numbers"><thead><tr><th>score</th>'
        f"{''.join(heads)}</tr></thead><tbody>{''.join(lines)}</tbody></table></div>"
    )


def _row(
    row: Row, figures: Mapping[str, FigureOfMerit], best: Mapping[str, FigureOfMerit | None]
) -> str:
    mark = ' <span class="baseline">yardstick</span>' if row.baseline else ""
    cells = []
    for column, number in figures.items():
        bold = number is best[column]
        cells.append(f"<td><strong>{number}</strong></td>" if bold else f"<td>{number}</td>")
    kind = ' class="is-baseline"' if row.baseline else ""
    return f"<tr{kind}><th>{html.escape(row.title)}{mark}</th>{''.join(cells)}</tr>"


def _section(section: Section) -> str:
    text = f"<p>{html.escape(section.text)}</p>" if section.text else ""
    pictures = "".join(_picture(p) for p in section.pictures)
    if pictures:
        pictures = f'<div class="pictures">{pictures}</div>'
    missing = "".join(f'<p class="missing">{html.escape(m)}</p>' for m in section.missing)
    return (
        f'<section id="{section.anchor}"><h2>{html.escape(section.title)}</h2>\n'
        f"{text}{section.markup}{pictures}{missing}</section>\n"
    )


def _picture(picture: Picture) -> str:
    data = base64.b64encode(picture.png).decode("ascii")
    caption = html.escape(picture.caption)
    kind = ' class="wide"' if picture.wide else ""
    # Its size in pixels, so that its place is kept before it is drawn: the header of a PNG.
    size = (int.from_bytes(picture.png[at : at + 4], "big") for at in (16, 20))
    width, height = (f'{name}="{n}"' for name, n in zip(("width", "height"), size, strict=True))
    return (
        f'<figure{kind}><img src="data:image/png;base64,{data}" alt="{caption}" {width} {height}>'
        f"<figcaption>{caption}</figcaption></figure>\n"
    )
