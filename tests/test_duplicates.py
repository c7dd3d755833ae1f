from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from toy import toy_jets

from darkclr.duplicates import FirstOccurrence, constituent_hash, deduplicate
from darkclr.jets import Jets


@pytest.fixture(scope="module")
def jets() -> Jets:
    return toy_jets(400, seed=3)


def test_duplicates_go_and_the_first_stay(jets):
    twice = Jets.concatenate([jets[:50], jets[10:20], jets[40:90], jets[:5]])
    assert deduplicate(twice).event.tolist() == jets[:90].event.tolist()


def test_duplicates_are_found_over_batches(jets):
    first = FirstOccurrence()
    assert first(jets[:100]).all()
    assert first(jets[90:110]).tolist() == [False] * 10 + [True] * 10
    assert not first(jets[:110]).any()
    assert len(first(jets[:0])) == 0


def test_every_bit_of_the_constituents_counts_and_nothing_else(jets):
    before = constituent_hash(jets)
    assert len(np.unique(before)) == len(jets)
    assert (constituent_hash(replace(jets, pt=jets.pt * 2, label=jets.label + 1)) == before).all()
    for name in ("pt", "eta", "phi"):
        values = getattr(jets.constituents, name).copy()
        values[jets.constituents.offsets[7]] = np.nextafter(
            values[jets.constituents.offsets[7]], 9e9
        )
        changed = replace(jets, constituents=replace(jets.constituents, **{name: values}))
        assert np.flatnonzero(constituent_hash(changed) != before).tolist() == [7]


def test_order_of_constituents_and_sign_of_zero_do_not_count():
    a = Jets.from_constituents([0, 2], [5.0, 5.0], [1.0, 0.0], [2.0, 0.5])
    b = Jets.from_constituents([0, 2], [5.0, 5.0], [-0.0, 1.0], [0.5, 2.0])
    assert constituent_hash(a) == constituent_hash(b)
    swapped = Jets.from_constituents([0, 2], [5.0, 5.0], [1.0, 0.0], [0.5, 2.0])
    assert constituent_hash(a) != constituent_hash(swapped)
