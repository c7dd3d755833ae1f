from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from jsonargparse import ArgumentParser

from darkclr.contrastive.config import EncoderConfig
from darkclr.simulation.processes import PROCESSES
from darkclr.studies.config import EnsembleConfig, RunConfig
from darkclr.studies.duration import ENCODED, TRAINED, encoder_jobs
from darkclr.studies.ensemble import Ensemble
from darkclr.studies.presets import find_configuration
from darkclr.studies.run import Run

DOCS = Path(__file__).parents[2] / "docs"


class Heard:
    """A reporter that keeps the last table."""

    def line(self, text: str) -> None:
        self.last = text

    def table(self, title: str, rows: list) -> None:
        self.rows = {row["job"]: (row["times"], float(row["hours"])) for row in rows}
        self.there = {row["job"]: row["there"] for row in rows if "there" in row}


@pytest.fixture(autouse=True)
def two_cores(monkeypatch):
    for study in ("run", "ensemble"):
        monkeypatch.setattr(f"darkclr.studies.{study}.available_cores", lambda: 2)


def preset(name: str, kind: type = RunConfig) -> RunConfig:
    parser = ArgumentParser()
    parser.add_class_arguments(kind, "config")
    content = yaml.safe_load(find_configuration(name).read_text())
    return parser.instantiate(parser.parse_object({"config": content})).config


def told(study: Run | Ensemble) -> Heard:
    heard = study.reporter
    study.describe()
    return heard


@pytest.mark.parametrize(
    ("name", "minutes"),
    [
        # README.md: `make run` on two nearly idle cores
        ("quick", {"generate": 5.3, "train": 6.7, "encode fit score": 1.5}),
        # docs/results.md: the paper's training, and what its 150 epochs of 100k jets take
        ("darkclr", {"train": 13 * 60}),
    ],
)
def test_the_estimate_is_right_to_a_factor_of_two(name, minutes):
    heard = told(Run(preset(name), Heard()))
    for jobs, measured in minutes.items():
        hours = sum(h for job, (_, h) in heard.rows.items() if job.startswith(tuple(jobs.split())))
        assert measured / 2 < 60 * hours < measured * 2
    assert "2 cores" in heard.last
    assert "factor of two" in heard.last


def test_an_ensemble_repeats_encoders_and_densities():
    config = replace(preset("table2", EnsembleConfig), encoders=2, densities=3)
    one = told(Run(config, Heard())).rows
    rows = told(Ensemble(config, Heard())).rows
    assert rows["generate qcd"] == one["generate qcd"]
    assert rows["train"] == (2, pytest.approx(2 * one["train"][1], rel=0.1))
    assert (rows["fit"][0], rows["fit on jets"][0]) == (6, 3)
    # configs/table2.yaml: 9 x 5 + 3 x 3 minutes
    per_fit = rows["fit"][1] / 6, rows["fit on jets"][1] / 3
    assert per_fit == (pytest.approx(5 / 60, rel=0.5), pytest.approx(3 / 60, rel=0.5))


def test_a_variant_adds_its_own_jobs():
    config = replace(preset("table2", EnsembleConfig), scores={"norm": {}, "mahalanobis": {}})
    rows = told(Ensemble(config, Heard())).rows
    both = replace(config, variants={"jetclr": Path("representations/jetclr")})
    more = told(Ensemble(both, Heard())).rows
    assert more.keys() - rows.keys() == {
        *("train jetclr", "encode jetclr", "fit jetclr", "score and evaluate jetclr")
    }


def test_time_follows_network_and_cores():
    config = preset("ten_minutes")
    jobs = {job.name: job.seconds for job in encoder_jobs(config, 1)}
    assert jobs["train"] == pytest.approx(51000 * 0.5 * 7 / TRAINED)
    deeper = replace(config, encoder=EncoderConfig(n_layers=2 * config.encoder.n_layers))
    assert encoder_jobs(deeper, 1)[0].seconds == pytest.approx(2 * jobs["train"], rel=0.05)
    assert encoder_jobs(config, 2)[0].seconds == pytest.approx(jobs["train"] / 2)
    # Not a hundred times faster on a hundred cores: that was not measured.
    assert encoder_jobs(config, 100)[0].seconds > jobs["train"] / 10


def test_classifiers_have_their_own_number_and_length():
    config = preset("robustness")
    without = {job.name for job in encoder_jobs(config, 1)}
    schedule = replace(config.training, epochs=3 * config.training.epochs)
    taught = replace(config, supervised=["aachen", "m10", "m20"], classifier=schedule)
    (jobs,) = (job for job in encoder_jobs(taught, 1, times=2) if job.name not in without)
    train = next(job.seconds for job in encoder_jobs(config, 1) if job.name == "train")
    assert jobs.times == 6
    assert jobs.seconds == pytest.approx(train * (52 + 10) / 52)  # thrice the epochs, one view


def test_rates_are_those_of_the_documentation():
    assert (
        f"{ENCODED:g} jets/s encoded or scored and {TRAINED:g} trained"
        in (DOCS / "scaling.md").read_text()
    )
    table = (DOCS / "benchmarks.md").read_text()
    for name in ("qcd", "aachen", "rinv05", "rinv02", "m10", "m20", "dark_shower", "top"):
        assert f" {PROCESSES[name].jets_per_second:g} |" in next(
            line for line in table.splitlines() if line.startswith(f"| `{name}` | 0.")
        )


def test_what_is_there_takes_no_time(tmp_path):
    config = replace(
        preset("table2", EnsembleConfig), encoders=2, densities=3, output=tmp_path / "table2"
    )
    before = told(Ensemble(config, Heard()))
    assert not before.there
    assert "hours in all" in before.last
    own, (one,) = config.output, Ensemble(config).repetitions
    done = [
        own / "samples" / "qcd.parquet",
        one.model(2) / "encoder" / "model.safetensors",
        one.model(1) / "encoder" / "history.csv",  # of one that is not finished
        *(one.folder(2, density) / "scores.parquet" for density in (1, 3)),
    ]
    for path in done:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    after = told(Ensemble(config, Heard()))
    assert {job: n for job, n in after.there.items() if n} == {
        "generate qcd": 1, "train": 1, "fit": 2,
    }  # fmt: skip
    assert after.rows["generate qcd"] == (1, 0)
    assert after.rows["train"] == (2, pytest.approx(before.rows["train"][1] / 2, rel=0.1))
    assert after.rows["fit"] == (6, pytest.approx(before.rows["fit"][1] * 4 / 6, rel=0.1))
    assert after.rows["encode"] == before.rows["encode"]
    # "roughly 4.5 hours are left of 6.1 on 2 cores ..."
    left, total = (float(after.last.split()[i]) for i in (2, 7))
    assert left == pytest.approx(sum(h for _, h in after.rows.values()), rel=0.05)
    assert total == pytest.approx(sum(h for _, h in before.rows.values()), rel=0.05)
