from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from short_training import RESULTS, SHORT
from toy import toy_jets

from darkclr.contrastive.config import EncoderConfig
from darkclr.contrastive.encoder.batches import PackedBatch, pack
from darkclr.contrastive.encoder.transformer import Encoder
from darkclr.contrastive.encoding import prepare
from darkclr.contrastive.training.train import train
from darkclr.jets import Constituents

TINY = EncoderConfig(
    embedding_dim=8, feedforward_dim=12, output_dim=6, n_heads=2, n_layers=2, dropout=0.0
)


@pytest.fixture
def tiny() -> EncoderConfig:
    return TINY


@pytest.fixture(scope="session")
def constituents() -> Constituents:
    """40 prepared jets of 1 to 50 constituents."""
    return prepare(toy_jets(40, seed=1).constituents, TINY)


@pytest.fixture
def make_encoder():
    """``make_encoder(seed=0, **changes)``: a tiny encoder with random biases, in float64."""

    def make(seed: int = 0, **changes) -> Encoder:
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            encoder = Encoder(replace(TINY, **changes))
            # Zero biases and unit norms would hide mistakes.
            for parameter in encoder.parameters():
                if parameter.ndim == 1:
                    parameter.data += 0.3 * torch.randn_like(parameter)
        return encoder.double().eval()

    return make


@pytest.fixture
def packed():
    """``packed(constituents, encoder)``: the batch in float64."""

    def make(constituents: Constituents, encoder: Encoder) -> PackedBatch:
        batch = pack(constituents, encoder.config)
        return PackedBatch(batch.features.double(), batch.runs, batch.inverse)

    return make


@pytest.fixture
def encoding(packed):
    """``encoding(encoder)``: the function constituents -> z, (n, d_z) float64."""

    def make(encoder: Encoder):
        def encode(constituents: Constituents):
            with torch.no_grad():
                return encoder(packed(constituents, encoder))[1].numpy()

        return encode

    return make


@pytest.fixture(scope="module")
def jets():
    return toy_jets(300, seed=1, mean=12, longest=20)


@pytest.fixture(scope="module")
def validation():
    return toy_jets(60, seed=2, mean=12, longest=20)


@pytest.fixture
def learn(jets, validation, tiny):
    """``learn(output, **changes)``: a short training; returns its files."""

    def run(output, *, sample=jets, encoder=tiny, training=SHORT, **options):
        pytest.importorskip("lightning")
        train(sample, output, validation=validation, encoder=encoder, training=training, **options)
        return {name: (output / name).read_bytes() for name in RESULTS}

    return run
