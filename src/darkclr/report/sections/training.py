"""Trainings of a run: of the encoder, and of the densities."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from darkclr.anomaly.nae.verdict import Verdict
from darkclr.contrastive.pairs import encoder_verdict
from darkclr.errors import InputError
from darkclr.io.documents import read_json
from darkclr.io.parquet import read_table
from darkclr.report.figures.distributions import norm_figure, similarity_figure
from darkclr.report.figures.normalization import density_figure
from darkclr.report.figures.training import encoder_figure, energies_figure, loss_figure
from darkclr.report.page.html import Section, box
from darkclr.report.run_files import read_history
from darkclr.report.sections.writing import add, or_say_why

__all__ = ["encoder", "energies", "similarity", "verdict_box"]


def encoder(run: Path) -> Section:
    """The terms of the contrastive loss over the epochs."""
    section = Section(
        "training",
        "Training of the encoder",
        "The terms of the loss apart, on training and on validation jets, background only. "
        "Alignment should rise to +1 and the similarity to dropped views fall to −1, while "
        "different jets keep away from +1.",
    )
    with or_say_why(section, "the training curves"):
        history = read_history(run / "encoder" / "history.csv", ("loss",))
        caption = "Terms of the contrastive training against the epoch."
        add(section, "training", caption, encoder_figure(history), wide=True)
    return section


def similarity(run: Path) -> Section:
    """The similarity of pairs of views, and norms."""
    section = Section(
        "similarity",
        "Similarity of the pairs",
        "Validation jets after the training. If different jets all sat at +1, the encoder would "
        "have collapsed.",
    )
    with or_say_why(section, "the similarity of the pairs"):
        path = run / "encoder" / "pairs.parquet"
        table = read_table(path)
        pairs = {name: table[name].to_numpy() for name in table.column_names}
        missing = [n for n in ("positive_similarity", "anomalous_similarity") if n not in pairs]
        if missing or not len(table):
            raise InputError(f"missing columns {missing}" if missing else "empty", where=path)
        if {"background_similarity", "norm", "anomalous_norm"} <= set(pairs):
            section.markup += box("Verdict", encoder_verdict(pairs).sentence())
        picture = similarity_figure(
            pairs["positive_similarity"],
            pairs["anomalous_similarity"],
            pairs.get("background_similarity"),
        )
        add(section, "similarity", "Cosine similarities of pairs of views.", picture)
        if {"norm", "anomalous_norm"} <= set(pairs):
            picture = norm_figure(pairs["norm"], pairs["anomalous_norm"])
            add(section, "norm", "Norms of background jets and of their dropped copies.", picture)
    return section


def energies(run: Path) -> Section:
    """The training of each density."""
    section = Section(
        "energies",
        "Training of the densities",
        "The normalised autoencoder has learned the density of the background where the energies "
        "of jets (E₊) and of samples of its Markov chains (E₋) agree, provided the chains move. "
        "Energies and distances are those of representations and have no unit.",
    )
    paths = sorted((run / "scores").glob("*/history.csv"))
    for path in paths:
        name = path.parent.name
        with or_say_why(section, f"the energies of {name}"):
            history = read_history(path, ("epoch",))
            if "train_loss" in history:  # a density without reconstruction
                add(section, f"loss_{name}", f"Loss of {name}.", loss_figure(history))
                continue
            history = read_history(path, ("epoch", "train_energy", "validation_energy"))
            picture = energies_figure(history)
            wide = len(picture.axes) > 1
            caption = f"Energies of {name}.{_divergence(history)}"
            add(section, f"energies_{name}", caption, picture, wide=wide)
            section.markup += verdict_box(path.with_name("verdict.json"), name)
            drawn = path.with_name("samples.csv")
            if drawn.exists():
                columns = ("kind", "direction_1", "direction_2", "energy")
                picture = density_figure(read_history(drawn, columns), history)
                caption = f"Jets and samples of {name}, of the epoch that was kept."
                add(section, f"density_{name}", caption, picture, wide=True)
    if not paths:
        section.missing.append("The energies are left out: no scores/*/history.csv.")
    return section


def _divergence(history: dict[str, np.ndarray]) -> str:
    n = int(np.sum(history.get("stage", np.array([])) == "diverged"))
    if not n:
        return ""
    times = "once" if n == 1 else f"{n} times"
    return (
        f" The normalisation diverged {times} and went on from its last good epoch with half the "
        "learning rate; such epochs are not drawn."
    )


def verdict_box(path: Path, title: str) -> str:
    """What became of a normalisation as HTML, a line for each question; nothing without the file.

    Args:
        path: of ``verdict.json``.
        title: of the score.

    Raises:
        InputError: the file holds something else.
    """
    if not path.is_file():
        return ""
    try:
        verdict = Verdict.of(read_json(path))
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            "does not hold a verdict", where=path, fix="fit the score again"
        ) from error
    return box(title, verdict.sentence())
