from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from darkclr.ragged import (
    ragged_arange,
    segment_diameter,
    segment_ids,
    segment_max,
    segment_sum,
    to_offsets,
)

lengths = st.lists(st.integers(1, 7), min_size=1, max_size=6).map(np.array)


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 6)), max_size=8))
def test_ragged_arange_is_a_concatenation_of_ranges(pairs):
    starts, lengths = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    expected = [i for start, length in pairs for i in range(start, start + length)]
    assert ragged_arange(starts, lengths).tolist() == expected


def test_no_ranges_are_none():
    nothing = np.array([], dtype=np.int64)
    assert ragged_arange(nothing, nothing).tolist() == []


@given(lengths)
def test_segments_agree_with_a_loop(lengths):
    offsets = to_offsets(lengths)
    pt, eta, phi = np.random.default_rng(0).normal(size=(3, offsets[-1]))
    parts = [slice(a, b) for a, b in pairwise(offsets)]
    np.testing.assert_allclose(segment_sum(pt, offsets), [pt[s].sum() for s in parts])
    np.testing.assert_array_equal(segment_max(pt, offsets), [pt[s].max() for s in parts])
    furthest = [
        max(
            np.hypot(eta[i] - eta[j], phi[i] - phi[j])
            for i in range(s.start, s.stop)
            for j in range(s.start, s.stop)
        )
        for s in parts
    ]
    np.testing.assert_allclose(segment_diameter(eta, phi, offsets), furthest)


def test_empty_segments_sum_to_zero():
    offsets = np.array([0, 2, 2, 3, 3])
    assert segment_sum(np.array([1.0, 2.0, 4.0]), offsets).tolist() == [3, 0, 4, 0]
    assert segment_ids(offsets).tolist() == [0, 0, 2]


def test_many_small_numbers_are_summed_in_double_precision():
    values = np.concatenate([[1e8], np.ones(1000)]).astype(np.float32)
    assert segment_sum(values, np.array([0, 1001])) == 1e8 + 1000
