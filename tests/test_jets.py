from __future__ import annotations

import numpy as np
import pytest
from toy import toy_jets

from darkclr.errors import InputError
from darkclr.jets import JET_COLUMNS, SIGNAL, UNKNOWN, Constituents, Jets


@pytest.fixture(scope="module")
def jets():
    return toy_jets(200, seed=1)


def rows_of(constituents):
    """Each jet as a plain array (length, 3)."""
    c = constituents
    flat = np.stack([c.pt, c.eta, c.phi], axis=1)
    return [flat[a:b] for a, b in zip(c.offsets[:-1], c.offsets[1:], strict=True)]


def assert_same(a: Constituents, rows: list[np.ndarray]):
    assert len(a) == len(rows)
    for left, right in zip(rows_of(a), rows, strict=True):
        np.testing.assert_array_equal(left, right)


@pytest.mark.parametrize(
    "index",
    [
        slice(3, 20, 4),
        slice(None, None, -1),
        np.array([5, 5, 0]),
        np.array([-1, 3]),
        np.array(4),
        slice(0),
        7,
        np.arange(200) % 3 == 0,
    ],
    ids=["slice", "reverse", "repeated", "negative", "array", "none", "integer", "mask"],
)
def test_indexing_takes_whole_jets(jets, index):
    expected = np.atleast_1d(np.arange(200)[index])
    chosen = jets[index]
    rows = rows_of(jets.constituents)
    assert_same(chosen.constituents, [rows[i] for i in expected])
    assert_same(jets.constituents[index], [rows[i] for i in expected])
    for name in JET_COLUMNS:
        np.testing.assert_array_equal(getattr(chosen, name), getattr(jets, name)[expected])


@pytest.mark.parametrize("lengths", [[70_000], [3, 0, 40_000, 1], [0, 5, 2, 0]])
def test_constituents_are_sorted_whatever_the_lengths(lengths):
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    n = offsets[-1]
    pt = np.random.default_rng(1).integers(1, 50, n).astype(np.float32)
    ordered = Constituents(offsets, pt, np.arange(n, dtype=np.float32), np.zeros(n, np.float32))
    expected = np.lexsort((np.arange(n), -pt, ordered.jet_index))
    np.testing.assert_array_equal(ordered.sorted().eta, expected)


def test_constituents_are_sorted_and_the_sort_is_stable():
    jets = Jets.from_constituents([0, 4, 5], [1, 3, 1, 3, 9], [0, 1, 2, 3, 4], np.zeros(5))
    assert jets.constituents.pt.tolist() == [3, 3, 1, 1, 9]
    assert jets.constituents.eta.tolist() == [1, 3, 0, 2, 4]


def test_hardest_are_the_largest_pt(jets):
    cut = jets.constituents.hardest(5)
    assert cut.lengths.max() == 5
    for short, full in zip(rows_of(cut), rows_of(jets.constituents), strict=True):
        np.testing.assert_array_equal(short[:, 0], np.sort(full[:, 0])[::-1][:5])


def test_keep_takes_constituents_and_never_jets(jets):
    c = jets.constituents
    mask = c.pt > 5
    kept = c.keep(mask)
    assert len(kept) == len(c)
    np.testing.assert_array_equal(kept.lengths, np.bincount(c.jet_index, mask).astype(int))
    np.testing.assert_array_equal(kept.pt, c.pt[mask])


def test_diameter_is_the_largest_distance(jets):
    short = jets.constituents.hardest(6)
    for value, row in zip(short.diameter, rows_of(short), strict=True):
        distance = np.hypot(*(np.subtract.outer(row[:, i], row[:, i]) for i in (1, 2)))
        assert value == pytest.approx(distance.max(), rel=1e-5)


def test_concatenation_undoes_cutting(jets):
    again = Jets.concatenate([jets[:50], jets[50:51], jets[51:]])
    assert_same(again.constituents, rows_of(jets.constituents))
    for name in JET_COLUMNS:
        np.testing.assert_array_equal(getattr(again, name), getattr(jets, name))
    assert again.provenance == jets.provenance


def test_concatenation_keeps_the_truth_that_all_have():
    one = Jets.from_constituents([0, 1], [1], [0], [0], truth={"a": [1.0], "b": [2.0]})
    two = Jets.from_constituents([0, 1], [1], [0], [0], truth={"b": [3.0]})
    assert {k: v.tolist() for k, v in Jets.concatenate([one, two]).truth.items()} == {"b": [2, 3]}
    with pytest.raises(InputError, match="no jets"):
        Jets.concatenate([])


def test_kinematics_are_those_of_the_summed_constituents(jets):
    c = jets.constituents
    px = np.bincount(c.jet_index, c.pt * np.cos(c.phi.astype(float)))
    py = np.bincount(c.jet_index, c.pt * np.sin(c.phi.astype(float)))
    np.testing.assert_allclose(jets.pt, np.hypot(px, py), rtol=1e-6)


