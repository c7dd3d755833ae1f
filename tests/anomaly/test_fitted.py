"""Fitted scores on disk: those of earlier versions, and of other machines."""

from __future__ import annotations

import base64
import zlib

import numpy as np
import pytest
import torch

from darkclr.anomaly import Autoencoder, FittedScore, fit_score

# A normalized autoencoder in two dimensions, written before parameters were fields, and its scores.
OLD_CONFIG = """\
score: nae_onmanifold
parameters:
  activation: elu
  annealing: false
  batch_size: 300
  bottleneck: 2
  buffer_size: 10000
  burn_in: 0
  clip: null
  device: auto
  epochs: 1
  initialisation: on_manifold
  latent: null
  latent_noise: 0.05
  latent_step_size: null
  latent_steps: 1
  learning_rate: 0.001
  loss: energy_difference
  max_halvings: 4
  metropolis: true
  negative_energy_penalty: 0.0
  noise: null
  normalization_learning_rate: 3.0e-06
  positive_energy_weight: 0.1
  pretraining_epochs: 1
  replay: 0.95
  rescale: false
  restarts: 1
  seed: 3
  selection: energy_difference
  step_size: null
  steps: 1
  temperature: null
  validation_fraction: 0.1
  weight_decay: 0.0
  widths:
  - 2
background:
  n: 400
  sha256: 75ef3c28ab92cbbd
  encoder: null
"""
OLD_WEIGHTS = """
eNqrYGYAg2qlvPi01MSS0qLU4vjMPCWraqWUksqCVCUrJU8zEyUdpeKMRBAv2jBWRyklsSQxPj8trTi1pBgoZKBjEV
sLVJGak5pckpoSn1qQn5xBkgkWOoZmYCOSE3NSkXW6EdJpaKZjZALSWpKaW5BaBPYASQYYmegYG4EMyEstKc8vytZL
SU3OT0kt0jPQS8pMLEYxy9gIySwjTLOMjXRMDLCbVZ6amZ5Rgsc0HSzmmRjomJphM8+IdLeZmumYmWA3iyy3mZnoWK
D4NTWP7HCzAKYgC+xmkeU2C2B6MjDBZiAZAQc0ScfQ0Ai7aWQ5D2iajqER0MO1CgpMkOzHwMiADD7Yd+z3fSjLFuBQ
cmb13j5+z72RGVfsPtussjtnyWzH3cC6f//fNXsPKQnut5zCap+r/Nv2yPZbdrPLZOy5P4Tv636115az77fdA5asfQ
JsM/Y9qv279++U7/t23HS1jbBT3ueU5r/vayjD/o/L2vcBAEr9Ugg=
"""
ROWS = [
    [2.8411526679992676, 5.846175193786621],
    [6.484250545501709, 4.99769926071167],
    [6.217637538909912, 4.236298561096191],
]
SCORES = [27.128267288208008, 38.708351135253906, 32.932186126708984]


def test_what_an_earlier_version_wrote_is_read(tmp_path):
    (tmp_path / "config.yaml").write_text(OLD_CONFIG)
    (tmp_path / "model.safetensors").write_bytes(zlib.decompress(base64.b64decode(OLD_WEIGHTS)))
    loaded = FittedScore.load(tmp_path)
    assert loaded.name == "nae_onmanifold"
    scores = loaded.detector.score_samples(np.array(ROWS, dtype=np.float32))
    np.testing.assert_allclose(scores, SCORES, rtol=1e-6)
    loaded.save(tmp_path / "again")
    # Except that the digest of the weights is there now.
    assert (tmp_path / "again" / "config.yaml").read_text().startswith(f"{OLD_CONFIG}digests:")


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a GPU")
@pytest.mark.parametrize("device", ["cuda", "gpu", "cuda:1"])
def test_what_was_fitted_on_a_gpu_is_read_where_there_is_none(device, background, tmp_path):
    small = {"epochs": 1, "widths": (4,), "bottleneck": 2}
    fitted = fit_score("autoencoder", small, background, seed=0)
    fitted.save(tmp_path)
    config = tmp_path / "config.yaml"
    config.write_text(config.read_text().replace("device: auto", f"device: {device}"))
    loaded = FittedScore.load(tmp_path)
    assert isinstance(loaded.detector, Autoencoder)
    np.testing.assert_array_equal(loaded.score(background), fitted.score(background))
