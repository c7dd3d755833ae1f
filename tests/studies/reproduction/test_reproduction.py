"""Trainings of studies, with samples that are files."""

from __future__ import annotations

import json

import pytest
from toy import toy_jets

from darkclr.cli.main import main
from darkclr.errors import ConfigError
from darkclr.io import write_jets
from darkclr.studies.reproduction.reproduction import Reproduction, _jobs
from darkclr.studies.sample_config import Sample


@pytest.fixture
def own(tmp_path):
    path = tmp_path / "mine.parquet"
    write_jets(toy_jets(300, seed=1), path)
    return path


def test_files_stand_for_the_sample_of_their_name_in_all_trainings(own, tmp_path):
    mine = Sample(files=[str(own)])
    studies = Reproduction(["fig3", "training-size"], "smoke", tmp_path, samples={"aachen": mine})
    plain = Reproduction(["fig3", "training-size"], "smoke", tmp_path)
    assert len(studies.trainings) > 1
    for name, steps in studies.trainings.items():
        expected = plain.trainings[name].config.samples | {"aachen": mine}
        assert steps.config.samples == {n: Sample.of(s) for n, s in expected.items()}


def test_names_that_no_study_has_are_refused(own, tmp_path):
    with pytest.raises(ConfigError, match=r"no samples signal in these studies; choose of aachen"):
        Reproduction(["fig3"], "smoke", tmp_path, samples={"signal": Sample(files=[str(own)])})


def test_the_command_takes_files(own, tmp_path, capsys):
    command = ["reproduce", "fig1", "--output", str(tmp_path), "--dry_run"]
    assert main([*command, "--samples", f"{{qcd: {{files: {own}}}}}"]) == 0
    assert "generate qcd" not in capsys.readouterr().out
    assert main(command) == 0
    assert "generate qcd" in capsys.readouterr().out


def test_nothing_is_trained_for_a_study_that_reads_jets_alone(own, tmp_path, capsys):
    command = ["reproduce", "thesis-dropping", "--output", str(tmp_path / "there")]
    assert main([*command, "--part", "usual/1"]) == 2
    assert "part: there is no part 'usual/1'; leave it out" in capsys.readouterr().err
    signal = tmp_path / "signal.parquet"
    write_jets(toy_jets(300, seed=1, label=1), signal)
    command += ["--samples", f"{{qcd: {{files: {own}}}, aachen: {{files: {signal}}}}}"]
    assert main([*command, "--dry_run"]) == 0
    out = capsys.readouterr().out
    assert "usual: read qcd" in out
    assert "usual: train" not in out
    assert main(command) == 0
    usual = tmp_path / "there" / "trainings" / "usual"
    assert (usual / "samples").is_dir()
    assert not list(usual.glob("encoder-*"))
    result = json.loads((tmp_path / "there" / "thesis-dropping" / "result.json").read_text())
    assert result["differences"] == ""
    found = {name: of["AUC by which Aachen has fewer"][0] for name, of in result["numbers"].items()}
    assert found["QCD"] == found["Aachen"] == 0.5  # the same jets
    assert found["QCD, copies with p_drop = 0.7"] < found["QCD, copies with p_drop = 0.1"] < 0.5


def test_jets_of_files_are_read_by_each_training_and_share_no_encoder(own, tmp_path, monkeypatch):
    """The content of a file may be another one the next time."""
    copied = []
    module = "darkclr.studies.reproduction.reproduction"
    monkeypatch.setattr(f"{module}.copy_encoder", lambda *paths: copied.append(paths))
    monkeypatch.setattr(f"{module}.Ensemble.execute", lambda self: None)
    monkeypatch.setattr("darkclr.studies.run.Run.simulate", lambda self: None)
    for samples, shared in (({}, True), ({"qcd": Sample(files=[str(own)])}, False)):
        folder = tmp_path / str(shared)
        studies = Reproduction(["contamination", "section4"], "smoke", folder, samples=samples)
        jobs = [job.name for job in _jobs(studies.trainings, studies.trainings, 1)]
        verb = "generate" if shared else "read"
        read = sum(name.endswith(f": {verb} qcd") for name in jobs)
        assert read == (1 if shared else len(studies.trainings))
        studies._train(studies.trainings["head"])
        assert bool(copied) == shared
        copied.clear()
