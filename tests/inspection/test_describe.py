"""Every kind of file that darkclr writes says what it is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from models import write_model
from toy import toy_jets

from darkclr.augmentations import Augmentations
from darkclr.contrastive.files import encode_file
from darkclr.errors import DarkclrError, InputError
from darkclr.evaluation import EvaluationConfig, evaluate, write_metrics
from darkclr.evaluation.search import FoundJet, ScoreSearch, Search
from darkclr.inspection import describe
from darkclr.io import write_jets
from darkclr.model import score_file
from darkclr.studies.config import RunConfig


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A run's directory of toy jets."""
    folder = tmp_path_factory.mktemp("run")
    nae = {"pretraining_epochs": 1, "epochs": 2, "burn_in": 0, "steps": 2}
    write_model(folder, {"norm": {}, "discriminant": {}, "nae": nae})
    for name, label in (("qcd", 0), ("aachen", 1)):
        path = folder / "samples" / f"{name}.parquet"
        write_jets(toy_jets(100, seed=label, mean=24 - 12 * label, label=label), path)
        representations = folder / "representations" / f"{name}.parquet"
        encode_file(folder / "encoder", path, representations, dropped=Augmentations())
        score_file(path, folder, folder / f"{name}_scores.parquet")
    files = [folder / f"{name}_scores.parquet" for name in ("qcd", "aachen")]
    config = EvaluationConfig(n_bootstrap=20, signal_efficiencies=(0.3,))
    write_metrics(evaluate(files, config), folder / "metrics.json")
    (folder / "config.yaml").write_text(yaml.safe_dump(RunConfig().to_dict(), sort_keys=False))
    return folder


def said(path: Path) -> str:
    """All of the description in one line."""
    found = describe(path)
    assert found is not None
    lines: list[str] = []

    class Reporter:
        line = staticmethod(lines.append)

        @staticmethod
        def table(title, rows):
            lines.extend(str(dict(row)) for row in rows)

    found.show(Reporter())
    assert len(lines) < 40  # one screen
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "representations/qcd.parquet",
            ["representations of 100 jets", "labels: 100 background", "12 in z, 16 in pooled"],
        ),
        (
            "qcd_scores.parquet",
            ["anomaly scores of 100 jets", "100 qcd", "'column': 'nae'", "OTHERS, with those"],
        ),
        ("metrics.json", ["figures of merit of anomaly scores", "'AUC': ", "darkclr report"]),
        ("encoder", ["an encoder", "n_constituents 20", "800 jets", "darkclr encode JETS"]),
        ("encoder/pairs.parquet", ["similarities of pairs"]),
        ("scores/nae", ["a fitted anomaly score", "s_NAE", "epochs 2", "verdict: the chains"]),
        ("scores/nae/verdict.json", ["normalised autoencoder", "verdict: the chains"]),
        ("scores/nae/history.csv", ["epochs of a training", "epoch: 2"]),
        ("scores/nae/timings.json", ["wall-clock", "fit: "]),
        ("config.yaml", ["config.yaml: the configuration of ", ": a run", "15000 qcd"]),
        ("encoder/model.safetensors", ["the weights of ", ": an encoder", "800 jets"]),
        ("scores/nae/config.yaml", ["the configuration of ", ": a fitted anomaly score"]),
        ("scores", ["the fitted scores of ", ": a run"]),
        (".", ["a run", "15000 qcd, 3000 aachen", "epochs", "'AUC'", "darkclr score JETS"]),
    ],
)
def test_a_file_says_what_it_is_and_what_to_do(folder, name, expected):
    text = said(folder / name)
    assert [words for words in expected if words not in text] == []


