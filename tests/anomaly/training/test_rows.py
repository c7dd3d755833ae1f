from __future__ import annotations

import numpy as np
import pytest
import torch

from darkclr.anomaly.training.rows import batches, kept_aside
from darkclr.errors import InputError

ROWS = np.random.default_rng(0).normal(size=(200, 3)).astype(np.float32)


def split(X, fraction=0.1, seed=0):
    return kept_aside(X, fraction, torch.Generator().manual_seed(seed))


def test_every_row_is_on_one_side_in_random_order():
    train, aside = split(ROWS)
    assert len(aside) == 20
    assert sorted([*train, *aside]) == list(range(200))
    order = torch.randperm(200, generator=torch.Generator().manual_seed(0)).tolist()
    assert [*aside, *train] == order


@pytest.mark.parametrize("seed", range(5))
def test_equal_rows_are_never_parted(seed):
    """Rows drawn with replacement, as by weights that differ."""
    drawn = np.random.default_rng(seed).choice(200, 200, p=np.arange(200) / np.arange(200).sum())
    train, aside = split(ROWS[drawn], seed=seed)
    assert not set(drawn[train]) & set(drawn[aside])
    assert sorted([*train, *aside]) == list(range(200))
    assert 20 <= len(aside) < 30


def test_images_are_rows_too():
    images = np.repeat(ROWS.reshape(50, 4, 3), 4, axis=0)
    train, aside = split(images)
    assert not set(train // 4) & set(aside // 4)


@pytest.mark.parametrize("dtype", [np.float16, np.float64])
def test_equal_rows_of_other_precisions_are_not_parted(dtype):
    doubled = np.repeat(ROWS[:, :1], 2, axis=0).astype(dtype)  # an odd number of bytes by four
    train, aside = split(doubled)
    assert not set(train // 2) & set(aside // 2)


def test_rows_that_are_all_equal_are_parted_all_the_same():
    train, aside = split(np.ones((50, 2)))
    assert (len(train), len(aside)) == (45, 5)


def test_too_few_rows_are_refused():
    with pytest.raises(InputError, match="2 rows are too few"):
        split(ROWS[:2])


def test_batches_hold_all_rows_once_in_another_order_each_time():
    rows, generator = torch.arange(100.0)[:, None], torch.Generator().manual_seed(0)
    first, second = (list(batches(rows, 32, generator)) for _ in range(2))
    assert [len(batch) for batch in first] == [32, 32, 32, 4]
    orders = [torch.cat(epoch).flatten().tolist() for epoch in (first, second)]
    assert all(sorted(order) == rows.flatten().tolist() for order in orders)
    assert len({*map(tuple, orders), tuple(rows.flatten().tolist())}) == 3
