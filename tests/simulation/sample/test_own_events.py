from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import ks_2samp

pytest.importorskip("pythia8mc")
pytest.importorskip("fastjet")
pytest.importorskip("pyhepmc")

from events import hepmc_event, pythia_events, write_hepmc, write_lhe

from darkclr.cli.main import main
from darkclr.errors import ConfigError, InputError, SimulationError
from darkclr.io import read_jets
from darkclr.simulation.processes import get_process
from darkclr.simulation.sample import SampleConfig, generate, generate_shard, plan

SETTINGS = get_process("aachen").all_settings
NO_MPI = "PartonLevel:MPI = off"
N_EVENTS = 120


@pytest.fixture(scope="module")
def lhe(tmp_path_factory):
    path = tmp_path_factory.mktemp("lhe") / "aachen.lhe"
    write_lhe(path, SETTINGS, N_EVENTS)
    return path


@pytest.fixture(scope="module")
def config(lhe):
    return SampleConfig(process="aachen", events=str(lhe), mpi=False, shard_jets=50, n_jets=10_000)


@pytest.fixture(scope="module")
def sample(config, tmp_path_factory):
    return generate(config, tmp_path_factory.mktemp("one") / "x.parquet", workers=1)


def test_all_events_of_the_file_become_jets(sample, lhe):
    jets = read_jets(sample)
    counts = jets.provenance["counts"]
    assert counts["events"] == N_EVENTS
    assert counts["accepted_jets"] == len(jets) > 20
    assert jets.provenance["events"]["file"] == lhe.name
    assert "HiddenValley:ffbar2Zv = on" not in jets.provenance["pythia_settings"]
    assert (jets.label == 1).all()
    assert jets.event.max() < N_EVENTS  # the number of the event in the file
    hard = lhe.read_text().split("<event>")[1:]
    for event, pdg in zip(jets.event, jets.truth["parton_pdg"], strict=True):
        assert f"\n {pdg} 1 " in hard[event]


def test_the_same_bytes_whatever_the_workers_and_the_stops(config, sample, tmp_path):
    output = tmp_path / "x.parquet"
    generate_shard(config, output, 2)  # as a batch system would
    with pytest.raises(ConfigError, match="no shard 3"):
        generate_shard(config, output, 3)
    assert generate(config, output, workers=2).read_bytes() == sample.read_bytes()
    assert [p.name for p in tmp_path.iterdir()] == ["x.parquet"]


def test_a_sample_ends_with_the_jets_asked_for(config, sample, tmp_path):
    n_jets = 5
    first = read_jets(generate(replace(config, n_jets=n_jets), tmp_path / "x.parquet", workers=1))
    np.testing.assert_array_equal(first.event, read_jets(sample).event[:n_jets])
    assert first.provenance["counts"]["events"] == 50  # one shard was enough


def test_another_file_is_another_sample(config, lhe, tmp_path):
    other = tmp_path / lhe.name
    write_lhe(other, SETTINGS, N_EVENTS, seed=2)
    assert plan(config).fingerprint != plan(replace(config, events=str(other))).fingerprint
    other.write_bytes(lhe.read_bytes())
    assert plan(config).fingerprint == plan(replace(config, events=str(other))).fingerprint


def test_after_a_broken_event_the_finished_shards_stay(config, lhe, tmp_path):
    head, *events = lhe.read_text().split("<event>")
    events[60] = events[60].replace(" 4900023 2", " oops", 1)
    broken = tmp_path / "broken.lhe"
    broken.write_text("<event>".join((head, *events)))
    output = tmp_path / "x.parquet"
    with pytest.raises(InputError, match="event 61 is broken"):
        generate(replace(config, events=str(broken)), output, workers=1)
    assert [p.name for p in sorted((tmp_path / "x.parquet.shards").iterdir())] == [
        "shard-00000.parquet",
        "shard-00000.sha256",
    ]


