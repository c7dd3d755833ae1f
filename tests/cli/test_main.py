"""Whole commands on tiny models, and what each says to bad input."""

from __future__ import annotations

import json
import shutil
from dataclasses import fields, replace

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
import yaml
from folders import names
from safetensors.numpy import load_file
from sklearn.metrics import roc_auc_score

pytest.importorskip("lightning")

from darkclr.contrastive.config import TrainingConfig
from darkclr.io import read_jets, write_jets
from darkclr.io.parquet import read_metadata, read_table
from darkclr.io.representations import read_representations
from darkclr.split import Split


def files(folder):
    return {p: p.stat().st_mtime_ns for p in folder.rglob("*") if p.is_file()}


# --- the way from jets to figures of merit -------------------------------------------------


def test_train_takes_the_configuration_of_a_whole_run(model, samples):
    written = yaml.safe_load((model / "encoder" / "config.yaml").read_text())
    assert written["encoder"]["embedding_dim"] == 8
    assert written["training"]["epochs"] == 2
    train = read_jets(samples / "qcd.parquet").part("train", Split(0.5, 0.2, 0.3))
    assert written["training_jets"]["n"] == len(train)


def test_encode_adds_dropped_copies(model, samples):
    rows = read_representations(model / "qcd.parquet")
    jets = read_jets(samples / "qcd.parquet")
    assert rows.z.shape == (2 * len(jets), 6)
    assert rows.dropped.tolist() == [False] * len(jets) + [True] * len(jets)


def test_fit_writes_the_scores_that_are_asked_for(model):
    assert names(model / "scores") == ["discriminant", "jet_pt", "norm"]
    assert load_file(model / "scores" / "discriminant" / "model.safetensors")


def test_score_and_evaluate(command, model, samples, config_file, tmp_path):
    tables = []
    for name in ("qcd", "aachen"):
        tables.append(tmp_path / f"{name}.parquet")
        code, out, _ = command("score", samples / f"{name}.parquet", model, tables[-1])
        assert code == 0
        assert "3 scores" in out
    background = pq.read_table(tables[0])
    jets = read_jets(samples / "qcd.parquet")
    assert background["event"].to_pylist() == jets.event.tolist()
    assert background["jet_pt"].to_pylist() == pytest.approx(jets.pt.tolist())
    assert len(set(background["id"].to_pylist())) == len(jets)
    metadata = read_metadata(read_table(tables[0]))
    assert metadata["titles"]["jet_pt"] == "jet pT"
    assert metadata["baselines"] == ["jet_pt"]

    output = tmp_path / "metrics.json"
    code, out, errors = command(
        "evaluate", f"[{tables[0]},{tables[1]}]", output, "--config", config_file
    )
    assert (code, errors) == (0, [])
    assert "AUC" in out
    signal = pq.read_table(tables[1])
    values = np.concatenate([t["norm"].to_numpy() for t in (background, signal)])
    label = np.concatenate([t["label"].to_numpy() for t in (background, signal)])
    metrics = json.loads(output.read_text())
    found = _find(metrics, "auc", "norm")
    assert any(value == pytest.approx(roc_auc_score(label, values)) for value in found)


def _find(node, key, below, inside=False):
    """All numbers under ``key`` anywhere under ``below``."""
    if isinstance(node, dict):
        inside = inside or node.get("score") == below or node.get("name") == below
        for name, value in node.items():
            if name == key and inside:
                yield from _numbers(value)
            else:
                yield from _find(value, key, below, inside or name == below)
    elif isinstance(node, list):
        for item in node:
            yield from _find(item, key, below, inside)


def _numbers(node):
    if isinstance(node, int | float):
        yield node
    elif isinstance(node, dict | list):
        for item in node.values() if isinstance(node, dict) else node:
            yield from _numbers(item)


def test_scores_of_jets_and_of_their_representations_agree(command, model, samples, tmp_path):
    command("encode", samples / "aachen.parquet", model, tmp_path / "rows.parquet")
    for name, file in (("a", samples / "aachen.parquet"), ("b", tmp_path / "rows.parquet")):
        assert command("score", file, model, tmp_path / f"{name}_scores.parquet")[0] == 0
    a, b = (read_table(tmp_path / f"{name}_scores.parquet") for name in "ab")
    for name in ("norm", "discriminant", "jet_pt"):
        np.testing.assert_array_equal(a[name].to_numpy(), b[name].to_numpy())