def test_a_search_and_an_ensemble_of_one_member(tmp_path):
    jet = FoundJet("a.root", 7, 1, "test", 200, 0, 0, 20, 9, 3.5, 0.01, None, True)
    found = Search(500, 99, {"norm": ScoreSearch("s_CLR", False, [], [jet])}, {})
    found.write(tmp_path)
    text = said(tmp_path / "search.json")
    assert "the most anomalous jets of a run" in text
    assert "'most anomalous': 'a.root, event 7, jet 1', 'p-value': '0.01'" in text
    assert "file: a.root" in said(tmp_path / "anomalous_jets.csv")
    row = {"signal": "aachen", "title": "s_CLR", "representation": ""}
    row["natural"] = {"auc": {"value": 0.61, "error": None}}
    table = {"encoders": 1, "densities": 1, "rows": [row], "samples": {"qcd": 1}}
    (tmp_path / "table.json").write_text(json.dumps(table))
    assert "'AUC': '0.61" in said(tmp_path / "table.json")


def test_an_ensemble_says_how_its_models_score(tmp_path):
    (tmp_path / "config.yaml").write_text("samples: {}\n")
    for i in (1, 2):
        (tmp_path / f"encoder-{i}" / "density-1").mkdir(parents=True)
    first = tmp_path / "encoder-1" / "density-1"
    expected = f"darkclr score JETS {first} scores.parquet, with one of 2 models"
    assert expected in said(tmp_path)


def test_what_lies_beside_models_of_others_is_none_of_darkclr_s(tmp_path):
    for name in ("model.safetensors", "page.html", "config.yaml"):
        (tmp_path / name).write_text("{}")
        assert describe(tmp_path / name) is None


def test_a_model_lists_its_scores(folder, tmp_path):
    for name in ("encoder", "scores"):
        (tmp_path / name).symlink_to(folder / name)
    text = said(tmp_path)
    assert "a model, an encoder and the scores" in text
    assert [n for n in ("norm", "discriminant", "nae") if f"'score': '{n}'" not in text] == []


def test_an_unfinished_training_says_so(folder, tmp_path):
    (tmp_path / "config.yaml").write_text((folder / "encoder/config.yaml").read_text())
    assert "not finished; the same command goes on" in said(tmp_path)


def test_an_exported_model(folder, tmp_path):
    pytest.importorskip("onnxscript")
    from darkclr.export import export

    export(folder, tmp_path / "model.onnx", ["norm"])
    text = said(tmp_path / "model.onnx")
    assert "input: constituents (jets, constituents, 3)" in text
    assert "outputs: z, pooled, norm" in text


def test_jets_are_not_for_it(folder):
    assert describe(folder / "samples/qcd.parquet") is None
    assert describe(folder / "samples") is None


def test_to_json(folder, tmp_path):
    described = describe(folder / "metrics.json")
    described.write(tmp_path / "described.json")
    content = json.loads((tmp_path / "described.json").read_text())
    assert content["what"] == described.what
    assert len(content["rows"]) == len(described.rows)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("metrics.json", '{"kind": "metrics"}'),
        ("metrics.json", "{"),
        ("verdict.json", '{"energy_difference": 1, "sentence": ""}'),
        ("table.json", '{"encoders": 1, "densities": 1, "rows": [{}], "samples": {}}'),
        ("timings.json", '{"fit": "long"}'),
        ("model.onnx", "no ONNX"),
        ("config.yaml", "{"),
        ("config.yaml", "samples: [1]"),
        ("config.yaml", "score: norm"),
        ("config.yaml", "encoder: 3"),
    ],
)
def test_what_is_broken_is_refused(tmp_path, name, content):
    path = tmp_path / name
    path.write_text(content)
    if content == "encoder: 3":  # nothing is computed with it
        assert "architecture: 3" in said(tmp_path)
        return
    with pytest.raises(InputError):
        describe(tmp_path if name == "config.yaml" else path)


def test_errors_have_no_other_type(folder, tmp_path):
    (tmp_path / "config.yaml").write_text((folder / "encoder/config.yaml").read_text())
    (tmp_path / "model.safetensors").write_bytes(b"123")
    with pytest.raises(DarkclrError, match="broken"):
        describe(tmp_path)
