"""The same numbers on a GPU as on the CPU: one step, encoding, a chain, and a training that moves.

They are skipped where there is no GPU. ``DARKCLR_TEST_DEVICE=cpu`` rehearses them without one.
"""

from __future__ import annotations

import os
from dataclasses import replace

import numpy as np
import pytest
import torch
from short_training import SHORT, history_of, stop_at
from toy import toy_jets

from darkclr.anomaly.detectors.autoencoder import Autoencoder, AutoencoderNetwork
from darkclr.anomaly.nae.energies import reconstruction_gradient
from darkclr.anomaly.nae.langevin import Chain, langevin
from darkclr.augmentations import Augmentations
from darkclr.contrastive.config import EncoderConfig, LossConfig, TrainingConfig
from darkclr.contrastive.encoder.attention import attend, varlen_attention
from darkclr.contrastive.encoder.batches import pack
from darkclr.contrastive.encoder.transformer import Encoder
from darkclr.contrastive.encoding import encode, prepare
from darkclr.contrastive.losses import contrastive_loss
from darkclr.contrastive.training.train import train
from darkclr.devices import Device
from darkclr.jets import Constituents

ASKED_FOR = os.environ.get("DARKCLR_TEST_DEVICE")  # then nothing is skipped
DEVICE: Device = ASKED_FOR or "cuda"  # type: ignore[assignment]
pytestmark = pytest.mark.skipif(
    not (ASKED_FOR or torch.cuda.is_available()), reason="there is no GPU"
)

# The paper's network, without the dropout whose masks are other ones on another device.
CONFIG = replace(EncoderConfig(), dropout=0.0)
#: Largest relative difference of float32 sums in another order, and of z in bfloat16.
FLOAT32, BFLOAT16 = 2e-5, 2e-2
#: Of the gradient, where a last bit switches units of ReLU: 5e-5 for an input that differs by it.
GRADIENT = 5e-4


