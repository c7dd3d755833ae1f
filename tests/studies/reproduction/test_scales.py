"""Scales: what they ask for, and that studies which share a training agree on it."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest
import yaml

pytest.importorskip("lightning")

from darkclr.evaluation.published import published
from darkclr.reporter import Silent
from darkclr.studies.config import EnsembleConfig
from darkclr.studies.presets import find_configuration
from darkclr.studies.reproduction.catalogue import NAMES, chosen, find_study
from darkclr.studies.reproduction.reproduction import Reproduction, parts, show_studies
from darkclr.studies.reproduction.scales import SCALES, configuration, robustness, thesis

every_scale = pytest.mark.parametrize("scale", SCALES.values(), ids=SCALES)


@every_scale
def test_one_name_is_one_training(scale):
    found = defaultdict(list)
    for study in chosen(["all"]):
        for name, config in study.trainings(scale).items():
            found[name].append(config)
    assert len(found["robustness"]) == 3
    for name, configs in found.items():
        assert all(config == configs[0] for config in configs), name


def test_the_laptop_takes_the_configuration_of_the_results():
    written = yaml.safe_load(find_configuration("robustness").read_text())
    config = robustness(SCALES["laptop"])
    assert config.samples["qcd"].n_jets == written["samples"]["qcd"]["n_jets"]
    assert config.samples["qcd"].seed == written["samples"]["qcd"]["seed"]
    assert list(config.samples) == list(written["samples"])
    assert config.scores == written["scores"]
    assert (config.encoders, config.densities) == (5, 1)


def test_the_paper_has_the_published_sizes():
    scale, numbers = SCALES["paper"], published()["table1"]["values"]
    config = configuration(scale)
    assert (scale.encoders, scale.densities) == (5, 3)
    assert round(scale.background * config.split.train) == numbers["n_jets"]
    for section in (config.encoder, config.training):
        for name, value in numbers.items():
            if hasattr(section, name):
                assert getattr(section, name) == (tuple(value) if name == "betas" else value)


def test_the_thesis_has_its_own_network():
    config, numbers = thesis(SCALES["paper"], "minimal", 0.4), published()["thesis_table5_2"]
    assert config.encoder.embedding_dim == numbers["values"]["embedding_dim"] == 1000
    assert config.training.batch_size == numbers["values"]["batch_size"] == 128
    assert config.training.epochs == numbers["values"]["epochs"] == 300
    (drop,) = config.augmentations.anomalous
    assert drop.probability == 0.4


def test_studies_are_found_by_their_names():
    assert [find_study(name).name for name in NAMES] == list(NAMES)
    assert find_study("fig4") is find_study("table3")
    assert len(chosen(["table3", "all", "fig4"])) == len(NAMES)
    for study in chosen(["all"]):
        assert all(name in published() for name in study.published)
        assert all(isinstance(c, EnsembleConfig) or c.supervised
                   for c in study.trainings(SCALES["smoke"]).values())  # fmt: skip


@pytest.mark.slow
def test_all_studies_are_listed_with_their_hours():
    class Heard(Silent):
        def table(self, title, rows):
            self.rows = rows

    heard = Heard()
    show_studies(heard)
    assert [row["name"] for row in heard.rows] == list(NAMES)
    for row in heard.rows:
        assert 0 < float(row["smoke"]) + 0.01 < float(row["laptop"]) + 0.02 < float(row["paper"])
        assert all(row[column] for column in ("what", "of", "needs"))


def test_parts_of_a_training_wait_for_its_first_encoder():
    found = parts(find_study("table3"), SCALES["laptop"])
    assert found["robustness/1"] == found["ceilings/1"] == []
    assert all(found[f"robustness/{e}"] == ["robustness/1"] for e in (2, 3, 4, 5))
    assert len(found) == 6


def test_samples_and_trainings_that_studies_share_are_done_once():
    class Heard(Silent):
        def table(self, title, rows):
            self.jobs = [row["job"] for row in rows]

    heard = Heard()
    names = ["training-size", "contamination", "detector-card", "generator"]
    Reproduction(names, "laptop", Path("unused"), heard).describe()
    of_qcd = [job for job in heard.jobs if job.endswith(": generate qcd")]
    # That of all, that of another detector, that of another shower.
    assert [job.split(":")[0] for job in of_qcd] == ["size-0.125", "detector-card-1", "generator-1"]
    assert heard.jobs.count("usual: train") == 1
    assert sum(job.endswith(": train") for job in heard.jobs) == 3 + 1 + 5 + 1 + 1
