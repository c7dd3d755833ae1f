"""Normalisation on distributions in two dimensions, where everything can be seen."""

from __future__ import annotations

import copy
import json
import logging

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from darkclr.anomaly import Autoencoder, NormalizedAutoencoder
from darkclr.anomaly.detectors.autoencoder import AutoencoderNetwork
from darkclr.anomaly.nae.langevin import Chain
from darkclr.anomaly.nae.losses import NormalizationLoss
from darkclr.anomaly.nae.normalization import Normalization, dropped_auc
from darkclr.anomaly.nae.sampler import Sampler
from darkclr.anomaly.nae.verdict import Verdict
from darkclr.anomaly.training.checkpoint import Checkpoint
from darkclr.anomaly.training.trained import Training
from darkclr.errors import ConfigError, InputError, TrainingError

TOY = {"widths": (64, 64), "bottleneck": 2, "activation": "silu", "batch_size": 256}
NORMALISED = {
    **TOY,
    **{"pretraining_epochs": 30, "epochs": 30, "burn_in": 5, "steps": 30},
    **{"normalization_learning_rate": 3e-3, "step_size": 0.05, "noise": 0.03},
}


def _two_gaussians(n: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    centres = np.array([[-2.0, 0.0], [2.0, 0.0]])
    return centres[rng.integers(0, 2, n)] + 0.25 * rng.normal(size=(n, 2))


@pytest.fixture(scope="module")
def samples():
    """Training data, test data, and points between and around the two Gaussians."""
    rng = np.random.default_rng(9)
    far = rng.uniform(-3.5, 3.5, size=(4000, 2))
    distance = np.minimum(*(np.hypot(far[:, 0] - c, far[:, 1]) for c in (-2.0, 2.0)))
    return _two_gaussians(2000, 1), _two_gaussians(500, 2), far[distance > 1.25]


def _auc(detector, inside, outside) -> float:
    scores = detector.score_samples(np.concatenate([inside, outside]))
    return roc_auc_score(np.repeat([0, 1], [len(inside), len(outside)]), scores)


@pytest.fixture(scope="module")
def plain(samples):
    return Autoencoder(**TOY, epochs=30).fit(samples[0])


@pytest.mark.parametrize(
    "chain",
    [
        {"initialisation": "data"},
        {
            **{"initialisation": "on_manifold", "bottleneck": 3},
            **{"latent_steps": 10, "latent_noise": 0.1},
        },
    ],
    ids=["data", "on_manifold"],
)
def test_normalisation_raises_what_an_autoencoder_reconstructs(chain, samples, plain):
    """A bottleneck as wide as the data lets an autoencoder reconstruct points far from it."""
    train, inside, outside = samples
    normalised = NormalizedAutoencoder(**{**NORMALISED, **chain}).fit(train)
    well_reconstructed = outside[
        plain.score_samples(outside) < np.quantile(plain.score_samples(inside), 0.95)
    ]
    assert len(well_reconstructed) > 50
    assert _auc(plain, inside, well_reconstructed) < 0.75
    assert _auc(normalised, inside, well_reconstructed) > 0.9
    assert _auc(normalised, inside, outside) > _auc(plain, inside, outside)


def test_selected_epoch_has_the_smallest_energy_difference_after_burn_in(samples):
    detector = NormalizedAutoencoder(**NORMALISED).fit(samples[0][:500])
    rows = [row for row in detector.history_ if row["stage"] == "normalisation"]
    difference = {
        row["epoch"]: abs(row["trimmed_energy"] - row["trimmed_negative_energy"])
        for row in rows
        if row["epoch"] > NORMALISED["burn_in"]
    }
    assert detector.selected_epoch_ == min(difference, key=difference.__getitem__)
    assert all(row["distance"] > 0 and 0 < row["acceptance"] <= 1 for row in rows)


def test_last_epoch_on_request(samples):
    detector = NormalizedAutoencoder(**{**NORMALISED, "epochs": 6, "selection": "last"})
    assert detector.fit(samples[0][:300]).selected_epoch_ == 6


def test_selection_keeps_the_weights_of_its_epoch(samples):
    """The chosen epoch's validation energy is that of the detector that is kept."""
    X = samples[0][:500]
    detector = NormalizedAutoencoder(**NORMALISED).fit(X)
    rows = torch.randperm(500, generator=torch.Generator().manual_seed(0)).numpy()[:50]
    kept = detector.history_[NORMALISED["pretraining_epochs"] + detector.selected_epoch_ - 1]
    assert detector.score_samples(X[rows]).mean() == pytest.approx(
        kept["validation_energy"], rel=1e-5
    )


def test_default_chain_has_the_temperature_of_equipartition():
    """σ²/(2λ) = 2 E₊/(d - b), which goes with the square of the representation's size."""
    X = np.random.default_rng(0).normal(size=(300, 16))
    settings = {**TOY, "pretraining_epochs": 1, "epochs": 1, "burn_in": 0, "rescale": True}
    detector = NormalizedAutoencoder(**settings).fit(X)
    energy = detector.history_[0]["validation_energy"]
    assert detector.temperature_ == pytest.approx(2 * energy / (16 - 2), rel=0.2)
    assert detector.chain_.step_size == pytest.approx(16 / 40)
    larger = NormalizedAutoencoder(**{**settings, "rescale": False, "learning_rate": 1e-9})
    ratio = larger.fit(30 * X).temperature_ / larger.fit(X).temperature_
    assert ratio == pytest.approx(900, rel=0.2)


def test_latent_chain_has_the_temperature_of_the_energy_on_the_manifold():
    """At that of the chain in z, a factor (d - b)/2 lower, it would stand still."""
    X = np.random.default_rng(0).normal(size=(300, 16))
    settings = {**TOY, "pretraining_epochs": 1, "epochs": 1, "burn_in": 0, "latent_steps": 2}
    detector = NormalizedAutoencoder(**settings, initialisation="on_manifold", steps=2).fit(X)
    assert detector.latent_chain_.temperature == pytest.approx(detector.temperature_ * (16 - 2) / 2)
    assert detector.latent_chain_.sphere
    free = NormalizedAutoencoder(**settings, initialisation="on_manifold", latent="free", steps=2)
    assert not free.fit(X).latent_chain_.sphere


def test_one_jet_far_away_heats_no_chain(samples):
    """Its energy is most of the mean, but none of the temperature, and the epoch is the same."""
    X = samples[0][:400]
    settings = {**TOY, "pretraining_epochs": 3, "epochs": 1, "burn_in": 0, "steps": 2}
    alone = NormalizedAutoencoder(**settings).fit(X)
    far = NormalizedAutoencoder(**settings, validation_fraction=0.5).fit(
        np.concatenate([X, [[300.0, 300.0]]])
    )
    row = far.history_[-1]
    assert max(row["train_energy"], row["validation_energy"]) > 30 * row["trimmed_energy"]
    assert far.temperature_ < 10 * alone.temperature_


def test_verdict_says_that_chains_stood_still(samples):
    """Energies that agree because nothing moved are no equilibrium."""
    train, _, outside = samples
    settings = {**TOY, "pretraining_epochs": 2, "epochs": 1, "burn_in": 0, "steps": 1}
    settings |= {"step_size": 1e-9, "noise": 1e-9, "normalization_learning_rate": 0.0}
    y = np.repeat([0, 1], [600, 100])
    detector = NormalizedAutoencoder(**settings)
    verdict = detector.fit(np.concatenate([train[:600], outside[:100]]), y).verdict_
    assert verdict.energies_met
    assert verdict.samples_like_data
    assert not verdict.in_equilibrium
    assert verdict.auc == verdict.auc_before
    assert verdict.improved is False
    assert "did not reach equilibrium" in verdict.sentence()
    assert "as good as the autoencoder" in verdict.sentence()
    assert Verdict.of(json.loads(json.dumps(verdict.to_dict()))) == verdict


def test_published_chain_on_request():
    """λ = 100, σ = 1e-4 annealed (thesis table 5.3) has T = 5e-11."""
    X = np.random.default_rng(0).normal(size=(100, 8))
    detector = NormalizedAutoencoder(
        **{**TOY, "pretraining_epochs": 1, "epochs": 1, "burn_in": 0, "steps": 2},
        **{"step_size": 100.0, "noise": 1e-4, "annealing": True},
    ).fit(X)
    assert detector.chain_.annealing
    assert detector.temperature_ == pytest.approx(5e-11)


def test_divergence_is_undone_with_half_the_learning_rate(samples, caplog):
    """However far too fast one starts: the last good epoch, half the step, until it holds."""
    wild = {"normalization_learning_rate": 30.0, "metropolis": False, "max_halvings": 30}
    short = {**NORMALISED, **wild, "epochs": 4, "burn_in": 1, "pretraining_epochs": 5}
    with caplog.at_level(logging.WARNING, "darkclr"):
        detector = NormalizedAutoencoder(**short).fit(samples[0][:500])
    rows = detector.history_[5:]
    diverged = [row for row in rows if row["stage"] == "diverged"]
    good = [row for row in rows if row["stage"] == "normalisation"]
    assert len(diverged) >= 3
    assert caplog.text.count("diverged") == len(diverged)
    assert [row["epoch"] for row in good] == [1, 2, 3, 4]
    rates = [row["learning_rate"] for row in rows]
    for now, then, row in zip(rates, rates[1:], rows, strict=False):
        assert then == (now / 2 if row["stage"] == "diverged" else now)
    energies = [row["validation_energy"] for row in good]
    assert max(energies) < 2 * samples[0].var()
    assert np.isfinite(detector.score_samples(samples[1])).all()


def test_a_return_to_the_last_good_epoch_leaves_it_as_it_was(samples, monkeypatch):
    """The moments of the optimiser too: the second attempt starts where the first one did."""
    started = []

    def diverged(self, row):
        return "as told" if row["epoch"] == 2 and len(started) < 3 else None

    def train_epoch(self, train, epoch, *generators):
        if epoch == 2:
            started.append(copy.deepcopy(self._optimizer.state_dict()["state"]))
        return run_epoch(self, train, epoch, *generators)

    run_epoch = Normalization._train_epoch
    monkeypatch.setattr(Normalization, "_diverged", diverged)
    monkeypatch.setattr(Normalization, "_train_epoch", train_epoch)
    short = {**NORMALISED, "epochs": 2, "burn_in": 0, "pretraining_epochs": 1, "max_halvings": 3}
    NormalizedAutoencoder(**short).fit(samples[0][:300])
    assert len(started) == 3
    for again in started[1:]:
        for index, moments in started[0].items():
            for name, value in moments.items():
                assert torch.equal(value, again[index][name]), name


def test_divergence_that_does_not_end_says_what_to_do(samples):
    wild = {"normalization_learning_rate": 30.0, "metropolis": False, "max_halvings": 1}
    with pytest.raises(TrainingError, match="lower normalization_learning_rate"):
        NormalizedAutoencoder(**{**NORMALISED, **wild, "pretraining_epochs": 2}).fit(samples[0])


@pytest.mark.parametrize("constant", [2.0, 0.0])
def test_what_is_no_longer_reconstructed_has_diverged(samples, constant):
    """Energies that agree, but the decoder has become a constant.

    They are beyond the variance of the data, or just below it, and far beyond what they were.
    """
    torch_rows = torch.from_numpy(samples[0][:200].astype(np.float32))
    network = AutoencoderNetwork(
        2, widths=(4,), bottleneck=2, activation="relu", sphere=False, generator=torch.Generator()
    )
    still = Chain(1, 1e-9, 0.0)
    normalization = Normalization(
        network,
        Sampler(network, "data", still, still, replay=0.0, buffer_size=1),
        NormalizationLoss(),
        NormalizedAutoencoder(
            **{"epochs": 2, "normalization_learning_rate": 0.0, "batch_size": 100},
            **{"selection": "last", "burn_in": 0, "max_halvings": 0},
        ),
        copies=torch_rows[:0],
        reference_energy=0.01,
    )
    with torch.no_grad():
        network.decoder[-1].weight.zero_()
        network.decoder[-1].bias.fill_(constant)
    with pytest.raises(TrainingError, match="nothing is reconstructed any more"):
        normalization.run(torch_rows, torch_rows, Training(torch.Generator(), Checkpoint(None, {})))


def test_energies_of_an_epoch_are_means_over_its_batches(samples):
    """Of weights that do not move, those of the training rows are those of the validation rows."""
    still = NormalizedAutoencoder(**NORMALISED | {"epochs": 6, "normalization_learning_rate": 1e-9})
    row = still.fit(samples[0]).history_[-1]
    assert row["train_energy"] == pytest.approx(row["validation_energy"], rel=0.5)
    assert row["train_negative_energy"] == pytest.approx(row["validation_negative_energy"], rel=0.5)


def test_copies_that_are_farther_away_have_the_larger_auc():
    network = AutoencoderNetwork(
        2, widths=(8,), bottleneck=1, activation="silu", sphere=False,
        generator=torch.Generator().manual_seed(0),
    )  # fmt: skip
    rows = torch.randn(200, 2, generator=torch.Generator().manual_seed(1))
    assert dropped_auc(network, rows, 20 * rows) > 0.9


def test_row_of_the_history_has_what_a_physicist_looks_at(samples):
    train, _, outside = samples
    X = np.concatenate([train[:400], outside[:100]])
    y = np.repeat([0, 1], [400, 100])
    settings = {**NORMALISED, "epochs": 3, "burn_in": 0, "initialisation": "on_manifold"}
    detector = NormalizedAutoencoder(**{**settings, "bottleneck": 3}).fit(X, y)
    row = detector.history_[-1]
    assert {
        *("train_energy", "train_negative_energy", "validation_energy", "loss", "learning_rate"),
        *("validation_negative_energy", "distance", "acceptance", "latent_acceptance"),
        *("energy_movers_distance", "dropped_auc"),
        *("energy_difference", "energy_difference_error"),
        *("encoder_weights", "decoder_weights"),
    } <= set(row)
    assert "wasserstein" not in row  # nothing reads it
    table = detector.sample_table()
    for kind in ("data", "samples"):
        energies = [point["energy"] for point in table if point["kind"] == kind]
        chosen = detector.history_[NORMALISED["pretraining_epochs"] + detector.selected_epoch_ - 1]
        name = "validation_energy" if kind == "data" else "validation_negative_energy"
        assert np.mean(energies) == pytest.approx(chosen[name], rel=1e-4)


def test_chains_that_stand_still_are_as_far_from_the_data_as_other_data(samples):
    """Their distance is that of two halves of the validation rows, not zero."""
    settings = {**TOY, "pretraining_epochs": 2, "epochs": 1, "burn_in": 0, "steps": 1}
    settings |= {"step_size": 1e-9, "noise": 1e-9, "normalization_learning_rate": 0.0}
    settings |= {"selection": "wasserstein"}
    row = NormalizedAutoencoder(**settings).fit(samples[0]).history_[-1]
    assert row["distance"] < 1e-6
    assert row["energy_movers_distance"] > 0.1  # two halves of 200 points
    assert row["wasserstein"] >= row["energy_movers_distance"] ** 2


def test_latent_chains_take_steps_of_the_size_of_the_latent_space(samples):
    settings = {**TOY, "pretraining_epochs": 5, "epochs": 1, "burn_in": 0, "steps": 1}
    settings |= {"initialisation": "on_manifold", "normalization_learning_rate": 0.0}
    X = 10 * samples[0]
    sphere, free = (
        NormalizedAutoencoder(**settings, latent=latent).fit(X) for latent in ("sphere", "free")
    )
    assert sphere.latent_chain_.noise == sphere.latent_noise
    with torch.no_grad():
        codes = free.network_.encode(torch.from_numpy(X).float())
    spread = codes.var(dim=0).mean().sqrt().item()
    assert abs(spread - 1) > 0.5
    assert free.latent_chain_.noise == pytest.approx(free.latent_noise * spread, rel=0.1)


def test_selection_on_dropped_copies_needs_them(samples):
    with pytest.raises(InputError, match="no dropped copies"):
        NormalizedAutoencoder(**NORMALISED, selection="dropped_auc").fit(samples[0])


@pytest.mark.parametrize(
    "settings",
    [
        {"burn_in": NORMALISED["epochs"]},
        {"pretraining_epochs": -1},
        {"initialisation": "noise"},
        {"selection": "best"},
        {"initialisation": "on_manifold", "bottleneck": 1},
        {"negative_energy_penalty": -1.0},
        {"loss": "best"},
        {"reduce_on_plateau": True},
        {"replay": 1.0},
        {"latent": "torus"},
        {"temperature": -1.0, "noise": None},
    ],
)
def test_settings_out_of_range_are_refused(settings, samples):
    with pytest.raises(
        ConfigError, match=next(iter(settings)) if "temperature" in settings else list(settings)[-1]
    ):
        NormalizedAutoencoder(**{**NORMALISED, **settings}).fit(samples[0])


def test_weight_decay_shrinks_the_weights(samples):
    train, *_ = samples
    settings = {**TOY, "pretraining_epochs": 2, "epochs": 3, "burn_in": 0, "steps": 2}

    def norms(weight_decay: float) -> list[float]:
        settings["normalization_learning_rate"] = 1e-2
        fitted = NormalizedAutoencoder(**settings, weight_decay=weight_decay).fit(train)
        last = fitted.history_[-1]
        return [last["encoder_weights"], last["decoder_weights"]]

    for free, decayed in zip(norms(0.0), norms(10.0), strict=True):
        assert decayed < 0.9 * free


def test_restarts_keep_the_pretraining_that_tells_dropped_copies_best(samples):
    """The copies choose among the starts; the network is the one that is best on them."""
    train, inside, outside = samples
    settings = {
        **TOY,
        "pretraining_epochs": 2,
        "epochs": 1,
        "burn_in": 0,
        "steps": 2,
        "noise": 0.01,
    }
    settings["normalization_learning_rate"] = 0.0
    X = np.concatenate([train, outside])
    y = np.repeat([0, 1], [len(train), len(outside)])
    aucs = []
    for n in (1, 2, 3, 4):
        fitted = NormalizedAutoencoder(**settings, restarts=n).fit(X, y)
        aucs.append(fitted.history_[-1]["dropped_auc"])
        assert fitted.n_epochs == 2 * n + 1
        assert len(fitted.history_) == 3
    assert aucs == sorted(aucs)
    assert aucs[-1] > aucs[0], "no later start is better here: take another seed"
    single = NormalizedAutoencoder(**settings).fit(X, y)
    np.testing.assert_array_equal(
        single.score_samples(inside),
        NormalizedAutoencoder(**settings).fit(train).score_samples(inside),
    )


def test_the_learning_rate_falls_where_nothing_is_gained(tmp_path):
    """By 0.8 after 20 epochs, and a training that goes on from its checkpoint does the same."""
    options = {
        **{"widths": (4,), "bottleneck": 1, "pretraining_epochs": 0, "epochs": 50, "steps": 1},
        **{"batch_size": 512, "reduce_on_plateau": True, "optimizer": "adamw"},
        # Chains that stand still and a rate too small to gain 0.1 %.
        **{"loss": "wasserstein", "noise": 1e-9, "step_size": 1e-9},
        "normalization_learning_rate": 1e-6,
    }
    rows = _two_gaussians(40, 3)
    whole = NormalizedAutoencoder(**options).fit(rows)
    rates = [row["learning_rate"] for row in whole.history_]
    assert rates[0] == 1e-6
    assert rates[-1] == pytest.approx(0.8e-6)
    assert 20 <= rates.count(1e-6) <= 49

    class Stopped(Exception):
        pass

    def stop(row):
        if row["epoch"] == 30:
            raise Stopped

    with pytest.raises(Stopped):
        NormalizedAutoencoder(**options).fit(rows, progress=stop, checkpoint_directory=tmp_path)
    resumed = NormalizedAutoencoder(**options).fit(rows, checkpoint_directory=tmp_path)
    assert [row["learning_rate"] for row in resumed.history_] == rates
    np.testing.assert_array_equal(resumed.score_samples(rows), whole.score_samples(rows))


def test_adamw_decays_weights_apart_from_the_gradient():
    options = {
        **{"widths": (4,), "bottleneck": 1, "pretraining_epochs": 0, "epochs": 1, "steps": 1},
        **{"burn_in": 0, "weight_decay": 1.0, "normalization_learning_rate": 1e-2},
    }
    rows = _two_gaussians(200, 3)
    weights = {
        kind: NormalizedAutoencoder(**options, optimizer=kind).fit(rows).network_.encoder[0].weight
        for kind in ("adam", "adamw")
    }
    assert not torch.equal(weights["adam"], weights["adamw"])
