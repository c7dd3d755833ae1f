from __future__ import annotations

from dataclasses import replace
from itertools import combinations, product

import numpy as np
import pytest
from toy import toy_jets

from darkclr import clustering
from darkclr.augmentations import recentre
from darkclr.errors import ConfigError
from darkclr.jets import Constituents, Jets
from darkclr.substructure import (
    CMS_OBSERVABLES,
    OBSERVABLES,
    angularity,
    energy_correlators,
    energy_flow_polynomials,
    first_polynomial,
    jet_mass,
    moments,
    n_subjettiness,
    observables,
    pt_dispersion,
    soft_drop_mass,
)

CLUSTERED = ("soft_drop_mass", "tau_1", "tau_2", "tau_3")
# Edges of the eight graphs, in the order of the function.
GRAPHS = [
    [(0, 1)],
    [(0, 1), (0, 1)],
    [(0, 1), (0, 2)],
    [(0, 1), (0, 1), (0, 1)],
    [(0, 1), (0, 1), (0, 2)],
    [(0, 1), (1, 2), (2, 0)],
    [(0, 1), (0, 2), (0, 3)],
    [(0, 1), (1, 2), (2, 3)],
]


def jet(pt, eta, phi) -> Constituents:
    return Jets.from_constituents([0, len(pt)], pt, eta, phi).constituents


@pytest.fixture(scope="module")
def constituents() -> Constituents:
    return toy_jets(40, seed=1, shortest=1, longest=40, mean=15).constituents


def _needs(name):
    if name in CLUSTERED:
        pytest.importorskip("fastjet")


def test_energy_flow_polynomials_are_the_sums_over_constituents():
    """arXiv:1712.07124 eq. 1.1, term by term."""
    c = toy_jets(1, seed=3, shortest=5, longest=5).constituents
    z = c.pt.astype(float) / c.pt.astype(float).sum()
    theta = (c.eta[:, None].astype(float) - c.eta) ** 2 + (
        c.phi[:, None].astype(float) - c.phi
    ) ** 2
    expected = []
    for graph in GRAPHS:
        n = max(max(edge) for edge in graph) + 1
        expected.append(
            sum(
                np.prod(z[list(i)]) * np.prod([theta[i[k], i[m]] for k, m in graph])
                for i in product(range(len(z)), repeat=n)
            )
        )
    np.testing.assert_allclose(energy_flow_polynomials(c)[0], expected, rtol=1e-4)


def test_energy_correlators_are_the_sums_over_pairs_and_triples():
    """arXiv:1305.0007 eqs. 2.3-2.4."""
    c = recentre(toy_jets(1, seed=4, shortest=6, longest=6).constituents)
    z = c.pt.astype(float) / c.pt.astype(float).sum()
    r = np.hypot(np.subtract.outer(c.eta, c.eta), np.subtract.outer(c.phi, c.phi)) ** 0.5
    two = sum(z[i] * z[j] * r[i, j] for i, j in combinations(range(6), 2))
    three = sum(
        z[i] * z[j] * z[k] * r[i, j] * r[j, k] * r[k, i] for i, j, k in combinations(range(6), 3)
    )
    c1, c2 = energy_correlators(c, 0.5)
    np.testing.assert_allclose([c1[0], c2[0]], [two, three / two**2], rtol=1e-4)


def test_the_first_polynomial_needs_no_pairs(constituents):
    np.testing.assert_allclose(
        first_polynomial(constituents), energy_flow_polynomials(constituents)[:, 0], rtol=1e-10
    )


def test_energy_flow_and_c2_are_those_of_energyflow(constituents):
    """The package of the polynomials' authors (pip install energyflow), which is no dependency."""
    energyflow = pytest.importorskip("energyflow")
    options = {"measure": "hadr", "coords": "ptyphim"}
    polynomial = energyflow.EFP([(0, 1)], beta=2, normed=True, **options)
    c2 = energyflow.C2(beta=0.5, **options)
    values = observables(constituents, ("efp_1", "c2"))
    for i, (first, second) in enumerate(values):
        if len(constituents[i].pt) < 3:
            continue
        rows = np.stack([getattr(constituents[i], x).astype(float) for x in ("pt", "eta", "phi")])
        assert first == pytest.approx(polynomial.compute(rows.T), rel=1e-6)
        # It sums over all triples and pairs, C2 over those of i < j < k: 6 / 2² as much.
        assert 1.5 * second == pytest.approx(c2.compute(rows.T), rel=1e-6)


@pytest.mark.parametrize("n_axes", [1, 2, 3])
def test_subjettiness_is_that_of_fastjets_contribution(n_axes, constituents):
    """Njettiness with exclusive kT axes, normalised by Σ pT R."""
    pytest.importorskip("fastjet")
    several = constituents[constituents.lengths > n_axes]
    expected = clustering._massless("kt", 10.0, several).njettiness(
        **{"measure_definition": "NormalizedMeasure", "axes_definition": "KT_Axes"},
        **{"njets": [n_axes], "beta": 1.0, "R0": 0.8},
    )
    np.testing.assert_allclose(
        n_subjettiness(several, n_axes), np.ravel(expected), rtol=1e-9, atol=1e-12
    )


