"""A model directory at work: scores of files are those of the encoder and the fits in memory."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import torch
from folders import names
from toy import toy_jets

import darkclr
from darkclr.anomaly.fitted import fit_digest
from darkclr.anomaly.fitting import fit_scores
from darkclr.anomaly.scoring import load_scores, score_table
from darkclr.augmentations import Augmentations
from darkclr.contrastive.config import EncoderConfig
from darkclr.contrastive.encoder.transformer import Encoder
from darkclr.contrastive.encoding import encode
from darkclr.contrastive.files import encode_file
from darkclr.contrastive.model_directory import Fingerprint, begin_model, load_encoder, save_model
from darkclr.errors import ConfigError, InputError
from darkclr.evaluation.config import WorkingPointsConfig
from darkclr.evaluation.score_file import score_columns
from darkclr.inspection import describe
from darkclr.io import write_jets
from darkclr.io.parquet import read_metadata, read_table
from darkclr.io.representations import read_representations
from darkclr.jets import Jets
from darkclr.model import calibrate_model, score_file
from darkclr.split import Split

SCORES = {"norm": {}, "discriminant": {}, "flow_observables": {"epochs": 1}, "jet_pt": {}}
SPLIT = Split(0.5, 0.2, 0.3)


@pytest.fixture(scope="module")
def jets():
    return toy_jets(240, seed=1, mean=14)


@pytest.fixture(scope="module")
def model(jets, tmp_path_factory):
    """An encoder that nobody trained, scores on it, jets and their representations."""
    pytest.importorskip("zuko")
    pytest.importorskip("fastjet")
    folder = tmp_path_factory.mktemp("model")
    config = EncoderConfig(embedding_dim=8, feedforward_dim=12, output_dim=6, n_heads=2, n_layers=1)
    torch.manual_seed(1)
    encoder = Encoder(config).eval()
    record = {"encoder": vars(config), "split": vars(SPLIT)}
    begin_model(folder / "encoder", record, Fingerprint())
    save_model(folder / "encoder", encoder, {"norm": np.ones(1)})
    write_jets(jets, folder / "qcd.parquet")
    encode_file(encoder, jets, folder / "rows.parquet", dropped=Augmentations())
    rows = read_representations(folder / "rows.parquet")
    fit_scores(SCORES, rows, folder / "scores", split=SPLIT, jets=jets)
    return folder


@pytest.mark.parametrize("part", ["test", "all"])
def test_scores_of_a_file_are_those_of_its_jets(model, jets, tmp_path, part):
    output = tmp_path / "scores.parquet"
    scored = score_file(model / "qcd.parquet", model, output, part=part)
    chosen = jets.part(part, SPLIT)  # the split is that of the encoder
    assert scored == (len(chosen), len(SCORES))

    rows = encode(load_encoder(model / "encoder"), chosen)
    expected = score_table({"qcd": rows}, load_scores(model / "scores"), jets={"qcd": chosen})
    found = read_table(output)
    assert found.column_names == expected.column_names
    for name in ("event", *SCORES):
        np.testing.assert_array_equal(found[name].to_numpy(), expected[name].to_numpy())


def test_a_model_of_an_ensemble_is_a_model(model, jets, tmp_path):
    """An encoder and one of the densities that were fitted on it."""
    ensemble, output = tmp_path / "ensemble", tmp_path / "scores.parquet"
    shutil.copytree(model / "encoder", ensemble / "encoder-1" / "encoder")
    density = ensemble / "encoder-1" / "density-1"
    shutil.copytree(model / "scores", density / "scores")
    score_file(model / "qcd.parquet", model, output)
    expected = read_table(output)
    for folder in (density, density.parent, ensemble):
        score_file(model / "qcd.parquet", folder, output)
        assert read_table(output).equals(expected)
    shutil.copytree(density, density.with_name("density-2"))
    score_file(model / "qcd.parquet", density, output)
    assert read_table(output).equals(expected)
    for folder in (density.parent, ensemble):
        told = rf"{folder}: is an ensemble of 2 models; name one of them, such as {density}$"
        with pytest.raises(InputError, match=told):
            score_file(model / "qcd.parquet", folder, output)


def test_what_is_missing_is_told_and_nothing_is_left(model, tmp_path):
    output = tmp_path / "scores.parquet"
    with pytest.raises(InputError, match="reads the constituents"):
        score_file(model / "rows.parquet", model, output)
    with pytest.raises(InputError, match="no jets in the part 'validation'"):
        score_file(
            model / "qcd.parquet", model, output, part="validation", split=Split(0.7, 0.0, 0.3)
        )
    with pytest.raises(InputError, match="is part of the input"):
        score_file(model / "qcd.parquet", model, model / "qcd.parquet")
    with pytest.raises(ConfigError, match=r"\.csv is no format of scores; name the file \.parque"):
        score_file(model / "qcd.parquet", model, tmp_path / "scores.csv")
    assert names(tmp_path) == []


def test_an_ensemble_says_which_models_it_has(model, tmp_path):
    encoder, density = tmp_path / "encoder-1", tmp_path / "encoder-1" / "density-1"
    shutil.copytree(model / "encoder", encoder / "encoder")
    shutil.copytree(model / "scores", density / "scores")
    for folder in (encoder, density):
        description = describe(folder)
        assert f"darkclr score JETS {density} scores.parquet" in description.uses
        assert description.facts["encoder"] == load_encoder(model / "encoder").digest()
    with pytest.raises(InputError, match=r"qcd\.parquet: is a file; give the directory with"):
        score_file(model / "qcd.parquet", model / "qcd.parquet", tmp_path / "scores.parquet")


@pytest.fixture(scope="module")
def calibrated(model, tmp_path_factory):
    """The same model with working points on the part that no fit has seen."""
    folder = tmp_path_factory.mktemp("calibrated") / "model"
    shutil.copytree(model, folder)
    signal = folder / "signal.parquet"
    write_jets(toy_jets(150, seed=2, mean=7, label=1), signal)
    config = WorkingPointsConfig((0.1, 0.001), minimum_jets=5)
    cuts = calibrate_model(folder / "qcd.parquet", folder, config, signals=[signal], part="test")
    return folder, cuts


def test_working_points_are_those_of_the_test_part(model, calibrated, tmp_path):
    folder, found = calibrated
    score_file(model / "qcd.parquet", model, tmp_path / "test.parquet", part="test")
    score_file(folder / "signal.parquet", model, tmp_path / "signal.parquet")
    test, signal = (read_table(tmp_path / f"{name}.parquet") for name in ("test", "signal"))
    assert not [name for name in test.column_names if name.startswith("p_value")]
    for name, (_, (loose, tight)) in found.items():
        values, n = test[name].to_numpy(), len(test)
        cut = loose.point.cut
        assert cut == -np.sort(-values)[int(0.1 * n) - 1]
        measured = loose.signal_efficiency["signal"]
        assert measured.value == np.mean(signal[name].to_numpy() >= cut)
        assert tight.point.cut is None
        assert tight.signal_efficiency["signal"].value is None


def test_score_files_have_p_values_and_say_where_they_come_from(calibrated, tmp_path, caplog):
    folder, found = calibrated
    jets, output = folder / "signal.parquet", tmp_path / "scores.parquet"
    score_file(jets, folder, output, working_points=(0.1,))
    table = read_table(output)
    for name, (_, (loose, _)) in found.items():
        passes = table[f"passes_{name}_0.1"].to_numpy(zero_copy_only=False)
        assert passes.tolist() == (table[name].to_numpy() >= loose.point.cut).tolist()
        p = table[f"p_value_{name}"].to_numpy()
        assert p.min() > 0
        assert (p[passes] <= 0.1 + 0.02).all()  # the jet itself is one more
        assert (p[~passes] > 0.1).all()
    assert {"eta", "phi", "mass"} <= set(table.column_names)
    assert score_columns(table.schema) == [n for n in table.column_names if n in SCORES]
    metadata = read_metadata(table)
    assert metadata["encoder"] == load_encoder(folder / "encoder").digest()
    assert metadata["fits"] == {n: fit_digest(folder / "scores" / n) for n in SCORES}
    assert metadata["input"] == [str(jets)]
    assert metadata["darkclr"] == darkclr.__version__
    with pytest.raises(ConfigError, match=r"no score has a cut at .* 0.001"):
        score_file(jets, folder, output, working_points=(0.001,))


def test_working_points_of_another_fit_are_refused(calibrated, tmp_path):
    folder, _ = calibrated
    other = tmp_path / "model"
    shutil.copytree(folder, other)
    shutil.copy(other / "scores/jet_pt/working_points.json", other / "scores/norm")
    with pytest.raises(InputError, match="working points of another fit"):
        load_scores(other / "scores")
    load_scores(folder / "scores")[0].save(other / "scores/norm")  # fitted anew: none
    assert load_scores(other / "scores")[0].calibration is None


def test_signal_does_not_calibrate(model, tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(model, folder)
    both = [toy_jets(100, seed=3), toy_jets(100, seed=4, mean=5, label=1)]
    write_jets(Jets.concatenate(both), folder / "both.parquet")
    write_jets(both[0], folder / "one.parquet")
    config = WorkingPointsConfig((0.1,))
    cuts = [
        calibrate_model(folder / f"{name}.parquet", folder, config, part="all")["norm"][1]
        for name in ("both", "one")
    ]
    assert cuts[0] == cuts[1]


@pytest.mark.parametrize(("to", "kind"), [(None, "TTree"), ("rntuple", "ROOT::RNTuple")])
def test_scores_as_a_root_file(calibrated, tmp_path, to, kind):
    uproot = pytest.importorskip("uproot")
    folder, _ = calibrated
    jets, output = folder / "signal.parquet", tmp_path / "scores.root"
    for _ in range(2):  # a file of scores is replaced
        score_file(jets, folder, output, working_points=(0.1,), to=to)
    score_file(jets, folder, tmp_path / "scores.parquet", working_points=(0.1,))
    expected = read_table(tmp_path / "scores.parquet")
    with uproot.open(output) as file:
        assert file.classnames(cycle=False)["scores"] == kind
        found = file["scores"].arrays(library="ak")
    for name in ("event", "pt", "norm", "p_value_norm", "passes_norm_0.1"):
        assert found[name.replace(".", "_")].to_list() == expected[name].to_pylist()
    described = describe(output)
    assert described.what == f"{output}: anomaly scores of 150 jets, for ROOT and uproot"
    assert "p_value_norm" in described.facts["columns"]
