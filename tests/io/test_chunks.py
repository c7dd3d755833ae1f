from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from toy import toy_jets

from darkclr.io.chunks import in_chunks
from darkclr.jets import Jets

JETS = toy_jets(60, seed=1, mean=5)


@given(st.lists(st.integers(0, 60), max_size=12), st.integers(1, 70))
def test_chunks_depend_on_the_rows_and_not_on_the_batches(cuts, size):
    edges = [0, *sorted(cuts), 60]
    batches = (JETS[a:b] for a, b in pairwise(edges))
    chunks = list(in_chunks(batches, size))
    assert [len(chunk) for chunk in chunks] == [
        min(size, 60 - start) for start in range(0, 60, size)
    ]
    together = Jets.concatenate(chunks)
    np.testing.assert_array_equal(together.event, JETS.event)
    np.testing.assert_array_equal(together.constituents.pt, JETS.constituents.pt)


@pytest.mark.parametrize("batches", [[], [JETS[:0], JETS[:0]]], ids=["none", "empty ones"])
def test_nothing_gives_no_chunk(batches):
    assert list(in_chunks(batches, 4)) == []


def test_no_more_is_read_than_is_needed_for_a_chunk():
    read = []

    def batches():
        for start in range(0, 60, 5):
            read.append(start)
            yield JETS[start : start + 5]

    assert len(next(in_chunks(batches(), 8))) == 8
    assert read == [0, 5]
