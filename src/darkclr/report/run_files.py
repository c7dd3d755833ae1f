"""Reads what the pictures need from the files of a run directory, each file once."""

from __future__ import annotations

import csv
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from darkclr.errors import DarkclrError, InputError
from darkclr.evaluation import Metrics, read_metrics
from darkclr.evaluation.score_file import ScoreFiles
from darkclr.io import iterate_jets
from darkclr.io.documents import read_json, read_yaml, regular_file
from darkclr.io.parquet import read_metadata, read_schema, read_table
from darkclr.jets import BACKGROUND, SIGNAL, Jets

__all__ = [
    "Classes",
    "RunFiles",
    "read_constituent_counts",
    "read_history",
    "read_timings",
    "split_classes",
]

Weighted = tuple[NDArray, NDArray]

# Columns of a history that hold words.
_WORDS = ("stage", "kind")


@dataclass
class Classes:
    """Values and weights by class.

    Args:
        background: of the background jets.
        dropped: of the background's anomalous copies, if there are any.
        signals: by title of the sample.
        title: that of the background sample.
    """

    background: Weighted
    dropped: Weighted | None = None
    signals: dict[str, Weighted] = field(default_factory=dict)
    title: str = "background"


class RunFiles:
    """The files of a run directory that several sections of the page read.

    Args:
        folder: the directory.
        background: background jets, if they have been read already.
    """

    def __init__(self, folder: Path, background: Jets | None = None) -> None:
        self.folder, self._background = folder, background

    @cached_property
    def metrics(self) -> Metrics:
        """The figures of merit; raises InputError without them."""
        return read_metrics(self.folder / "metrics.json")

    @cached_property
    def scores(self) -> ScoreFiles:
        """The scores of jets; raises InputError without them."""
        return ScoreFiles(self.folder / "scores.parquet")

    @cached_property
    def titles(self) -> dict[str, str]:
        """Labels of the samples by name, as far as a file says them."""
        titles = {name: made.get("title") for name, made in self.provenance.items()}
        with suppress(DarkclrError):
            titles |= {name: s.get("title") for name, s in self.scores.samples.items()}
        return {name: str(title) for name, title in titles.items() if title}

    @cached_property
    def provenance(self) -> dict[str, dict[str, Any]]:
        """What made each sample, by its name, as far as its file says it."""
        found = {}
        for path in sorted(self.folder.glob("samples/*.parquet")):
            with suppress(DarkclrError):
                made = read_metadata(read_schema(path)).get("provenance")
                found[path.stem] = made if isinstance(made, dict) else {}
        return found

    @cached_property
    def encoder(self) -> dict[str, Any]:
        """The configuration of the encoder; empty without one."""
        with suppress(DarkclrError):
            return read_yaml(self.folder / "encoder" / "config.yaml")
        return {}

    @cached_property
    def without_signal(self) -> bool:
        """Whether the run had no signal: it found anomalous jets, and no figures of merit."""
        found, metrics = self.folder / "search.json", self.folder / "metrics.json"
        return found.exists() and not metrics.exists()

    def title(self, sample: str) -> str:
        """How a sample is called in pictures."""
        return self.titles.get(sample, sample)

    def background_jets(self) -> Jets:
        """Some background jets: those of the first batch of ``samples/*.parquet`` with any.

        Raises:
            InputError: there are none.
        """
        if self._background is not None:
            return self._background
        for path in sorted(self.folder.glob("samples/*.parquet")):
            for jets in iterate_jets(path, kinds=True):
                background = jets.label == BACKGROUND
                if background.any():
                    return jets[background]
                break
        raise InputError(
            "no background jets", where=self.folder / "samples", fix="run `darkclr generate`"
        )


def split_classes(scores: ScoreFiles, column: str, title: Callable[[str], str]) -> Classes:
    """One column of numbers by class.

    Raises:
        InputError: no jet is background, or the column has NaN, infinite or empty fields.
    """
    values, weight = scores.numbers(column), scores["weight"].to_numpy()
    label, (code, names) = scores["label"].to_numpy(), scores.sample_codes()
    background = label == BACKGROUND
    if not background.any():
        raise InputError("no background jets", where=scores.where)
    masks = {name: (label == SIGNAL) & (code == i) for i, name in enumerate(names)}
    return Classes(
        (values[background], weight[background]),
        signals={title(name): (values[m], weight[m]) for name, m in masks.items() if m.any()},
        title=", ".join(title(names[i]) for i in np.unique(code[background])),
    )


def read_constituent_counts(folder: Path, title: Callable[[str], str]) -> Classes:
    """Numbers of constituents in ``representations/*.parquet``; signals by the name of their file.

    Raises:
        InputError: no such files, broken ones, or none with background.
    """
    paths = sorted(folder.glob("*.parquet"))
    if not paths:
        raise InputError("no representations", where=folder, fix="run `darkclr encode`")
    background: list[Weighted] = []
    dropped: list[Weighted] = []
    signals: dict[str, Weighted] = {}
    titles: dict[str, None] = {}
    for path in paths:
        table = read_table(path, ["n_constituents", "weight", "label", "dropped"])
        n, weight, label, copy = (table[name].to_numpy() for name in table.column_names)
        for mask, parts in (
            ((label == BACKGROUND) & ~copy, background),
            ((label == BACKGROUND) & copy, dropped),
        ):
            if mask.any():
                parts.append((n[mask], weight[mask]))
                titles[title(path.stem)] = None
        signal = (label == SIGNAL) & ~copy
        if signal.any():
            signals[title(path.stem)] = (n[signal], weight[signal])
    if not background:
        raise InputError("no background jets", where=folder, fix="encode a background sample")
    copies = _join(dropped) if dropped else None
    return Classes(_join(background), copies, signals, ", ".join(titles))


def read_history(path: Path, required: tuple[str, ...]) -> dict[str, NDArray]:
    """Columns of a CSV table of a training; empty cells are NaN, columns of words stay words.

    Raises:
        InputError: missing, empty, or without the required columns.
    """
    if not path.exists():
        raise InputError("no such file", where=path, fix="was it trained?")
    try:
        with regular_file(path).open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"cannot be read ({error})", where=path) from error
    missing = [name for name in required if not rows or name not in rows[0]]
    if missing:
        raise InputError(f"missing columns {missing}", where=path, fix="train again")
    columns = {name: _column([row[name] or "nan" for row in rows]) for name in rows[0] if name}
    if words := [
        n for n, values in columns.items() if values.dtype.kind != "f" and n not in _WORDS
    ]:
        raise InputError(f"columns {words} are no numbers", where=path, fix="train again")
    return columns


def read_timings(path: Path) -> dict[str, float]:
    """Seconds by step.

    Raises:
        InputError: missing, or not a JSON object of numbers.
    """
    content = read_json(path)
    try:
        return {name: float(seconds) for name, seconds in content.items()}
    except (ValueError, TypeError, OverflowError) as error:
        raise InputError("not a JSON object of seconds by step", where=path) from error


def _join(parts: list[Weighted]) -> Weighted:
    return np.concatenate([n for n, _ in parts]), np.concatenate([w for _, w in parts])


def _column(cells: list[str]) -> NDArray:
    try:
        return np.array(cells, dtype=np.float64)
    except ValueError:
        return np.array(cells)
