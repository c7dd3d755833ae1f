"""One self-contained HTML page: pictures embedded, no address of anything outside the file."""

from __future__ import annotations

import base64
import html
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files

from darkclr.evaluation import Metrics
from darkclr.evaluation.results import Row

__all__ = ["Picture", "Section", "page", "summary_table"]


@dataclass(frozen=True)
class Picture:
    """A picture of the page.

    Args:
        name: name of its file, without ``.png``.
        caption: what one sees, also for readers who cannot see it.
        png: the image.
        wide: whether it takes the whole width of the page.
    """

    name: str
    caption: str
    png: bytes
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
    style = files("darkclr.report").joinpath("page.css").read_text(encoding="utf-8")
    links = "".join(f'<a href="#{s.anchor}">{html.escape(s.title)}</a>' for s in sections)
    body = "".join(_section(s) for s in sections)
    name = html.escape(title)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{name} · darkclr</title>\n<style>\n{style}</style>\n</head>\n<body>\n"
        f'<header><p class="kicker">darkclr</p><h1>{name}</h1><nav>{links}</nav></header>\n'
        f"<main>\n{body}</main>\n</body>\n</html>\n"
    )


def summary_table(metrics: Metrics, title: Callable[[str], str]) -> str:
    """The table of all scores as HTML, yardsticks marked, best of each signal in bold.

    Args:
        metrics: figures of merit.
        title: of a sample, by its name.
    """
    rows = metrics.rows()
    columns = list(rows[0].figures)
    heads = {
        name: f"1/ε<sub>B</sub> at ε<sub>S</sub> = {html.escape(name.removeprefix('rejection_'))}"
        for name in columns
    } | {"auc": "AUC", "max_sic": "max ε<sub>S</sub>/√ε<sub>B</sub>"}
    parts = []
    for signal in metrics.signals:
        mine = [row for row in rows if row.signal == signal]
        best = {
            c: max((v for r in mine if (v := r.figures[c].value) is not None), default=None)
            for c in columns
        }
        lines = "".join(_row(row, best) for row in mine)
        counts = metrics.scores[mine[0].score].signals[signal]
        parts.append(
            f"<h3>{html.escape(title(signal))}"
            f" <small>{counts.n_background:,} background and {counts.n_signal:,} signal "
            "jets</small></h3>"
            '<div class="scroll"><table class="numbers"><thead><tr><th>score</th>'
            + "".join(f"<th>{heads[name]}</th>" for name in columns)
            + f"</tr></thead><tbody>{lines}</tbody></table></div>"
        )
    return "".join(parts)


def key_values(rows: Mapping[str, str]) -> str:
    """A two-column table as HTML."""
    lines = "".join(
        f"<tr><th>{html.escape(k)}</th><td>{html.escape(v)}</td></tr>" for k, v in rows.items()
    )
    return f'<div class="scroll"><table class="facts"><tbody>{lines}</tbody></table></div>'


def folded(title: str, text: str) -> str:
    """Preformatted text that opens on a click, as HTML."""
    return (
        f"<details><summary>{html.escape(title)}</summary><pre>{html.escape(text)}</pre></details>"
    )


def _row(row: Row, best: Mapping[str, float | None]) -> str:
    mark = ' <span class="baseline">yardstick</span>' if row.baseline else ""
    cells = []
    for column, number in row.figures.items():
        bold = number.value is not None and number.value == best[column]
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
    return (
        f'<figure{kind}><img src="data:image/png;base64,{data}" alt="{caption}">'
        f"<figcaption>{caption}</figcaption></figure>\n"
    )
