from __future__ import annotations

import numpy as np
from foreign import (
    write_aspen,
)
from read_jets_check import assert_constituents

from darkclr.io import iterate_jets
from darkclr.io.reading import recognise
from darkclr.jets import Jets


def test_aspen_open_jets(tmp_path, table):
    """Constituents are scaled with their PUPPI weight; those of weight 0 are none."""
    puppi = [np.linspace(1, 0.5, len(jet)) for jet in table]
    puppi[1][0] = 0 if len(puppi[1]) > 1 else 1
    kinematics = np.array([[400 + i, jet[0, 1], jet[0, 2], 80] for i, jet in enumerate(table)])
    path = write_aspen(
        tmp_path / "a.h5", table, kinematics, puppi=puppi, event=[5, 5, 5, 8, 2**32, 2**32, 9]
    )
    assert recognise(path).layout.name == "aspen_open_jets"
    expected = []
    for jet, weight in zip(table, puppi, strict=True):
        scaled = (jet * np.stack([weight, np.ones_like(weight), np.ones_like(weight)], 1))[
            weight > 0
        ]
        expected.append(scaled[np.argsort(-scaled[:, 0])])
    for size in (2, 100):
        jets = Jets.concatenate(list(iterate_jets(path, batch_size=size)))
        assert_constituents(jets, expected, tolerance=1e-5)
        np.testing.assert_allclose(jets.pt, kinematics[:, 0])
        np.testing.assert_allclose(jets.eta, kinematics[:, 1], rtol=1e-6)
        assert jets.truth["softdrop_mass"].tolist() == [80] * len(table)
        assert jets.event.tolist() == [5, 5, 5, 8, 2**32, 2**32, 9]
        assert jets.rank.tolist() == [0, 1, 2, 0, 0, 1, 0]
