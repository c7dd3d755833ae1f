from __future__ import annotations

import numpy as np
import pytest
import torch

from darkclr.contrastive.config import EncoderConfig
from darkclr.contrastive.encoder.batches import pack


def unpack(batch):
    """Each jet of the caller's order as an array (length, 3)."""
    parts = batch.features.split([length for length, n in batch.runs for _ in range(n)])
    return [parts[i].numpy() for i in batch.inverse.tolist()]


def test_packing_loses_and_mixes_nothing(constituents):
    rows = unpack(pack(constituents, EncoderConfig(pt_scale=1.0)))
    assert len(rows) == len(constituents)
    for i, row in enumerate(rows):
        jet = constituents[[i]]
        np.testing.assert_array_equal(row, np.stack([jet.pt, jet.eta, jet.phi], axis=1))


def test_runs_are_the_lengths_and_as_few_as_possible(constituents):
    batch = pack(constituents, EncoderConfig())
    lengths, counts = np.unique(constituents.lengths, return_counts=True)
    assert batch.runs == tuple(zip(lengths.tolist(), counts.tolist(), strict=True))
    assert len(batch.features) == len(constituents.pt) == sum(n * m for n, m in batch.runs)
    assert sorted(batch.inverse.tolist()) == list(range(len(constituents)))


@pytest.mark.parametrize("multiple", [1, 7, 1000])
def test_what_fills_up_to_a_multiple_is_nobodys(constituents, multiple):
    batch = pack(constituents, EncoderConfig(), multiple)
    assert len(batch.features) == sum(n * m for n, m in batch.runs)
    assert len(batch.features) % multiple == 0
    assert len(batch.features) - len(constituents.pt) < multiple
    for row, own in zip(unpack(batch), unpack(pack(constituents, EncoderConfig())), strict=True):
        np.testing.assert_array_equal(row, own)


def test_pt_is_divided_by_its_scale_and_angles_are_not(constituents):
    one, other = (pack(constituents, EncoderConfig(pt_scale=s)) for s in (1.0, 300.0))
    torch.testing.assert_close(one.features[:, 0], 300 * other.features[:, 0])
    torch.testing.assert_close(one.features[:, 1:], other.features[:, 1:], rtol=0, atol=0)
    assert one.features.dtype == torch.float32


def test_one_jet_is_a_batch(constituents):
    batch = pack(constituents[:1], EncoderConfig())
    assert batch.runs == ((int(constituents.lengths[0]), 1),)
    assert batch.inverse.tolist() == [0]


def test_moving_keeps_all(constituents):
    batch = pack(constituents, EncoderConfig())
    moved = batch.to("cpu")
    assert moved.runs == batch.runs
    assert torch.equal(moved.features, batch.features)
    assert torch.equal(moved.inverse, batch.inverse)


def test_fractions_are_shares_of_the_summed_pt(constituents):
    features = pack(constituents, EncoderConfig(pt_input="fraction"))
    absolute = pack(constituents, EncoderConfig(pt_scale=1.0))
    start = 0
    for length, n_jets in features.runs:
        rows = slice(start, start + length * n_jets)
        share, pt = (b.features[rows, 0].view(n_jets, length) for b in (features, absolute))
        torch.testing.assert_close(share, pt / pt.sum(1, keepdim=True))
        start = rows.stop
    assert torch.equal(features.features[:, 1:], absolute.features[:, 1:])
