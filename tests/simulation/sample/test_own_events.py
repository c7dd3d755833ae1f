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
from darkclr.io import ReadOptions, read_jets
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
    assert "lost_events" not in counts
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


def test_events_that_are_lost_are_told_on_the_terminal_and_in_the_provenance(lhe, tmp_path, capsys):
    head, *events = lhe.read_text().split("<event>")
    for i in (3, 60):  # in both shards
        events[i] = events[i].replace(" 101 0 ", " 777 0 ", 1)
    path, output = tmp_path / "lost.lhe", tmp_path / "x.parquet"
    path.write_text("<event>".join((head, *events)))
    command = ["generate", str(output), "--process", "aachen", "--mpi", "false", "--workers", "1"]
    assert main([*command, "--events", str(path), "--shard_jets", "60"]) == 0
    jets = read_jets(output)
    reason = "ProcessLevel::checkColours: unphysical colour flow"
    counts = jets.provenance["counts"]
    assert (counts["events"], counts["lost_events"]) == (N_EVENTS, 2)
    assert counts["reasons"] == {reason: 2}
    assert not {3, 60} & set(jets.event.tolist())
    for event, pdg in zip(jets.event, jets.truth["parton_pdg"], strict=True):
        assert f"\n {pdg} 1 " in events[event]
    told = capsys.readouterr()
    assert f"jets of {N_EVENTS - 2} of the {N_EVENTS} events of {path}" in told.out + told.err


def test_a_file_of_which_every_event_is_lost_is_told_with_the_reason(lhe, tmp_path):
    text = lhe.read_text().replace(" 101 0 ", " 777 0 ")
    (tmp_path / "lost.lhe").write_text(text)
    config = SampleConfig(process="aachen", events=str(tmp_path / "lost.lhe"), mpi=False)
    with pytest.raises(
        SimulationError, match=r"gave up on 120 of 120 events .*unphysical colour flow"
    ):
        generate(config, tmp_path / "x.parquet", workers=1)


@pytest.mark.parametrize(("rule", "sign"), [("keep", -1), ("absolute", 1)])
def test_negative_weights_are_a_choice_that_is_asked_for_at_once(rule, sign, tmp_path):
    write_lhe(tmp_path / "n.lhe", SETTINGS, 20, strategy=-4, weights=(0.5, 0.5, -0.5))
    config = SampleConfig(
        process="events",
        events=str(tmp_path / "n.lhe"),
        mpi=False,
        selection={"pt_min": 20, "pt_max": None},
    )
    with pytest.raises(InputError, match=r"6 of 20 weights are negative; .*keep or absolute"):
        generate(config, tmp_path / "x.parquet", workers=1)
    path = generate(replace(config, negative_weights=rule), tmp_path / "y.parquet", workers=1)
    jets = read_jets(path, options=ReadOptions(negative_weights="keep"))
    expected = np.where(jets.event % 3 == 2, sign * 0.5, 0.5)
    np.testing.assert_array_equal(jets.weight, expected.astype(np.float32))


def test_partons_that_nobody_asked_for_are_told_at_once(lhe, tmp_path):
    path = tmp_path / "muons.lhe"
    path.write_text(lhe.read_text().replace(" 4900101 1 ", " 13 1 ").replace("-4900101 ", "-13 "))
    config = SampleConfig(process="aachen", events=str(path), mpi=False)
    told = r"no partons of .* 4900101, 4900102, to which the jets of sample 'aachen' .*, but 13;"
    with pytest.raises(InputError, match=told):
        generate(config, tmp_path / "x.parquet", workers=1)


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
    for other in ({"process": "aachen"}, {"events": "x.lhe"}, {"selection": {"pt_min": 50}}):
        with pytest.raises(ConfigError, match="no veto to prescale"):
            SampleConfig(early_veto="prescaled", **other)
