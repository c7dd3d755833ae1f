"""Training curves: the parts of the encoder's loss, and the energies of the NAE."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from darkclr.report.figures.style import figure, styled

__all__ = ["encoder_figure", "energies_figure", "loss_figure"]

History = Mapping[str, NDArray]

_TRAINING, _VALIDATION, _SAMPLES = "#56B4E9", "#D55E00", "#0072B2"
_PANELS = {
    "alignment": "alignment  s(z, z′)",
    "anomaly_similarity": "anomaly similarity  s(z, z*)",
    "family_similarity": "similarity of families  s(z*, z*)",
    "norm": "norm  ‖z‖",
    "loss": "loss",
    "background_similarity": "similarity of different jets",
    "norm_auc": "AUC of ‖z‖, QCD against its dropped copies",
}
_QUANTITIES = {"norm": "‖z‖", "loss": "loss", "norm_auc": "AUC"}
_SIMILARITIES = (
    "alignment", "anomaly_similarity", "family_similarity", "background_similarity"
)  # fmt: skip


def encoder_figure(history: History) -> Figure:
    """The terms of the encoder's training against the epoch, each in its own panel.

    Args:
        history: ``epoch`` and ``step``; ``alignment``, ``anomaly_similarity``, ``norm``, ``loss``
            and ``validation_*`` of them; if there, ``validation_background_similarity`` (1 if
            the encoder has collapsed) and ``validation_norm_auc`` (above 0.5 if dropped copies
            are the longer vectors). NaN where a row does not hold the column.
    """
    panels = {
        name: title
        for name, title in _PANELS.items()
        if name in history or f"validation_{name}" in history
    }
    x, label = _abscissa(history)
    with styled():
        n_rows = (len(panels) + 1) // 2
        picture = figure(9.0, 2.7 * n_rows + 0.8)
        grid = picture.subplots(n_rows, 2, sharex=True, squeeze=False)
        for axes in grid.flat[len(panels) :]:
            axes.set_axis_off()
        for axes, (name, title) in zip(grid.flat, panels.items(), strict=False):
            _curve(axes, x, history.get(name), color=_TRAINING)
            _curve(
                axes, x, history.get(f"validation_{name}"),
                color=_VALIDATION, marker="o", markersize=4,
            )  # fmt: skip
            axes.set_title(title, loc="left")
            axes.set_ylabel(_QUANTITIES.get(name, "cosine similarity"))
            if name in _SIMILARITIES:
                axes.set_ylim(-1.08, 1.08)
                axes.axhline(0, color="#9aa0a8", linewidth=0.9, zorder=1)
            if name == "norm_auc":
                axes.axhline(0.5, color="#9aa0a8", linewidth=0.9, zorder=1)
        for column in range(2):
            shown = [axes for axes in grid[:, column] if axes.axison]
            shown[-1].set_xlabel(label)
            shown[-1].tick_params(labelbottom=True)
        _legend(picture)
        return picture


def energies_figure(history: History) -> Figure:
    """Energies of an autoencoder over its epochs, before and during normalisation.

    Equilibrium is where E₊ of jets and E₋ of samples agree. Alone that proves little: chains that
    start on data and hardly move agree trivially, so distance and acceptance stand beside it.

    Args:
        history: ``epoch``, ``stage`` ("autoencoder", "normalisation" or "diverged", epochs of which
            are left out), ``train_energy``,
            ``validation_energy``; for normalisation also ``train_negative_energy``,
            ``validation_negative_energy``, ``distance``, ``acceptance`` and, of chains on the
            manifold, ``latent_acceptance``; as far as they are there, ``trimmed_energy``,
            ``trimmed_negative_energy`` and ``energy_difference_error``.
    """
    stage = history.get("stage", np.full(len(history["epoch"]), "autoencoder"))
    reconstructing, normalised = stage == "autoencoder", stage == "normalisation"
    with styled():
        if not np.any(normalised):
            picture = figure(6.4, 4.2)
            _reconstruction(picture.subplots(), history, reconstructing)
            return picture
        picture = figure(9.6, 6.6)
        grid = picture.subplots(2, 2)
        _reconstruction(grid[0, 0], history, reconstructing)
        x = history["epoch"][normalised]
        part = {name: values[normalised] for name, values in history.items()}
        # Without the largest 5 %; older histories have only the means of all.
        positive = part.get("trimmed_energy", part["validation_energy"])
        negative = part.get("trimmed_negative_energy", part.get("validation_negative_energy"))
        upper, lower, moved = grid[0, 1], grid[1, 1], grid[1, 0]
        _curve(upper, x, positive, color=_VALIDATION, marker="o", markersize=4, label="$E_+$, jets")
        _curve(
            upper, x, negative, color=_SAMPLES, marker="s", markersize=4, linestyle="--",
            label="$E_-$, samples",
        )  # fmt: skip
        upper.set_title("normalisation: energies (validation)", loc="left")
        upper.set_ylabel("mean energy E")
        _headroom(upper)
        upper.legend(loc="upper center", ncols=2)
        if negative is not None:
            lower.axhline(0, color="#444b55", linewidth=0.9)
            _curve(lower, x, positive - negative, color="#009E73", marker="o", markersize=4)
            if "energy_difference_error" in part:
                error = part["energy_difference_error"]
                lower.errorbar(x, positive - negative, yerr=error, fmt="none", ecolor="#009E73")
        lower.set_title("normalisation: $E_+ - E_-$ (validation)", loc="left")
        lower.set_ylabel("$E_+ - E_-$")
        _chains(moved, x, part)
        for axes in grid.flat:
            axes.set_xlabel("epoch")
            axes.xaxis.get_major_locator().set_params(integer=True)
        return picture


def loss_figure(history: History) -> Figure:
    """Loss of a density over its epochs.

    Args:
        history: ``epoch``, ``train_loss``, ``validation_loss``.
    """
    with styled():
        picture = figure(6.4, 4.2)
        axes = picture.subplots()
        for name, color in (("train", _TRAINING), ("validation", _VALIDATION)):
            label = "training" if name == "train" else name
            _curve(
                axes, history["epoch"], history.get(f"{name}_loss"),
                color=color, marker="o", markersize=4, label=label,
            )  # fmt: skip
        axes.set_title("mean loss of a jet", loc="left")
        axes.set_ylabel("loss")
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.legend(loc="upper right")
        return picture


def _chains(axes: Axes, x: NDArray, history: History) -> None:
    """Acceptance (left axis) and distance (right axis) of the chains."""
    distance_axes = axes.twinx()
    for target, name, label, color, marker in (
        (axes, "acceptance", "acceptance", "#A33D75", "o"),
        (distance_axes, "distance", "distance from start to end", "#222222", "s"),
    ):
        linestyle = "--" if name == "distance" else "-"
        _curve(
            target, x, history.get(name), color=color, marker=marker, markersize=4,
            linestyle=linestyle,
        )  # fmt: skip
        target.set_ylabel(label, color=color)
        target.tick_params(axis="y", colors=color)
    latent = history.get("latent_acceptance")
    if latent is not None and np.isfinite(latent).any():
        _curve(
            axes, x, latent, color="#A33D75", marker="^", markersize=4, linestyle=":",
            label="acceptance in the latent space",
        )  # fmt: skip
        axes.legend(loc="lower left")
    axes.set_ylim(0, 1.05)
    axes.tick_params(right=False)
    distance_axes.set_ylim(bottom=0)
    _headroom(distance_axes)
    distance_axes.grid(False)
    axes.set_title("normalisation: how the chains moved", loc="left")


def _headroom(axes: Axes) -> None:
    """Room above the data for a legend."""
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + 0.25 * (high - low))


def _reconstruction(axes: Axes, history: History, rows: NDArray[np.bool_]) -> None:
    x = history["epoch"][rows]
    _curve(axes, x, history["train_energy"][rows], color=_TRAINING, label="training")
    if "validation_energy" in history:
        _curve(axes, x, history["validation_energy"][rows], color=_VALIDATION, label="validation")
    known = history["train_energy"][rows]
    if len(known) and np.nanmin(known) > 0 and np.nanmax(known) / np.nanmin(known) > 5:
        axes.set_yscale("log")
    axes.set_title("autoencoder: reconstruction error E", loc="left")
    axes.set_xlabel("epoch")
    axes.set_ylabel("mean energy E")
    axes.legend(loc="upper right")


def _legend(picture: Figure) -> None:
    """Above the panels, the same for all."""
    handles = [
        Line2D([], [], color=_TRAINING, label="training"),
        Line2D([], [], color=_VALIDATION, marker="o", markersize=4, label="validation"),
    ]
    picture.legend(handles=handles, loc="outside upper right", ncols=2)


def _abscissa(history: History) -> tuple[NDArray, str]:
    """Epochs done at each row, from the steps; rows where neither is known."""
    step, epoch = history.get("step"), history.get("epoch")
    if step is not None and epoch is not None and len(np.unique(epoch)) > 1:
        ends = [step[epoch == e].max() for e in np.unique(epoch)]
        return step / np.median(np.diff(ends)), "epoch"
    if epoch is not None and len(np.unique(epoch)) > 1:
        return epoch, "epoch"
    if step is not None:
        return step, "step"
    return np.arange(len(next(iter(history.values())))), "row"


def _curve(axes: Axes, x: NDArray, y: NDArray | None, **style: Any) -> None:
    if y is None:
        return
    known = np.isfinite(y) & np.isfinite(x)
    axes.plot(x[known], y[known], **style)
