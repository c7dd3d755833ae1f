from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from detector_by_hand import ATLAS, NoNoise, reached

from darkclr.simulation.detector import Kind
from darkclr.simulation.detector.tracking import log_normal, reconstruct_tracks


@pytest.mark.parametrize(("mean", "sigma"), [(10.0, 1.0), (0.5, 0.5), (200.0, 3.0)])
def test_log_normal_has_exactly_this_mean_and_deviation(mean: float, sigma: float) -> None:
    n = 400_000
    values = log_normal(np.full(n, mean), np.full(n, sigma), np.random.default_rng(2))
    assert values.mean() == pytest.approx(mean, abs=5 * sigma / np.sqrt(n))
    assert values.std() == pytest.approx(sigma, rel=0.02)
    assert (values > 0).all()
    variance = np.log1p((sigma / mean) ** 2)
    assert np.log(values).mean() == pytest.approx(np.log(mean) - variance / 2, abs=5e-3)


def test_log_normal_of_nothing_is_nothing() -> None:
    out = log_normal(
        np.array([0.0, -1.0, 3.0]), np.array([1.0, 1.0, 0.0]), np.random.default_rng(0)
    )
    np.testing.assert_allclose(out, [0.0, 0.0, 3.0])


def test_tracks_are_found_and_smeared_by_the_position_of_impact() -> None:
    n = 200_000
    p = replace(reached(np.full(n, 211), 10.0, eta=0.1), impact_eta=np.full(n, 2.0))
    tracks = reconstruct_tracks(ATLAS, p, np.random.default_rng(3))
    assert len(tracks.pt) / n == pytest.approx(0.85, abs=0.004)
    resolution = np.hypot(0.25, 3.1e-3 * p.pt[0])
    assert tracks.pt.std() / p.pt[0] == pytest.approx(resolution, rel=0.02)
    np.testing.assert_allclose(tracks.resolution, resolution)
    np.testing.assert_array_equal(tracks.eta, 0.1)
    kinds = reconstruct_tracks(ATLAS, reached([11, -13, 3112, 22], 50.0), NoNoise()).kind
    np.testing.assert_array_equal(kinds, [Kind.ELECTRON, Kind.MUON, Kind.CHARGED_HADRON])
