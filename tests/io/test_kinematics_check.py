from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from toy import toy_jets

from darkclr.io.kinematics_check import check_kinematics, spot_check
from darkclr.jets import Jets


@pytest.fixture(scope="module")
def jets() -> Jets:
    return toy_jets(400, seed=3)


def test_good_kinematics_are_no_problem(jets):
    check = check_kinematics(jets)
    assert check.problem is None
    assert check.pt_ratio == pytest.approx(1)
    assert check.delta_r < 1e-6


def test_calibration_and_groomed_masses_are_no_problem(jets):
    factor = np.random.default_rng(0).uniform(0.9, 1.3, len(jets)).astype(np.float32)
    assert check_kinematics(replace(jets, pt=jets.pt * factor, mass=jets.mass / 3)).problem is None


def test_phi_of_another_turn_is_no_problem(jets):
    """Some programs count from 0 to 2 pi."""
    turned = (jets.phi % (2 * np.pi)).astype(np.float32)
    assert check_kinematics(replace(jets, phi=turned)).problem is None


@pytest.mark.parametrize(
    ("wrong", "guess"),
    [
        (lambda j: {"pt": j.pt * 1000}, "constituents in TeV, or jets in MeV"),
        (lambda j: {"pt": j.pt / 1000}, "constituents in MeV, or jets in TeV"),
        (lambda j: {"eta": -j.eta}, "eta has the opposite sign"),
        (lambda j: {"phi": -j.phi}, "phi has the opposite sign"),
        (lambda j: {"eta": j.phi, "phi": j.eta}, "eta and phi are exchanged"),
        (lambda j: {"phi": j.phi + 1}, "phi has another origin"),
        (lambda j: {"eta": 2 * np.arctan(np.exp(-j.eta))}, "eta is something else"),
        (lambda j: {n: getattr(j, n)[::-1] for n in ("eta", "phi")}, "constituents of another jet"),
    ],
)
def test_wrong_units_and_axes_are_found(jets, wrong, guess):
    problem = check_kinematics(replace(jets, **wrong(jets))).problem
    assert problem is not None
    assert guess in problem


def test_constituents_relative_to_the_axis_are_found(jets):
    c = jets.constituents
    owner = c.jet_index
    relative = replace(c, eta=c.eta - jets.eta[owner], phi=c.phi - jets.phi[owner])
    assert (
        "relative to the jet axis" in check_kinematics(replace(jets, constituents=relative)).problem
    )


def test_no_jets_are_no_problem(jets):
    assert check_kinematics(jets[:0]).problem is None


def test_a_spot_check_sees_what_is_wrong_anywhere_in_a_batch():
    jets = toy_jets(2000, seed=3)
    assert spot_check(jets).problem is None
    assert spot_check(jets).n == 128
    wrong = jets.pt.copy()
    wrong[1500:1700] /= 1000  # a tenth, in a row
    check = spot_check(replace(jets, pt=wrong))
    assert check.n == 2000
    assert check.outside == pytest.approx(0.1)
    assert "do not fit" in check.problem
    assert spot_check(jets[:9]).n == 9
