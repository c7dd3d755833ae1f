from __future__ import annotations

import numpy as np
import pytest
from foreign import (
    write_lhco,
)

from darkclr.errors import InputError
from darkclr.io import ReadOptions, iterate_jets, read_jets
from darkclr.io.reading import recognise


@pytest.mark.parametrize("label", [None, [0, 1, 1]])
def test_lhco_events_are_clustered(tmp_path, label):
    """Two bunches of particles back to back are two jets of the event's label."""
    rng = np.random.default_rng(1)

    def bunch(pt, eta, phi):
        return np.stack([pt, eta + rng.normal(0, 0.1, 5), phi + rng.normal(0, 0.1, 5)], axis=1)

    hard, soft = np.linspace(100, 60, 5), np.linspace(50, 30, 5)
    events = [
        np.concatenate([bunch(hard, -1.0, 3.1), bunch(soft, 0.5, 0.0)]),
        bunch(soft, 1.0, -3.1),
        np.zeros((0, 3)),
    ]
    events[0][:, 2] = (events[0][:, 2] + np.pi) % (2 * np.pi) - np.pi
    path = write_lhco(tmp_path / "a.h5", events, label)
    assert recognise(path).layout.name == "lhco"
    jets = read_jets(path)
    assert jets.event.tolist() == [0, 0, 1]
    assert jets.rank.tolist() == [0, 1, 0]
    assert jets.label.tolist() == ([-1] * 3 if label is None else [0, 0, 1])
    assert jets.n_constituents.tolist() == [5, 5, 5]
    np.testing.assert_allclose(jets.constituents.pt, [*hard, *soft, *soft], rtol=1e-6)
    np.testing.assert_allclose(jets.eta, [-1, 0.5, 1], atol=0.1)
    assert abs(jets.phi[0]) == pytest.approx(3.1, abs=0.15)
    # Cuts act before the clustering; a huge radius makes one jet of the event.
    assert len(read_jets(path, options=ReadOptions(pt_min=250))) == 1
    assert read_jets(path, options=ReadOptions(constituent_pt_min=55)).n_constituents.tolist() == [
        5
    ]
    # constituents keep their event with every batch
    assert [b.event.tolist() for b in iterate_jets(path, batch_size=1)] == [[0, 0], [1]]


@pytest.mark.parametrize("row", [[1, 0.1, np.nan], [np.nan, 0, 0], [1, np.inf, 0]])
def test_particles_that_are_not_numbers_are_refused(tmp_path, row):
    path = write_lhco(tmp_path / "a.h5", [np.array([[50, 0, 0], row])], None)
    with pytest.raises(InputError, match="1 particles have NaN or infinite"):
        read_jets(path)
