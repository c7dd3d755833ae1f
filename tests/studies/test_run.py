"""A run from Python: what it reads, what it takes for its own, what it says."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pytest
import yaml
from folders import names

pytest.importorskip("lightning")
pytest.importorskip("matplotlib")

from darkclr.augmentations import Augmentations, ConstituentDrop, NonUniformDecay
from darkclr.errors import ConfigError
from darkclr.evaluation import read_metrics
from darkclr.io import read_jets
from darkclr.io.parquet import read_table
from darkclr.reporter import Silent
from darkclr.simulation.sample import SampleConfig
from darkclr.studies import run as module
from darkclr.studies.claim import claim
from darkclr.studies.config import RunConfig
from darkclr.studies.run import Run, run
from darkclr.studies.verdicts import read_verdicts

SCORES = {"norm": {}, "discriminant": {}, "dirichlet_vae_images": {"epochs": 1, "hidden": 4}}


@pytest.fixture(scope="module")
def config(tiny, tmp_path_factory) -> RunConfig:
    output = tmp_path_factory.mktemp("run") / "tiny"
    return RunConfig(**tiny, output=output, scores=SCORES, supervised="aachen")


@pytest.fixture(scope="module")
def reads(config) -> Counter[str]:
    """How often each file was read by the steps of a run."""
    counted: Counter[str] = Counter()

    def counting(read):
        def wrapped(path, *rest, **options):
            counted[Path(path).relative_to(config.output).as_posix()] += 1
            return read(path, *rest, **options)

        return wrapped

    with pytest.MonkeyPatch.context() as patch:
        for name in ("read_jets", "read_representations"):
            patch.setattr(module, name, counting(getattr(module, name)))
        run(config)
    return counted


def test_each_file_is_read_once(reads):
    """By training, encoding, fits on representations and on jets, classifier and scoring."""
    folders = ("samples", "representations")
    files = [f"{folder}/{name}.parquet" for folder in folders for name in ("qcd", "aachen")]
    assert reads == dict.fromkeys(files, 1)


def test_the_table_holds_the_test_part_of_all_that_labels_were_learned_from(config, reads):
    table = read_table(config.output / "scores.parquet")
    for name in ("qcd", "aachen"):
        jets = read_jets(config.output / "samples" / f"{name}.parquet")
        rows = [s == name for s in table["sample"].to_pylist()]
        assert (
            table.filter(rows)["event"].to_pylist()
            == jets.part("test", config.split).event.tolist()
        )
    assert {*SCORES, "few_constituents", "jet_pt", "supervised"} <= set(table.column_names)


def test_the_configuration_of_an_earlier_version_is_the_same(config, reads):
    """What it did not know stands at null; its fits and its encoder are taken as they are."""
    path = config.output / "config.yaml"
    written = yaml.safe_load(path.read_text())
    del written["evaluation"]["gluon_share"], written["supervised"]
    path.write_text(yaml.safe_dump(written))
    with pytest.raises(ConfigError, match=r"another configuration \(supervised\)"):
        run(config)
    written["supervised"] = "aachen"
    path.write_text(yaml.safe_dump(written))
    scores = (config.output / "scores.parquet").read_bytes()
    weights = (config.output / "encoder" / "model.safetensors").stat().st_mtime_ns
    run(config)
    assert (config.output / "scores.parquet").read_bytes() == scores
    assert (config.output / "encoder" / "model.safetensors").stat().st_mtime_ns == weights


def test_what_became_of_the_training_is_in_the_figures_of_merit(config, reads, tmp_path):
    verdicts = read_metrics(config.output / "metrics.json").verdicts
    assert verdicts.keys() == {"encoder"}
    table = read_table(config.output / "encoder" / "pairs.parquet")
    similarity = table["background_similarity"].to_numpy().mean()
    assert verdicts["encoder"]["background_similarity"] == pytest.approx(similarity, abs=1e-6)
    assert verdicts["encoder"]["collapsed"] is bool(similarity >= 0.99)
    assert "norm" in verdicts["encoder"]["sentence"]

    class Heard(Silent):
        def line(self, text):
            lines.append(text)

    lines = []
    run(config, Heard())
    assert [verdicts["encoder"]["sentence"] in line for line in lines].count(True) == 1
    folder = tmp_path / "scores" / "nae"
    folder.mkdir(parents=True)
    (folder / "verdict.json").write_text('{"travelled": NaN, "sentence": "it did"}')
    assert read_verdicts(tmp_path, tmp_path / "scores") == {
        "nae": {"travelled": None, "sentence": "it did"}
    }


def test_python_hears_nothing(config, tmp_path, capfd):
    run(replace(config, output=tmp_path / "run", scores={"norm": {}}, supervised=None))
    assert capfd.readouterr() == ("", "")
    assert "report.html" in names(tmp_path / "run")


def test_what_is_done_has_no_bar(config, reads):
    class Heard(Silent):
        def bar(self, title, *rest, **options):
            bars.append(title)
            return super().bar(title, *rest, **options)

    bars: list[str] = []
    again = Run(config, Heard())
    again.simulate()
    again.represent(config.output, config.training)
    again.classify(config.output)
    assert [title for title in bars if title.startswith(("generate", "train", "encode"))] == []


def test_families_of_copies_are_encoded_for_the_scores(config, tmp_path):
    families = {"few": [ConstituentDrop(0.8)], "decay": [NonUniformDecay()]}
    other = replace(config, copies=Augmentations(anomalous=families), output=tmp_path)
    steps = Run(other)
    claim(other)
    steps.simulate()
    steps.represent(tmp_path, other.training)
    rows = steps.representations(tmp_path)
    assert rows["qcd"].families == ("few", "decay")
    assert np.bincount(rows["qcd"].family).tolist() == [240, 240, 240]
    assert not rows["aachen"].dropped.any()
    # They are the scores' alone: the training has its own.
    trained = yaml.safe_load((tmp_path / "encoder" / "config.yaml").read_text())
    assert trained["augmentations"] == config.augmentations.to_dict()
    claim(replace(other, training=replace(other.training, device="auto")))  # it may go on elsewhere
    for wrong in (config, replace(other, copies=Augmentations())):
        with pytest.raises(ConfigError, match=r"another configuration \(copies\)"):
            claim(replace(wrong, output=tmp_path))


@pytest.mark.parametrize("share", [0.0, 0.2])
def test_signal_that_is_mixed_in_trains_and_is_not_tested(config, tmp_path, share):
    other = replace(config, contamination=share, supervised=None, output=tmp_path)
    other = replace(other, scores={"norm": {}})
    steps = Run(other)
    steps.measure()
    pure, mixed = read_jets(steps.sample("qcd")), steps.jets("qcd")
    training, changed = other.split.part(pure.event, "train"), pure.pt != mixed.pt
    assert changed.sum() == round(share * training.sum())
    signal = steps.jets("aachen")
    assert np.isin(mixed.pt[changed], signal.part("train", other.split).pt).all()
    table = read_table(tmp_path / "scores.parquet")
    tested = table.filter(pc.equal(table["sample"], "aachen"))["event"].to_pylist()
    assert tested == signal.part("test", other.split).event.tolist()
    with pytest.raises(ConfigError, match=r"another configuration \(contamination\)"):
        claim(replace(other, contamination=None))


def test_more_signal_than_there_is_is_refused_at_once(config, tmp_path):
    samples = {"qcd": config.samples["qcd"], "aachen": SampleConfig(process="aachen", n_jets=10)}
    other = replace(config, samples=samples, contamination=0.1, output=tmp_path)
    with pytest.raises(ConfigError, match="takes more than 10 jets of signal"):
        _ = other.looks
    for share, problem in ((1.0, "at least 0 and less than 1"), (-0.1, "contamination = -0.1")):
        with pytest.raises(ConfigError, match=problem):
            replace(other, contamination=share)


def test_each_ceiling_has_its_signal_and_a_schedule_of_its_own(config, tmp_path):
    """Only the signals that a classifier was trained on lose their training part."""
    samples = config.samples | {name: SampleConfig(process=name) for name in ("m10", "m20")}
    schedule = replace(config.training, epochs=1, seed=5, keep="last")
    other = replace(config, samples=samples, supervised=["aachen", "m20"], output=tmp_path)
    other = replace(other, scores={"norm": {}}, classifier=schedule)
    steps = Run(other)
    steps.simulate()
    steps.represent(tmp_path, other.training)
    steps.fit(tmp_path, tmp_path, other.all_scores)
    logits = steps.classify(tmp_path, later=2)
    table = steps.score(tmp_path, tmp_path, logits)
    n_test = {name: len(steps.jets(name).part("test", other.split)) for name in samples}
    rows = {name: int(pc.sum(pc.equal(table["sample"], name)).as_py()) for name in samples}
    assert rows == n_test | {"m10": 150}
    assert n_test["m10"] < 150
    for column in ("supervised_aachen", "supervised_m20"):
        written = yaml.safe_load((tmp_path / column / "config.yaml").read_text())
        assert written["training"]["epochs"] == 1
        assert written["training"]["seed"] == 7
        assert written["training"]["keep"] == "last"
        found = np.concatenate([logits[column][name] for name in samples])
        assert table[column].to_numpy() == pytest.approx(found, abs=0)
    assert table["supervised_aachen"] != table["supervised_m20"]
    trained = yaml.safe_load((tmp_path / "encoder" / "config.yaml").read_text())
    assert trained["training"]["epochs"] == config.training.epochs


def test_null_is_no_set_of_samples():
    with pytest.raises(ConfigError, match="samples: there are none; leave it out"):
        RunConfig(samples=None)
