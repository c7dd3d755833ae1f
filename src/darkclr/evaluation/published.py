"""Published numbers, to stand beside ours: ``validation/published.yaml``, which is shipped.

They belong to another simulation of the detector: only their order compares with ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from darkclr.evaluation.results import FigureOfMerit
from darkclr.io.documents import read_yaml

__all__ = ["published", "published_row"]

_PACKAGE = Path(__file__).parents[1]
# Sections of figures of merit; where two have the same number, the first counts.
_TABLES = ("table2", "table3", "thesis_auc")


@cache
def published() -> Mapping[str, Any]:
    """All published numbers by table: ``source``, and ``rows`` or ``values``.

    >>> published()["table1"]["values"]["epochs"]
    150
    """
    # A wheel carries the file in the package; a checkout has it beside its tests.
    files = (_PACKAGE / "published.yaml", _PACKAGE.parents[1] / "validation" / "published.yaml")
    return read_yaml(next(path for path in files if path.exists()))


@cache
def published_row(
    process: str,
    score: str,
    representation: str | None = None,
    tables: tuple[str, ...] = (),
) -> Mapping[str, FigureOfMerit | str] | None:
    """``source`` and the published figures of merit of a score on a signal, if there are any.

    Args:
        process: that is simulated.
        score: its name; ``supervised`` is the classifier that is trained on this signal.
        representation: name of a variant, None for DarkCLR itself.
        tables: sections whose numbers count before those of others.

    >>> str(published_row("aachen", "nae")["rejection_0.2"])
    '59.0 ± 1.0'
    """
    names = {score, f"supervised_{process}"} if score == "supervised" else {score}
    found: dict[str, FigureOfMerit | str] = {}
    sources = []
    for table in dict.fromkeys((*tables, *_TABLES)):
        for row in published()[table].get("rows", ()):
            own = (row["signal"], row.get("representation")) == (process, representation)
            figures = {k: _number(v) for k, v in row.items() if k == "auc" or "rejection" in k}
            if own and row["score"] in names and (new := figures.keys() - found.keys()):
                found |= {name: figures[name] for name in figures if name in new}
                sources.append(published()[table]["source"])
    return {"source": "; ".join(sources)} | found if found else None


def _number(value: float | list[float]) -> FigureOfMerit:
    """A number, or number and standard deviation."""
    return FigureOfMerit(*value) if isinstance(value, list) else FigureOfMerit(value, None)
