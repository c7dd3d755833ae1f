"""The picture of autoencoders says what its maps are, and shows the numbers that it is given."""

from __future__ import annotations

import numpy as np

from darkclr.evaluation.results import FigureOfMerit
from darkclr.report.figures.autoencoders import Panel, autoencoders_figure


def test_maps_stand_as_simulated_and_at_equal_pt():
    history = {name: np.arange(1.0, 5) for name in ("epoch", "background_energy", "s_energy")}
    panel = Panel.of([history, history], 1, [np.ones(4), np.zeros(3)], "s", ("epoch", "distance"))
    maps = {
        "jet pT *": ([[FigureOfMerit(0.95, None)]], [[FigureOfMerit(0.5, None)]]),
        "AE": ([[FigureOfMerit(0.6, 0.02)]], [[FigureOfMerit(None, None)]]),
    }
    axes = autoencoders_figure({"AE": panel}, maps, masses=[1000], shares=[0.3]).axes
    written = {one.get_title("left"): one.texts[0].get_text() for one in axes if one.texts}
    assert written == {
        "jet pT *\nAUC, as simulated": "0.950",
        "jet pT *\nAUC, at equal pT": "0.500",
        "AE\nAUC, as simulated": "0.600\n±0.020",
        "AE\nAUC, at equal pT": "–",
    }
    # The mean of all trainings ends with the shortest.
    np.testing.assert_array_equal(axes[1].lines[2].get_ydata(), [0.5, 0.5, 0.5])
