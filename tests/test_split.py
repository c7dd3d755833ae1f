from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from toy import toy_jets

from darkclr.errors import ConfigError
from darkclr.split import Split, uniform_hash


def test_split_has_no_event_in_two_parts_and_loses_none():
    jets = toy_jets(200, seed=1)
    parts = [set(part.event.tolist()) for part in jets.split(Split(seed=3))]
    assert sum(map(len, parts)) == len(set.union(*parts)) == len(set(jets.event.tolist()))
    assert sum(len(p) for p in jets.split(Split(seed=3))) == len(jets)


@given(st.lists(st.integers(0, 2**62), min_size=1, max_size=30), st.integers(0, 99))
def test_split_depends_on_event_and_seed_alone(events, seed):
    split = Split(seed=seed)
    events = np.array(events)
    for name in ("train", "validation", "test"):
        mask = split.part(events, name)
        np.testing.assert_array_equal(split.part(events[::-1], name), mask[::-1])
        alone = [bool(split.part(events[[i]], name)[0]) for i in range(len(events))]
        assert alone == mask.tolist()


def test_split_shares_and_seeds():
    events = np.arange(20_000)
    split = Split(0.5, 0.2, 0.3)
    for name, share in (("train", 0.5), ("validation", 0.2), ("test", 0.3)):
        sigma = np.sqrt(share * (1 - share) / len(events))
        assert abs(split.part(events, name).mean() - share) < 4 * sigma
    assert split.part(events, "all").all()
    # Another seed is independent: both agree on train for half of the half.
    both = split.part(events, "train") & Split(0.5, 0.2, 0.3, seed=1).part(events, "train")
    assert abs(both.mean() - 0.25) < 4 * np.sqrt(0.25 * 0.75 / len(events))


def test_split_of_neighbouring_events_is_not_a_pattern():
    train = Split(0.5, 0.2, 0.3).part(np.arange(20_000), "train").astype(float)
    for lag in (1, 2, 10, 1000):
        correlation = np.corrcoef(train[:-lag], train[lag:])[0, 1]
        assert abs(correlation) < 4 / np.sqrt(len(train))


def test_shares_must_add_up():
    with pytest.raises(ConfigError, match=r"= 1\.1; give three numbers"):
        Split(0.6, 0.2, 0.3)
    with pytest.raises(ConfigError, match="three numbers"):
        Split(1.2, -0.2, 0.0)
    with pytest.raises(ConfigError, match="= nan"):
        Split(np.nan, np.nan, np.nan)
    with pytest.raises(ConfigError, match="split: seed = -1; it must be at least 0"):
        Split(seed=-1)
    with pytest.raises(ConfigError, match="no part 'tset'"):
        Split().part(np.arange(3), "tset")


def test_shares_that_leave_events_out_are_refused():
    with pytest.raises(ConfigError, match=r"= 0\.9; give three numbers"):
        Split(0.5, 0.2, 0.2)


@pytest.mark.parametrize("seed", [0, 1, 12])
def test_the_part_of_an_event_is_that_of_splitmix64(seed):
    """In whole numbers of Python; another one would move events of every split that was made."""
    low = 2**64 - 1

    def expected(event: int) -> float:
        x = (event + seed * 0x9E3779B97F4A7C15) & low
        x = (x + 0x9E3779B97F4A7C15) & low
        x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & low
        x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & low
        return ((x ^ (x >> 31)) >> 11) / 2**53

    events = [0, 1, 77, 2**40]
    assert uniform_hash(np.array(events), seed).tolist() == [expected(e) for e in events]