def test_score_of_a_part(command, model, samples, config_file, tmp_path):
    output = tmp_path / "test.parquet"
    arguments = ("score", samples / "qcd.parquet", model, output, "--part", "test")
    assert command(*arguments, "--config", config_file)[0] == 0
    expected = read_jets(samples / "qcd.parquet").part("test", Split(0.5, 0.2, 0.3))
    assert read_table(output)["event"].to_pylist() == expected.event.tolist()


@pytest.mark.parametrize("first", ["known", "unknown"])
def test_files_with_and_without_partons_go_into_one_table(
    command, model, samples, tmp_path, monkeypatch, first
):
    monkeypatch.setattr("darkclr.contrastive.encoding.CHUNK", 30)
    jets = read_jets(samples / "qcd.parquet")[:60]
    known = replace(jets, truth={"parton_pdg": np.full(60, 21, np.int32)})
    order = (known, jets) if first == "known" else (jets, known)
    for i, part in enumerate(order):
        write_jets(part, tmp_path / "shards" / f"{i}.parquet")
    rows, scores = tmp_path / "rows.parquet", tmp_path / "scores.parquet"
    assert command("encode", tmp_path / "shards", model, rows)[0] == 0
    assert command("score", tmp_path / "shards", model, scores)[0] == 0
    for path in (rows, scores):
        table = read_table(path)
        if first == "unknown":
            assert "parton_pdg" not in table.column_names
        else:
            assert table["parton_pdg"].to_pylist() == [21] * 60 + [0] * 60


def test_stations_read_shards_in_a_stream(
    command, model, samples, config_file, tmp_path, monkeypatch
):
    """A pattern of shards, in chunks and batches that straddle them, gives what one file gives."""
    monkeypatch.setattr("darkclr.contrastive.encoding.CHUNK", 64)
    jets = read_jets(samples / "qcd.parquet")
    (tmp_path / "shards").mkdir()
    for i, start in enumerate(range(0, 200, 45)):
        write_jets(jets[start : start + 45], tmp_path / "shards" / f"{i}.parquet")
    results = {}
    for name, source, sample in (
        ("one", samples / "qcd.parquet", "qcd"),
        ("shards", tmp_path / "shards" / "*.parquet", "shards"),
    ):
        rows, scores = tmp_path / f"{name}-rows.parquet", tmp_path / f"{name}-scores.parquet"
        code, out, _ = command("encode", source, model, rows, "--dropped", "true")
        assert code == 0
        assert "200 jets" in out
        arguments = ("--part", "test", "--config", config_file)
        assert command("score", source, model, scores, *arguments)[0] == 0
        folder = tmp_path / name
        assert command("train", source, folder, "--config", config_file)[0] == 0
        assert set(read_table(scores)["sample"].to_pylist()) == {sample}
        results[name] = (
            read_representations(rows),
            read_table(scores).drop_columns(["id", "sample"]),
            (folder / "encoder" / "model.safetensors").read_bytes(),
        )
    one, shards = results["one"], results["shards"]
    for column in ("z", "pooled", "event", "dropped", "n_constituents"):
        assert getattr(one[0], column).tobytes() == getattr(shards[0], column).tobytes()
    assert one[1].equals(shards[1])
    assert one[2] == shards[2] == (model / "encoder" / "model.safetensors").read_bytes()
    # Nowhere are more jets together than in a chunk.
    groups = pq.ParquetFile(tmp_path / "one-rows.parquet").metadata
    assert {groups.row_group(i).num_rows for i in range(groups.num_row_groups)} == {64, 8}


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_named(refused, model, samples, tmp_path):
    for step in ("encode", "score"):
        arguments = (step, samples / "qcd.parquet", model, tmp_path / "a.parquet")
        assert "choose --device cpu" in refused(*arguments, "--device", "gpu")
    assert names(tmp_path) == []