@pytest.fixture(autouse=True)
def full_float32():
    """No TensorFloat-32, whose products have the precision of bfloat16."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    yield
    torch.set_float32_matmul_precision(before)


@pytest.fixture(scope="module")
def jets():
    return toy_jets(200, seed=1)


def encoder(**changes) -> Encoder:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Encoder(replace(CONFIG, **changes))


def assert_close(found, expected, tolerance=FLOAT32) -> None:
    """By the norm of the difference."""
    found, expected = (torch.as_tensor(x).detach().cpu().double() for x in (found, expected))
    assert (found - expected).norm() < tolerance * expected.norm()


@pytest.mark.parametrize("changes", [{}, {"pt_input": "fraction", "pooling": "all"}], ids=str)
def test_a_step_has_the_same_loss_and_gradient(jets, changes):
    views = Augmentations().views(prepare(jets.constituents, CONFIG), np.random.default_rng(2))
    results = []
    for device in ("cpu", DEVICE):
        network = encoder(**changes).to(device).train()
        batch = pack(Constituents.concatenate(views), network.config).to(device)
        _, z = network(batch)
        original, physical, anomalous = z.chunk(3)
        loss = contrastive_loss(original, physical, anomalous, LossConfig()).loss
        loss.backward()
        gradient = torch.cat([p.grad.flatten().cpu() for p in network.parameters()])  # type: ignore[union-attr]
        results.append((z, loss, gradient))
    limits = (FLOAT32, FLOAT32, GRADIENT)
    for found, expected, limit in zip(results[1], results[0], limits, strict=True):
        assert_close(found, expected, limit)


@pytest.mark.parametrize(("precision", "tolerance"), [("float32", FLOAT32), ("bfloat16", BFLOAT16)])
def test_jets_are_encoded_alike(jets, precision, tolerance):
    expected = encode(encoder(), jets, device="cpu")
    found = encode(encoder(), jets, device=DEVICE, precision=precision)
    assert_close(found.z, expected.z, tolerance)
    assert_close(found.pooled, expected.pooled, tolerance)


@pytest.mark.skipif(DEVICE == "cpu", reason="a CPU has no such kernels")
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_kernels_of_variable_length_attend_as_the_products_do(dtype):
    runs = ((1, 3), (7, 20), (50, 6))
    n = sum(length * count for length, count in runs)
    qkv = torch.randn(n, 3 * 32, generator=torch.Generator().manual_seed(3)).to(DEVICE, dtype)
    found = [x.clone().requires_grad_() for x in (qkv, qkv)]
    outputs = [
        varlen_attention(found[0], runs, 4, 0.0),
        attend(found[1], runs, 4, 0.0, torch.zeros(n, device=DEVICE)),  # a mask: by products
    ]
    for output in outputs:
        output.square().sum().backward()
    tolerance = FLOAT32 if dtype == torch.float32 else BFLOAT16
    assert_close(*outputs, tolerance)
    assert_close(found[0].grad, found[1].grad, tolerance)


def test_more_jets_than_a_kernel_takes_are_attended_alike():
    runs = ((2, 65_536),)
    qkv = torch.randn(2 * 65_536, 3 * 16, generator=torch.Generator().manual_seed(5))
    assert_close(attend(qkv.to(DEVICE), runs, 2, 0.0), attend(qkv, runs, 2, 0.0))


def test_a_chain_without_noise_ends_at_the_same_point():
    """Random numbers are others on another device; so the noise is next to nothing."""
    network = AutoencoderNetwork(
        64,
        widths=Autoencoder.widths,
        bottleneck=Autoencoder.bottleneck,
        activation="elu",
        sphere=False,
        generator=torch.Generator().manual_seed(0),
    )
    start = torch.randn(500, 64, generator=torch.Generator().manual_seed(1))
    chain = Chain(steps=30, step_size=0.5, noise=1e-9, metropolis=False)
    results = []
    for device in ("cpu", DEVICE):
        there = network.to(device)
        generator = torch.Generator(device).manual_seed(4)
        result = langevin(
            reconstruction_gradient(there), start.to(device), chain, generator=generator
        )
        results.append((result.samples.cpu() - start, result.energy.cpu()))
    for found, expected in zip(results[1], results[0], strict=True):
        assert_close(found, expected, 1e-4)


def test_a_density_scores_alike_on_either_device():
    rng = np.random.default_rng(5)
    z = rng.normal(size=(600, 8)).astype(np.float32)
    fitted = Autoencoder(epochs=2, device=DEVICE).fit(z)
    expected = fitted.set_params(device="cpu").score_samples(z)
    np.testing.assert_allclose(
        fitted.set_params(device=DEVICE).score_samples(z), expected, rtol=1e-3, atol=1e-6
    )


def test_a_training_that_was_stopped_goes_on_on_another_device(jets, tmp_path):
    tiny = EncoderConfig(
        embedding_dim=8, feedforward_dim=12, output_dim=6, n_heads=2, n_layers=2, dropout=0.0
    )

    def learn(output, device: Device, progress=None):
        training = replace(SHORT, device=device)
        train(
            jets, output, validation=jets[:50], encoder=tiny, training=training, progress=progress
        )

    learn(tmp_path / "cpu", "cpu")
    with pytest.raises(KeyboardInterrupt):
        learn(tmp_path / "moved", DEVICE, stop_at(5, KeyboardInterrupt()))
    learn(tmp_path / "moved", "cpu")
    found, expected = (
        [float(row["loss"]) for row in history_of(tmp_path / name) if row["loss"]]
        for name in ("moved", "cpu")
    )
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)  # some are nearly zero


def test_the_training_of_a_user_runs_with_dropout_in_bfloat16(jets, tmp_path):
    training = TrainingConfig(epochs=2, batch_size=50, device=DEVICE, precision="auto")
    trained = train(jets, tmp_path, validation=jets[:50], training=training)
    losses = [float(row["loss"]) for row in history_of(tmp_path) if row["loss"]]
    # So few steps do not lower the loss whatever the seed; they move every weight.
    assert np.isfinite(losses).all()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(training.seed)
        before = Encoder().state_dict()
    for name, value in trained.state_dict().items():
        assert value.isfinite().all()
        assert not torch.equal(value, before[name]), name
