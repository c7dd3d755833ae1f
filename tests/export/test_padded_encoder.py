"""The encoder on padded constituents is the encoder on ragged ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from models import TINY
from padded import AWKWARD, padded
from toy import toy_jets

from darkclr.contrastive.encoder.batches import pack
from darkclr.contrastive.encoder.transformer import Encoder
from darkclr.contrastive.encoding import encode, prepare
from darkclr.export.padded_encoder import PaddedEncoder


@pytest.fixture(
    params=[
        {},
        {"pt_mask_power": 0.5, "pooling": "all"},
        {"pt_input": "fraction", "pooling": "all"},
    ],
    ids=str,
)
def encoder(request) -> Encoder:
    torch.manual_seed(3)
    return Encoder(replace(TINY, **request.param)).eval()


def encoded(encoder: Encoder, constituents: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    with torch.no_grad():
        pooled, z = PaddedEncoder(encoder)(torch.from_numpy(constituents))
    return pooled.numpy(), z.numpy()


def same(a: np.ndarray, b: np.ndarray) -> None:
    """Equal but for rounding."""
    assert np.abs(a - b).max() < 1e-6 * max(1, np.abs(b).max())


@pytest.mark.parametrize("jets", [toy_jets(200, seed=4), *AWKWARD.values()], ids=["toy", *AWKWARD])
def test_it_encodes_as_the_library(encoder, jets):
    pooled, z = encoded(encoder, padded(jets))
    expected = encode(encoder, jets)
    same(pooled, expected.pooled)
    same(z, expected.z)


def test_it_rounds_no_more_than_the_library(encoder):
    jets = toy_jets(200, seed=4)
    pooled, z = encoded(encoder, padded(jets))
    library = encode(encoder, jets)
    # The same weights and inputs in double precision.
    batch = pack(prepare(jets.constituents, encoder.config), encoder.config)
    with torch.no_grad():
        exact = encoder.double()(replace(batch, features=batch.features.double()))
    for ours, theirs, truth in zip(
        (pooled, z), (library.pooled, library.z), (x.numpy() for x in exact), strict=True
    ):
        error, allowed = (np.sqrt(np.square(x - truth).mean()) for x in (ours, theirs))
        assert 0 < error < 1.5 * allowed


def test_neither_order_nor_empty_places_matter(encoder):
    constituents = padded(toy_jets(50, seed=4), extra=9)
    order = np.random.default_rng(0).permutation(constituents.shape[1])
    shuffled = encoded(encoder, constituents[:, order])
    for a, b in zip(shuffled, encoded(encoder, padded(toy_jets(50, seed=4))), strict=True):
        same(a, b)


def test_a_jet_does_not_depend_on_its_company(encoder):
    constituents = padded(toy_jets(50, seed=4))
    alone = [encoded(encoder, constituents[i : i + 1]) for i in range(50)]
    for k, together in enumerate(encoded(encoder, constituents)):
        same(np.concatenate([jet[k] for jet in alone]), together)


def test_a_jet_without_constituents_is_nan_and_the_others_are_not(encoder):
    constituents = padded(toy_jets(5, seed=4))
    expected = encoded(encoder, constituents)
    constituents[2] = 0
    for a, b in zip(encoded(encoder, constituents), expected, strict=True):
        assert np.isnan(a).all(axis=1).tolist() == [False, False, True, False, False]
        same(np.delete(a, 2, axis=0), np.delete(b, 2, axis=0))
