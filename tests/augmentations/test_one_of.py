from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from invariance import check_augmentation

from darkclr.augmentations import Augmentation, BranchDrop, ConstituentDrop, NonUniformDecay, OneOf
from darkclr.errors import ConfigError


@dataclass(frozen=True)
class Factor(Augmentation):
    """Multiplies pT, so that it can be seen which augmentation a jet went through."""

    value: float

    def __call__(self, constituents, original, rng):
        np.testing.assert_array_equal(constituents.lengths, original.lengths)
        assert len(constituents)  # nobody is called for no jets
        return replace(constituents, pt=constituents.pt * np.float32(self.value))


def test_what_all_augmentations_share(jets):
    families = OneOf([ConstituentDrop((0.1, 0.6)), BranchDrop(), NonUniformDecay()])
    check_augmentation(families, jets, anomalous=True)


def test_each_jet_goes_through_one_of_them_and_stays_in_its_place(jets, rng):
    altered = OneOf([Factor(2.0), Factor(4.0)])(jets, jets, rng)
    np.testing.assert_array_equal(altered.offsets, jets.offsets)
    np.testing.assert_array_equal(altered.eta, jets.eta)
    factor = altered.pt / jets.pt
    np.testing.assert_array_equal(factor, factor[jets.offsets[:-1]][jets.jet_index])
    assert set(factor.tolist()) == {2.0, 4.0}


@pytest.mark.parametrize("shares", [None, [3, 1], [0.0, 1.0]])
def test_they_are_drawn_with_their_shares(jets, rng, shares):
    altered = OneOf([Factor(2.0), Factor(4.0)], shares)(jets, jets, rng)
    n = len(jets)
    expected = 0.5 if shares is None else shares[0] / sum(shares)
    found = np.mean(altered.pt[jets.offsets[:-1]] == 2 * jets.pt[jets.offsets[:-1]])
    assert abs(found - expected) <= 4 * np.sqrt(expected * (1 - expected) / n)


def test_shares_that_do_not_fit_are_refused():
    for shares in ([1.0], [0.0, 0.0], [-1.0, 2.0]):
        with pytest.raises(ConfigError, match=r"OneOf: shares = .*; it must be"):
            OneOf([Factor(2.0), Factor(4.0)], shares)
