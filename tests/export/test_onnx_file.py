"""An exported model computes in onnxruntime what the library computes."""

from __future__ import annotations

import json
import sys
from dataclasses import replace

import numpy as np
import pytest
import yaml
from models import write_model
from padded import AWKWARD, padded
from toy import toy_jets

from darkclr.anomaly.fitted import fit_digest
from darkclr.anomaly.scoring import calibrate, load_scores, score_table
from darkclr.contrastive.encoding import encode
from darkclr.contrastive.model_directory import load_encoder
from darkclr.errors import ConfigError, InputError, MissingExtraError
from darkclr.export import export


@pytest.fixture(scope="module")
def session(exported):
    onnxruntime = pytest.importorskip("onnxruntime")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(exported, options)


@pytest.fixture(scope="module")
def library(model):
    """``library(jets)``: what the library says of jets, by name of the output.

    ``library(jets, z=..., pooled=...)``: what it says if the jets have these representations.
    """
    encoder = load_encoder(model / "encoder")
    left_out = ("flow_efp", "masses")
    scores = [score for score in load_scores(model / "scores") if score.name not in left_out]

    def values(jets, **representations):
        rows = replace(encode(encoder, jets), **representations)
        table = score_table({"": rows}, scores)
        named = {score.name: table[score.name].to_numpy() for score in scores}
        return {"z": rows.z, "pooled": rows.pooled, **named}

    return values


def run(session, constituents):
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, {"constituents": constituents}), strict=True))


def check(found, expected, whitened=1e-5, by_rank=1e-5):
    """Differences of each output, in units of its largest value, are rounding.

    Args:
        whitened: what is allowed to Mahalanobis's distance, which enlarges how representations are
            rounded otherwise: to 1.2e-5 on one of three processors.
        by_rank: the same of scores that compare with background jets one by one; they move
            towards the next of these.
    """
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        difference = np.abs(found[name] - values).max() / max(1, np.abs(values).max())
        ranked = name == "combination" or "_at_pt" in name
        allowed = by_rank if ranked else whitened if name == "mahalanobis" else 1e-5
        assert difference < allowed, name


JETS = pytest.mark.parametrize(
    "jets",
    [toy_jets(300, seed=7), toy_jets(1, seed=8), *AWKWARD.values()],
    ids=["toy", "one_jet", *AWKWARD],
)


@JETS
def test_outputs_are_those_of_the_library(session, library, jets):
    check(run(session, padded(jets)), library(jets), whitened=3e-5, by_rank=1e-2)


@JETS
def test_of_the_same_representations_all_scores_are_those_of_the_library(session, library, jets):
    found = run(session, padded(jets))
    check(found, library(jets, z=found["z"], pooled=found["pooled"]))


def test_any_number_of_jets_and_constituents(session, library):
    jets = toy_jets(64, seed=9)
    expected = library(jets)
    for extra in (0, 1, 100):
        check(run(session, padded(jets, extra)), expected, whitened=3e-5, by_rank=1e-2)
    none = run(session, np.zeros((0, 30, 3), np.float32))
    assert {name: len(values) for name, values in none.items()} == dict.fromkeys(none, 0)


def test_a_jet_without_constituents_has_no_score(session):
    constituents = padded(toy_jets(4, seed=7))
    constituents[1] = 0
    outputs = run(session, constituents)
    assert np.isnan(outputs["norm"]).tolist() == [False, True, False, False]
    assert not np.isfinite(outputs["mahalanobis"][1])


def test_the_file_says_what_it_is(session, exported, model):
    about = session.get_modelmeta().custom_metadata_map
    assert about["encoder"] == load_encoder(model / "encoder").digest()
    scores = json.loads(about["scores"])
    assert scores["nae"]["digest"] == fit_digest(model / "scores" / "nae")
    assert scores["norm"]["title"] == "s_CLR = ‖z‖"
    assert "GeV" in about["input"]
    assert yaml.safe_load(about["training"])["encoder"]["embedding_dim"] == 16
    import onnx

    file = onnx.load(exported)
    onnx.checker.check_model(file, full_check=True)
    assert [entry.version for entry in file.opset_import if not entry.domain] == [18]
    assert {entry.domain for entry in file.opset_import} <= {""}
    assert file.ir_version == 8
    (shape,) = [i.type.tensor_type.shape.dim for i in file.graph.input]
    assert [d.dim_param or d.dim_value for d in shape] == ["jets", "constituents", 3]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["masses"], "'masses' cannot be written as ONNX; those that can are norm, .* observables"),
        (["flow_efp"], "'flow_efp' cannot be written as ONNX; those that can are norm, discrim"),
        (["nose"], "no fitted score 'nose'; choose of norm"),
    ],
)
def test_what_cannot_be_exported_is_refused(model, tmp_path, names, message):
    with pytest.raises(ConfigError, match=message):
        export(model, tmp_path / "m.onnx", names)
    assert not list(tmp_path.iterdir())


def test_a_combination_brings_its_members(model, tmp_path, exported):
    done = export(model, tmp_path / "m.onnx", ["combination"])
    assert done.outputs == ("z", "pooled", "discriminant", "knn", "combination")


def test_without_a_model_or_the_extra(tmp_path, monkeypatch):
    with pytest.raises(InputError, match="no config"):
        export(tmp_path, tmp_path / "m.onnx")
    write_model(tmp_path / "model", {"norm": {}})
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(MissingExtraError, match=r"darkclr\[export\]"):
        export(tmp_path / "model", tmp_path / "m.onnx")


def test_p_values_and_cuts_are_in_the_file(tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    model = write_model(tmp_path / "model", {"norm": {}, "jet_pt": {}})
    encoder = load_encoder(model / "encoder")
    background = score_table(
        {"": encode(encoder, toy_jets(3000, seed=20))}, load_scores(model / "scores")
    )
    (norm,) = load_scores(model / "scores", ["norm"])  # the other has no working points
    calibrate(
        background,
        [norm],
        model / "scores",
        background_efficiencies=(0.1, 0.0001),
        minimum_jets=10,
        background={"part": "all"},
    )
    done = export(model, tmp_path / "model.onnx")
    assert done.outputs == ("z", "pooled", "norm", "jet_pt", "p_value_norm")
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    jets = toy_jets(500, seed=21)
    found = run(session, padded(jets))
    same = replace(encode(encoder, jets), z=found["z"], pooled=found["pooled"])
    table = score_table({"": same}, load_scores(model / "scores"), p_values=True)
    expected = table["p_value_norm"].to_numpy().astype(np.float32)
    assert np.array_equal(found["p_value_norm"], expected)
    scores = json.loads(session.get_modelmeta().custom_metadata_map["scores"])
    assert "working_points" not in scores["jet_pt"]
    loose, tight = scores["norm"]["working_points"]
    assert np.mean(background["norm"].to_numpy() >= loose["cut"]) == 0.1
    assert tight["cut"] is None
    assert tight["problem"] == "3,000 background jets, some 100,000 are needed"
    assert scores["norm"]["background"] == {"part": "all", "n_jets": 3000}


def test_another_kind_of_file_is_not_written_over(model, tmp_path):
    (tmp_path / "metrics.json").write_text("{}")
    with pytest.raises(ConfigError, match=r"metrics\.json: is not the name of an ONNX file"):
        export(model, tmp_path / "metrics.json")
    assert (tmp_path / "metrics.json").read_text() == "{}"