def test_a_part_without_jets_is_named(refused, model, samples, tmp_path):
    arguments = ("score", samples / "qcd.parquet", model, tmp_path / "a.parquet")
    share = ("--split", "{train: 0.7, validation: 0.0, test: 0.3}", "--part", "validation")
    assert "no jets in the part 'validation'" in refused(*arguments, *share)
    assert names(tmp_path) == []


def test_the_output_of_a_run_is_no_stations_output(command, samples, model, config_file, tmp_path):
    output = tmp_path / "rows.parquet"
    arguments = ("encode", samples / "aachen.parquet", model, output, "--config", config_file)
    assert command(*arguments)[0] == 0
    assert output.is_file()


def test_info_says_what_is_in_a_file(command, samples):
    code, out, errors = command("info", samples / "qcd.parquet")
    assert (code, errors) == (0, [])
    assert "200 jets of 100 events" in " ".join(out.split())
    assert "labels: 200 background" in out


def test_finished_stations_do_nothing(command, model, samples, config_file):
    before = files(model)
    assert command("train", samples / "qcd.parquet", model, "--config", config_file)[0] == 0
    assert command("fit", model / "qcd.parquet", model, "--config", config_file)[0] == 0
    assert files(model) == before


def test_options_of_the_command_line_win_over_the_file(command, samples, config_file, tmp_path):
    code, *_ = command(
        *("train", samples / "qcd.parquet", tmp_path, "--config", config_file),
        *("--training.epochs", "1", "--loss.temperature=0.2"),
    )
    assert code == 0
    written = yaml.safe_load((tmp_path / "encoder" / "config.yaml").read_text())
    assert (written["training"]["epochs"], written["training"]["batch_size"]) == (1, 16)
    assert written["loss"]["temperature"] == 0.2


def test_the_configuration_that_is_printed_holds_every_option(command, tmp_path):
    """Also those that the short help leaves out, as they were given; it can be given back."""
    options = ("--training.eps", 0.25, "--evaluation.n_bootstrap", 33)
    code, out, _ = command("run", "--config", "quick", *options, "--print_config")
    assert code == 0
    printed = yaml.safe_load(out)
    assert printed["training"]["eps"] == 0.25
    assert printed["evaluation"]["n_bootstrap"] == 33
    assert set(printed["training"]) == {field.name for field in fields(TrainingConfig)}
    (tmp_path / "printed.yaml").write_text(out)
    again = command("run", "--config", tmp_path / "printed.yaml", "--print_config")
    assert again[:2] == (0, out)


def test_augmentations_are_named_by_import_path(command, samples, config_file, tmp_path):
    section = yaml.safe_load(config_file.read_text()) | {
        "augmentations": {
            "physical": [{"class_path": "darkclr.augmentations.Rotation"}],
            "anomalous": [
                {
                    "class_path": "darkclr.augmentations.ConstituentDrop",
                    "init_args": {"probability": 0.3},
                }
            ],
        }
    }
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(section))
    arguments = ("train", samples / "qcd.parquet", tmp_path, "--config", tmp_path / "own.yaml")
    assert command(*arguments)[0] == 0
    written = yaml.safe_load((tmp_path / "encoder" / "config.yaml").read_text())["augmentations"]
    assert [item["class_path"].rpartition(".")[2] for item in written["physical"]] == ["Rotation"]
    assert written["anomalous"][0]["init_args"] == {"probability": 0.3}


# --- bad input: exit code 2, one line that names it, nothing left behind -------------------


