from __future__ import annotations

import numpy as np
import pytest
from short_training import history_of

from darkclr.contrastive.training.history import History

pytest.importorskip("lightning")


def test_the_loss_of_an_epoch_is_the_mean_over_its_steps(tmp_path):
    history = History(tmp_path / "history.csv")
    losses = np.random.default_rng(0).normal(size=(2, 11))
    for epoch in (0, 1):
        for i, loss in enumerate(losses[epoch]):
            history.step(epoch * 11 + i, epoch, {"loss": loss})
        history.epoch(epoch, {})
        assert history.epoch_mean(epoch, "loss") == pytest.approx(losses[epoch].mean())


def test_history_has_the_terms_by_step_and_the_validation_by_epoch(learn, tmp_path):
    seen = []
    learn(tmp_path, progress=lambda n, terms: seen.append((n, terms)))
    rows = history_of(tmp_path)
    terms = ["loss", "alignment", "anomaly_similarity", "norm"]
    watched = [*terms[1:3], "background_similarity", "norm", "norm_auc"]
    assert list(rows[0]) == ["step", "epoch", *terms, *(f"validation_{n}" for n in watched)]
    assert [int(row["epoch"]) for row in rows] == [0, 1]  # six steps an epoch, one row
    assert [n for n, _ in seen] == [50] * 12
    for epoch, row in enumerate(rows):
        for name in terms:
            steps = [terms[name] for _, terms in seen[6 * epoch : 6 * epoch + 6]]
            assert float(row[name]) == pytest.approx(np.mean(steps))
        assert 0 <= float(row["validation_norm_auc"]) <= 1
