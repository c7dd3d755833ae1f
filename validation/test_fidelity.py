"""The fidelity page: its tables are those of the numbers, and a small sample agrees with them."""

from __future__ import annotations

import json
from dataclasses import replace

import fidelity
import numpy as np
import pytest

NUMBERS = json.loads(fidelity.NUMBERS.read_text())


def test_the_page_shows_the_numbers():
    page = fidelity.PAGE.read_text()
    assert fidelity.insert(page, fidelity.render(NUMBERS)) == page


def test_signal_deciles_are_within_two_of_the_published():
    found = np.array(NUMBERS["signal"]["deciles"])
    assert np.abs(found - fidelity.PUBLISHED["aachen"]).max() <= 2


def test_the_tuned_mixture_is_nearer_to_the_published_but_not_equal():
    distance = {
        name: np.abs(np.array(entry["deciles"]) - fidelity.PUBLISHED["qcd"])
        for name, entry in NUMBERS["mixtures"].items()
    }
    assert distance["tuned"].sum() < distance["natural"].sum() / 1.5
    assert distance["tuned"].max() <= 4


def test_matched_spectra_leave_nothing_to_the_jet_pt():
    assert NUMBERS["pt"]["background matched in pT"]["pt"]["auc"] == pytest.approx(0.5, abs=0.02)


def test_deciles_of_weighted_jets_are_those_of_repeated_ones():
    rng = np.random.default_rng(1)
    n, weight = rng.integers(5, 70, 500), rng.integers(1, 4, 500)
    assert fidelity.deciles(n, weight) == fidelity.deciles(np.repeat(n, weight))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "n_jets"),
    [("aachen", 300), ("aachen_no_mpi", 500), ("aachen_fragmentation", 150), ("qcd_no_mpi", 300)],
)
def test_a_small_sample_agrees_with_the_page(name, n_jets, tmp_path):
    """Means within four standard errors: other seeds, the same physics."""
    pytest.importorskip("pythia8mc")
    config = replace(fidelity.SAMPLES[name], n_jets=n_jets, seed=2, shard_jets=-(-n_jets // 2))
    found = fidelity.describe(
        fidelity.read_jets(fidelity.generate(config, tmp_path / "sample.parquet"))
    )
    title, side = next(
        (title, "background" if names.index(name) == 0 else "signal")
        for title, *names, _ in fidelity.VARIATIONS
        if name in names
    )
    expected = NUMBERS["variations"][title][side]
    for quantity in ("n_constituents", "pt", "mass", "ptd"):
        (mean, error), (page, page_error) = found[quantity], expected[quantity]
        assert abs(mean - page) < 4 * np.hypot(error, page_error), quantity