def test_unknown_keys_of_a_configuration_are_named(refused, samples, tmp_path):
    (tmp_path / "a.yaml").write_text("trainning: {epochs: 1}\n")
    arguments = ("train", samples / "qcd.parquet", tmp_path / "m", "--config", tmp_path / "a.yaml")
    assert "unknown key trainning" in refused(*arguments)
    (tmp_path / "a.yaml").write_text("training: {epoch: 1}\n")
    assert "epoch" in refused(*arguments)
    (tmp_path / "a.yaml").write_text("training: {epochs: many}\n")
    assert "many" in refused(*arguments)
    (tmp_path / "a.yaml").write_text("split: {train: 0.5, validation: 0.5, test: 0.5}\n")
    assert "add up to 1" in refused(*arguments)
    for content, told in (("encoder: 3\n", "encoder: 3"), ("training:\n", "training: None")):
        (tmp_path / "a.yaml").write_text(content)
        assert f"{told} in place of options; name some of" in refused(*arguments)
    assert names(tmp_path) == ["a.yaml"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("- a\n- list\n", "is not a mapping"),
        ("a: [1\n", "is not YAML"),
        (None, "No such file"),
        (b"\xff\xfe\x00", "is not YAML"),
        ("", "is not a mapping"),
    ],
)
@pytest.mark.parametrize("separate", [True, False])
def test_broken_configurations_are_named(refused, samples, tmp_path, content, message, separate):
    path = tmp_path / "a.yaml"
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    option = ("--config", path) if separate else (f"--config={path}",)
    line = refused("train", samples / "qcd.parquet", tmp_path / "m", *option)
    assert message in line
    assert str(path) in line


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "command"),
        (("trian",), "trian"),
        (("train",), "jets"),
        (("train", "a", "b", "--training.epoches", "3"), "epoches"),
        (("train", "a", "b", "--training.epochs", "x"), "epochs"),
        (("train", "a", "b", "--training.epochs", "0"), "epochs = 0; it must be at least 1"),
        (("encode", "a", "b", "c", "--seed", "-1"), "seed: -1; give at least 0"),
        (("fit", "a", "b", "--seed", "-1"), "seed: -1; give at least 0"),
        (("evaluate", "[]", "b"), "no files of scores"),
        (("train", "a", "b", "--encoder.n_heads", "3"), "multiple of n_heads"),
        (("train", "a", "b", "--config"), "config"),
        (("generate", "a", "--process", "qdc"), "qdc"),
        (("generate", "a", "--n_jets", "0"), "n_jets"),
        (("score", "a", "b", "c", "--part", "tset"), "tset"),
        (("evaluate", "[a]", "b", "--evaluation.n_bootstrap", "3"), "n_bootstrap"),
        (("run", "--scores", "{nrom: {}}", "--dry_run", "true"), "no score 'nrom'"),
        (("run", "--scores", "{nae: {epoch: 3}}", "--dry_run", "true"), "no parameter 'epoch'"),
        (("run", "--supervised", "dark", "--dry_run", "true"), "'dark' is no signal sample"),
        (("run", "--samples", "{a: {process: qcd}}"), "1 background and 0 signal samples"),
    ],
)
def test_bad_arguments_are_named(refused, arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert message in refused(*arguments)
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    "option",
    [
        *("--training.learning_rate=.nan", "--training.strategy=magic", "--training.seed=-1"),
        *("--training.batch_size=512", "--encoder.pt_scale=.nan", "--loss.temperature=.nan"),
    ],
)
def test_a_training_that_is_refused_leaves_nothing(refused, samples, config_file, tmp_path, option):
    folder = tmp_path / "model"
    refused("train", samples / "qcd.parquet", folder, "--config", config_file, option)
    assert names(tmp_path) == []


@pytest.fixture
def bad_files(samples, tmp_path):
    folder = tmp_path / "bad"
    folder.mkdir()
    content = (samples / "qcd.parquet").read_bytes()
    (folder / "truncated.parquet").write_bytes(content[: len(content) // 2])
    (folder / "page.parquet").write_text("<!DOCTYPE html><html>404</html>")
    table = pq.read_table(samples / "qcd.parquet")
    pq.write_table(table.drop_columns(["constituent_phi"]), folder / "columns.parquet")
    pq.write_table(table[:0], folder / "empty.parquet")
    return folder


@pytest.mark.parametrize("step", ["train", "encode", "score", "info"])
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("truncated", "cannot be read as Parquet"),
        ("page", "is a web page (HTML), not data"),
        ("columns", "missing columns ['constituent_phi']"),
        ("empty", "there are no jets"),
        ("missing", "no such file"),
    ],
)
def test_bad_files_are_named(refused, bad_files, model, tmp_path, step, name, message):
    file, output = bad_files / f"{name}.parquet", tmp_path / "output"
    line = refused(
        step,
        file,
        *{
            "train": (output,),
            "encode": (model, output),
            "score": (model, output),
            "info": (),
        }[step],
    )
    assert message in line
    assert str(file) in line
    assert not output.exists()


