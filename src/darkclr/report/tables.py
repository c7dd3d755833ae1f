"""Reads what the pictures need from the files of a run directory."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from darkclr.errors import InputError
from darkclr.io.parquet import read_table
from darkclr.jets import BACKGROUND, SIGNAL

__all__ = ["Classes", "read_constituent_counts", "read_history", "read_timings", "split_classes"]

Weighted = tuple[NDArray, NDArray]


@dataclass
class Classes:
    """Values and weights by class.

    Args:
        background: of the background jets.
        dropped: of the background's anomalous copies, if there are any.
        signals: by sample.
    """

    background: Weighted
    dropped: Weighted | None = None
    signals: dict[str, Weighted] = field(default_factory=dict)


def split_classes(table: pa.Table, column: int | str) -> Classes:
    """One column of ``scores.parquet`` by class.

    Raises:
        InputError: columns are missing, or no jet is background.
    """
    _check_columns(table, ("sample", "label", "weight"), "scores.parquet")
    position = column if isinstance(column, int) else table.column_names.index(column)
    values = table.column(position).to_numpy()
    label, weight = table["label"].to_numpy(), table["weight"].to_numpy()
    sample = table["sample"].to_numpy().astype(str)
    finite = np.isfinite(values)
    masks = {
        str(name): finite & (label == SIGNAL) & (sample == name)
        for name in dict.fromkeys(sample[label == SIGNAL])
    }
    background = finite & (label == BACKGROUND)
    if not background.any():
        raise InputError("no background jets", where="scores.parquet")
    return Classes(
        (values[background], weight[background]),
        signals={name: (values[m], weight[m]) for name, m in masks.items() if m.any()},
    )


def read_constituent_counts(folder: Path) -> Classes:
    """Numbers of constituents in ``representations/*.parquet``; signals are called by their file.

    Raises:
        InputError: no such files, broken ones, or none with background.
    """
    paths = sorted(folder.glob("*.parquet"))
    if not paths:
        raise InputError("no representations", where=folder, fix="run `darkclr encode`")
    background: list[Weighted] = []
    dropped: list[Weighted] = []
    signals: dict[str, Weighted] = {}
    for path in paths:
        table = read_table(path, ["n_constituents", "weight", "label", "dropped"])
        n, weight, label, copy = (table[name].to_numpy() for name in table.column_names)
        for mask, parts in (
            ((label == BACKGROUND) & ~copy, background),
            ((label == BACKGROUND) & copy, dropped),
        ):
            if mask.any():
                parts.append((n[mask], weight[mask]))
        signal = (label == SIGNAL) & ~copy
        if signal.any():
            signals[path.stem] = (n[signal], weight[signal])
    if not background:
        raise InputError("no background jets", where=folder, fix="encode a background sample")
    return Classes(_join(background), _join(dropped) if dropped else None, signals)


def read_history(path: Path, required: tuple[str, ...]) -> dict[str, NDArray]:
    """Columns of a CSV table of a training; empty cells are NaN, columns of words stay words.

    Raises:
        InputError: missing, empty, or without the required columns.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except FileNotFoundError:
        raise InputError("no such file", where=path, fix="was it trained?") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"cannot be read ({error})", where=path) from error
    missing = [name for name in required if not rows or name not in rows[0]]
    if missing:
        raise InputError(f"missing columns {missing}", where=path, fix="train again")
    return {name: _column([row[name] or "nan" for row in rows]) for name in rows[0] if name}


def read_timings(path: Path) -> dict[str, float]:
    """Seconds by step.

    Raises:
        InputError: missing, or not a JSON object of numbers.
    """
    try:
        return {str(k): float(v) for k, v in json.loads(path.read_text(encoding="utf-8")).items()}
    except FileNotFoundError:
        raise InputError("no such file", where=path) from None
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise InputError("not a JSON object of seconds by step", where=path) from error


def _check_columns(table: pa.Table, names: tuple[str, ...], where: object) -> None:
    missing = [name for name in names if name not in table.column_names]
    if missing:
        raise InputError(f"missing columns {missing}", where=where)


def _join(parts: list[Weighted]) -> Weighted:
    return np.concatenate([n for n, _ in parts]), np.concatenate([w for _, w in parts])


def _column(cells: list[str]) -> NDArray:
    try:
        return np.array(cells, dtype=np.float64)
    except ValueError:
        return np.array(cells)
