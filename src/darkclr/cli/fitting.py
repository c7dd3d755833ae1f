"""Anomaly scores as commands: which there are, and fitting them."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from darkclr.cli import console
from darkclr.contamination import CONTAMINATION, Contamination
from darkclr.io.options import ReadOptions
from darkclr.split import Split

__all__ = ["OneScore", "fit", "scores"]


@dataclass(frozen=True)
class OneScore:
    """One score out of all."""

    name: str | None = None
    """The only score that is fitted, with its options of `scores` if they are there; a combination
    after those of its members that are not fitted yet."""


def scores(name: str | None = None, output: Path | None = None) -> None:
    """List all anomaly scores: what each is, what it reads and where it comes from.

    With a name: the options of that score, their defaults and what they mean, as `darkclr fit`
    takes them in `--scores '{NAME: {OPTION: VALUE}}'`.

    Example: darkclr scores --name nae

    Args:
        name: The name of a score, or the import path of a detector.
        output: A JSON file to which the same is written.
    """
    from darkclr.io import atomic_path

    rows = _listed() if name is None else _explained(name)
    if output is not None:
        with atomic_path(output) as temporary:
            temporary.write_text(_json(rows, indent=2) + "\n", encoding="utf-8")


def _json(value: Any, indent: int | None = None) -> str:
    """Also YAML; what is neither number nor text, list nor mapping as its text."""
    return json.dumps(value, indent=indent, ensure_ascii=False, default=str)


def _listed() -> list[dict[str, Any]]:
    """All scores, a line each."""
    from darkclr.anomaly.catalogue import all_scores

    rows = [
        {"name": s.name, "reads": s.reads, "what": s.summary, "reference": s.reference}
        for s in all_scores()
    ]
    for row in rows:
        reads = row["reads"] if isinstance(row["reads"], str) else "observables"
        console.line(f"{row['name']:<24} {row['what']} [{reads}; {row['reference']}]")
    console.line(
        "and by import path every detector of scikit-learn or PyOD, such as "
        "sklearn.ensemble.IsolationForest, and classes of your own"
    )
    return rows


def _explained(name: str) -> list[dict[str, Any]]:
    """The options of a score, a line each."""
    from darkclr.anomaly.catalogue import find_score

    score = find_score(name)
    rows = [
        {"name": p.name, "default": p.default, "values": p.wanted, "summary": p.summary}
        for p in score.options
    ]
    console.line(f"{name}: {score.summary} [{score.reference}]")
    for row in rows:
        default, values = _json(row["default"]), f" ({row['values']})" if row["values"] else ""
        console.line(f"  {row['name'] + ': ' + default:<36} {row['summary']}{values}".rstrip())
    return rows


def describe_scores() -> str:
    """All scores and their parameters; what is the same for several is said once."""
    from darkclr.anomaly.catalogue import all_scores

    lines = ["scores, and their options in --scores '{NAME: {OPTION: VALUE}}':"]
    said = set()
    for entry in all_scores():
        lines += _wrapped(entry.name, entry.summary, 2)
        new = [option for option in entry.options if repr(option) not in said]
        said |= {repr(option) for option in new}
        for option in new:
            notes = [text for text in (option.wanted, f"default: {_json(option.default)}") if text]
            lines += _wrapped(option.name, f"{option.summary} ({'; '.join(notes)})", 4)
        if as_above := [option.name for option in entry.options if option not in new]:
            lines += _wrapped("as above:", ", ".join(as_above), 4)
    return "\n".join(lines)


def _wrapped(name: str, text: str, indent: int) -> list[str]:
    """A name and, beside it, what is said of it."""
    width = 28 + indent
    return textwrap.wrap(
        f"{name:<27} {text}",
        width=100,
        initial_indent=" " * indent,
        subsequent_indent=" " * width,
        break_long_words=False,
    )


def fit(
    representations: Path,
    model: Path,
    scores: dict[str, dict[str, Any]] | None = None,
    score: OneScore = OneScore(),
    jets: Path | None = None,
    split: Split | None = None,
    seed: int = 0,
    contamination: Contamination = CONTAMINATION,
    layout: str | None = None,
    options: ReadOptions = ReadOptions(),
) -> None:
    """Fit anomaly scores on the training part of background representations.

    A detector of scikit-learn or PyOD, or a class of your own, is named by its import path. A score
    may have another name, `{NAME: {score: knn}}`, and read other columns, `{reads: pooled}` or
    `{reads: [mass, tau_2]}`. Jets of label 1, signal, are left out; weights are read. A combination
    is fitted on the validation part, where the scores of its members are not biased by their fit. A
    fit that was interrupted goes on from its last epoch.

    Example: darkclr fit representations.parquet runs/mine --scores '{norm: {}, nae: {epochs: 20}}'

    Args:
        representations: The Parquet file that `darkclr encode --dropped` made of background jets.
        model: The directory of the model; its sub-directory `scores/NAME` gets a score.
        scores: The options of each score, by name; if no score is named, those that need no more
            than representations are fitted with their defaults.
        score: A single score is fitted instead of all.
        jets: A file of the same jets, for scores that read their constituents.
        split: Shares of the events (`--split.train` and so on), of which the training part is used;
            if they are not given, those of the encoder's training.
        seed: The seed of all random numbers.
        contamination: Share of signal jets (label 1) among those of the training, for the study of
            just that; otherwise there are none.
        layout: The layout of the file of jets; if it is not given, its columns tell it.
        options: How the file of jets is read; cuts, label and clustering are those of the encoding.
    """
    from darkclr.anomaly.catalogue import default_scores
    from darkclr.anomaly.fitting import check_scores, fit_scores, with_members
    from darkclr.contrastive.model_directory import is_finished, load_encoder, training_split
    from darkclr.io import read_jets
    from darkclr.io.representations import read_representations

    directory = model / "scores"
    chosen: Mapping[str, Mapping[str, Any]] = {name: {} for name in default_scores()}
    if score.name is not None:
        chosen = with_members(score.name, scores or {}, directory)
    elif scores is not None:
        chosen = scores
    check_scores(chosen, with_jets=jets is not None)
    encoder = load_encoder(model / "encoder") if is_finished(model / "encoder") else None
    fit_scores(
        chosen,
        read_representations(representations),
        directory,
        split=split or training_split(model / "encoder"),
        jets=None if jets is None else partial(read_jets, jets, layout=layout, options=options),
        encoder=None if encoder is None else encoder.digest(),
        seed=seed,
        contamination=contamination,
        reporter=console,
    )
    console.line(f"scores in {directory}")