@pytest.mark.parametrize(("z_cut", "beta"), [(0.1, 0.0), (0.05, 1.0), (0.2, -0.5)])
def test_soft_drop_is_that_of_fastjets_contribution(z_cut, beta, constituents):
    """Its grooming of the Cambridge-Aachen tree, one jet after the other."""
    pytest.importorskip("fastjet")
    groomed = clustering._quiet(
        clustering._massless("cambridge", 10.0, constituents).exclusive_jets_softdrop_grooming,
        **{"njets": 1, "beta": beta, "symmetry_cut": z_cut, "R0": 0.8},
    )
    expected = np.asarray(groomed.msoftdrop).ravel()
    assert (expected > 1).mean() > 0.5
    np.testing.assert_allclose(
        soft_drop_mass(constituents, z_cut, beta), expected, rtol=1e-6, atol=1e-4
    )


def test_two_equal_prongs():
    """Everything can be written down: z = 1/2 at ± 0.2 from the axis."""
    c = jet([100.0, 100.0], [0.0, 0.0], [0.2, -0.2])
    np.testing.assert_allclose(pt_dispersion(c), 2**-0.5)
    np.testing.assert_allclose(angularity(c), 0.2 / 0.8, rtol=1e-6)
    np.testing.assert_allclose(angularity(c, 1, 0.5), 0.25**0.5, rtol=1e-6)
    np.testing.assert_allclose(np.ravel(moments(c)), [0.2, 0], atol=1e-4)
    # m² = 2 pT₁ pT₂ (cosh Δη - cos Δφ)
    np.testing.assert_allclose(jet_mass(c), np.sqrt(2e4 * (1 - np.cos(0.4))), rtol=1e-4)
    np.testing.assert_allclose(energy_flow_polynomials(c)[0, 0], 2 * 0.25 * 0.16, rtol=1e-5)


def test_one_constituent_has_no_extension():
    c = jet([50.0], [1.0], [3.0])
    for name in OBSERVABLES:
        if name not in (*CLUSTERED, "n_constituents", "pt_dispersion"):
            assert OBSERVABLES[name](c)[0] == pytest.approx(0, abs=0.02), name
    assert pt_dispersion(c)[0] == 1


@pytest.mark.parametrize("name", OBSERVABLES)
def test_rotated_and_shifted_jets_keep_their_shape(name, constituents):
    """A shift in phi is a symmetry of all; a rotation in eta-phi of all without four-vectors."""
    _needs(name)
    values = OBSERVABLES[name](constituents)
    assert values.shape == (len(constituents),)
    assert np.isfinite(values).all()
    shifted = replace(constituents, phi=((constituents.phi + 2.5 + np.pi) % (2 * np.pi) - np.pi))
    tolerance = {"rtol": 1e-3, "atol": 2e-3 if "mass" not in name else 0.2}
    np.testing.assert_allclose(OBSERVABLES[name](shifted), values, **tolerance)
    if "mass" not in name and name not in CLUSTERED:
        centred = recentre(constituents)
        turned = replace(centred, eta=-centred.phi, phi=centred.eta)
        np.testing.assert_allclose(OBSERVABLES[name](turned), values, **tolerance)


@pytest.mark.parametrize("name", OBSERVABLES)
def test_a_jet_does_not_depend_on_the_others(name, constituents):
    _needs(name)
    values = OBSERVABLES[name](constituents)
    order = np.random.default_rng(0).permutation(len(constituents))
    np.testing.assert_allclose(OBSERVABLES[name](constituents[order]), values[order], rtol=1e-9)


@pytest.mark.parametrize("name", ["girth", "les_houches_angularity", "efp_1", "c1", "tau_2"])
def test_collinear_splitting_changes_nothing(name):
    """Infrared and collinear safety: z enters linearly."""
    _needs(name)
    whole = jet([100.0, 60.0, 30.0, 10.0], [0.0, 0.3, -0.2, 0.1], [0.1, -0.2, 0.3, -0.3])
    split = jet(
        [50.0, 60.0, 50.0, 30.0, 10.0], [0.0, 0.3, 0.0, -0.2, 0.1], [0.1, -0.2, 0.1, 0.3, -0.3]
    )
    np.testing.assert_allclose(OBSERVABLES[name](split), OBSERVABLES[name](whole), rtol=1e-5)


def test_subjettiness_counts_the_prongs():
    pytest.importorskip("fastjet")
    c = jet([100.0, 80.0, 60.0, 1.0], [0.0, 0.0, 0.5, 0.51], [0.0, 0.5, 0.25, 0.25])
    one, two, three = (n_subjettiness(c, n)[0] for n in (1, 2, 3))
    assert one > two > three
    assert three < 1e-3


def test_soft_drop_removes_soft_wide_radiation():
    """A prong below z_cut of the pT goes, one above it stays."""
    pytest.importorskip("fastjet")
    soft, hard = (jet([100.0, 90.0, pt], [0.0, 0.1, 0.0], [0.0, 0.1, 0.6]) for pt in (5.0, 60.0))
    pair = jet([100.0, 90.0], [0.0, 0.1], [0.0, 0.1])
    np.testing.assert_allclose(soft_drop_mass(soft), jet_mass(pair), rtol=1e-4)
    np.testing.assert_allclose(soft_drop_mass(hard), jet_mass(hard), rtol=1e-4)


def test_observables_are_columns_by_name(constituents):
    pytest.importorskip("fastjet")
    columns = observables(constituents)
    assert columns.shape == (len(constituents), len(CMS_OBSERVABLES))
    np.testing.assert_array_equal(columns[:, 4], pt_dispersion(constituents))
    with pytest.raises(ConfigError, match="no observable tau_9"):
        observables(constituents, ("tau_9",))


def test_padding_of_batches_does_not_show(constituents, monkeypatch):
    whole = energy_flow_polynomials(constituents)
    monkeypatch.setattr("darkclr.substructure._PADDED", 1)
    np.testing.assert_allclose(energy_flow_polynomials(constituents), whole, rtol=1e-9)
