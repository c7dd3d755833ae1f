"""One look for all pictures: colours, figures, PNG and PDF.

Colours are those of Okabe and Ito, which colour-blind readers can tell apart; lines differ in
their dashes too. Figures are made without pyplot, so no global state is touched.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from darkclr.errors import MissingExtraError

try:
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.colors import to_hex
    from matplotlib.figure import Figure
    from matplotlib.mathtext import MathTextParser
    from matplotlib.text import Text
    from PIL import Image
except ImportError as error:  # pragma: no cover
    raise MissingExtraError("matplotlib", "report") from error

__all__ = [
    "LineStyle",
    "figure",
    "images",
    "ordered_styles",
    "pdf",
    "png",
    "sample_style",
    "score_styles",
    "styled",
]

LineStyle = Mapping[str, Any]

_MATH = MathTextParser("agg")
_RC: Any = {
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same picture everywhere
    "font.size": 12,
    "axes.labelsize": 13,
    "axes.titlesize": 12,
    "axes.grid": True,
    "grid.color": "#e3e6ea",
    "grid.linewidth": 0.7,
    "axes.axisbelow": True,
    "axes.edgecolor": "#444b55",
    "axes.linewidth": 0.9,
    "xtick.direction": "in",
    "ytick.direction": "in",
    "xtick.major.pad": 6,
    "ytick.major.pad": 6,
    "xtick.top": True,
    "ytick.right": True,
    "lines.linewidth": 1.9,
    "legend.frameon": False,
    "legend.fontsize": 10.5,
    "figure.dpi": 150,
    "savefig.dpi": 150,
    "figure.constrained_layout.use": True,
}

_BLUE, _VERMILLION, _GREEN = "#0072B2", "#D55E00", "#009E73"
_PURPLE, _ORANGE, _SKY = "#CC79A7", "#E69F00", "#56B4E9"

# Scores that a picture must show in the same colour whatever else it shows.
_SCORE_STYLES: dict[str, LineStyle] = {
    "few_constituents": {"color": "#222222", "linestyle": (0, (5, 2))},
    "jet_pt": {"color": "#8a8f98", "linestyle": (0, (1, 1.2))},
    "supervised": {"color": "#5b616b", "linestyle": (0, (6, 1.5, 1, 1.5))},
    "norm": {"color": _BLUE},
    "discriminant": {"color": _VERMILLION},
    "nae": {"color": _GREEN},
    "nae_onmanifold": {"color": _PURPLE},
    "nae_thesis": {"color": _GREEN, "linestyle": (0, (5, 1))},
    "autoencoder": {"color": _ORANGE},
}
_FURTHER_SCORES: tuple[LineStyle, ...] = tuple(
    {"color": color, "linestyle": linestyle}
    for linestyle in ((0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1)))
    for color in (_SKY, _BLUE, _VERMILLION, _GREEN, _PURPLE, _ORANGE)
)
_SIGNAL_COLOURS = (_VERMILLION, _GREEN, _PURPLE, _ORANGE, _SKY)


@contextmanager
def styled() -> Iterator[None]:
    """Matplotlib settings of the report, for the length of the block."""
    with mpl.rc_context(_RC):
        yield


def figure(width: float = 6.4, height: float = 4.6) -> Figure:
    """An empty figure [inches] that belongs to no window. Call inside :func:`styled`."""
    made = Figure(figsize=(width, height))
    FigureCanvasAgg(made)
    return made


def images(picture: Figure) -> tuple[bytes, bytes]:
    """The figure as a PNG and as a PDF, the same bytes for the same picture."""
    drawn = png(picture)
    picture.set_layout_engine("none")  # everything has its place now, and finding it is slow
    return drawn, pdf(picture)


def png(picture: Figure) -> bytes:
    """The figure as a PNG of 256 colours, a third of the size of one of all."""
    content = io.BytesIO(_saved(picture, "png", {"Software": None}))
    pixels = Image.open(content).convert("RGB")
    buffer = io.BytesIO()
    pixels.quantize(256, Image.Quantize.FASTOCTREE).save(buffer, format="png")
    return buffer.getvalue()


def pdf(picture: Figure) -> bytes:
    """The figure as a PDF, the same bytes for the same picture."""
    return _saved(picture, "pdf", {"CreationDate": None})


def _saved(picture: Figure, kind: str, metadata: dict[str, None]) -> bytes:
    buffer = io.BytesIO()
    with styled():
        for text in picture.findobj(Text):
            if "$" in text.get_text() and not _is_math(text.get_text()):  # type: ignore[attr-defined]
                text.set_parse_math(False)  # type: ignore[attr-defined]
        picture.savefig(buffer, format=kind, metadata=metadata)
    return buffer.getvalue()


def _is_math(text: str) -> bool:
    """Whether Matplotlib can read a text as mathematics; names may hold dollars by chance."""
    try:
        _MATH.parse(text)
    except ValueError:
        return False
    return True


def score_styles(names: Iterable[str]) -> dict[str, LineStyle]:
    """Colour and dashes of each score; known names keep theirs, others take turns."""
    further = iter(_FURTHER_SCORES * 4)
    return {
        name: {"linestyle": "-"} | dict(_SCORE_STYLES.get(name) or next(further)) for name in names
    }


def sample_style(position: int) -> LineStyle:
    """Line of a signal sample, by its position among the signals."""
    return {
        "color": _SIGNAL_COLOURS[position % len(_SIGNAL_COLOURS)],
        "linestyle": ("-", (0, (5, 1.5)))[position // len(_SIGNAL_COLOURS) % 2],
    }


def ordered_styles(n: int) -> list[LineStyle]:
    """Lines of as many values in their order, from light to dark blue."""
    shades = mpl.colormaps["Blues"](np.linspace(0.4, 1, n))
    return [{"color": to_hex(shade), "linestyle": "-"} for shade in shades]