@pytest.mark.parametrize("name", ["truncated", "page", "columns", "missing"])
def test_fit_and_evaluate_name_bad_files(refused, bad_files, tmp_path, name):
    file, output = bad_files / f"{name}.parquet", tmp_path / "output"
    assert str(file) in refused("fit", file, output)
    refused("evaluate", f"[{file}]", output)
    assert not output.exists()


def test_representations_of_no_jets_are_of_no_use(refused, model, tmp_path):
    rows, empty = model / "qcd.parquet", tmp_path / "empty.parquet"
    pq.write_table(pq.read_table(rows)[:0], empty)
    for background, signal in ((rows, empty), (empty, rows)):
        line = refused("probe", background, f"[{signal}]", tmp_path / "probe.json")
        assert "empty.parquet: there are no jets" in line
    assert "empty.parquet: there are no jets" in refused("fit", empty, tmp_path / "model")
    assert "there are no jets" in refused("score", empty, model, tmp_path / "scores.parquet")
    assert names(tmp_path) == ["empty.parquet"]


def test_labels_of_one_kind_cannot_be_evaluated(command, refused, model, samples, tmp_path):
    table, output = tmp_path / "qcd.parquet", tmp_path / "metrics.json"
    command("score", samples / "qcd.parquet", model, table)
    assert "signal" in refused("evaluate", f"[{table}]", output)
    assert not output.exists()


def test_models_that_are_none_are_named(refused, samples, model, tmp_path):
    output = tmp_path / "output.parquet"
    assert "finished `darkclr train`" in refused(
        "encode", samples / "qcd.parquet", tmp_path / "none", output
    )
    refused("score", samples / "qcd.parquet", tmp_path / "none", output)
    broken = tmp_path / "broken"
    shutil.copytree(model, broken)
    (broken / "encoder" / "model.safetensors").write_bytes(b"<html>")
    assert "is not a model directory" in refused("encode", samples / "qcd.parquet", broken, output)
    assert not output.exists()


def test_a_training_with_another_configuration_is_refused(refused, model, samples, config_file):
    before = files(model)
    line = refused(
        *("train", samples / "qcd.parquet", model, "--config", config_file),
        *("--training.learning_rate", "0.5"),
    )
    assert "another configuration (training)" in line
    assert files(model) == before


def test_an_output_that_cannot_be_written_is_named(command, model, samples, tmp_path):
    (tmp_path / "file").write_text("")
    output = tmp_path / "file" / "a.parquet"
    _, _, errors = command("encode", samples / "qcd.parquet", model, output)
    assert errors[-1].startswith(f"darkclr: {output}: cannot be written")
    assert not output.exists()


def test_ctrl_c_is_one_line_and_code_130(command, samples, config_file, tmp_path, monkeypatch):
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("darkclr.contrastive.training.train.view_similarities", stop)
    monkeypatch.setattr("darkclr.contrastive.training.module.view_similarities", stop)
    arguments = ("train", samples / "qcd.parquet", tmp_path / "m", "--config", config_file)
    code, _, errors = command(*arguments)
    assert code == 130
    assert errors == ["darkclr: stopped; the same command goes on where it was"]
    assert not (tmp_path / "m" / "encoder" / "model.safetensors").exists()
    monkeypatch.undo()
    assert command(*arguments)[0] == 0


def test_the_end_of_encoding_and_scoring_is_known(command, samples, model, tmp_path):
    jets, output = samples / "qcd.parquet", tmp_path / "out.parquet"
    _, _, lines = command("encode", jets, model, output, "--dropped")
    assert "encode qcd: 400 of 400 jets" in lines[-1]
    _, _, lines = command("score", jets, model, tmp_path / "scores.parquet")
    assert "score qcd: 200 of 200 jets" in lines[-1]
