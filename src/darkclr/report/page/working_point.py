"""The interactive section: ROC curves and figures of merit at a working point that readers choose.

The curves are those of ``metrics.json``, embedded as JSON; ``page.js`` draws and reads them. It is
plain SVG: the smallest build of Plotly that pip brings is 4.5 MB, more than all the rest of a page.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

from darkclr.evaluation import Metrics
from darkclr.evaluation.metrics import rejection_lower_bound
from darkclr.evaluation.results import Figures, equal
from darkclr.report.figures.roc import MINIMUM_BACKGROUND
from darkclr.report.figures.style import score_styles

__all__ = ["embedded", "working_point_markup"]

# What would not be seen on a dark page takes the colour of its text.
_ON_ANY_PAGE = {"#222222": "var(--ink)", "#5b616b": "var(--soft)"}

_MARKUP = """<noscript><p class="note">The working point is chosen with JavaScript, which is \
switched off here. The table above and the pictures below show the same at fixed points.</p>\
</noscript>
<div id="working-point-panel" hidden>
<div class="controls">
<label class="signal">signal <select id="wp-signal"></select></label>
<fieldset><legend>fixed</legend>
<label><input type="radio" name="wp-fixed" value="signal" checked> signal efficiency \
ε<sub>S</sub></label>
<label><input type="radio" name="wp-fixed" value="background"> background efficiency \
ε<sub>B</sub></label></fieldset>
<fieldset><legend>drawn</legend>
<label><input type="radio" name="wp-drawn" value="rejection" checked> rejection \
1/ε<sub>B</sub></label>
<label><input type="radio" name="wp-drawn" value="improvement"> significance improvement \
ε<sub>S</sub>/√ε<sub>B</sub></label></fieldset>
<label class="point"><span id="wp-what">working point</span>
<input type="range" id="wp-point"> <output id="wp-value" for="wp-point"></output></label>
</div>
<div id="wp-charts" class="pictures"></div>
<div class="scroll" tabindex="0" role="region" aria-label="figures of merit at the working point">
<table id="wp-table" class="numbers pinned"></table></div>
<p class="note">Point at the curves for values, click to take a working point; the table is their \
key. Errors: half the 68 % band. Jets: those of the background above the cut, as many of weight 1 \
would know as much; grey where they are fewer than {few}.</p>
</div>
<script type="application/json" id="wp-data">{data}</script>
"""


def working_point_markup(metrics: Metrics, selection: str) -> str:
    """The controls, the places of charts and table, and the curves, as HTML.

    Args:
        metrics: result of :func:`darkclr.evaluation.measurement`.
        selection: energy and selection of the jets, in words.
    """
    styles, columns = score_styles(metrics.scores), ["as simulated"]
    if metrics.matched is not None:
        columns.append(f"at {equal(metrics.matched)}")
    rows = metrics.rows()
    data = {
        "selection": selection,
        "few": MINIMUM_BACKGROUND,
        "columns": columns,
        "scores": {
            name: {
                "title": entry.title,
                "baseline": entry.baseline,
                "color": _ON_ANY_PAGE.get(styles[name]["color"], styles[name]["color"]),
                "dash": _dashes(styles[name]["linestyle"]),
            }
            for name, entry in metrics.scores.items()
        },
        "signals": [
            {
                "title": metrics.title(signal),
                "scores": [
                    {"name": row.score, "curves": _curves(metrics, row.score, signal)}
                    for row in rows
                    if row.signal == signal
                ],
            }
            for signal in metrics.signals
        ],
    }
    return _MARKUP.format(few=MINIMUM_BACKGROUND, data=embedded(data))


def embedded(data: Any) -> str:
    """Plain data as JSON that may stand in an element of HTML: no text of it can end that element.

    >>> embedded("</script>")
    '"\\\\u003c/script\\\\u003e"'
    """
    text = json.dumps(data, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _curves(metrics: Metrics, score: str, signal: str) -> list[dict[str, Any] | None]:
    result = metrics.scores[score].signals[signal]
    columns = (result,) if metrics.matched is None else (result, result.matched)
    return [_curve(figures) if figures else None for figures in columns]


def _curve(figures: Figures) -> dict[str, Any]:
    """A curve, with its background in (effective) jets and the bound where none of them passes."""
    roc = figures.roc
    return {
        "n": _short(figures.n_background_effective),
        "bound": _short(rejection_lower_bound(figures.n_background_effective)),
        "s": roc.signal_efficiency,
        "b": [_short(b) for b in roc.background_efficiency],
        "low": [_short(b) for b in roc.low],
        "high": [_short(b) for b in roc.high],
    }


def _short(value: float | None) -> float | None:
    """Six digits of a number, which are more than any picture or table shows."""
    return None if value is None or not math.isfinite(value) else float(f"{value:.6g}")


def _dashes(linestyle: str | tuple[float, Sequence[float]]) -> str:
    return "" if isinstance(linestyle, str) else " ".join(f"{2 * d:g}" for d in linestyle[1])
