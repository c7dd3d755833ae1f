"""The event display shows what it is given."""

from __future__ import annotations

import numpy as np
import pytest

from darkclr.jets import KINDS, Constituents
from darkclr.report.figures.event_display import Panel, ShownJet, event_display


def jet(kinds):
    pt = np.array([40, 30, 20, 5], dtype=np.float32)
    eta, phi = np.array([[0, 0.1, -0.2, 0.3], [0, -0.3, 0.1, 0.2]], dtype=np.float32)
    return Constituents(np.array([0, 4]), pt, eta, phi, kinds and np.array(kinds, dtype=np.int8))


@pytest.mark.parametrize("kinds", [None, [1, 3, 1, 2]])
def test_shapes_are_kinds_where_they_are_known(kinds):
    shown = ShownJet("1.", jet(kinds), {"pT": "95 GeV"}, {}, copies=[Panel("copy", jet(None))])
    large, small = event_display(shown).axes[:2]
    legend = large.get_legend()
    if kinds is None:
        assert legend is None
        assert [len(drawn.get_offsets()) for drawn in large.collections] == [4]
        return
    named = {text.get_text() for text in legend.get_texts()}
    assert named == {KINDS[number] for number in kinds}
    assert sorted(len(drawn.get_offsets()) for drawn in large.collections) == [1, 1, 2]
    assert len(small.collections) == 1
