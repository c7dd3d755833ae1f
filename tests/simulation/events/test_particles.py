from __future__ import annotations

import numpy as np
import pytest

from darkclr.simulation.events.particles import charge_of, is_detectable


@pytest.mark.parametrize(
    ("codes", "charge"),
    [
        ((211, 321, 411, 431, 521, 541, 2212, 3222, 4122, -3112, -11, -13, -3312), 1.0),
        ((111, 130, 310, 311, 421, 511, 531, 2112, 3122, 3212, 3322, 22, 12, 14, 16), 0.0),
        ((-211, -321, 3112, 3312, 3334, 11, 13, 15, -2212, -3222), -1.0),
        ((4222, 2224), 2.0),
        ((4900111, 4900113, 1000022, 1000010020), 0.0),
    ],
)
def test_charges_follow_the_pdg_numbering_scheme(codes: tuple[int, ...], charge: float) -> None:
    np.testing.assert_array_equal(charge_of(np.array(codes)), charge)


def test_dark_exotic_and_partonic_codes_are_unknown_to_the_detector() -> None:
    unknown = [4900111, -4900211, 4900113, 4900101, 1000022, 1000010020, 21, 1, -6, 2101, 82, 990]
    assert not is_detectable(np.array(unknown)).any()
    known = [11, -13, 16, 22, 111, 211, -321, 130, 310, 2112, -2212, 3122, 3334, 411, 5122]
    assert is_detectable(np.array(known)).all()
