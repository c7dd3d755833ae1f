"""A fit that was killed goes on to the same result, to the last bit."""

from __future__ import annotations

import logging
import os
import signal

import numpy as np
import pytest
import torch

from darkclr.anomaly import Autoencoder, DirichletVAE, Flow, NormalizedAutoencoder
from darkclr.anomaly.training.checkpoint import CHECKPOINT, Checkpoint
from darkclr.errors import InputError

SMALL = {"widths": (8,), "bottleneck": 2, "batch_size": 64, "activation": "silu", "device": "cpu"}
NAE = {**SMALL, "pretraining_epochs": 3, "epochs": 4, "burn_in": 1, "steps": 3, "restarts": 2}
TINY = {"epochs": 4, "batch_size": 64, "device": "cpu"}
FITS = {
    "autoencoder": lambda: Autoencoder(**SMALL, epochs=4, early_stopping=True),
    "data": lambda: NormalizedAutoencoder(**NAE),
    "persistent": lambda: NormalizedAutoencoder(**NAE, initialisation="persistent"),
    "on_manifold": lambda: NormalizedAutoencoder(
        **NAE, initialisation="on_manifold", latent_steps=3, selection="dropped_auc"
    ),
    "flow": lambda: Flow(transforms=2, **TINY),
    "dirichlet_vae": lambda: DirichletVAE(hidden=8, **TINY),
    "halved": lambda: NormalizedAutoencoder(
        **NAE, normalization_learning_rate=5.0, max_halvings=60, metropolis=False
    ),
}
ROWS_BEFORE_DEATH = {
    "autoencoder": [1, 3],
    "data": [2, 5, 8],
    "flow": [1, 3],
    "dirichlet_vae": [1, 3],
}


def _data() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    X = np.tanh(rng.normal(size=(260, 2)) @ rng.normal(size=(2, 6)))
    return X.astype(np.float32), np.repeat([0, 1], [200, 60])


def _killed(fit, directory, n_rows: int) -> None:
    """Run the fit in another process that is killed at the given row of its history."""
    child = os.fork()
    if child == 0:
        seen = []

        def progress(row) -> None:
            seen.append(row)
            if len(seen) == n_rows:
                os.kill(os.getpid(), signal.SIGKILL)

        try:
            fit().fit(*_data(), progress=progress, checkpoint_directory=directory)
        finally:
            os._exit(3)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("name", FITS)
def test_killed_fit_goes_on_to_the_same_bits(name, tmp_path):
    if name == "flow":
        pytest.importorskip("zuko")
    fit = FITS[name]
    X, y = _data()
    whole = fit().fit(X, y)
    if name == "halved":
        assert any(row["stage"] == "diverged" for row in whole.history_)
    for n_rows in ROWS_BEFORE_DEATH.get(name, [8]):
        directory = tmp_path / str(n_rows)
        _killed(fit, directory, n_rows)
        rows = []
        resumed = fit().fit(X, y, checkpoint_directory=directory, progress=rows.append)
        np.testing.assert_array_equal(resumed.score_samples(X), whole.score_samples(X))
        # As text, since a diverged epoch has energies that are not equal to themselves.
        assert repr(resumed.history_) == repr(whole.history_)
        for key, values in whole.state().items():
            np.testing.assert_array_equal(resumed.state()[key], values)
        assert repr(rows[-len(whole.history_) :]) == repr(whole.history_)
        for key, values in getattr(whole, "samples_", {}).items():
            np.testing.assert_array_equal(resumed.samples_[key], values)


def test_checkpoint_of_other_settings_or_data_is_left_aside(tmp_path, caplog):
    X, _ = _data()
    expected = Autoencoder(**SMALL, epochs=3).fit(X).score_samples(X)
    for other in (
        lambda: Autoencoder(**SMALL, epochs=2).fit(X, checkpoint_directory=tmp_path),
        lambda: Autoencoder(**SMALL, epochs=3).fit(X + 1, checkpoint_directory=tmp_path),
        lambda: (tmp_path / CHECKPOINT).write_bytes(b"nonsense"),
    ):
        other()
        caplog.clear()
        with caplog.at_level(logging.WARNING, "darkclr"):
            again = Autoencoder(**SMALL, epochs=3).fit(X, checkpoint_directory=tmp_path)
        assert "left aside" in caplog.text
        np.testing.assert_array_equal(again.score_samples(X), expected)


def test_a_list_and_a_tuple_are_the_same_parameters(tmp_path):
    Checkpoint(tmp_path, {"widths": (8, 4), "seed": 1}, np.zeros(3)).update(epoch=2)
    assert Checkpoint(tmp_path, {"seed": 1, "widths": [8, 4]}, np.zeros(3))["epoch"] == 2
    assert "epoch" not in Checkpoint(tmp_path, {"seed": 1, "widths": [8, 5]}, np.zeros(3))


def test_a_full_disk_is_told_in_one_line(tmp_path, monkeypatch):
    def full(path, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    checkpoint = Checkpoint(tmp_path, {}, np.zeros(3))
    with pytest.raises(InputError, match=r"checkpoint\.pt: cannot be written \(No space left"):
        checkpoint.update(minimisation={"epoch": 1})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [torch.zeros(3), [1], {"fingerprint": 3}, {"state": 1}])
def test_a_checkpoint_of_something_else_is_left_aside(tmp_path, content, caplog):
    torch.save(content, tmp_path / CHECKPOINT)
    assert "minimisation" not in Checkpoint(tmp_path, {}, np.zeros(3))
    assert len(caplog.records) == 1
    assert "is left aside" in caplog.text
