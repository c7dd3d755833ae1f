"""An ensemble: encoders x densities of toy jets, stopped, resumed, grown; its table."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from folders import names
from safetensors.numpy import load_file

pytest.importorskip("lightning")

from darkclr.contrastive.model_directory import is_finished
from darkclr.errors import ConfigError, InputError
from darkclr.evaluation import EvaluationConfig, evaluate, read_metrics, to_json
from darkclr.io import read_jets, write_jets
from darkclr.io.parquet import read_table
from darkclr.split import Split
from darkclr.studies.config import EnsembleConfig
from darkclr.studies.ensemble import ensemble
from darkclr.studies.run import Run

SCORES = {
    "norm": {},
    "knn": {"n_neighbors": 3},
    "autoencoder": {"epochs": 2, "batch_size": 32, "widths": [5], "bottleneck": 2},
    "dirichlet_vae_images": {"epochs": 1, "hidden": 4},
    "combination": {"members": ["norm", "knn"]},
}
FIGURES = ("auc", "rejection_0.3", "rejection_0.5")


@pytest.fixture(scope="module")
def config(tiny, tmp_path_factory) -> EnsembleConfig:
    """2 encoders x 2 densities."""
    return EnsembleConfig(
        **tiny,
        output=tmp_path_factory.mktemp("ensemble") / "table",
        scores=SCORES,
        supervised="aachen",
        encoders=2,
        densities=2,
    )


@pytest.fixture(scope="module")
def folder(config) -> Path:
    """The ensemble with a stop between, and what it left finished by another call."""
    folder, real = config.output, Run.fit

    def stop_at_the_second_encoder(run, directory, model, *rest):
        if "encoder-2" in str(directory):
            raise KeyboardInterrupt
        real(run, directory, model, *rest)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Run, "fit", stop_at_the_second_encoder)
        with pytest.raises(KeyboardInterrupt):
            ensemble(config)
        kept = files(folder)
        assert folder / "encoder-1" / "density-2" / "metrics.json" in kept
        patch.setattr(Run, "fit", real)
        ensemble(config)
    assert changed(folder, kept) == {folder / "config.yaml", folder / "timings.json"}
    return folder


def files(folder: Path) -> dict[Path, int]:
    return {p: p.stat().st_mtime_ns for p in folder.rglob("*") if p.is_file()}


def changed(folder: Path, before: dict[Path, int]) -> set[Path]:
    """Files that were there before and are other ones now."""
    now = files(folder)
    return {path for path, time in before.items() if now.get(path) != time}


def repetitions(folder: Path, n: int = 2) -> list[list[Path]]:
    return [[folder / f"encoder-{e}" / f"density-{d}" for d in range(1, n + 1)] for e in (1, 2)]


def test_what_does_not_depend_on_the_encoder_is_made_once(folder):
    on_jets = ["dirichlet_vae_images"]
    assert names(folder / "samples") == ["aachen.parquet", "qcd.parquet"]
    assert names(folder / "jets") == ["density-1", "density-2"]
    for seed in (1, 2):
        assert names(folder / "jets" / f"density-{seed}" / "scores") == on_jets
    for e in (1, 2):
        config = yaml.safe_load((folder / f"encoder-{e}" / "encoder" / "config.yaml").read_text())
        assert config["training"]["seed"] == e
        config = yaml.safe_load((folder / f"supervised-{e}" / "config.yaml").read_text())
        assert config["training"]["seed"] == e
        for d in (1, 2):
            scores = folder / f"encoder-{e}" / f"density-{d}" / "scores"
            assert names(scores) == sorted(SCORES.keys() - on_jets | {"few_constituents", "jet_pt"})
            written = yaml.safe_load((scores / "autoencoder" / "config.yaml").read_text())
            assert written["parameters"]["seed"] == d


def test_encoders_that_are_trained_at_once_are_the_same(config, folder, tmp_path, monkeypatch):
    represent = Run.represent

    def find_it_finished(run, model, training):
        assert is_finished(model / "encoder")  # by another process
        represent(run, model, training)

    monkeypatch.setattr(Run, "represent", find_it_finished)
    options = {"scores": {"norm": {}}, "supervised": None, "densities": 1, "encoders_at_once": 2}
    ensemble(replace(config, output=tmp_path, **options))
    for name in ("encoder/model.safetensors", "representations/qcd.parquet"):
        for encoder in ("encoder-1", "encoder-2"):
            one, other = (root / encoder / name for root in (folder, tmp_path))
            assert one.read_bytes() == other.read_bytes()


def test_a_repetition_has_all_scores_of_the_test_jets(folder):
    tables = [[read_table(f / "scores.parquet") for f in row] for row in repetitions(folder)]
    split = Split(0.5, 0.2, 0.3)
    test = [
        read_jets(folder / "samples" / f"{name}.parquet").part("test", split)
        for name in ("qcd", "aachen")
    ]
    for table in (t for row in tables for t in row):
        assert table["event"].to_pylist() == [e for jets in test for e in jets.event]
        partons = np.concatenate([jets.truth["parton_pdg"] for jets in test])
        assert table["parton_pdg"].to_pylist() == partons.tolist()

    def column(name):
        return np.array([[t[name].to_numpy() for t in row] for row in tables])  # (E, D, n)

    images, logits, own = (column(n) for n in ("dirichlet_vae_images", "supervised", "autoencoder"))
    np.testing.assert_array_equal(images[0], images[1])
    assert (images[:, 0] != images[:, 1]).any()
    np.testing.assert_array_equal(logits[:, 0], logits[:, 1])
    assert (logits[0] != logits[1]).any()
    assert all((own[a] != own[b]).any() for a, b in (((0, 0), (0, 1)), ((0, 0), (1, 0))))


def test_the_other_mixture_is_that_of_the_evaluation(folder):
    table = folder / "encoder-2" / "density-1"
    config = EvaluationConfig(signal_efficiencies=(0.3, 0.5), n_bootstrap=20, gluon_share=0.45)
    expected = evaluate(table / "scores.parquet", config)
    found = read_metrics(table / "metrics_gluons.json")
    assert found.scores == expected.scores
    assert found.scores != read_metrics(table / "metrics.json").scores


@pytest.mark.parametrize("mixture", ["natural", "gluons"])
def test_the_table_is_computed_from_the_repetitions(folder, mixture):
    file = "metrics.json" if mixture == "natural" else "metrics_gluons.json"
    metrics = [[read_metrics(f / file) for f in row] for row in repetitions(folder)]
    table = json.loads((folder / "table.json").read_text())
    assert (table["encoders"], table["densities"], table["gluon_share"]) == (2, 2, 0.45)
    assert table["samples"] == to_json(metrics[0][0].samples)
    assert {row["score"] for row in table["rows"]} == set(metrics[0][0].scores)
    for row in table["rows"]:
        for name in FIGURES:
            results = [[m.scores[row["score"]].signals["aachen"] for m in of] for of in metrics]
            if name == "auc":
                value = np.array([[r.auc for r in of] for of in results])
                error = np.array([[r.auc_error for r in of] for of in results])
            else:
                at = name.removeprefix("rejection_")
                number = [[r.background_rejection[at] for r in of] for of in results]
                value = np.array([[n.value for n in of] for of in number], dtype=float)
                error = np.array([[n.error for n in of] for of in number], dtype=float)
            found = row[mixture][name]
            if np.isnan(value).any():
                assert found["value"] is None
                continue
            (a, b), (c, d) = value
            assert found["value"] == pytest.approx((a + b + c + d) / 4)
            alike = {"encoders": (a, b) == (c, d), "densities": (a, c) == (b, d)}
            # What cannot differ is counted once, and has no spread.
            distinct = sorted({a, b, c, d}) if any(alike.values()) else [a, b, c, d]
            if len(distinct) > 1:
                assert found["error"] == pytest.approx(np.std(distinct, ddof=1))
            else:
                assert found["error"] is None
            # Of two numbers, the standard deviation is their distance over the root of 2.
            between = abs((a + b) / 2 - (c + d) / 2) / np.sqrt(2)
            within = np.sqrt(((a - b) ** 2 / 2 + (c - d) ** 2 / 2) / 2)
            for axis, spread in (("encoders", between), ("densities", within)):
                expected = None if alike[axis] else pytest.approx(spread, abs=1e-12)
                assert found[axis] == expected, (row["score"], axis)
            if not np.isnan(error).any():
                assert found["bootstrap"] == pytest.approx(error.mean())


def test_rows_say_what_a_score_cost_and_what_was_published(folder):
    table = json.loads((folder / "table.json").read_text())
    rows = {row["score"]: row for row in table["rows"]}
    # 6 -> 5 -> 2 -> 5 -> 6 with biases
    assert rows["autoencoder"]["parameters"] == 6 * 5 + 5 + 5 * 2 + 2 + 2 * 5 + 5 + 5 * 6 + 6
    # 1600 -> 4 -> 2 x 2, and two prototypes of 1600 pixels
    assert rows["dirichlet_vae_images"]["parameters"] == 1601 * 4 + 5 * 4 + 2 * 1600
    assert rows["norm"]["parameters"] == rows["few_constituents"]["parameters"] == 0
    assert rows["knn"]["parameters"] is rows["combination"]["parameters"] is None
    weights = load_file(folder / "supervised-1" / "model.safetensors")
    assert rows["supervised"]["parameters"] == sum(w.size for w in weights.values())
    weights = load_file(folder / "encoder-1" / "encoder" / "model.safetensors")
    (own,) = table["representations"]
    assert own["name"] is None
    assert own["parameters"] == sum(w.size for w in weights.values())
    seconds = [
        json.loads((f / "scores" / "autoencoder" / "timings.json").read_text())["fit"]
        for row in repetitions(folder)
        for f in row
    ]
    assert rows["autoencoder"]["fit_minutes"] == pytest.approx(np.mean(seconds) / 60)
    assert own["train_minutes"] > 0
    # Nothing in them is drawn: no spread.
    for mixture in ("natural", "gluons"):
        for number in (rows["few_constituents"][mixture][name] for name in FIGURES):
            assert number["encoders"] is number["densities"] is number["error"] is None
            assert number["bootstrap"] > 0
    assert rows["supervised"]["natural"]["auc"]["densities"] is None
    assert rows["dirichlet_vae_images"]["natural"]["auc"]["encoders"] is None
    # arXiv:2312.03067 table 2
    published = rows["dirichlet_vae_images"]["published"]
    assert (published["auc"]["value"], published["rejection_0.2"]["value"]) == (0.71, 36)
    assert rows["norm"]["published"] is None
    # Scores on jets come from another file, and keep their names.
    assert rows["dirichlet_vae_images"]["title"] == "Dirichlet VAE on jet images"


def test_the_page_shows_what_the_table_holds(folder):
    table = json.loads((folder / "table.json").read_text())
    lines = (folder / "table.md").read_text().splitlines()
    head, _, *rows = (line.strip("| ").split(" | ") for line in lines if line.startswith("|"))
    assert len(rows) == len(table["rows"])
    for cells, row in zip(rows, table["rows"], strict=True):
        assert len(cells) == len(head)
        shown = dict(zip(head, cells, strict=True))
        assert shown["score"].removesuffix(" *") == row["title"]
        auc = row["natural"]["auc"]
        assert float(shown["AUC"].split(" ± ")[0]) == pytest.approx(auc["value"], abs=6e-3)
        spreads = shown["AUC: encoders, densities, test"].split(", ")
        for cell, key in zip(spreads, ("encoders", "densities", "bootstrap"), strict=True):
            if auc[key] is None:
                assert cell == "–"
            else:
                assert float(cell) == pytest.approx(auc[key], abs=6e-4)
        mixed = float(shown["AUC, 45% gluons"].split(" ± ")[0])
        assert mixed == pytest.approx(row["gluons"]["auc"]["value"], abs=6e-3)


def test_what_is_done_is_not_done_again_and_densities_are_added(folder, config):
    # An option that the version of the first call did not have yet stands at its default.
    written = yaml.safe_load((folder / "config.yaml").read_text())
    del written["evaluation"]["gluon_share"]
    # Nor one that is not null by default.
    for sample in written["samples"].values():
        del sample["negative_weights"], sample["weight"]
    (folder / "config.yaml").write_text(yaml.safe_dump(written))
    ensemble(config)
    before = files(folder)
    three = replace(config, densities=3)
    ensemble(three)
    new_table = {folder / "table.json", folder / "table.md"}
    alive = {folder / "config.yaml", folder / "timings.json"}
    assert changed(folder, before) == new_table | alive
    table = json.loads((folder / "table.json").read_text())
    assert (table["encoders"], table["densities"]) == (2, 3)
    aucs = [
        [read_metrics(f / "metrics.json").scores["autoencoder"].signals["aachen"].auc for f in row]
        for row in repetitions(folder, 3)
    ]
    (row,) = (row for row in table["rows"] if row["score"] == "autoencoder")
    assert row["natural"]["auc"]["value"] == pytest.approx(np.mean(aucs))
    assert row["natural"]["auc"]["error"] == pytest.approx(np.std(aucs, ddof=1))

    # Another share is a new evaluation of the same scores.
    before = files(folder)
    ensemble(replace(three, gluon_share=0.6))
    mixed = {f / "metrics_gluons.json" for row in repetitions(folder, 3) for f in row}
    timings = {f / "timings.json" for row in repetitions(folder, 3) for f in row}
    assert changed(folder, before) == new_table | alive | mixed | timings
    # Another configuration is not.
    with pytest.raises(ConfigError, match=r"holds a run with another configuration \(loss\)"):
        ensemble(replace(config, loss=replace(config.loss, temperature=0.3)))


def test_variants_add_rows_and_leave_the_others_alone(folder, config, tmp_path):
    """Runs after the test above: 2 encoders x 3 densities are there."""
    (tmp_path / "minimal.yaml").write_text("loss: {norm_penalty: 0.0}")
    (tmp_path / "wide.yaml").write_text("encoder: {output_dim: 9}")
    ensemble(config)
    rows = json.loads((folder / "table.json").read_text())["rows"]
    before = files(folder)
    variants = {name: tmp_path / f"{name}.yaml" for name in ("minimal", "wide")}
    config = replace(config, variants=variants)
    ensemble(replace(config, variant_scores=["norm", "autoencoder"]))
    new_table = {folder / "table.json", folder / "table.md"}
    alive = {folder / "config.yaml", folder / "timings.json"}
    assert changed(folder, before) <= new_table | alive
    assert names(folder / "variants") == ["minimal", "wide"]
    written = yaml.safe_load(
        (folder / "variants" / "wide" / "encoder-2" / "encoder" / "config.yaml").read_text()
    )
    assert (written["encoder"]["output_dim"], written["training"]["seed"]) == (9, 2)

    table = json.loads((folder / "table.json").read_text())
    assert [r["name"] for r in table["representations"]] == [None, "minimal", "wide"]
    assert [row for row in table["rows"] if row["representation"] is None] == rows
    others = [row for row in table["rows"] if row["representation"] is not None]
    assert {(row["representation"], row["score"]) for row in others} == {
        (variant, score) for variant in ("minimal", "wide") for score in ("norm", "autoencoder")
    }
    assert all(row["published"] is None for row in others)
    (row,) = (r for r in others if (r["representation"], r["score"]) == ("wide", "norm"))
    aucs = [
        read_metrics(path).scores["norm"].signals["aachen"].auc
        for path in sorted((folder / "variants" / "wide").glob("*/*/metrics.json"))
    ]
    assert len(aucs) == 4
    assert row["natural"]["auc"]["value"] == pytest.approx(np.mean(aucs))
    page = (folder / "table.md").read_text()
    assert "| representation | score |" in page
    assert sum(line.startswith("| wide |") for line in page.splitlines()) == 2

    # Scores may be added, and left out of the table.
    for scores in (["norm", "autoencoder", "few_constituents"], ["norm"]):
        ensemble(replace(config, variant_scores=scores))
        table = json.loads((folder / "table.json").read_text())
        wide = [row["score"] for row in table["rows"] if row["representation"] == "wide"]
        assert sorted(wide) == sorted(scores)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"densities": 0}, "densities = 0; it must be at least 1"),
        ({"gluon_share": 2}, "gluon_share = 2"),
        ({"evaluation": EvaluationConfig(gluon_share=0.4)}, "give --gluon_share"),
        (
            {
                "scores": {
                    "dirichlet_vae_images": {},
                    "combination": {"members": ["dirichlet_vae_images"]},
                }
            },
            "dirichlet_vae_images are not fitted on representations",
        ),
        (
            {"variants": {"a": "a.yaml"}, "variant_scores": ["dirichlet_vae_images"]},
            "dirichlet_vae_images: no score of the configuration that reads",
        ),
        ({"variants": {"a": "split.yaml"}}, "unknown section split"),
        (
            {"variants": {"../elsewhere": "a.yaml"}},
            "variants: '../elsewhere' cannot be the name of a file",
        ),
    ],
)
def test_senseless_ensembles_are_refused_before_anything_is_done(
    config, tmp_path, monkeypatch, options, message
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.yaml").write_text("loss: {temperature: 0.2}")
    (tmp_path / "split.yaml").write_text("split: {train: 0.2}")
    with pytest.raises(ConfigError, match=message):
        ensemble(replace(config, **({"output": tmp_path / "out"} | options)))
    assert names(tmp_path) == ["a.yaml", "split.yaml"]


def test_without_partons_there_is_no_other_mixture(config, tmp_path, monkeypatch):
    def without_truth(sample, path, **_):
        draw(sample, path)
        write_jets(replace(read_jets(path), truth={}), path)

    from darkclr.studies import run

    draw = run.generate
    monkeypatch.setattr(run, "generate", without_truth)
    folder = tmp_path / "out"
    config = replace(config, output=folder, scores={"norm": {}}, encoders=1, densities=1)
    with pytest.raises(InputError, match="no column truth_parton_pdg"):
        ensemble(config)
    assert names(folder) == ["config.yaml", "samples", "timings.json"]
    ensemble(replace(config, gluon_share=None))
    table = json.loads((folder / "table.json").read_text())
    assert table["gluon_share"] is None
    assert all(row["gluons"] is None for row in table["rows"])
    # One repetition has no spread.
    assert table["rows"][0]["natural"]["auc"]["error"] is None
    assert "gluons" not in (folder / "table.md").read_text()


def test_python_hears_nothing(config, tmp_path, capfd):
    ensemble(
        replace(
            config,
            output=tmp_path,
            scores={"norm": {}},
            supervised=None,
            encoders=1,
            densities=1,
        )
    )
    assert capfd.readouterr() == ("", "")
