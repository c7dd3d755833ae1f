"""The picture of samples beside data shows what the tables hold."""

from __future__ import annotations

import numpy as np
import pytest

from darkclr.report.figures.normalization import density_figure
from darkclr.report.figures.training import energies_figure, loss_figure


def _tables() -> tuple[dict, dict]:
    rng = np.random.default_rng(0)
    samples = {
        "kind": np.repeat(["data", "samples"], [40, 30]),
        "direction_1": rng.normal(size=70),
        "direction_2": rng.normal(size=70),
        "energy": rng.exponential(size=70),
    }
    history = {
        "epoch": np.array([1.0, 1, 1, 2]),
        "stage": np.array(["autoencoder", "diverged", "normalisation", "normalisation"]),
        "train_energy": np.array([1.0, 1e9, 1.1, 1.2]),
        "validation_energy": np.array([1.0, 1e9, 1.1, 1.2]),
        "validation_negative_energy": np.array([np.nan, 1e9, 1.3, 1.2]),
        "energy_movers_distance": np.array([np.nan, 1e9, 0.5, 0.4]),
    }
    return samples, history


def test_points_energies_and_distance_are_those_of_the_tables():
    samples, history = _tables()
    points, energies, distance, auc = density_figure(samples, history).axes
    assert [len(line.get_xdata()) for line in points.lines] == [40, 30]
    counts = [np.max(patch.get_xy()[:, 1]) for patch in energies.patches]
    assert all(count >= 1 for count in counts)
    np.testing.assert_array_equal(distance.lines[0].get_ydata(), [0.5, 0.4])
    assert "not recorded" in auc.texts[0].get_text()


def test_diverged_epochs_are_in_no_curve():
    _, history = _tables()
    for axes in energies_figure(history).axes:
        for line in axes.lines:
            assert np.nanmax(np.asarray(line.get_ydata(), dtype=float)) < 10


@pytest.mark.parametrize("latent", [[0.5, 0.7], [np.nan, np.nan]])
def test_acceptance_in_the_latent_space_is_drawn_where_it_is(latent):
    _, history = _tables()
    history["acceptance"] = np.array([np.nan, np.nan, 0.8, 0.9])
    history["latent_acceptance"] = np.array([np.nan, np.nan, *latent])
    (axes,) = (a for a in energies_figure(history).axes if a.get_ylabel() == "acceptance")
    curves = [list(line.get_ydata()) for line in axes.lines]
    assert curves == [[0.8, 0.9], latent][: 2 if np.isfinite(latent).all() else 1]
    assert (axes.get_legend() is not None) == np.isfinite(latent).all()


def test_loss_of_a_density_has_both_curves():
    history = {"epoch": np.arange(1, 4), "train_loss": np.array([3.0, -1.0, -2.0])}
    history["validation_loss"] = history["train_loss"] + 0.5
    (axes,) = loss_figure(history).axes
    curves = {line.get_label(): list(line.get_ydata()) for line in axes.lines}
    assert curves == {"training": [3, -1, -2], "validation": [3.5, -0.5, -1.5]}


def test_energies_are_drawn_without_outliers_and_with_errors():
    _, history = _tables()
    history |= {
        "trimmed_energy": np.array([np.nan, np.nan, 0.5, 0.6]),
        "trimmed_negative_energy": np.array([np.nan, np.nan, 0.7, 0.5]),
        "energy_difference_error": np.array([np.nan, np.nan, 0.1, 0.2]),
    }
    (axes,) = (a for a in energies_figure(history).axes if "E_+ - E_-" in a.get_title(loc="left"))
    (bars,) = axes.collections
    ends = np.array([segment[:, 1] for segment in bars.get_segments()])
    np.testing.assert_allclose(ends, [[-0.3, -0.1], [-0.1, 0.3]])