def test_a_cut_file_is_one_line_on_the_command_line(lhe, tmp_path, capsys):
    cut = tmp_path / "cut.lhe"
    cut.write_text(lhe.read_text()[:5000])
    command = ["generate", str(tmp_path / "x.parquet"), "--process", "aachen"]
    assert main([*command, "--events", str(cut)]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.count("\n") == 1
    assert "is cut off (inside event" in told.err


@pytest.mark.slow
def test_hard_processes_from_a_file_give_the_jets_of_pythias_own(tmp_path):
    lhe = tmp_path / "aachen.lhe"
    write_lhe(lhe, SETTINGS, 800, seed=5)
    ours = SampleConfig(process="aachen", mpi=False, n_jets=250, shard_jets=250)
    theirs = replace(ours, events=str(lhe), n_jets=10_000, shard_jets=800)
    direct = read_jets(generate(ours, tmp_path / "direct.parquet", workers=1))
    filed = read_jets(generate(theirs, tmp_path / "filed.parquet", workers=1))
    for name in ("pt", "mass", "n_constituents"):
        assert ks_2samp(getattr(direct, name), getattr(filed, name)).pvalue > 0.01, name
    rates = [jets.provenance["counts"]["jets_per_event"] for jets in (direct, filed)]
    assert rates[0] == pytest.approx(rates[1], abs=4 * np.sqrt(2 * 0.3 / 800))
    n, r_inv = (filed.provenance["counts"][name] for name in ("dark_mesons", "r_inv"))
    assert abs(r_inv - 0.756) < 4 * np.sqrt(0.25 * 0.75 / n)


def hepmc(folder: Path, weight: float | None = None, n_events: int = 20) -> Path:
    events = [hepmc_event(p) for p in pythia_events((*SETTINGS, NO_MPI), n_events, 3)]
    for event in events:
        event.weights = [] if weight is None else [weight]
    write_hepmc(folder / "x.hepmc", events)
    return folder / "x.hepmc"


def test_hepmc_events_get_selection_label_and_weight(tmp_path):
    config = SampleConfig(
        process="events",
        events=str(hepmc(tmp_path, weight=2.5)),
        label=0,
        selection={"pt_min": 60, "pt_max": None},
        shard_jets=10,
    )
    jets = read_jets(generate(config, tmp_path / "x.parquet", workers=1))
    assert (jets.label == 0).all()
    assert (jets.weight == 2.5).all()
    assert jets.pt.min() > 60
    assert jets.pt.max() > 300
    assert set(np.abs(jets.truth["parton_pdg"]).tolist()) == {0, 4900101}
    # The hard process alone has two jets of hundreds of GeV, nearly invisible.
    assert len(np.unique(jets.event)) > 10


def test_a_hepmc_file_without_partons_cannot_be_matched(tmp_path):
    path = hepmc(tmp_path, n_events=2)
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(x[:-3] + "33\n" if x.endswith(" 23\n") else x for x in lines))
    config = SampleConfig(process="aachen", events=str(path))
    with pytest.raises(InputError, match=r"no partons of the hard process.*choose the sample 'ev"):
        generate(config, tmp_path / "x.parquet", workers=1)


def test_a_file_without_a_wanted_jet_is_told(tmp_path):
    config = SampleConfig(
        process="events",
        events=str(hepmc(tmp_path, n_events=2)),
        selection={"pt_min": 5000, "pt_max": None},
    )
    with pytest.raises(SimulationError, match="none of 2 events has a jet"):
        generate(config, tmp_path / "x.parquet", workers=1)


def test_settings_that_change_nothing_are_refused(tmp_path):
    path = hepmc(tmp_path, n_events=1)
    with pytest.raises(ConfigError, match="showered already"):
        plan(SampleConfig(process="aachen", events=str(path), settings=[NO_MPI]))


def test_the_early_veto_is_off_where_it_was_not_tuned():
    assert SampleConfig(process="qcd").resolve().veto is not None
    assert SampleConfig(process="qcd", selection={"pt_min": 50}).resolve().veto is None
    assert SampleConfig(process="qcd", events="x.lhe").resolve().veto is None