def test_unlabelled_tells_nothing():
    jets = Jets.from_constituents(
        [0, 1], [1], [0], [0], label=SIGNAL, truth={"parton_pdg": [4900101]}
    )
    assert jets.unlabelled().label.tolist() == [UNKNOWN]
    assert jets.unlabelled().truth == {}
    assert jets.label.tolist() == [SIGNAL]


NAN = float("nan")


@pytest.mark.parametrize(
    ("offsets", "pt", "eta", "phi", "columns", "message"),
    [
        ([0], [], [], [], {}, "there are no jets; check the selection"),
        ([0, 2], [1], [1, 1], [1, 1], {}, "do not fit together"),
        ([0, 3, 2], [1, 1], [1, 1], [1, 1], {}, "do not fit together"),
        ([1, 2], [1, 1], [1, 1], [1, 1], {}, "do not fit together"),
        ([0, 1, 1, 2], [1, 1], [1, 1], [1, 1], {}, "1 of 3 jets have no constituents; remove"),
        ([0, 2], [1, NAN], [1, 1], [1, 1], {}, "1 constituents have NaN or infinite pt"),
        ([0, 2], [1, 1], [np.inf, NAN], [1, 1], {}, "2 constituents have NaN or infinite eta"),
        ([0, 2], [1, 1], [1, 1], [1, -np.inf], {}, "NaN or infinite phi"),
        ([0, 2], [1, 0], [1, 1], [1, 1], {}, "1 constituents have zero or negative pT"),
        ([0, 2], [1, -3], [1, 1], [1, 1], {}, "1 constituents have zero or negative pT"),
        ([0, 2], [1, 45_000], [1, 1], [1, 1], {}, "probably in MeV: divide by 1000"),
        ([0, 2], [1, 1], [1, 1], [1, -180], {}, "constituent has .phi. = 180, .* in degrees"),
        ([0, 2], [1, 1], [1, -90], [1, 1], {}, "constituent has .eta. = 90, .* not the pseudorap"),
        ([0, 1], [1], [1], [1], {"jet": ([9e3], [0], [0], [0])}, "a jet has pT = 9000 GeV.* MeV"),
        ([0, 1], [1], [1], [1], {"jet": ([9], [0], [99], [0])}, "a jet has .phi. = 99, .* degrees"),
        ([0, 1], [1], [1], [1], {"jet": ([9], [42], [0], [0])}, "a jet has .eta. = 42"),
        ([0, 1], [1], [1], [1], {"label": 2}, "labels other than 0, 1 and -1"),
        ([0, 1], [1], [1], [1], {"weight": NAN}, "jet column 'weight' has NaN"),
        ([0, 1], [1], [1], [1], {"weight": [1, 2]}, r"'weight' has shape \(2,\) for 1 jets"),
        ([0, 1], [1], [1], [1], {"truth": {"a": [1, 2]}}, r"'a' has shape \(2,\) for 1 jets"),
        ([0, 1], [1], [1], [1], {"jet": ([0], [0], [0], [0])}, "zero or negative pT"),
        ([0, 1], [1], [1], [1], {"jet": ([9], [NAN], [0], [0])}, "jet column 'eta' has NaN"),
    ],
)
def test_the_border_names_what_is_wrong_and_where(offsets, pt, eta, phi, columns, message):
    with pytest.raises(InputError, match=message) as caught:
        Jets.from_constituents(offsets, pt, eta, phi, where="mine.parquet", **columns)
    assert str(caught.value).startswith("mine.parquet: ")
    assert "\n" not in str(caught.value)


def test_the_border_wants_nothing_but_constituents():
    jets = Jets.from_constituents([0, 1, 2], [1, 2], [0, 0], [0, 0])
    assert jets.label.tolist() == [UNKNOWN] * 2
    assert jets.weight.tolist() == [1, 1]
    assert jets.event.tolist() == [0, 1]


def test_an_azimuth_of_a_whole_turn_is_no_degrees():
    """Some programs count from 0 to 2 pi; single precision may round above."""
    jets = Jets.from_constituents([0, 2], [1, 2], [0, 0], [np.float32(2 * np.pi), -2 * np.pi])
    assert jets.phi.tolist() == pytest.approx([0], abs=1e-6)


def test_jets_that_are_sorted_are_not_sorted_again():
    """Also where the next jet begins harder than the one before ends."""
    jets = Jets.from_constituents([0, 2, 4], [3.0, 1.0, 5.0, 2.0], [0.0] * 4, [0.0] * 4)
    assert jets.constituents.sorted() is jets.constituents
