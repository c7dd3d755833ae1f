"""Operations on tensors are those of NumPy and of the library."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from padded import padded
from toy import toy_jets

from darkclr import kinematics
from darkclr.export.tensors import delta_phi, pt_and_mass, rank


def test_azimuths_are_wrapped():
    a, b = np.random.default_rng(1).uniform(-10, 10, (2, 1000))
    found = delta_phi(torch.from_numpy(a), torch.from_numpy(b)).numpy()
    assert found == pytest.approx(kinematics.delta_phi(a, b), abs=1e-14)


@pytest.mark.parametrize(("or_equal", "side"), [(False, "left"), (True, "right")])
@pytest.mark.parametrize("n", [1, 2, 7, 8, 9, 1000])
def test_ranks_among_values_some_of_which_are_equal(n, or_equal, side):
    rng = np.random.default_rng(n)
    values = np.sort(rng.integers(0, max(n // 2, 2), n)).astype(float)
    x = rng.integers(-2, n + 2, 500).astype(float)
    found = rank(torch.from_numpy(values), torch.from_numpy(x), or_equal=or_equal)
    assert found.tolist() == np.searchsorted(values, x, side).tolist()


def test_sums_of_four_vectors():
    jets = toy_jets(300, seed=3)
    pt, mass = pt_and_mass(*torch.from_numpy(padded(jets, extra=5)).unbind(-1))
    assert pt.numpy() == pytest.approx(jets.pt, rel=1e-6)
    parts = jets.constituents
    expected = kinematics.four_vector_sum(parts.pt, parts.eta, parts.phi, parts.offsets)[3]
    assert mass.numpy() == pytest.approx(expected, rel=1e-9, abs=1e-4)
