"""What a score may read: words, observables, and the rows that belong together."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from toy import toy_jets

from darkclr.anomaly.inputs import FEATURES, ScoreInputs, find_features
from darkclr.errors import ConfigError, InputError
from darkclr.jet_images import jet_images
from darkclr.representations import Representations
from darkclr.substructure import jet_mass, n_subjettiness


@pytest.fixture(scope="module")
def jets():
    return toy_jets(60, seed=4, shortest=4)


@pytest.fixture(scope="module")
def rows(jets) -> Representations:
    """Representations of the jets, and dropped copies of the first twenty, which come first."""
    rng = np.random.default_rng(0)
    index = np.concatenate([np.arange(20), np.arange(60)])
    return Representations(
        z=rng.normal(size=(80, 5)).astype(np.float32),
        pooled=rng.normal(size=(80, 3)).astype(np.float32),
        pt=jets.pt[index],
        n_constituents=jets.n_constituents[index],
        label=jets.label[index],
        weight=np.arange(80, dtype=np.float32),
        event=jets.event[index],
        rank=jets.rank[index],
        family=(np.arange(80) < 20).astype(np.int8),
        families=("dropped",),
        encoder="abc",
    )


@pytest.mark.parametrize("word", ["z", "pooled", "pt", "n_constituents"])
def test_columns_of_representations_come_with_their_copies(word, rows):
    read = ScoreInputs(rows).rows(find_features(word))
    np.testing.assert_array_equal(read.X, getattr(rows, word))
    np.testing.assert_array_equal(read.dropped, rows.dropped)
    np.testing.assert_array_equal(read.weight, rows.weight)
    assert read.encoder == "abc"


def test_observables_are_columns_in_their_order(jets):
    read = ScoreInputs(jets=jets).rows(find_features(["mass", "tau_2"]))
    expected = [jet_mass(jets.constituents), n_subjettiness(jets.constituents, 2)]
    np.testing.assert_array_equal(read.X, np.stack(expected, axis=1))
    alone = ScoreInputs(jets=jets).rows(find_features("mass"))
    np.testing.assert_array_equal(alone.X[:, 0], expected[0])
    assert not read.dropped.any()
    assert read.encoder is None


def test_jets_are_brought_into_the_order_of_the_original_representations(jets, rows):
    order = np.random.default_rng(1).permutation(60)
    read = ScoreInputs(rows, jets[order]).rows(FEATURES["images"])
    np.testing.assert_array_equal(read.X, jet_images(jets.constituents))
    half = ScoreInputs(rows[30:], jets[order]).rows(FEATURES["images"])
    np.testing.assert_array_equal(half.X, read.X[10:])
    with pytest.raises(InputError, match="60 representations have no jet of their own"):
        ScoreInputs(rows, jets[:50])


def test_scores_of_members_are_columns():
    table = pa.table({"a": [1.0, 2.0], "b": [3.0, 4.0], "weight": [1.0, 0.5]})
    read = ScoreInputs(scores=table).rows(find_features("scores", ("b", "a")))
    np.testing.assert_array_equal(read.X, [[3.0, 1.0], [4.0, 2.0]])
    np.testing.assert_array_equal(read.weight, [1.0, 0.5])
    with pytest.raises(InputError, match="no scores c"):
        ScoreInputs(scores=table).rows(find_features("scores", ("a", "c")))


@pytest.mark.parametrize(
    ("reads", "given", "told"),
    [
        ("z", "jets", "score mine: reads representations, not the constituents of the jets"),
        ("mass", "representations", "reads the constituents of the jets, not representations"),
        ("scores", "jets", "reads the scores of other scores, not"),
    ],
)
def test_a_missing_part_is_told_in_one_place(reads, given, told, jets, rows):
    inputs = ScoreInputs.of(jets if given == "jets" else rows)
    with pytest.raises(InputError, match=told):
        inputs.rows(find_features(reads, ("a",)), "score mine")


@pytest.mark.parametrize("reads", ["Z", "", [], ["mass", "beauty"], [["mass"]]])
def test_what_is_no_observable_is_refused(reads):
    with pytest.raises(ConfigError, match=r"choose of .*soft_drop_mass|did you mean mass"):
        find_features(reads)
