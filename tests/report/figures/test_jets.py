"""The picture of augmentations says what it shows."""

from __future__ import annotations

import numpy as np
import pytest
from toy import toy_jets

from darkclr.augmentations import ConstituentDrop
from darkclr.report.figures.jets import augmentations_figure, typical_jets


@pytest.mark.parametrize("n", [1, 4])
def test_circles_rings_and_cross_are_explained_inside_of_the_picture(n):
    shown = {f"p_drop = {i}": ConstituentDrop(0.3) for i in range(n)}
    jets = typical_jets(toy_jets(60, seed=1))
    picture = augmentations_figure(jets, shown)
    (legend,) = picture.legends
    circle, ring, cross = legend.legend_handles
    assert "share of jet pT, here 10 %" in legend.get_texts()[0].get_text()
    assert ring.get_facecolor().size == 0
    assert cross.get_marker() == "+"
    # The circle is as large as that of a constituent of this share.
    drawn = picture.axes[0].collections[0].get_sizes()
    share = jets[0].pt / jets[0].pt.sum()
    largest = int(np.argmax(share))
    assert circle.get_sizes()[0] == pytest.approx(0.1 * drawn[largest] / share[largest], rel=1e-5)
    picture.canvas.draw()
    box, frame = legend.get_window_extent(), picture.bbox
    assert frame.x0 <= box.x0
    assert box.x1 <= frame.x1
    assert box.y1 <= min(axes.get_window_extent().y0 for axes in picture.axes)
